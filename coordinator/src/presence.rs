//! Presence challenges: how a slot that has nothing to do proves that it is there and as fast as it says.
//!
//! ```text
//!            asked ───── begun, held ─────► opens ───────── answered ───► closes ──► judged
//!  (a random moment)   (its Blender gets    (the stage is told to all     (15 s)     together
//!                       ready: 20 s)         of a round at once)
//! ```
//!
//! At a random moment of every hour, by [`draw`], the best idle slot of a worker that has not proven the hour yet is
//! asked to render a small picture of a stage that was drawn for the occasion; with it, at the same moment and for
//! the same stage, the slots of up to four workers of other owners. The stage is told when the round opens, and
//! the clock that counts is the coordinator's, from then until the whole answer is here. A passed challenge is one
//! more proof in `presence_proofs` ([`crate::campaign::online`]), worth the score that it bore out.
//!
//! # What a passed challenge proves
//! - *It answers this challenge.* 32 patches of colours that nobody knew before it opened stand at their places in
//!   the picture, and the lit part of it looks like nothing that this owner's workers sent before.
//! - *It is the right picture*, if at least two others of the round answered: in the mean of tiles of 16×16 pixels it
//!   looks like at least half of theirs. Their owners are neither this one nor linked to it.
//! - *Somebody rendered for it at that moment.* No two of a round hand in the same noise; the score that is
//!   asked of a slot is tried with as many samples as should take two seconds, and pay is capped at what the measured
//!   time bears out.
//!
//! # What it does not prove
//! - That the machine is the one that it says, or is nobody else's: whoever has one fast GPU and several accounts
//!   that nothing links can answer for several workers, as long as their challenges are at different moments, or land
//!   in one round and are rendered once with the noise disguised. What that costs is bounded by the hour (its
//!   worker earns once), the rarity of such rounds, and [`crate::fair_play`].
//! - That fewer samples were not denoised into the picture: the cheapest way to look faster than one is, by a
//!   factor of a few. Frames of jobs are checked for that; a challenge is too small to.
//! - The right picture, where fewer than three owners answer a round: then the patches, the time and the novelty of
//!   the picture are all there is, and a program that paints could answer.
//! - That the slot was there for the rest of the hour. The moment cannot be known before, so whoever is away half of
//!   the hour misses half of the challenges; after a passed one there is none until the next hour.
//!
//! # What it costs
//! Two seconds of one slot an hour, three times that at worst, beside a Blender's start; nothing in an hour
//! in which a frame of somebody else's job was accepted. Work goes first: a busy slot is not asked, and a worker that
//! gets a lease meanwhile gives the challenge up, which costs nothing but the chance.
//!
//! | room | what it owns |
//! |---|---|
//! | [`dice`] | numbers out of a seed; pure |
//! | [`draw`] | who is asked when, and with whom; pure |
//! | [`stage`] | what is rendered, out of the round's seed; pure |
//! | [`picture`] | what is kept of an answer, and whether it is one to this challenge; pure |
//! | [`verdict`] | what the answers of a round prove; pure |
//! | [`ask`], [`answer`], [`judge`] | carry that out |
//!
//! Without a campaign that mints points nobody is asked. Everything lies in the database: whoever restarts the
//! coordinator loses no challenge but those that closed meanwhile.

pub mod answer;
pub mod ask;
pub mod dice;
pub mod draw;
pub mod judge;
pub mod picture;
pub mod stage;
pub mod verdict;

use std::time::Duration;

use pictor_protocol::WorkerId;
use pictor_protocol::agent::Command;

use crate::accounts::NoRandomness;
use crate::app::App;
use crate::campaign::current::CurrentError;
use crate::store::{Result, StoreError, Tx, challenges};

/// How often slots are drawn and rounds are judged.
const TICK: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum PresenceError {
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Current(#[from] CurrentError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Runs until the coordinator stops.
pub async fn run(app: &App) {
    let mut looked_us = app.now_us();
    loop {
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = app.stopping.cancelled() => return,
        }
        let now_us = app.now_us();
        if let Err(error) = look(app, now_us - looked_us, now_us).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "presence challenges are not looked after"
            );
        }
        looked_us = now_us;
    }
}

async fn look(app: &App, since_us: i64, now_us: i64) -> std::result::Result<(), PresenceError> {
    judge::judge_closed(app, now_us).await?;
    ask::ask(app, since_us, now_us).await
}

/// What a worker is told to answer: again and again until it begins or the round opens.
pub async fn commands(tx: &mut Tx, worker: WorkerId, now_us: i64) -> Result<Vec<Command>> {
    let asked = challenges::asked(tx, worker, now_us).await?;
    let command = |(challenge, slot)| Command::Challenge { challenge, slot };
    Ok(asked.into_iter().map(command).collect())
}
