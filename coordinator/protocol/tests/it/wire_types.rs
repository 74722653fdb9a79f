//! No type of the wire is forgotten: whatever can be read or written in this crate's modules is a message
//! of [`crate::messages`] or a part of one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::messages;

#[test]
fn every_type_of_the_wire_is_a_message_or_a_part_of_one() {
    let types = types();
    assert!(types.len() > 40, "the sources are not read as they should");
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = messages::all().iter().map(|message| message.name).collect();
    while let Some(name) = open.pop() {
        let Some((name, body)) = types.get_key_value(name) else {
            continue;
        };
        if reached.insert(name) {
            open.extend(body.split(|c: char| !c.is_alphanumeric()));
        }
    }
    let forgotten: Vec<_> = types
        .keys()
        .filter(|name| !reached.contains(name.as_str()))
        .collect();
    assert!(
        forgotten.is_empty(),
        "{forgotten:?} are in no message: add them to messages.rs"
    );
}

/// The types with `Serialize` or `Deserialize` in the sources, with the text of their fields. Types that a
/// macro makes are left out: they are ids, which are parts of everything.
fn types() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut types = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        // As it is formatted, an item stands between empty lines, and its fields between braces.
        for item in code.split("\n\n") {
            let kinds = ["\npub struct ", "\npub enum "];
            let found = kinds.iter().find_map(|kind| item.split_once(kind));
            if let Some((attributes, declared)) = found
                && attributes.contains("erialize")
            {
                let end = declared.find(|c: char| !c.is_alphanumeric()).unwrap();
                let (name, body) = declared.split_at(end);
                types.insert(name.to_owned(), without_comments(body));
            }
        }
    }
    types
}

fn without_comments(body: &str) -> String {
    let lines = body.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}
