//! The OpenAPI document says what the router does. Its text is no snapshot: words may change any day.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use http::{Method, StatusCode};
use serde_json::Value;

use crate::harness::World;

/// The address of the document itself.
const UNDOCUMENTED: [&str; 1] = ["/api/v1/openapi.json"];
/// Addresses that need no token.
const OPEN: [&str; 18] = [
    "/api/v1/campaign",
    "/api/v1/campaign-key",
    "/api/v1/campaign/rules",
    "/api/v1/campaigns",
    "/api/v1/campaigns/{id}/ledger.csv",
    "/api/v1/campaigns/{id}/snapshot",
    "/api/v1/campaigns/{id}/snapshot.sig",
    "/api/v1/leaderboard",
    "/api/v1/network",
    "/api/v1/quests/{id}/webhook",
    "/api/v1/sign-in",
    "/api/v1/sign-in/oidc",
    "/api/v1/sign-in/wallet",
    "/api/v1/sign-in/wallet/challenge",
    "/api/v1/supported-gpus",
    "/healthz",
    "/metrics",
    "/readyz",
];

#[test]
fn every_route_is_documented() {
    let documented: BTreeSet<(String, String)> = operations(&document())
        .into_keys()
        .map(|(path, method)| (method, path))
        .collect();
    let mut written = BTreeSet::new();
    let mut plain = BTreeSet::new();
    for source in sources() {
        for declared in source.split("utoipa::path(").skip(1) {
            let (method, rest) = declared.split_once(',').unwrap();
            let path = rest.split('"').nth(1).unwrap();
            written.insert((method.trim().to_owned(), path.to_owned()));
        }
        let addresses = source.split(".route(").skip(1);
        plain.extend(addresses.map(|rest| rest.split('"').nth(1).unwrap().to_owned()));
    }
    assert_eq!(documented, written);
    assert_eq!(plain, UNDOCUMENTED.map(str::to_owned).into());
}

#[test]
fn every_operation_has_a_name_of_its_own_a_summary_and_answers() {
    let mut names = BTreeSet::new();
    for ((path, method), operation) in operations(&document()) {
        let context = format!("{method} {path}");
        let name = operation["operationId"].as_str().unwrap_or_default();
        assert!(!name.is_empty(), "{context} has no name");
        assert!(names.insert(name.to_owned()), "{context}: {name} is taken");
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!(!summary.is_empty(), "{context} has no summary");
        let answers = operation["responses"].as_object();
        let answers = answers.into_iter().flat_map(|answers| answers.keys());
        assert!(
            answers.clone().any(|status| status.starts_with('2')),
            "{context} never succeeds"
        );
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut references = BTreeSet::new();
    find_references(&document, &mut references);
    assert!(references.len() > 20, "{references:?}");
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap_or("elsewhere");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for ((path, method), operation) in operations(&document) {
        for scheme in schemes(&document, &operation) {
            let known = &document["components"]["securitySchemes"][&scheme];
            assert!(known.is_object(), "{method} {path}: {scheme}");
        }
    }
}

#[tokio::test]
async fn what_is_said_to_need_a_token_needs_one() {
    let world = World::start().await;
    let nobody = world.creator.with_token("");
    let document = document();
    for ((path, method), operation) in operations(&document) {
        let needs_token = !schemes(&document, &operation).is_empty();
        assert_eq!(needs_token, !OPEN.contains(&path.as_str()), "{path}");
        let address = path
            .replace("{hash}", &"0".repeat(64))
            .replace("{frame}", "1")
            .replace("{attempt}", "1")
            .replace("{id}", "019b7600-0000-7000-8000-000000000001");
        assert!(!address.contains('{'), "{path} has a parameter more");
        let verb: Method = method.to_uppercase().parse().unwrap();
        let answer = nobody.send(verb, &address, Vec::new()).await;
        let is_refused = answer.status == StatusCode::UNAUTHORIZED;
        assert_eq!(
            is_refused, needs_token,
            "{method} {path}: {}",
            answer.status
        );
        let status = answer.status;
        assert!(!status.is_server_error(), "{method} {path}: {status}");
    }
}

fn document() -> Value {
    serde_json::to_value(pictor_coordinator::http::openapi()).unwrap()
}

/// By path and method.
fn operations(document: &Value) -> BTreeMap<(String, String), Value> {
    let mut operations = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.insert((path.clone(), method.clone()), operation.clone());
        }
    }
    operations
}

/// The names of the security schemes that an operation asks for; none if it can do without.
fn schemes(document: &Value, operation: &Value) -> Vec<String> {
    let own = operation.get("security").unwrap_or(&document["security"]);
    let choices = own.as_array().unwrap();
    let choices: Vec<_> = choices.iter().map(|of| of.as_object().unwrap()).collect();
    if choices.iter().any(|choice| choice.is_empty()) {
        return Vec::new();
    }
    choices
        .into_iter()
        .flat_map(|of| of.keys().cloned())
        .collect()
}

fn find_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                found.insert(reference.clone());
            }
            fields
                .values()
                .for_each(|value| find_references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| find_references(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The texts of everything below `src/http`.
/// Of what programs ask; pages are for people.
fn sources() -> Vec<String> {
    let http = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let mut folders = vec![http.clone()];
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path: &Path = &entry.path();
            if path.is_dir() && path != http.join("pages") {
                folders.push(path.to_owned());
            } else if path.is_file() {
                texts.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    texts
}
