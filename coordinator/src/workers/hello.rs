//! A worker starts: what it says of itself is written down, and what an earlier start of it held goes
//! back to the queue.

use std::collections::HashSet;

use pictor_protocol::agent::Hello;

use crate::app::App;
use crate::dispatch::report;
use crate::dispatch::task::Event;
use crate::store::workers::WorkerRow;
use crate::store::{self, Result};

pub async fn welcome(app: &App, worker: &WorkerRow, hello: &Hello) -> Result<()> {
    let mut tx = app.store.write().await?;
    store::workers::save_hello(&mut tx, worker.id, hello, app.now_us()).await?;
    let held = store::attempts::live(&mut tx, worker.id).await?;
    tx.commit().await?;
    if worker.instance != Some(hello.instance.to_string()) {
        // Outputs in the journal were rendered already: they will be reported.
        let journal: HashSet<_> = hello.journal.iter().copied().collect();
        for row in held
            .iter()
            .filter(|row| !journal.contains(&row.reference()))
        {
            let gone = Event::Expired {
                attempt: row.attempt,
            };
            let _refusal = report::end(app, row.reference(), gone).await?;
        }
    }
    tracing::info!(
        worker.id = %worker.id, worker.name = worker.name, version = hello.version,
        slots = hello.slots.len(), "worker connected"
    );
    // A runtime that a job waits for may have come with it.
    app.bells.work.ring();
    Ok(())
}
