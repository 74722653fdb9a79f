//! What people are called in public. Pure.
//!
//! Nothing of a person is published unless the person chose it: accounts are made with names out of a wallet's
//! address, and an address shows what somebody has and does on the chain.

use pictor_protocol::{CampaignId, UserId};

use super::participant::Participant;

const LETTERS: std::ops::RangeInclusive<usize> = 2..=32;
/// Whoever is called so seems to speak for the network.
const RESERVED: [&str; 7] = [
    "admin",
    "administrator",
    "moderator",
    "operator",
    "pictor",
    "pictor network",
    "support",
];
/// Names of those who chose none begin so.
const UNNAMED: &str = "somebody";
/// An address, or a good part of one, has so many hexadecimal digits in a row.
const ADDRESS_DIGITS: usize = 12;

/// A name that can be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicName(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    #[error("a public name has 2 to 32 letters")]
    Length,
    #[error("a public name has letters, digits, and single spaces or -_.' between them")]
    Letters,
    #[error("a public name must not look like an address, which would show what its owner has")]
    Address,
    #[error("this name is reserved")]
    Reserved,
}

impl PublicName {
    pub fn new(text: &str) -> Result<Self, BadName> {
        if !LETTERS.contains(&text.chars().count()) {
            return Err(BadName::Length);
        }
        let between = |c: char| " -_.'".contains(c);
        let is_fit = text.chars().all(|c| c.is_alphanumeric() || between(c));
        let has_edge = text.starts_with(between) || text.ends_with(between);
        if !is_fit || has_edge || text.contains("  ") {
            return Err(BadName::Letters);
        }
        let key = text.to_lowercase();
        let longest = key
            .split(|c: char| !c.is_ascii_hexdigit())
            .map(str::len)
            .max();
        if key.starts_with("0x") || longest.is_some_and(|digits| digits >= ADDRESS_DIGITS) {
            return Err(BadName::Address);
        }
        if RESERVED.contains(&key.as_str()) || key.starts_with(UNNAMED) {
            return Err(BadName::Reserved);
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Two names of the same key are the same to people.
    pub fn key(&self) -> String {
        key(&self.0)
    }
}

/// What names are compared and searched by.
pub fn key(text: &str) -> String {
    text.to_lowercase()
}

/// For somebody who chose no name; where there is no campaign, nobody sees it.
pub fn unnamed(campaign: Option<CampaignId>, user: UserId) -> String {
    match campaign {
        Some(campaign) => {
            let participant = Participant::of(campaign, user).to_string();
            format!("{UNNAMED}-{}", &participant[..8])
        }
        None => UNNAMED.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_people_call_themselves() {
        for good in [
            "Ada",
            "ada_lovelace-2",
            "Mr. O'Neil",
            "Łukasz Żak",
            "李小龙",
        ] {
            assert_eq!(PublicName::new(good).map(|name| name.0), Ok(good.into()));
        }
        assert_eq!(PublicName::new("ŁUKASZ").unwrap().key(), "łukasz");
    }

    #[test]
    fn what_would_publish_or_pretend_something_is_no_name() {
        for (text, why) in [
            ("A", BadName::Length),
            (&"a".repeat(33), BadName::Length),
            ("ada@example.org", BadName::Letters),
            (" ada", BadName::Letters),
            ("ada  l", BadName::Letters),
            ("a\u{202e}b", BadName::Letters),
            ("<b>ada</b>", BadName::Letters),
            ("=cmd", BadName::Letters),
            ("0xA550", BadName::Address),
            ("aptos-147e4d3a5b10", BadName::Address),
            ("Operator", BadName::Reserved),
            ("somebody-else", BadName::Reserved),
        ] {
            assert_eq!(PublicName::new(text), Err(why), "{text}");
        }
    }
}
