//! Campaigns: a time in which points are earned, by rules that everybody can read.
//!
//! | room | what it owns |
//! |---|---|
//! | [`rules`] | a TOML document becomes typed rules, or a list of all its faults; pure |
//! | [`versions`] | which version of the rules holds at a moment, and from when a new one may; pure |
//! | [`life`] | upcoming, open, running, closed; which dates may still be moved; pure |
//! | [`current`] | the campaign and the rules that hold at a moment: what every event asks for |
//! | [`change`] | what operators do |
//! | [`earn`] | what rendering earns |
//! | [`view`] | what people see |
//! | [`payouts`] | from a list of winners to money on their accounts |
//! | [`award`] | points and credits that can be used at once |
//! | [`welcome`](mod@welcome) | credits for a new account |
//! | [`check_in`] | once a day, with a streak |
//! | [`quests`] | once in a campaign: links, claims that operators confirm, calls of other services |
//! | [`referral`] | who brought whom, and the share that it earns |
//! | [`online`] | hours of presence that were proven |
//! | [`settle`] | points that waited go on |
//! | [`running`], [`calendar`] | whether points can be earned now; days, weeks and months; pure |
//! | [`participant`] | names for people in what is published; pure |
//! | [`public_name`] | what people are called in public; pure |
//! | [`board`] | the order of everybody; pure |
//! | [`leaderboard`] | the board of the current campaign, kept in memory |
//! | [`ranks`] | the leaderboard as people see it |
//! | [`disqualified`] | who does not rank |
//! | [`snapshot`] | who has which rank at the end, once and for all |
//!
//! Without a campaign there is no economy: rendering costs nothing and earns nothing. The last campaign that
//! opened is the current one; its rules hold, also after it closed, until another one opens. Points are
//! earned only while it runs.

pub mod award;
pub mod board;
mod cache;
pub mod calendar;
pub mod change;
pub mod check_in;
pub mod compare;
pub mod current;
pub mod disqualified;
pub mod earn;
pub mod leaderboard;
pub mod life;
pub mod online;
pub mod participant;
pub mod payouts;
pub mod public_name;
pub mod quests;
pub mod ranks;
pub mod referral;
pub mod rules;
pub mod running;
pub mod settle;
pub mod snapshot;
#[cfg(test)]
mod tests;
pub mod versions;
pub mod view;
pub mod welcome;

pub use cache::RulesCache;
pub use current::{Current, CurrentError, current};
pub use life::State;
pub use rules::Rules;
pub use welcome::welcome;

const SLUG_MAX: usize = 40;

/// Whether a text can name a campaign or a quest for programs: small letters, digits, and hyphens between
/// them.
pub fn is_slug(text: &str) -> bool {
    let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_edge = |c: char| c != '-';
    text.len() <= SLUG_MAX
        && text.starts_with(is_edge)
        && text.ends_with(is_edge)
        && text.chars().all(is_fit)
}
