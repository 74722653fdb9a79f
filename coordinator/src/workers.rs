//! Workers: the registry, the config files, and who is present.
//!
//! | room | what it owns |
//! |---|---|
//! | [`beside`] | what is said of the workers on a page beside their rows |
//! | [`demand`] | how much there is to render, and with how much |
//! | [`earnings`] | what a worker earned |
//! | [`equipped`] | who is online with what, as a mark that changes with it |
//! | [`hello`] | what a worker says of itself |
//! | [`schedule`] | the hours of a week in which a worker takes frames; pure |
//! | [`status`] | what a worker does, why, and what can be done about it; pure |
//! | [`waiting`] | why nothing runs on a worker |
//! | [`uptime`] | when a worker was there |
//! | [`shown`] | what owners are shown of their workers, for the API and for pages |

pub mod beside;
pub mod demand;
pub mod earnings;
pub mod equipped;
pub mod hello;
pub mod known_gpus;
pub mod schedule;
pub mod shown;
pub mod status;
pub mod uptime;
pub mod waiting;

use pictor_protocol::agent::{Hello, RuntimeInfo, SlotInfo};
use pictor_protocol::health::DoctorCheck;
use pictor_protocol::schedule::Schedule;
use pictor_protocol::settings::Fault;
use pictor_protocol::worker::{Presence, Worker};
use pictor_protocol::worker_config::{CONFIG_VERSION, WorkerConfig, WorkerOptions};
use pictor_protocol::{UserId, WorkerId};
use serde_json::json;
use uuid::Uuid;

use crate::accounts::{NoRandomness, Secret, SecretKind};
use crate::app::App;
use crate::audit_log::{self, Act, By, Record, Subject};
use crate::dispatch::ability::Equipment;
use crate::dispatch::report;
use crate::dispatch::task::Event;
use crate::store::attempts::{self, AttemptRow};
use crate::store::dispatch::OnlineWorker;
use crate::store::workers::{self, Decision, WorkerRow, WorkerStatus};
use crate::store::{self, Store, StoreError, Tx};
use beside::Beside;

/// A worker that was silent for this long counts as gone. It keeps a request open all the time, so a
/// minute and a half covers one held request and a lost answer.
pub const SILENCE_US: i64 = 90 * 1_000_000;
const NAME_MAX: usize = 64;
const WHY_MAX: usize = 200;

#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("a worker's name has 1 to {NAME_MAX} characters, none of them a control character")]
    BadName,
    #[error("no worker's name is longer than {NAME_MAX} characters")]
    BadSearch,
    #[error("a reason has 1 to {WHY_MAX} characters, none of them a control character")]
    BadReason,
    #[error("a worker cannot have these hours")]
    BadSchedule(Vec<Fault>),
    #[error("there is no such worker")]
    NotFound,
    #[error("the worker is suspended: only an operator can change that")]
    Suspended,
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Registers a worker and answers its config file; the token in it is nowhere else.
pub async fn create(
    store: &Store,
    owner: UserId,
    name: &str,
    coordinator: &str,
    now_us: i64,
) -> Result<WorkerConfig, WorkerError> {
    let name = valid_name(name)?;
    let id = WorkerId::new(Uuid::now_v7());
    let token = Secret::new(SecretKind::WorkerToken)?;
    let mut tx = store.write().await?;
    workers::insert(
        &mut tx,
        id,
        owner,
        name,
        &Secret::hash(token.reveal()),
        now_us,
    )
    .await?;
    tx.commit().await?;
    Ok(config(id, name, &token, coordinator))
}

fn valid_name(name: &str) -> Result<&str, WorkerError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        return Err(WorkerError::BadName);
    }
    Ok(name)
}

/// A part of a name as it is searched for; nothing that is longer than a name.
pub fn search_key(part: &str) -> Result<String, WorkerError> {
    let part = part.trim();
    if part.chars().count() > NAME_MAX {
        return Err(WorkerError::BadSearch);
    }
    Ok(part.to_lowercase())
}

fn config(id: WorkerId, name: &str, token: &Secret, coordinator: &str) -> WorkerConfig {
    WorkerConfig {
        version: CONFIG_VERSION,
        coordinator: coordinator.trim_end_matches('/').into(),
        worker_id: id,
        token: token.reveal().into(),
        name: name.into(),
        options: WorkerOptions::default(),
    }
}

/// Gives a worker another name. The worker hears of it when it says hello next.
pub async fn rename(app: &App, owner: UserId, id: WorkerId, name: &str) -> Result<(), WorkerError> {
    let mut tx = app.store.write().await?;
    if !workers::rename(&mut tx, owner, id, valid_name(name)?).await? {
        return Err(WorkerError::NotFound);
    }
    tx.commit().await?;
    app.bells.owners.ring(owner);
    Ok(())
}

