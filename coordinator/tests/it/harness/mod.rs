//! A world in one line: a coordinator on a free port, people with tokens, scripted workers, scenes.

pub mod books;
pub mod browser;
pub mod chain;
pub mod client;
pub mod counterparts;
pub mod economy;
pub mod events;
pub mod people;
pub mod process;
pub mod scenes;
pub mod worker;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use pictor_coordinator::accounts::{self, TokenSpec};
use pictor_coordinator::app::{Clock, Server, StartError, now_us};
use pictor_coordinator::config::Config;
use pictor_coordinator::store::Store;
use pictor_protocol::JobId;
use pictor_protocol::blob::UPLOAD_LENGTH;
use pictor_protocol::job::{Frame, FramePage, Job};
use pictor_protocol::people::{Role, Scope};
use pictor_protocol::scene::{NewScene, Scene};
use pictor_protocol::worker_config::WorkerConfig;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use client::{Answer, Client};

/// Nothing in the tests may take longer than this.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Looks again and again until there is what is wanted; panics with what was there instead when it never
/// comes.
pub async fn eventually<T, E: std::fmt::Debug>(
    what: &str,
    mut look: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let began = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(instead) => assert!(
                began.elapsed() < PATIENCE,
                "there never was {what}, but {instead:?}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A coordinator that runs inside the test, with an operator.
pub struct World {
    pub url: String,
    pub store: Store,
    pub clock: Arc<Clock>,
    /// The operator, with every scope.
    pub creator: Client,
    config: Config,
    dir: tempfile::TempDir,
    stop: CancellationToken,
    running: JoinHandle<Result<(), StartError>>,
}

impl World {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With settings of the test's own.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(dir.path());
        change(&mut config);
        Stopped { dir, config }.start().await
    }

    /// On data that is there.
    pub async fn start_on(dir: tempfile::TempDir) -> Self {
        let config = config(dir.path());
        Stopped { dir, config }.start().await
    }

    async fn run(dir: tempfile::TempDir, config: Config, server: Server) -> Self {
        let url = server.url().to_owned();
        let clock = server.clock();
        let stop = CancellationToken::new();
        let running = tokio::spawn(server.run(stop.clone()));
        let store = Store::open_sqlite(&config.database()).await.unwrap();
        let creator = person(&store, &url, accounts::OPERATOR, &Scope::ALL).await;
        Self {
            url,
            store,
            clock,
            creator,
            config,
            dir,
            stop,
            running,
        }
    }

    /// Stops the coordinator and starts another one on the same data.
    pub async fn restart(self) -> Self {
        self.stop().await.start().await
    }

    pub async fn stop(self) -> Stopped {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
        self.store.close().await;
        Stopped {
            dir: self.dir,
            config: self.config,
        }
    }

    /// Changes the database behind the coordinator's back, such as the age of what is in it.
    pub async fn sql(&self, text: &'static str) {
        let changed = self.try_sql(text).await.unwrap();
        assert!(changed > 0, "{text} changes nothing");
    }

    /// What the database says to a change behind the coordinator's back; in words, if it refuses.
    pub async fn try_sql(&self, text: &'static str) -> Result<u64, String> {
        let file = format!("sqlite://{}", self.config.database().display());
        let pool = sqlx::SqlitePool::connect(&file).await.unwrap();
        let changed = sqlx::query(text).execute(&pool).await;
        pool.close().await;
        match changed {
            Ok(changed) => Ok(changed.rows_affected()),
            Err(error) => Err(error.to_string()),
        }
    }

    pub fn database(&self) -> PathBuf {
        self.config.database()
    }

    /// Where the coordinator keeps what it must not lose.
    pub fn data(&self) -> &Path {
        self.dir.path()
    }

    /// Another person, who is no operator, with a token for jobs and workers.
    pub async fn stranger(&self, name: &str) -> Client {
        self.person(name, &[Role::Creator, Role::WorkerOwner]).await;
        self.script_of(name, &[Scope::Jobs, Scope::Workers]).await
    }

    /// Another operator, with the scope operator; the same one by the same name.
    pub async fn another_operator(&self, name: &str) -> Client {
        let known = accounts::by_name(&self.store, name).await;
        if known.is_err() {
            let id = pictor_protocol::UserId::new(uuid::Uuid::now_v7());
            let mut tx = self.store.write().await.unwrap();
            pictor_coordinator::store::people::insert_user(&mut tx, id, name, true, now_us())
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
        person(&self.store, &self.url, name, &[Scope::Operator]).await
    }

    pub async fn worker_config(&self, name: &str) -> WorkerConfig {
        let answer = self
            .creator
            .post("/api/v1/workers", &json!({ "name": name }))
            .await;
        assert_eq!(answer.status, StatusCode::CREATED);
        answer.json()
    }
}

/// A coordinator's data, while none runs on it.
pub struct Stopped {
    dir: tempfile::TempDir,
    config: Config,
}

impl Stopped {
    pub fn data(&self) -> &Path {
        self.dir.path()
    }

    pub async fn start(self) -> World {
        let server = Server::start(self.config.clone()).await.unwrap();
        World::run(self.dir, self.config, server).await
    }

    /// With a connection that waits for it when it begins to answer.
    pub async fn start_with_somebody_at_the_door<T>(
        self,
        come: impl FnOnce(&str) -> T,
    ) -> (World, T) {
        let server = Server::start(self.config.clone()).await.unwrap();
        let came = come(server.url().trim_start_matches("http://"));
        (World::run(self.dir, self.config, server).await, came)
    }

    /// With other settings from now on.
    pub async fn start_with(mut self, change: impl FnOnce(&mut Config)) -> World {
        change(&mut self.config);
        self.start().await
    }

    /// Why a coordinator with other settings does not start on this data.
    pub async fn refusal(&self, change: impl FnOnce(&mut Config)) -> StartError {
        let mut config = self.config.clone();
        change(&mut config);
        let Err(error) = Server::start(config).await else {
            panic!("it starts");
        };
        error
    }
}

/// Fast enough for tests, and otherwise the defaults.
fn config(data: &Path) -> Config {
    let flags = pictor_coordinator::config::Flags::default();
    Config {
        bind: ([127, 0, 0, 1], 0).into(),
        data: data.to_owned(),
        lease_ttl: Duration::from_secs(2),
        report_interval: Duration::from_millis(200),
        hold: Duration::from_secs(5),
        ..Config::load(&flags).unwrap()
    }
}

async fn person(store: &Store, url: &str, name: &str, scopes: &[Scope]) -> Client {
    let user = accounts::by_name(store, name).await.unwrap();
    let spec = TokenSpec {
        name: "test",
        scopes,
        expires_in_days: None,
    };
    let token = accounts::mint_token(store, &user, &spec, now_us())
        .await
        .unwrap();
    Client::new(url, token.secret.reveal())
}

/// What creators do, in their words.
impl Client {
    /// Uploads bytes and makes a scene of them.
    pub async fn try_scene(&self, name: &str, bytes: &[u8]) -> Answer {
        let blob = blake3::hash(bytes).to_hex().to_string();
        // An empty body has no length of its own on the wire.
        let length = bytes.len().to_string();
        let headers = [(UPLOAD_LENGTH, length.as_str())];
        let path = format!("/api/v1/blobs/{blob}");
        let put = self
            .send_with(Method::PUT, &path, &headers, bytes.to_vec())
            .await;
        assert_eq!(put.status, StatusCode::CREATED, "{put:?}");
        let new = NewScene {
            name: name.into(),
            blob: blob.parse().unwrap(),
        };
        self.post("/api/v1/scenes", &new).await
    }

    pub async fn scene(&self, path: &Path) -> Scene {
        let answer = self
            .try_scene("test.blend", &std::fs::read(path).unwrap())
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.json()
    }

    /// Submits the sample scene.
    pub async fn submit(&self, frames: &str) -> Job {
        let scene = self.scene(&scenes::sample()).await;
        self.submit_with(&json!({ "scene": scene.id, "frames": frames }))
            .await
    }

    pub async fn submit_with(&self, job: &serde_json::Value) -> Job {
        let answer = self.post("/api/v1/jobs", job).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.json()
    }

    pub async fn job(&self, id: JobId) -> Job {
        self.get(&format!("/api/v1/jobs/{id}")).await.json()
    }

    pub async fn frames(&self, id: JobId) -> Vec<Frame> {
        self.get(&format!("/api/v1/jobs/{id}/frames?limit=1000"))
            .await
            .json::<FramePage>()
            .frames
    }

    /// Waits until the job is as wanted.
    pub async fn until(&self, id: JobId, what: &str, wanted: impl Fn(&Job) -> bool) -> Job {
        eventually(&format!("a job that is {what}"), async || {
            let job = self.job(id).await;
            if wanted(&job) { Ok(job) } else { Err(job) }
        })
        .await
    }
}
