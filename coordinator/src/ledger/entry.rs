//! What an entry is. Pure.

use std::fmt;
use std::str::FromStr;

use pictor_protocol::{CampaignId, Micros, UserId};
use serde_json::Value;

use crate::store::column::words;

/// Entries of different books never meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Book {
    /// What rendering costs.
    Credits,
    /// What work and participation in a campaign earned.
    Points(CampaignId),
}

impl fmt::Display for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credits => f.write_str("credits"),
            Self::Points(campaign) => write!(f, "points/{campaign}"),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no book")]
pub struct BadBook(String);

impl FromStr for Book {
    type Err = BadBook;

    fn from_str(text: &str) -> Result<Self, BadBook> {
        let campaign = || text.strip_prefix("points/")?.parse().ok();
        match text {
            "credits" => Ok(Self::Credits),
            _ => campaign()
                .map(Self::Points)
                .ok_or_else(|| BadBook(text.into())),
        }
    }
}

impl TryFrom<String> for Book {
    type Error = BadBook;

    fn try_from(text: String) -> Result<Self, BadBook> {
        text.parse()
    }
}

/// One side of a posting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    /// A person's, free to use.
    Available(UserId),
    /// A person's, waiting; always the sum of their holds.
    Held(UserId),
    /// Where value comes from. It owes what all the others have.
    Mint,
    /// What creators paid for their frames.
    Revenue,
    /// What was taken from those who cheated.
    Forfeited,
}

impl Account {
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Available(_) => "available",
            Self::Held(_) => "held",
            Self::Mint => "mint",
            Self::Revenue => "revenue",
            Self::Forfeited => "forfeited",
        }
    }

    pub const fn owner(self) -> Option<UserId> {
        match self {
            Self::Available(user) | Self::Held(user) => Some(user),
            Self::Mint | Self::Revenue | Self::Forfeited => None,
        }
    }
}

words! {
    /// Why value moved.
    pub enum EntryKind {
        /// Credits for a new account.
        SignUp = "sign-up",
        /// Points for a daily check-in.
        CheckIn = "check-in",
        /// Credits for a whole week of check-ins.
        StreakWeek = "streak-week",
        /// A quest that was done.
        Quest = "quest",
        /// A share of what somebody earned whom one had invited.
        Referral = "referral",
        /// Verified render work.
        Render = "render",
        /// An hour online that was proven.
        OnlineHour = "online-hour",
        /// Points for the creator of a job that was rendered.
        JobDone = "job-done",
        /// Credits that a job may cost, set aside.
        Reserve = "reserve",
        /// Credits for a delivered frame.
        Charge = "charge",
        /// Credits for a frame that was sent back.
        Refund = "refund",
        /// What waited is free to use.
        Settle = "settle",
        /// What waited went back to where it came from.
        Void = "void",
        /// Taken from somebody who cheated.
        Forfeit = "forfeit",
        /// Given back, because the decision was lifted by which it was taken.
        Restore = "restore",
        /// Given or taken by an operator, who says why.
        Correction = "correction",
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount that moves from one account to another: two postings that cancel out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    pub from: Account,
    pub to: Account,
    pub amount: Micros,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub book: Book,
    pub kind: EntryKind,
    /// Everything that the amounts were computed from.
    pub inputs: Value,
    pub transfers: Vec<Transfer>,
}

impl Entry {
    /// An entry that moves nothing yet. The key names the fact that it follows from.
    pub fn new(key: impl Into<String>, book: Book, kind: EntryKind, inputs: Value) -> Self {
        Self {
            key: key.into(),
            book,
            kind,
            inputs,
            transfers: Vec::new(),
        }
    }

    pub fn transfer(mut self, from: Account, to: Account, amount: Micros) -> Self {
        self.transfers.push(Transfer { from, to, amount });
        self
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_book_is_read_as_it_is_written() {
        let points = Book::Points(CampaignId::new(Uuid::from_u128(7)));
        for book in [Book::Credits, points] {
            assert_eq!(book.to_string().parse::<Book>().unwrap(), book);
        }
        for no_book in ["", "points", "points/", "points/x", "Credits"] {
            assert!(no_book.parse::<Book>().is_err(), "{no_book}");
        }
    }
}
