//! `pictor-worker verify` and `health`: for installers, health checks and owners. Both only look.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use pictor_protocol::WorkerId;
use pictor_protocol::agent::Registration;
use pictor_protocol::worker::Presence;

use crate::config::{self, ConfigError, ConfigWarning, Settings, UserDirs};
use crate::coordinator::{CallError, Coordinator, Fatal, Remedy};
use crate::heartbeat::{self, Link, NoPulse};

/// Between two looks of [`health`] while it waits.
const LOOK_EVERY: Duration = Duration::from_millis(250);

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(
        "{coordinator} does not accept the token of this config: it is wrong or was revoked; get a new worker config from the coordinator"
    )]
    Unauthorized { coordinator: String },
    #[error("{coordinator} cannot be asked about this worker")]
    Coordinator {
        coordinator: String,
        source: CallError,
    },
    #[error("the token in this config is that of the worker {theirs}, and its worker_id is {ours}")]
    AnotherWorker { ours: WorkerId, theirs: WorkerId },
    #[error(transparent)]
    NoPulse(#[from] NoPulse),
    #[error("the worker runs, but has not reached {coordinator} yet")]
    NotConnected { coordinator: String },
    #[error("the worker runs, but {coordinator} says that it is {}", presence(*is))]
    NotOnline { coordinator: String, is: Presence },
}

impl VerifyError {
    /// As documented in `--help`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::AnotherWorker { .. } => 3,
            Self::Unauthorized { .. } => 4,
            Self::Coordinator { .. } => 9,
            Self::NoPulse(_) | Self::NotConnected { .. } | Self::NotOnline { .. } => 1,
        }
    }
}

/// A config that its coordinator knows.
#[derive(Debug)]
pub struct Verified {
    pub settings: Settings,
    pub warnings: Vec<ConfigWarning>,
    pub registration: Registration,
}

/// Reads the config and asks its coordinator about it.
pub async fn verify(config: &Path) -> Result<Verified, VerifyError> {
    let (settings, warnings) = config::load(config, &UserDirs::from_env())?;
    let registration = ask(&settings).await?;
    Ok(Verified {
        settings,
        warnings,
        registration,
    })
}

/// Whether the worker of this config runs on this machine; with `wants_connection`, whether it has been
/// welcomed and the coordinator itself says that it is online. Looks again until `patience` is over.
pub async fn health(
    config: &Path,
    wants_connection: bool,
    patience: Duration,
) -> Result<(), VerifyError> {
    let (settings, _) = config::load(config, &UserDirs::from_env())?;
    let began = Instant::now();
    loop {
        let error = match look(&settings, wants_connection).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let is_final = matches!(error.exit_code(), 3 | 4);
        if is_final || began.elapsed() >= patience {
            return Err(error);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn look(settings: &Settings, wants_connection: bool) -> Result<(), VerifyError> {
    let path = heartbeat::path(&settings.cache_dir, settings.worker);
    let link = heartbeat::pulse(&path, SystemTime::now())?;
    if !wants_connection {
        return Ok(());
    }
    let coordinator = settings.coordinator.clone();
    if link != Link::Up {
        return Err(VerifyError::NotConnected { coordinator });
    }
    let is = ask(settings).await?.worker.presence;
    if matches!(is, Presence::Online | Presence::Draining) {
        return Ok(());
    }
    Err(VerifyError::NotOnline { coordinator, is })
}

async fn ask(settings: &Settings) -> Result<Registration, VerifyError> {
    let coordinator = || settings.coordinator.clone();
    let failed = |error: CallError| match error.remedy() {
        Remedy::GiveUp(Fatal::Unauthorized) => VerifyError::Unauthorized {
            coordinator: coordinator(),
        },
        Remedy::GiveUp(Fatal::TooOld) | Remedy::HelloFirst | Remedy::Retry => {
            VerifyError::Coordinator {
                coordinator: coordinator(),
                source: error,
            }
        }
    };
    let line = Coordinator::new(&settings.coordinator, &settings.token).map_err(failed)?;
    let registration = line.registration().await.map_err(failed)?;
    let (ours, theirs) = (settings.worker, registration.worker.id);
    if ours != theirs {
        return Err(VerifyError::AnotherWorker { ours, theirs });
    }
    Ok(registration)
}

/// As a coordinator's owner would say it.
pub fn presence(presence: Presence) -> &'static str {
    match presence {
        Presence::New => "new: it has never connected",
        Presence::Online => "online",
        Presence::Offline => "offline",
        Presence::Draining => "draining: it takes no new work",
        Presence::Suspended => "suspended",
        Presence::Retired => "retired",
        Presence::Unknown => "in a state that this worker does not know",
    }
}
