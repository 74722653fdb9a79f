//! Looks for signals: when an operator asks, and every night, so that evidence is there still when the rows are
//! gone that it was made of. The night's look reads the audit log too.
//!
//! What people earned is read from the books, so it is right whatever else is changed or deleted.

use std::collections::HashMap;
use std::time::Duration;

use super::signals::{self, DAY_US, Found, Kind};
use super::view;
use crate::app::App;
use crate::audit_log;
use crate::store::signals as rows;
use crate::store::{Result, Tx};
use pictor_protocol::fair_play::{Signal, SignalList};

/// How often the day is looked at.
const TICK: Duration = Duration::from_secs(60);
const HOUR_US: i64 = DAY_US / 24;
/// What people earned within so long.
const BOOKS_US: i64 = 30 * DAY_US;
/// What workers did within so long.
const WORK_US: i64 = 7 * DAY_US;
/// So long operators see what was so once.
const SHOWN_US: i64 = 90 * DAY_US;

/// Runs until the coordinator stops: once a day (UTC), and at the start for the day that it missed.
pub async fn run(app: &App) {
    let mut done = None;
    loop {
        let today = app.now_us().div_euclid(DAY_US);
        if done != Some(today) {
            match nightly(app).await {
                Ok(()) => done = Some(today),
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "looking for signals failed"
                    );
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = app.stopping.cancelled() => return,
        }
    }
}

/// Notes what looks like cheating, and says if the audit log was tampered with.
pub async fn nightly(app: &App) -> Result<()> {
    let mut tx = app.store.read().await?;
    let now_us = app.now_us();
    if let Err(error) = audit_log::verify(&mut tx, None).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the audit log is not as it was written"
        );
    }
    let found = look(&mut tx, now_us).await?;
    drop(tx);
    if found.is_empty() {
        return Ok(());
    }
    let mut tx = app.store.write().await?;
    for signal in &found {
        rows::note(&mut tx, signal, now_us).await?;
    }
    tx.commit().await?;
    tracing::info!(signals = found.len(), "some things look like cheating");
    Ok(())
}

/// Everything that looks like cheating now.
pub async fn look(tx: &mut Tx, now_us: i64) -> Result<Vec<Found>> {
    let uses = rows::shared_devices(tx).await?;
    let brought = rows::brought(tx, now_us - BOOKS_US).await?;
    let earned = rows::earned(tx, now_us - BOOKS_US).await?;
    let check_ins = rows::check_ins(tx, now_us - BOOKS_US).await?;
    let since_us = now_us - WORK_US;
    let weeks = rows::weeks(tx, since_us.div_euclid(HOUR_US), since_us).await?;
    let done = weeks.iter().map(|week| week.done).sum();
    let mut found = signals::shared_devices(&uses);
    found.extend(signals::referral_rings(&brought, &earned, &uses));
    found.extend(signals::clockwork(&check_ins));
    found.extend(signals::idle_uptime(&weeks, done));
    found.extend(signals::refunds(
        &rows::refunds(tx, now_us - BOOKS_US).await?,
    ));
    Ok(found)
}

/// What operators see: what is so now, then what was so when it was noted last.
pub async fn list(tx: &mut Tx, now_us: i64) -> Result<SignalList> {
    let found = look(tx, now_us).await?;
    let noted = rows::noted(tx, now_us - SHOWN_US).await?;
    let first: HashMap<(Kind, &str), i64> = noted
        .iter()
        .map(|row| ((row.kind, row.about.as_str()), row.first_us))
        .collect();
    let current = found.iter().map(|of| Signal {
        kind: view::signal_kind(of.kind),
        people: of.people.clone(),
        summary: of.summary.clone(),
        evidence: of.evidence.clone(),
        first_ms: first
            .get(&(of.kind, of.about.as_str()))
            .map(|us| us / 1_000),
        now: true,
    });
    let is_current = |kind: Kind, about: &str| {
        let mut current = found.iter();
        current.any(|of| of.kind == kind && of.about == about)
    };
    let past = noted
        .iter()
        .filter(|row| !is_current(row.kind, &row.about))
        .map(|row| Signal {
            kind: view::signal_kind(row.kind),
            people: row.evidence.0.people.clone(),
            summary: row.evidence.0.summary.clone(),
            evidence: row.evidence.0.evidence.clone(),
            first_ms: Some(row.first_us / 1_000),
            now: false,
        });
    Ok(SignalList {
        signals: current.chain(past).collect(),
    })
}
