//! A whole worker in the test's own process, with a Blender that is quick.

use std::path::Path;
use std::time::Duration;

use pictor_protocol::WorkerId;
use pictor_protocol::agent::{Capability, Device, RuntimeInfo, SlotInfo};
use pictor_protocol::blender::Series;
use pictor_worker::agent::Ability;
use pictor_worker::config::Token;
use pictor_worker::coordinator::Coordinator;
use pictor_worker::driver::{self, EndWanted, Fatal, Parts};
use pictor_worker::gpu::Watch;
use pictor_worker::heartbeat::Heartbeat;
use pictor_worker::journal::Journal;
use pictor_worker::scenes::Scenes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::fake_blender::FakeBlender;
use crate::fake_coordinator::TOKEN;

const SERIES: Series = Series::new(4, 5);
/// What it could install.
pub const OTHER_SERIES: Series = Series::new(5, 0);
const PATIENCE: Duration = Duration::from_secs(20);

/// A worker in this process; its Blender is quick.
pub struct Worker {
    pub cache: tempfile::TempDir,
    pub blender: FakeBlender,
    end: mpsc::Sender<EndWanted>,
    running: JoinHandle<Result<(), Fatal>>,
}

impl Worker {
    pub fn start(url: &str, token: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), url, token)
    }

    pub fn start_in(cache: tempfile::TempDir, url: &str, token: &str) -> Self {
        let mut ability = Ability::unknown([SERIES]);
        ability.remember(SERIES, vec![Capability::CyclesCpu], Some(1.0), &[]);
        Self::start_with(cache, url, token, ability, FakeBlender::default())
    }

    /// A worker that knows nothing yet of its slot.
    pub fn start_unproven(url: &str, blender: FakeBlender) -> Self {
        let ability = Ability::unknown([SERIES]);
        Self::start_with(tempfile::tempdir().unwrap(), url, TOKEN, ability, blender)
    }

    fn start_with(
        cache: tempfile::TempDir,
        url: &str,
        token: &str,
        ability: Ability,
        blender: FakeBlender,
    ) -> Self {
        let (end, end_wanted) = mpsc::channel(2);
        let parts = Parts {
            abilities: vec![ability],
            ..parts(cache.path(), url, token, blender.clone())
        };
        let running = tokio::spawn(driver::run(parts, end_wanted));
        Self {
            cache,
            blender,
            end,
            running,
        }
    }

    pub fn journal_file(&self, name: &str) -> bool {
        let journal = self.cache.path().join("journal");
        journal.join(worker_id().to_string()).join(name).exists()
    }

    pub async fn end(&self) {
        self.end.send(EndWanted).await.unwrap();
    }

    pub async fn ended(self) -> Result<(), Fatal> {
        let ended = tokio::time::timeout(PATIENCE, self.running).await;
        ended.expect("the worker did not end").unwrap()
    }

    pub async fn end_well(self) {
        self.end().await;
        self.ended().await.unwrap();
    }

    /// As `kill -9` would: nothing is finished or said. Answers what is left on the disk.
    pub async fn kill(self) -> tempfile::TempDir {
        self.running.abort();
        self.running.await.unwrap_err();
        // A thread of this process may still hold what the kernel would have released.
        until("the journal is free", || {
            Journal::open(self.cache.path(), worker_id()).is_ok()
        })
        .await;
        self.cache
    }
}

fn parts(cache: &Path, url: &str, token: &str, renderer: FakeBlender) -> Parts<FakeBlender> {
    Parts {
        coordinator: Coordinator::new(url, &Token::new(token.into())).unwrap(),
        scenes: Scenes::open(cache, 1 << 30).unwrap(),
        journal: Journal::open(cache, worker_id()).unwrap(),
        heartbeat: Heartbeat::new(cache, worker_id()),
        render_dir: cache.join("rendering"),
        renderer,
        slots: vec![SlotInfo::new(0, Device::Cpu, "test")],
        runtimes: vec![RuntimeInfo {
            series: SERIES,
            version: "4.5.15".into(),
        }],
        installable: vec![OTHER_SERIES],
        gpu_driver: None,
        sandbox: Vec::new(),
        doctor: None,
        gpus: Watch::default(),
        abilities: Vec::new(),
        idle_blender: Duration::from_secs(600),
    }
}

fn worker_id() -> WorkerId {
    WorkerId::new(Uuid::from_u128(1))
}

/// Waits for what only the disk or the fake Blender can tell.
pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("never came: {what}"));
}