/// Gives a worker another token, in another config file. The old one is worth nothing from now on: whoever
/// runs with it is told at once, and ends.
pub async fn replace_token(
    app: &App,
    owner: UserId,
    id: WorkerId,
) -> Result<WorkerConfig, WorkerError> {
    let token = Secret::new(SecretKind::WorkerToken)?;
    let mut tx = app.store.write().await?;
    let hash = Secret::hash(token.reveal());
    let name = workers::replace_token(&mut tx, owner, id, &hash).await?;
    let name = name.ok_or(WorkerError::NotFound)?;
    let held = attempts::live(&mut tx, id).await?;
    tx.commit().await?;
    app.bells.commands.ring(id);
    take_back(app, &held).await?;
    app.bells.owners.ring(owner);
    Ok(config(id, &name, &token, &app.url))
}

/// Lets a worker finish what it renders; it is given nothing more until it is resumed, however often it is
/// started again. The reason is for whoever looks at it.
pub async fn drain(
    app: &App,
    owner: UserId,
    id: WorkerId,
    why: Option<&str>,
) -> Result<(), WorkerError> {
    set_draining(app, owner, id, true, valid_reason(why)?).await?;
    app.bells.commands.ring(id);
    Ok(())
}

fn valid_reason(why: Option<&str>) -> Result<Option<&str>, WorkerError> {
    let why = why.map(str::trim).filter(|why| !why.is_empty());
    let is_bad = |why: &str| why.chars().count() > WHY_MAX || why.chars().any(char::is_control);
    match why {
        Some(why) if is_bad(why) => Err(WorkerError::BadReason),
        why => Ok(why),
    }
}

/// Takes a drain back.
pub async fn resume(app: &App, owner: UserId, id: WorkerId) -> Result<(), WorkerError> {
    set_draining(app, owner, id, false, None).await?;
    // A drained worker goes on asking: its held requests find something now.
    app.bells.work.ring();
    Ok(())
}

/// Sets the hours in which a worker takes frames; all of them, without a schedule. What it renders it finishes.
pub async fn set_schedule(
    app: &App,
    owner: UserId,
    id: WorkerId,
    schedule: Option<&Schedule>,
) -> Result<(), WorkerError> {
    let faults = schedule.map(schedule::faults).unwrap_or_default();
    if !faults.is_empty() {
        return Err(WorkerError::BadSchedule(faults));
    }
    let mut tx = app.store.write().await?;
    if !workers::set_schedule(&mut tx, owner, id, schedule).await? {
        return Err(WorkerError::NotFound);
    }
    tx.commit().await?;
    // It may be given something now.
    app.bells.work.ring();
    app.bells.owners.ring(owner);
    Ok(())
}

/// The workers that may be given frames now.
pub async fn taking_frames(tx: &mut Tx, now_us: i64) -> Result<Vec<OnlineWorker>, StoreError> {
    let mut online = store::dispatch::online(tx, now_us - SILENCE_US).await?;
    online.retain(|worker| schedule::is_open(worker.schedule.0.as_ref(), now_us));
    Ok(online)
}

async fn set_draining(
    app: &App,
    owner: UserId,
    id: WorkerId,
    draining: bool,
    why: Option<&str>,
) -> Result<(), WorkerError> {
    let decision = Decision {
        by: owner,
        why,
        now_us: app.now_us(),
    };
    let mut tx = app.store.write().await?;
    if workers::set_draining(&mut tx, id, draining, decision).await? {
        tx.commit().await?;
        app.bells.owners.ring(owner);
        return Ok(());
    }
    let known = of_owner(&mut tx, owner, id).await?;
    Err(match known.status {
        WorkerStatus::Suspended => WorkerError::Suspended,
        WorkerStatus::Active | WorkerStatus::Draining | WorkerStatus::Retired => {
            WorkerError::NotFound
        }
    })
}

/// Ends a worker for good: its token stops working.
pub async fn retire(app: &App, owner: UserId, id: WorkerId) -> Result<(), WorkerError> {
    let mut tx = app.store.write().await?;
    if !workers::retire(&mut tx, owner, id, app.now_us()).await? {
        return Err(WorkerError::NotFound);
    }
    let held = attempts::live(&mut tx, id).await?;
    tx.commit().await?;
    app.telemetry.forget(id);
    app.bells.commands.ring(id);
    take_back(app, &held).await?;
    app.bells.owners.ring(owner);
    Ok(())
}

/// Stops a worker, whosever it is: it finishes what it renders and is given nothing more.
pub async fn suspend(
    app: &App,
    operator: UserId,
    id: WorkerId,
    why: &str,
) -> Result<(), WorkerError> {
    let why = valid_reason(Some(why))?.ok_or(WorkerError::BadReason)?;
    let decision = Decision {
        by: operator,
        why: Some(why),
        now_us: app.now_us(),
    };
    let mut tx = app.store.write().await?;
    if !workers::suspend(&mut tx, id, decision).await? {
        return Err(WorkerError::NotFound);
    }
    note(&mut tx, id, Act::WorkerSuspended, decision).await?;
    let owner = workers::owner(&mut tx, id).await?;
    tx.commit().await?;
    app.bells.commands.ring(id);
    app.bells.owners.ring(owner);
    Ok(())
}

