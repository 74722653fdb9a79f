//! Fair play: nobody earns by cheating, and nobody is punished without a reason that they can read and answer.
//!
//! ```text
//!         warn          suspend             disqualify            ban
//!  good ───────► warned ────────► suspended ──────────► disqualified ──► banned
//!    ▲             (each can be left out, none taken back but by lifting)  │
//!    └──────────────────────────────── lift ◄──────────────────────────────┘
//! ```
//!
//! An operator decides, with a reason and evidence that the person sees, and may appeal against once. Signals only
//! say where to look: nothing follows from them by itself. Two things are done without anybody deciding: nothing is
//! minted between accounts that are [`linked`], and what somebody is barred from is barred from their other
//! accounts too, as far as they sign in with the same identity ([`may_earn`]).
//!
//! | room | what it owns |
//! |---|---|
//! | [`standing`] | which decision may follow which standing, and what an appeal may change; pure |
//! | [`decide`] | what operators decide, and what follows from it at once |
//! | [`appeal`] | what people say against it, and what operators answer |
//! | [`hearing`] | how somebody is heard who may not sign in |
//! | [`forfeit`] | points that are taken, and given back |
//! | [`traces`] | identities as keyed hashes, which outlive accounts |
//! | [`signals`] | what looks like cheating; pure |
//! | [`watch`] | looks for signals, on demand and every night |
//! | [`view`] | what people and operators see |
//!
//! Addresses of the network (IP) are not stored, so they are no signal: behind one router live many people.

pub mod appeal;
pub mod decide;
pub mod forfeit;
pub mod hearing;
pub mod signals;
pub mod standing;
#[cfg(test)]
mod tests;
pub mod traces;
pub mod view;
pub mod watch;

use std::collections::HashSet;

use pictor_protocol::UserId;

use crate::store::{Result, Tx, standing as rows};

/// Whether anything may be minted for somebody, and what waits for them may settle: neither they nor an account
/// that signs in with an identity of theirs is suspended or worse.
pub async fn may_earn(tx: &mut Tx, user: UserId) -> Result<bool> {
    Ok(!rows::is_barred(tx, user).await?)
}

/// Everybody who may not earn: for whoever asks about many at once.
pub async fn barred(tx: &mut Tx) -> Result<HashSet<UserId>> {
    Ok(rows::barred(tx).await?.into_iter().collect())
}

/// Whether two accounts are one person's, by what cannot be shared by accident: workers of both had the same device
/// at the same time, or both were signed in to with the same identity. A device that one handed on to the other is
/// no link.
pub async fn linked(tx: &mut Tx, a: UserId, b: UserId) -> Result<bool> {
    rows::linked(tx, a, b).await
}
