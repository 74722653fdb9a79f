//! The JSON Schema of `worker-config.json`, made from the types that are read.

use pictor_protocol::worker_config::{WorkerConfig, WorkerOptions};
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

/// JSON Schema (2020-12) of the file.
pub fn json_schema() -> Value {
    let mut parts = Vec::new();
    WorkerConfig::schemas(&mut parts);
    let parts: Map<_, _> = parts
        .iter()
        .map(|(name, schema)| (name.clone(), as_json(schema)))
        .collect();
    let mut document = as_json(&WorkerConfig::schema());
    if let Value::Object(document) = &mut document {
        document.insert(
            "$schema".into(),
            json!("https://json-schema.org/draft/2020-12/schema"),
        );
        document.insert("title".into(), json!("worker-config.json"));
        document.insert("$defs".into(), Value::Object(parts));
    }
    relocate(&mut document);
    document
}

/// Every option that this version knows.
pub fn option_names() -> Vec<String> {
    let schema = as_json(&WorkerOptions::schema());
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flat_map(Map::keys)
        .cloned()
        .collect()
}

fn as_json(schema: &impl serde::Serialize) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

/// OpenAPI keeps its parts elsewhere than JSON Schema does.
fn relocate(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(target)) = object.get_mut("$ref") {
                *target = target.replace("#/components/schemas/", "#/$defs/");
            }
            object.values_mut().for_each(relocate);
        }
        Value::Array(items) => items.iter_mut().for_each(relocate),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_names_every_field_and_resolves_in_itself() {
        let schema = json_schema();
        for field in [
            "version",
            "coordinator",
            "worker_id",
            "token",
            "name",
            "options",
        ] {
            assert!(schema["properties"].get(field).is_some(), "{field}");
        }
        let text = schema.to_string();
        assert!(!text.contains("#/components"), "{text}");
        for target in text.split("#/$defs/").skip(1) {
            let name = target.split('"').next().unwrap();
            assert!(schema["$defs"].get(name).is_some(), "{name}");
        }
    }

    #[test]
    fn what_the_worker_refuses_the_schema_does_too() {
        let schema = json_schema();
        let slots = &schema["$defs"]["WorkerOptions"]["properties"]["slots"];
        for number in [&schema["properties"]["version"], slots] {
            assert_eq!(number["minimum"], 1, "{number}");
        }
    }

    #[test]
    fn the_known_options_are_those_of_the_file() {
        let names = option_names();
        for option in [
            "allow_cpu",
            "slots",
            "cache_bytes",
            "cache_dir",
            "runtimes_dir",
        ] {
            assert!(names.iter().any(|name| name == option), "{option}");
        }
    }
}
