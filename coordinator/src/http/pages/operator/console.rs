//! What the console's pages share: their navigation, people's names, what a form's refusal says.

use std::borrow::Borrow;
use std::collections::HashMap;

use askama::filters::Safe;
use pictor_protocol::UserId;
use pictor_protocol::problem::Problem;

use crate::http::problem::Refused;
use crate::store::{Result, Tx, people};

const TABS: [(&str, &str); 10] = [
    ("/operator", "Overview"),
    ("/operator/people", "People"),
    ("/operator/workers", "Workers"),
    ("/operator/jobs", "Jobs"),
    ("/operator/campaigns", "Campaigns"),
    ("/operator/quests", "Quests"),
    ("/operator/signals", "Fair play"),
    ("/operator/payouts", "Payouts"),
    ("/operator/audit-log", "Audit log"),
    ("/operator/system", "System"),
];

/// The console's navigation, on one of its pages.
pub fn tabs(current: &str) -> Safe<String> {
    let tab = |(path, name): (&str, &str)| {
        let here = if path == current {
            " aria-current=\"page\""
        } else {
            ""
        };
        format!("<a href=\"{path}\"{here}>{name}</a>")
    };
    let tabs: String = TABS.into_iter().map(tab).collect();
    Safe(format!(
        "<nav class=\"tabs\" aria-label=\"Console\">{tabs}</nav>"
    ))
}

/// People by id: those who are known, by their names.
#[derive(Debug, Default)]
pub struct Names(HashMap<UserId, String>);

impl Names {
    pub async fn of(tx: &mut Tx, ids: Vec<UserId>) -> Result<Self> {
        let mut names = HashMap::new();
        for id in ids {
            if names.contains_key(&id) {
                continue;
            }
            if let Some(user) = people::user(tx, id).await? {
                names.insert(id, user.name);
            }
        }
        Ok(Self(names))
    }

    /// The name, or the id of somebody who is gone.
    pub fn get(&self, id: &UserId) -> String {
        self.0.get(id).cloned().unwrap_or_else(|| id.to_string())
    }
}

/// What is said beside a form that was refused; a fault of ours stays one.
pub fn refusal(refused: impl Into<Refused>) -> std::result::Result<Problem, Refused> {
    let refused = refused.into();
    if refused.status().is_server_error() {
        return Err(refused);
    }
    Ok(refused.problem())
}

/// JSON as people read it; nothing for `null` and what is empty.
pub fn evidence(value: impl Borrow<serde_json::Value>) -> Option<String> {
    let value = value.borrow();
    let is_empty = match value {
        serde_json::Value::Null => true,
        serde_json::Value::Object(fields) => fields.is_empty(),
        serde_json::Value::Array(items) => items.is_empty(),
        serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => false,
    };
    (!is_empty).then(|| serde_json::to_string_pretty(value).unwrap_or_default())
}
