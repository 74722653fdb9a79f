//! What earlier versions wrote is still read.
//!
//! `tests/golden/<version>/<message>.json` holds `filled`, messages with every field set and, between
//! them, every word of every enum; and `least`, the same with what a reader can do without left out. To
//! write the files of [`CURRENT`]:
//!
//! ```text
//! PICTOR_WRITE_GOLDEN=1 cargo test -p pictor-protocol --test it every_message
//! ```
//!
//! A file that was released is never written again: when the wire has grown since, [`CURRENT`] becomes
//! the next version, and its files are written beside the old ones, which stay.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::messages::{self, Message};

/// The folder of what this version writes.
const CURRENT: &str = "v1";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Golden {
    filled: Vec<Value>,
    least: Vec<Value>,
}

#[test]
fn every_message_has_its_golden_file_and_is_written_like_it() {
    for message in messages::all() {
        let file = folder().join(CURRENT).join(message.file_name());
        let golden = golden(&message);
        if std::env::var_os("PICTOR_WRITE_GOLDEN").is_some() {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            let text = serde_json::to_string_pretty(&golden).unwrap() + "\n";
            std::fs::write(&file, text).unwrap();
        }
        let text = std::fs::read_to_string(&file);
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let kept: Golden = serde_json::from_str(&text).unwrap();
        assert!(
            kept == golden,
            "{} is written differently now; golden.rs says what to do:\n{golden:#?}",
            message.name
        );
    }
}

#[test]
fn every_golden_file_is_of_a_message() {
    let known: BTreeSet<String> = messages::all().iter().map(Message::file_name).collect();
    for version in entries(&folder()) {
        for file in entries(&version) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            assert!(known.contains(&name), "{} is nobody's", file.display());
        }
    }
}

#[test]
fn what_was_written_is_read_and_nothing_of_it_is_lost() {
    for (context, message, golden) in every_golden() {
        for filled in golden.filled {
            let read = message.read(&filled, &context);
            assert_eq!(lost(&filled, &read.written_again), None, "{context}");
        }
    }
}

#[test]
fn what_a_reader_does_not_know_is_ignored() {
    for (context, message, golden) in every_golden() {
        for mut filled in golden.filled {
            let expected = message.read(&filled, &context);
            add_unknown_fields(&mut filled);
            assert_eq!(message.read(&filled, &context), expected, "{context}");
        }
    }
}

#[test]
fn what_a_reader_can_do_without_may_be_missing() {
    for (context, message, golden) in every_golden() {
        for least in golden.least {
            let read = message.read(&least, &context);
            assert_eq!(lost(&least, &read.written_again), None, "{context}");
        }
    }
}

fn golden(message: &Message) -> Golden {
    let mut least: Vec<Value> = Vec::new();
    for filled in &message.written {
        let is_read = |value: &Value| message.try_read(value).is_ok();
        // With its lists, so that what stands in them is tried too; then without.
        for and_lists in [false, true] {
            let mut pruned = filled.clone();
            prune(&mut pruned, &[], and_lists, &is_read);
            if !least.contains(&pruned) {
                least.push(pruned);
            }
        }
    }
    Golden {
        filled: message.written.clone(),
        least,
    }
}

/// Removes every field of the object at `path`, and of those inside it, without which `root` is still
/// read.
fn prune(root: &mut Value, path: &[String], and_lists: bool, is_read: &impl Fn(&Value) -> bool) {
    let here = root.pointer(&pointer(path)).unwrap();
    let keys: Vec<String> = match here {
        Value::Object(fields) => fields.keys().cloned().collect(),
        Value::Array(items) => (0..items.len()).map(|index| index.to_string()).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return,
    };
    for key in keys {
        let below = [path, std::slice::from_ref(&key)].concat();
        let mut without = root.clone();
        if let Some(Value::Object(fields)) = without.pointer_mut(&pointer(path)) {
            let holds_more = fields
                .remove(&key)
                .is_some_and(|value| value.is_array() || value.is_object());
            if (and_lists || !holds_more) && is_read(&without) {
                *root = without;
                continue;
            }
        }
        prune(root, &below, and_lists, is_read);
    }
}

fn pointer(path: &[String]) -> String {
    path.iter().map(|step| format!("/{step}")).collect()
}

/// The first thing of `before` that `after` lacks or says differently; it may say more.
fn lost(before: &Value, after: &Value) -> Option<String> {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            before.iter().find_map(|(key, value)| match after.get(key) {
                Some(after) => lost(value, after).map(|what| format!("{key}.{what}")),
                None => Some(key.clone()),
            })
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => before
            .iter()
            .zip(after)
            .enumerate()
            .find_map(|(index, (before, after))| {
                lost(before, after).map(|what| format!("{index}.{what}"))
            }),
        (before, after) => (before != after).then(|| format!("{before} is {after} now")),
    }
}

fn add_unknown_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            // What explains an entry of the ledger is handed on as it is.
            let typed = fields.iter_mut().filter(|(name, _)| *name != "inputs");
            typed.for_each(|(_, value)| add_unknown_fields(value));
            let unknown = [
                ("from_the_future", serde_json::json!({ "is": ["unknown"] })),
                ("zz_flag", Value::Null),
            ];
            fields.extend(unknown.map(|(key, value)| (key.to_owned(), value)));
        }
        Value::Array(items) => items.iter_mut().for_each(add_unknown_fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Every file of every version, with a name for it and who reads it.
fn every_golden() -> Vec<(String, Message, Golden)> {
    let mut found = Vec::new();
    for version in entries(&folder()) {
        for message in messages::all() {
            let file = version.join(message.file_name());
            // A message that was new in a later version.
            if let Ok(text) = std::fs::read_to_string(&file) {
                let golden = serde_json::from_str(&text).unwrap();
                found.push((file.display().to_string(), message, golden));
            }
        }
    }
    assert!(!found.is_empty(), "{} is empty", folder().display());
    found
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
