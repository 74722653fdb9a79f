//! One coordinator: its wired parts, and the tasks that belong to it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::net::TcpListener;
use tokio::sync::{RwLock, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accounts::sign_in::SignInError;
use crate::accounts::{self, AccountError, SignIn};
use crate::bells::Bells;
use crate::blobs::{BlobError, Blobs};
use crate::campaign::leaderboard::{self, Leaderboard};
use crate::campaign::payouts::drive;
use crate::campaign::payouts::send::{Payer, PayerError};
use crate::campaign::{RulesCache, online, settle, snapshot};
use crate::config::Config;
use crate::dispatch::sweep;
use crate::fair_play::watch;
use crate::http;
use crate::ledger::nightly;
use crate::metrics::Metrics;
use crate::network::LastLook;
use crate::presence;
use crate::progress::LiveProgress;
use crate::store::{self, Store, StoreError};
use crate::telemetry::LiveTelemetry;
use crate::workers::equipped::LastMark;

/// Unpacking waits for the disk more than for a core, and takes up to four times a scene's largest size of it.
const SCENES_AT_A_TIME: usize = 4;
/// Each has a thread of the 512 that all that blocks shares.
const ARCHIVES_AT_A_TIME: usize = 64;

/// What was begun when the coordinator is told to stop may take so long: half of what containers are given. Uploads
/// and downloads go on later where they were.
const GRACE: Duration = Duration::from_secs(5);

/// The parts that every operation works with.
#[derive(Debug)]
pub struct App {
    pub config: Config,
    /// Where people and workers reach this coordinator; no slash at the end.
    pub url: String,
    pub clock: Arc<Clock>,
    pub store: Store,
    pub sign_in: SignIn,
    /// What pays rewards; nothing if they are paid by hand.
    pub payer: Option<Payer>,
    pub blobs: Arc<Blobs>,
    /// Held for reading while a blob is promised, for writing while unneeded ones are removed.
    pub blob_gate: RwLock<()>,
    /// A place for each picture that may be decoded at a time.
    pub examining: Semaphore,
    /// A place for each scene that may be unpacked and read at a time.
    pub unpacking: Semaphore,
    /// A place for each archive of frames that may be on its way at a time.
    pub archiving: Arc<Semaphore>,
    pub bells: Bells,
    /// The rules of campaigns that were asked for.
    pub rules: RulesCache,
    /// The ranks of the current campaign.
    pub leaderboard: Arc<Leaderboard>,
    pub progress: LiveProgress,
    pub telemetry: LiveTelemetry,
    pub metrics: Metrics,
    /// What everybody was told last of the network.
    pub network: LastLook,
    /// Who was online with what, when it was asked last.
    pub equipped: LastMark,
    /// When this process began to answer.
    pub started_us: i64,
    /// Everything that runs beside a request; waited for at the end.
    pub tasks: TaskTracker,
    /// The coordinator is going away: held requests are answered now.
    pub stopping: CancellationToken,
}

impl App {
    /// Unix microseconds.
    pub fn now_us(&self) -> i64 {
        self.clock.now_us()
    }
}

/// What time it is for one coordinator: the system's clock, which tests set ahead.
#[derive(Debug, Default)]
pub struct Clock {
    ahead_us: AtomicI64,
}

impl Clock {
    /// Unix microseconds.
    pub fn now_us(&self) -> i64 {
        now_us() + self.ahead_us.load(Ordering::Relaxed)
    }

    /// Sets it ahead by so much more.
    pub fn advance(&self, by: Duration) {
        self.ahead_us
            .fetch_add(by.as_micros() as i64, Ordering::Relaxed);
    }
}

/// Unix microseconds by the system's clock.
pub fn now_us() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_micros() as i64)
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("could not make the data directory {path}")]
    Data {
        path: std::path::PathBuf,
        source: io::Error,
    },
    #[error("could not listen on {bind}")]
    Listen { bind: SocketAddr, source: io::Error },
    #[error("could not write {path}")]
    ReadyFile {
        path: std::path::PathBuf,
        source: io::Error,
    },
    #[error("there is no database {path}: is this the right data directory?")]
    NoDatabase { path: std::path::PathBuf },
    #[error("could not open the blob store")]
    Blobs(#[from] BlobError),
    #[error("could not open the database")]
    Store(#[from] StoreError),
    #[error("could not set up the operator")]
    Operator(#[from] AccountError),
    #[error("people could not sign in")]
    SignIn(#[from] SignInError),
    #[error("rewards could not be paid")]
    Payer(#[from] PayerError),
    #[error("the server failed")]
    Serve(#[source] io::Error),
}

/// A coordinator that listens and is about to answer.
pub struct Server {
    app: Arc<App>,
    listener: TcpListener,
    /// Signs the operator in once; only on a coordinator that never had one.
    pub first_sign_in: Option<String>,
}

impl Server {
    /// Opens the database and the blobs, migrates, and listens.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let store = open_store(&config).await?;
        let blobs = Blobs::open(&config.data)?;
        let listener =
            TcpListener::bind(config.bind)
                .await
                .map_err(|source| StartError::Listen {
                    bind: config.bind,
                    source,
                })?;
        let bound = listener.local_addr().map_err(StartError::Serve)?;
        let url = config
            .public_url
            .clone()
            .unwrap_or_else(|| format!("http://{bound}"));

        let now_us = now_us();
        // Nobody could report while this coordinator was away.
        let mut tx = store.write().await?;
        store::attempts::renew_all(&mut tx, now_us + config.lease_ttl.as_micros() as i64).await?;
        tx.commit().await?;
        let sign_in = SignIn::open(&config, &url, &store).await?;
        let payer = config.payouts.as_ref().map(Payer::open).transpose()?;
        let (operator, fresh) = accounts::ensure_operator(&store, now_us).await?;
        let first_sign_in = if fresh {
            let link = accounts::make_sign_in_link(&store, operator.id, now_us).await?;
            Some(format!("{url}/sign-in/{}", link.reveal()))
        } else {
            None
        };
        let app = App {
            config,
            url,
            clock: Arc::default(),
            store,
            sign_in,
            payer,
            blobs: Arc::new(blobs),
            blob_gate: RwLock::default(),
            examining: Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)),
            unpacking: Semaphore::new(SCENES_AT_A_TIME),
            archiving: Arc::new(Semaphore::new(ARCHIVES_AT_A_TIME)),
            bells: Bells::default(),
            rules: RulesCache::default(),
            leaderboard: Arc::default(),
            progress: LiveProgress::default(),
            telemetry: LiveTelemetry::default(),
            metrics: Metrics::default(),
            network: LastLook::default(),
            equipped: LastMark::default(),
            started_us: now_us,
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        };
        Ok(Self {
            app: Arc::new(app),
            listener,
            first_sign_in,
        })
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.app.url
    }

    /// Its clock, for those who cannot wait.
    pub fn clock(&self) -> Arc<Clock> {
        Arc::clone(&self.app.clock)
    }

    /// Answers until `stop` is cancelled; then finishes what it began.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StartError> {
        let Self { app, listener, .. } = self;
        if let Some(path) = &app.config.ready_file {
            std::fs::write(path, &app.url).map_err(|source| StartError::ReadyFile {
                path: path.clone(),
                source,
            })?;
        }
        run_beside(&app);
        let stopping = app.stopping.clone();
        let router = http::router(Arc::clone(&app));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = axum::serve(listener, service).with_graceful_shutdown(async move {
            stop.cancelled().await;
            stopping.cancel();
        });
        let served = tokio::select! {
            served = serving.into_future() => served,
            () = too_long(&app.stopping) => {
                tracing::info!("somebody still sends or reads, and is cut off");
                Ok(())
            }
        };
        app.stopping.cancel();
        app.tasks.close();
        app.tasks.wait().await;
        app.store.close().await;
        served.map_err(StartError::Serve)
    }
}

async fn too_long(stopping: &CancellationToken) {
    stopping.cancelled().await;
    tokio::time::sleep(GRACE).await;
}

/// Everything that the coordinator does without being asked.
fn run_beside(app: &Arc<App>) {
    macro_rules! beside {
        ($($run:path),+ $(,)?) => {
            $({
                let app = Arc::clone(app);
                app.clone().tasks.spawn(async move { $run(&app).await });
            })+
        };
    }
    beside!(
        sweep::run,
        sweep::tidy,
        presence::run,
        online::run,
        settle::run,
        leaderboard::run,
        snapshot::run,
        drive::run,
        nightly::run,
        watch::run,
    );
}

/// Opens the database of a configuration, for the server or for a command beside it.
pub async fn open_store(config: &Config) -> Result<Store, StartError> {
    make_private_dir(&config.data).map_err(|source| StartError::Data {
        path: config.data.clone(),
        source,
    })?;
    Ok(Store::open_sqlite(&config.database()).await?)
}

/// The same for whoever only looks at what is there: an empty database, made in a wrong directory, is in the best
/// order.
pub async fn open_existing_store(config: &Config) -> Result<Store, StartError> {
    let path = config.database();
    if !path.exists() {
        return Err(StartError::NoDatabase { path });
    }
    open_store(config).await
}

/// Scenes and the database are nobody else's business on a shared machine.
fn make_private_dir(path: &std::path::Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}
