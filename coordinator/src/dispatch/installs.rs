//! Has workers install the Blender that a job waits for: loads what [`missing`](super::missing) decides on.

use pictor_protocol::WorkerId;
use pictor_protocol::agent::{Command, Hello, InstallState};

use super::missing::{self, FailedInstall, Installation, Installer, Need};
use crate::app::App;
use crate::store::dispatch::InstallerRow;
use crate::store::{self, Result, Tx};
use crate::workers::{self, SILENCE_US};

/// What a worker is to be told to install now.
pub async fn commands(tx: &mut Tx, worker: WorkerId, now_us: i64) -> Result<Vec<Command>> {
    let all = asked_for(tx, now_us).await?;
    let own = all.into_iter().filter(|it| it.worker == worker);
    let command = |it: Installation| Command::Install { series: it.series };
    Ok(own.map(command).collect())
}

/// Wakes the held requests of workers that are to install something.
pub async fn ring(app: &App, tx: &mut Tx) -> Result<()> {
    for installation in asked_for(tx, app.now_us()).await? {
        app.bells.commands.ring(installation.worker);
    }
    Ok(())
}

async fn asked_for(tx: &mut Tx, now_us: i64) -> Result<Vec<Installation>> {
    let needs = store::dispatch::needs(tx).await?;
    if needs.is_empty() {
        return Ok(Vec::new());
    }
    // Hellos are long, and nearly always somebody has what is needed.
    let online = workers::taking_frames(tx, now_us).await?;
    let installed: Vec<_> = online
        .iter()
        .flat_map(|worker| worker.series.0.iter().copied())
        .collect();
    if needs.iter().all(|need| need.pick(&installed).is_some()) {
        return Ok(Vec::new());
    }
    let workers: Vec<_> = load(tx, now_us).await?.into_iter().map(|it| it.1).collect();
    let mut all = missing::installations(&needs, &workers, now_us);
    all.retain(|it| !it.is_running);
    Ok(all)
}

/// What becomes of a job that no online worker has the Blender for, in words for its creator; `wanted` is that
/// Blender. `None` where nobody can install it.
pub async fn outlook(
    tx: &mut Tx,
    need: &Need,
    wanted: &str,
    now_us: i64,
) -> Result<Option<String>> {
    let (names, workers): (Vec<_>, Vec<_>) = load(tx, now_us).await?.into_iter().unzip();
    let name = |id: WorkerId| {
        let at = workers.iter().position(|it| it.worker == id);
        at.map_or("a worker", |at| names[at].as_str())
    };
    if let Some(found) = missing::installation(need, &workers, now_us) {
        let (series, on) = (found.series, name(found.worker));
        return Ok(Some(match found.is_running {
            true => format!("Blender {series} is being installed on {on}"),
            false => format!("Blender {series} is about to be installed on {on}"),
        }));
    }
    Ok(missing::obstacle(need, &workers).map(|(worker, failed)| {
        let (on, message) = (name(worker), &failed.message);
        format!("no worker that is online has {wanted}; installing it on {on} failed: {message}")
    }))
}

/// Every worker online with its name.
async fn load(tx: &mut Tx, now_us: i64) -> Result<Vec<(String, Installer)>> {
    let rows = store::dispatch::installers(tx, now_us - SILENCE_US).await?;
    Ok(rows.into_iter().map(installer).collect())
}

fn installer(row: InstallerRow) -> (String, Installer) {
    let hello: Option<Hello> = row.hello.0;
    let mut installer = Installer {
        worker: row.id,
        slots: row.abilities.0.len(),
        installed: row.series.0,
        installable: Vec::new(),
        running: Vec::new(),
        failed: Vec::new(),
    };
    if let Some(hello) = hello {
        installer.installable = hello.installable;
        for install in hello.installs {
            let series = install.series;
            match install.state {
                InstallState::Running => installer.running.push(series),
                InstallState::Failed { ago_ms, message } => {
                    let ago_us = i64::try_from(ago_ms)
                        .unwrap_or(i64::MAX)
                        .saturating_mul(1_000);
                    installer.failed.push(FailedInstall {
                        series,
                        at_us: row.hello_us.unwrap_or_default().saturating_sub(ago_us),
                        message,
                    });
                }
                InstallState::Unknown => {}
            }
        }
    }
    (row.name, installer)
}