/// Lifts a suspension. A worker that is not suspended stays as it is.
pub async fn reinstate(app: &App, operator: UserId, id: WorkerId) -> Result<(), WorkerError> {
    let decision = Decision {
        by: operator,
        why: None,
        now_us: app.now_us(),
    };
    let mut tx = app.store.write().await?;
    if !workers::reinstate(&mut tx, id, decision).await? {
        let known = workers::find(&mut tx, id).await?;
        let known = known.filter(|row| row.status != WorkerStatus::Retired);
        return known.map(|_| ()).ok_or(WorkerError::NotFound);
    }
    note(&mut tx, id, Act::WorkerReinstated, decision).await?;
    let owner = workers::owner(&mut tx, id).await?;
    tx.commit().await?;
    app.bells.work.ring();
    app.bells.owners.ring(owner);
    Ok(())
}

/// Writes down what an operator decided on a worker.
async fn note(
    tx: &mut Tx,
    id: WorkerId,
    act: Act,
    decision: Decision<'_>,
) -> Result<(), StoreError> {
    let record = Record {
        by: By::Operator(decision.by),
        act,
        subject: Subject::Worker(id),
        reason: decision.why.unwrap_or_default(),
        evidence: json!({}),
    };
    audit_log::write(tx, &record, decision.now_us).await
}

/// Puts what a worker held back into the queue: nobody can report it any more.
async fn take_back(app: &App, held: &[AttemptRow]) -> Result<(), StoreError> {
    for row in held {
        let gone = Event::Expired {
            attempt: row.attempt,
        };
        // A refusal means that it was over before.
        let _refusal = report::end(app, row.reference(), gone).await?;
    }
    Ok(())
}

/// A worker of somebody's own, retired or not.
pub async fn of_owner(tx: &mut Tx, owner: UserId, id: WorkerId) -> Result<WorkerRow, WorkerError> {
    let row = workers::find(tx, id).await?;
    row.filter(|row| row.owner_id == owner)
        .ok_or(WorkerError::NotFound)
}

/// What can be said of a worker now.
pub fn presence(status: WorkerStatus, last_seen_us: Option<i64>, now_us: i64) -> Presence {
    match (status, last_seen_us) {
        (WorkerStatus::Retired, _) => Presence::Retired,
        (WorkerStatus::Suspended, _) => Presence::Suspended,
        (_, None) => Presence::New,
        (_, Some(seen)) if now_us - seen > SILENCE_US => Presence::Offline,
        (WorkerStatus::Draining, _) => Presence::Draining,
        (WorkerStatus::Active, _) => Presence::Online,
    }
}

/// A worker as its owner sees it.
pub fn view(app: &App, row: WorkerRow, beside: &Beside) -> Worker {
    let status = status::status(&row, app.now_us(), || {
        let can = Equipment {
            series: &row.series.0,
            slots: &row.abilities.0,
        };
        beside.queue.why(row.id, can)
    });
    let presence = presence(row.status, row.last_seen_us, app.now_us());
    let is_there = matches!(presence, Presence::Online | Presence::Draining);
    let telemetry = is_there.then(|| app.telemetry.of_worker(row.id));
    let hello: Option<Hello> = row.hello.0;
    let said = hello.map_or_else(Said::default, Said::from);
    Worker {
        id: row.id,
        name: row.name,
        presence,
        created_ms: row.created_us / 1_000,
        last_seen_ms: row.last_seen_us.map(|us| us / 1_000),
        connected_ms: row.hello_us.map(|us| us / 1_000),
        version: said.version,
        slots: said.slots,
        runtimes: said.runtimes,
        driver: said.driver,
        sandbox: said.sandbox,
        doctor: said.doctor,
        telemetry: telemetry.unwrap_or_default(),
        leased: row.leased as u32,
        current: beside.current(row.id),
        done: row.done as u64,
        earned_today_micros: beside.earned_today(row.id),
        schedule: row.schedule.0,
        status: Some(status),
    }
}

/// What of a hello its worker's owner is shown.
#[derive(Default)]
struct Said {
    version: Option<String>,
    driver: Option<String>,
    slots: Vec<SlotInfo>,
    runtimes: Vec<RuntimeInfo>,
    sandbox: Vec<String>,
    doctor: Vec<DoctorCheck>,
}

impl From<Hello> for Said {
    fn from(hello: Hello) -> Self {
        Self {
            version: Some(hello.version),
            driver: hello.driver,
            slots: hello.slots,
            runtimes: hello.runtimes,
            sandbox: hello.sandbox,
            doctor: hello.doctor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence_follows_from_the_last_sign_of_life() {
        let now = 1_000 * SILENCE_US;
        assert_eq!(presence(WorkerStatus::Active, None, now), Presence::New);
        assert_eq!(
            presence(WorkerStatus::Active, Some(now - 1), now),
            Presence::Online
        );
        assert_eq!(
            presence(WorkerStatus::Active, Some(now - SILENCE_US - 1), now),
            Presence::Offline
        );
        assert_eq!(
            presence(WorkerStatus::Draining, Some(now), now),
            Presence::Draining
        );
        assert_eq!(
            presence(WorkerStatus::Retired, Some(now), now),
            Presence::Retired
        );
    }
}
