//! The coordinator's own loop: takes back what silent workers held, wakes idle slots at a job's tail,
//! writes down what sensors said, removes blobs that nobody needs and hours of workers that nobody looks at
//! any more.

use std::sync::Arc;
use std::time::Duration;

use super::task::Event;
use super::{installs, report};
use crate::app::App;
use crate::store::{self, Result};
use crate::telemetry::history;
use crate::workers::{SILENCE_US, uptime};

/// How often expired leases are looked for.
const TICK: Duration = Duration::from_secs(1);
/// How often unneeded blobs, and hours of workers that are too old, are looked for.
const TIDY_EVERY: Duration = Duration::from_secs(300);
const BATCH: i64 = 500;
/// Spans of readings that are written in one transaction: the others wait for the next tick, so that whoever
/// writes beside waits for milliseconds.
const READINGS: usize = 1_000;

/// Runs until the coordinator stops.
pub async fn run(app: &App) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = app.stopping.cancelled() => break,
        }
        if let Err(error) = sweep(app).await {
            tracing::error!(error = &error as &dyn std::error::Error, "sweeping failed");
        }
    }
    if let Err(error) = write_readings(app, i64::MAX, usize::MAX).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "readings of sensors are lost"
        );
    }
}

/// Removes what nobody needs any more, until the coordinator stops. Beside the sweep, which nothing may hold up: a
/// lease that is not taken back is work that nobody does.
pub async fn tidy(app: &App) {
    let mut next = TICK;
    loop {
        tokio::select! {
            () = tokio::time::sleep(next) => {}
            () = app.stopping.cancelled() => break,
        }
        next = TIDY_EVERY;
        if let Err(error) = remove_old(app).await {
            tracing::error!(error = &error as &dyn std::error::Error, "tidying failed");
        }
    }
}

async fn remove_old(app: &App) -> Result<()> {
    remove_unneeded(app).await?;
    uptime::tidy(&app.store, app.now_us()).await?;
    forget_old_readings(app).await
}

async fn sweep(app: &App) -> Result<()> {
    take_back_expired(app).await?;
    app.telemetry.forget_before(app.now_us() - SILENCE_US);
    let mut tx = app.store.read().await?;
    if store::dispatch::any_tail(&mut tx).await? {
        app.bells.work.ring();
    }
    installs::ring(app, &mut tx).await?;
    drop(tx);
    write_readings(app, history::span_of(app.now_us()), READINGS).await
}

async fn take_back_expired(app: &App) -> Result<()> {
    let mut tx = app.store.read().await?;
    let expired = store::attempts::expired(&mut tx, app.now_us(), BATCH).await?;
    drop(tx);
    for row in expired {
        tracing::warn!(
            worker.id = %row.worker_id, job.id = %row.job_id, task.id = %row.task_id, attempt = row.attempt,
            "lease expired: its worker is silent"
        );
        // A refusal means that the worker was faster after all.
        let _refusal = report::end(
            app,
            row.reference(),
            Event::Expired {
                attempt: row.attempt,
            },
        )
        .await?;
    }
    Ok(())
}

/// Writes some of what sensors said before a span.
async fn write_readings(app: &App, before: i64, most: usize) -> Result<()> {
    let spans = app.telemetry.unwritten_before(before, most);
    if spans.is_empty() {
        return Ok(());
    }
    let mut tx = app.store.write().await?;
    store::readings::add(&mut tx, &spans).await?;
    tx.commit().await?;
    app.telemetry.written(&spans);
    Ok(())
}

async fn forget_old_readings(app: &App) -> Result<()> {
    let mut tx = app.store.write().await?;
    let span = history::first_span(history::HOURS_KEPT, app.now_us());
    store::readings::forget_before(&mut tx, span).await?;
    tx.commit().await
}

async fn remove_unneeded(app: &App) -> Result<()> {
    let now_us = app.now_us();
    let before_us = now_us - app.config.blob_grace.as_micros() as i64;
    // Nobody may be told that a blob is there while it is being removed. Whoever holds the gate does so for a
    // moment, or everybody would wait here.
    let _alone = app.blob_gate.write().await;
    let mut tx = app.store.write().await?;
    let gone = store::blobs::forget_unneeded(&mut tx, now_us, before_us, BATCH).await?;
    tx.commit().await?;
    for hash in gone {
        if let Err(error) = app.blobs.remove(hash).await {
            tracing::warn!(blob = %hash, error = &error as &dyn std::error::Error, "blob not removed");
        }
    }
    let (blobs, age) = (Arc::clone(&app.blobs), app.config.blob_grace);
    // A folder that was being unpacked may have thousands of files.
    let _joined = tokio::task::spawn_blocking(move || blobs.remove_stale_uploads(age)).await;
    Ok(())
}
