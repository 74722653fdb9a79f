//! The rules of a campaign: a TOML document, read into types.
//!
//! Every fault of a document is found at once, and a document that was accepted keeps its meaning: what can be
//! left out has a meaning that stays, and all else has to be there, so that no later version of this program
//! changes what an old document says. No floating-point number takes part: amounts are [`Micros`] and
//! [`Cents`], read from integers and from decimal numbers in quotes.

mod prizes;
mod read;
mod section;
#[cfg(test)]
mod tests;

use pictor_protocol::Micros;
use pictor_protocol::campaign::QuestKind as WireKind;
use pictor_protocol::settings::Fault;

pub use prizes::{Band, CURRENCY, PAID_IN, Prizes, RANKS_MAX};

/// The document that an operator starts from.
pub const DEFAULT: &str = include_str!("rules/default.toml");

/// A longer document is refused unread.
pub const DOCUMENT_BYTES_MAX: usize = 256 << 10;

/// Days of a streak of check-ins, after which it begins anew.
pub const STREAK_DAYS: usize = 7;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    pub campaign: Texts,
    pub points: Points,
    pub credits: Credits,
    pub quests: Vec<Quest>,
    pub prizes: Prizes,
}

/// What people are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    pub name: String,
    /// Once the campaign is closed.
    pub thank_you: String,
    pub terms: String,
}

/// What earns how many points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Points {
    pub render_per_reference_minute: Micros,
    /// For a proven hour, times the slot's score.
    pub online_per_hour: Micros,
    /// Scores count up to this; millionths of the reference machine's.
    pub online_score_cap: Micros,
    pub job_per_credit: Micros,
    pub job_least: Micros,
    /// By the day of a streak.
    pub check_in: [Micros; STREAK_DAYS],
    pub referral_percent: u32,
    pub referral_cap_per_week: Micros,
    pub hold_hours: u32,
}

/// What earns credits, and what costs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credits {
    pub sign_up: Micros,
    /// For each first completed quest.
    pub quest: Micros,
    pub streak_week: Micros,
    /// What a minute of the reference machine costs.
    pub per_reference_minute: Micros,
}

/// Something that members of the community do once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quest {
    pub id: String,
    pub title: String,
    pub url: String,
    pub kind: QuestKind,
    pub points: Micros,
    pub opens_us: Option<i64>,
    pub closes_us: Option<i64>,
    pub active: bool,
}

/// Who says that a quest is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuestKind {
    Link,
    Operator,
    Webhook,
}

/// A document that holds no rules, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("these rules cannot be used:{}", list(.0))]
pub struct BadRules(pub Vec<Fault>);

fn list(faults: &[Fault]) -> String {
    let line = |fault: &Fault| format!("\n  {}: {}", fault.field, fault.message);
    faults.iter().map(line).collect()
}

impl Rules {
    /// The rules that a document holds.
    pub fn read(document: &str) -> Result<Self, BadRules> {
        read::read(document)
    }

    /// The quest of that id, whether it can be done now or not.
    pub fn quest(&self, id: &str) -> Option<&Quest> {
        self.quests.iter().find(|quest| quest.id == id)
    }
}

impl Points {
    /// For the check-in of a streak's day, counted from 0.
    pub fn check_in_of(&self, day: usize) -> Micros {
        self.check_in[day % STREAK_DAYS]
    }
}

impl Quest {
    /// Whether it can be done at that moment.
    pub fn is_open(&self, at_us: i64) -> bool {
        self.active
            && self.opens_us.is_none_or(|opens| opens <= at_us)
            && self.closes_us.is_none_or(|closes| at_us < closes)
    }
}

impl From<QuestKind> for WireKind {
    fn from(kind: QuestKind) -> Self {
        match kind {
            QuestKind::Link => Self::Link,
            QuestKind::Operator => Self::Operator,
            QuestKind::Webhook => Self::Webhook,
        }
    }
}
