//! The leaderboard: a [`Board`] of the current campaign, kept in memory by a task of the coordinator.
//!
//! The database is the truth. Every second the accounts that changed since are read by the number of the entry
//! that changed them, and merged on a thread of their own. The first reading, from the beginning, is the same:
//! whoever asks before it is done waits for it. What people see is a second old at most, plus the merge.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use pictor_protocol::{CampaignId, Micros, UserId};
use tokio::sync::watch;

use super::board::{Board, Standing};
use super::disqualified::out_of_ranking;
use crate::app::App;
use crate::bells::Bell;
use crate::store::leaderboard::{Seen, changed_since};
use crate::store::{Result, StoreError, Tx, campaigns};

/// How often it is looked for changes.
const TICK: Duration = Duration::from_secs(1);
/// So many accounts are read at a time.
const PAGE: i64 = 10_000;

/// What is kept of the database.
#[derive(Debug, Default)]
pub struct Leaderboard {
    /// None without a campaign.
    kept: RwLock<Option<Kept>>,
    loaded: watch::Sender<bool>,
    /// Rings when somebody's place may have changed.
    pub changed: Bell,
    version: AtomicU64,
}

#[derive(Debug)]
struct Kept {
    board: Board,
    seen: Seen,
    out: HashSet<UserId>,
}

/// The coordinator stops before it has read the leaderboard.
#[derive(Debug, thiserror::Error)]
#[error("the coordinator is going away")]
pub struct Stopping;

impl Leaderboard {
    /// Looks at the board as soon as there is one; at none without a campaign.
    pub async fn look<T>(
        &self,
        app: &App,
        look: impl FnOnce(Option<&Board>) -> T,
    ) -> std::result::Result<T, Stopping> {
        let mut loaded = self.loaded.subscribe();
        tokio::select! {
            // The sender lives as long as this.
            _loaded = loaded.wait_for(|loaded| *loaded) => {}
            () = app.stopping.cancelled() => return Err(Stopping),
        }
        Ok(look(self.read().as_ref().map(|kept| &kept.board)))
    }

    /// Another one after every change: what was made of the same version is still true.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    fn tell(&self) {
        self.version.fetch_add(1, Ordering::Release);
        self.changed.ring();
    }

    fn read(&self) -> RwLockReadGuard<'_, Option<Kept>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Option<Kept>> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far a campaign was read, and who was out.
    fn seen(&self, campaign: CampaignId) -> Option<(Seen, HashSet<UserId>)> {
        let kept = self.read();
        let kept = kept
            .as_ref()
            .filter(|kept| kept.board.campaign() == campaign)?;
        Some((kept.seen, kept.out.clone()))
    }

    fn set(&self, kept: Option<Kept>) {
        let is_some = kept.is_some();
        let was_some = std::mem::replace(&mut *self.write(), kept).is_some();
        self.loaded.send_replace(true);
        if is_some || was_some {
            self.tell();
        }
    }

    /// Takes changes over. Merging reads only: nobody who asks waits for it.
    fn change(&self, changes: Vec<Standing>, seen: Seen, out: HashSet<UserId>) {
        let merged = match self.read().as_ref() {
            Some(kept) => kept.board.merge(changes, out.clone()),
            None => return,
        };
        if let Some(kept) = self.write().as_mut() {
            kept.board.adopt(merged);
            (kept.seen, kept.out) = (seen, out);
        }
        self.tell();
    }

    fn load(&self, campaign: CampaignId, changes: Vec<Standing>, seen: Seen, out: HashSet<UserId>) {
        let mut board = Board::new(campaign);
        board.adopt(board.merge(changes, out.clone()));
        self.set(Some(Kept { board, seen, out }));
    }
}

/// Keeps the leaderboard until the coordinator stops.
pub async fn run(app: &App) {
    loop {
        if let Err(error) = refresh(app).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the leaderboard could not be read"
            );
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = app.stopping.cancelled() => return,
        }
    }
}

/// Reads what changed since the last time. Only one task may do this.
async fn refresh(app: &App) -> Result<()> {
    let mut tx = app.store.read().await?;
    let Some(current) = campaigns::current(&mut tx, app.now_us()).await? else {
        app.leaderboard.set(None);
        return Ok(());
    };
    let known = app.leaderboard.seen(current.id);
    let since = known.as_ref().map(|(seen, _)| *seen).unwrap_or_default();
    let (changes, seen) = read_changes(&mut tx, current.id, since).await?;
    let out = out_of_ranking(&mut tx, current.id).await?;
    drop(tx);
    let is_known = known.is_some();
    if known.is_some_and(|(_, was_out)| changes.is_empty() && was_out == out) {
        return Ok(());
    }
    let leaderboard = Arc::clone(&app.leaderboard);
    let merging = tokio::task::spawn_blocking(move || {
        if is_known {
            leaderboard.change(changes, seen, out);
        } else {
            leaderboard.load(current.id, changes, seen, out);
        }
    });
    if let Err(error) = merging.await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the leaderboard was not merged"
        );
    }
    Ok(())
}

/// Everybody whose points changed since, and how far that is.
pub(super) async fn read_changes(
    tx: &mut Tx,
    campaign: CampaignId,
    mut since: Seen,
) -> std::result::Result<(Vec<Standing>, Seen), StoreError> {
    let mut changes = Vec::new();
    loop {
        let rows = changed_since(tx, campaign, since, PAGE).await?;
        since = rows.last().map_or(since, |row| row.seen());
        let is_last = (rows.len() as i64) < PAGE;
        changes.extend(rows.iter().map(|row| Standing {
            user: row.owner,
            points: Micros::new(row.balance),
            entry: row.entry,
        }));
        if is_last {
            return Ok((changes, since));
        }
    }
}
