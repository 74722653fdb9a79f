//! Two documents of rules, side by side: what a change would change, in words. Pure.

use std::collections::BTreeSet;

use toml::{Table, Value};

/// A setting that is not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where it stands in the document, such as `points.check_in` or `quests[2].title`.
    pub path: String,
    /// As it is written; nothing if it was not there.
    pub before: Option<String>,
    /// Nothing if it is not there any more.
    pub after: Option<String>,
}

/// What is different in a new document, in the order of the paths. A document that is no TOML is an empty one.
pub fn documents(before: &str, after: &str) -> Vec<Difference> {
    let (before, after) = (settings(before), settings(after));
    let find = |of: &[(String, String)], path: &str| {
        let found = of.iter().find(|(at, _)| at == path);
        found.map(|(_, value)| value.clone())
    };
    let paths = before.iter().chain(&after).map(|(path, _)| path);
    let paths: BTreeSet<&String> = paths.collect();
    let differences = paths.into_iter().map(|path| Difference {
        path: path.clone(),
        before: find(&before, path),
        after: find(&after, path),
    });
    differences
        .filter(|difference| difference.before != difference.after)
        .collect()
}

/// Everything that a first document says.
pub fn with_nothing(document: &str) -> Vec<Difference> {
    documents("", document)
}

/// Every value with its path.
fn settings(document: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Ok(table) = document.parse::<Table>() {
        for (name, value) in &table {
            walk(name, value, &mut found);
        }
    }
    found
}

fn walk(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Table(table) => {
            for (name, value) in table {
                walk(&format!("{path}.{name}"), value, found);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_table) => {
            for (at, item) in items.iter().enumerate() {
                walk(&format!("{path}[{}]", at + 1), item, found);
            }
        }
        Value::String(text) => found.push((path.into(), text.clone())),
        Value::Array(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_) => found.push((path.into(), value.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_what_was_and_what_is_meant() {
        let before = "[points]\ncheck_in = [1, 2]\nold = 1\n[[quests]]\nid = \"x\"\n";
        let after = "[points]\ncheck_in = [1, 3]\n[[quests]]\nid = \"x\"\n[[quests]]\nid = \"y\"\n";
        let difference = |path: &str, before: Option<&str>, after: Option<&str>| Difference {
            path: path.into(),
            before: before.map(String::from),
            after: after.map(String::from),
        };
        assert_eq!(
            documents(before, after),
            [
                difference("points.check_in", Some("[1, 2]"), Some("[1, 3]")),
                difference("points.old", Some("1"), None),
                difference("quests[2].id", None, Some("y")),
            ]
        );
        assert_eq!(documents(before, before), []);
        assert_eq!(documents("no toml at all", ""), []);
    }
}
