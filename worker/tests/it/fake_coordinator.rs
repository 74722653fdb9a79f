//! A coordinator as far as a worker can tell, which does the wrong thing when a test asks for it. The
//! real one is tested with real workers elsewhere; this one is for what the real one must never do.

mod blobs;
mod challenges;
mod leases;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use pictor_protocol::agent::*;
use pictor_protocol::problem::{MEDIA_TYPE, Problem, ProblemKind};
use pictor_protocol::{BlobHash, WorkerId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use uuid::Uuid;

pub use leases::{hash, lease};

pub const TOKEN: &str = "pw_test";
/// The worker that the token is for.
pub const WORKER: &str = "0198c5a0-0000-7000-8000-000000000001";
const HOLD: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(20);

/// The coordinator; its state is open to the tests.
pub struct FakeCoordinator {
    pub address: SocketAddr,
    pub state: Arc<State>,
    server: Option<JoinSet<()>>,
}

#[derive(Default)]
pub struct State {
    inner: Mutex<Inner>,
    /// Something that a held request may wait for has changed.
    bell: Notify,
    /// Grows with every request, for tests that wait.
    changed: watch::Sender<u64>,
}

#[derive(Default)]
pub struct Inner {
    pub hellos: Vec<Hello>,
    pub reports: Vec<Report>,
    pub asks: Vec<AskForWork>,
    pub blobs: HashMap<BlobHash, Bytes>,
    pub parts: HashMap<BlobHash, Vec<u8>>,
    pub leases: VecDeque<Lease>,
    pub commands: Vec<Command>,
    pub lost: Vec<AttemptRef>,
    /// First end that was reported of each attempt.
    pub ended: BTreeMap<AttemptRef, &'static str>,
    /// Answered to every request from now on.
    pub refuse_all: Option<ProblemKind>,
    /// Answered to requests to this path, so many times.
    pub refuse: HashMap<String, (ProblemKind, u32)>,
    /// So many bytes of each blob are sent before the connection breaks, so many times.
    pub cut_downloads: Option<(usize, u32)>,
    /// So many uploads are forgotten as soon as they are whole.
    pub forget_uploads: u32,
    pub ranges: Vec<String>,
    /// Added to the clock that workers see.
    pub clock_ahead_ms: i64,
    pub challenges: challenges::Challenges,
}

impl FakeCoordinator {
    pub async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), Arc::default()).await
    }

    async fn at(address: SocketAddr, state: Arc<State>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = JoinSet::new();
        server.spawn(serve(listener, Arc::clone(&state)));
        Self {
            address,
            state,
            server: Some(server),
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every connection breaks and no new one is taken.
    pub async fn go_away(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.shutdown().await;
        }
    }

    pub async fn come_back(&mut self) {
        let back = Self::at(self.address, Arc::clone(&self.state)).await;
        self.server = back.server;
    }

    pub fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        let result = look(&mut self.state.lock());
        self.state.ring();
        result
    }

    /// Gives the next slot that asks a lease of these frames of this scene.
    pub fn offer(
        &self,
        scene: &SceneManifest,
        frames: std::ops::RangeInclusive<i32>,
    ) -> Vec<AttemptRef> {
        let lease = lease(scene, frames);
        let attempts = lease.tasks.iter().map(|grant| grant.attempt).collect();
        self.with(|inner| inner.leases.push_back(lease));
        attempts
    }

    /// A scene of one .blend with these bytes.
    pub fn scene(&self, bytes: &[u8]) -> SceneManifest {
        let blob = hash(bytes);
        self.with(|inner| inner.blobs.insert(blob, Bytes::copy_from_slice(bytes)));
        let file = SceneFile {
            path: "main.blend".into(),
            blob,
            size_bytes: bytes.len() as u64,
        };
        SceneManifest {
            content: blob,
            main: file.path.clone(),
            files: vec![file],
        }
    }

    /// Waits until what the worker has said is as it should be.
    pub async fn until(&self, what: &str, is_so: impl Fn(&Inner) -> bool) {
        self.until_within(PATIENCE, what, is_so).await;
    }

    pub async fn until_ended(&self, attempts: &[AttemptRef], end: &str) {
        self.until_ended_within(PATIENCE, attempts, end).await;
    }

    pub async fn until_ended_within(&self, time: Duration, attempts: &[AttemptRef], end: &str) {
        let all = |inner: &Inner| {
            attempts
                .iter()
                .all(|a| inner.ended.get(a).copied() == Some(end))
        };
        self.until_within(time, end, all).await;
    }

    pub async fn until_within(&self, time: Duration, what: &str, is_so: impl Fn(&Inner) -> bool) {
        let mut changed = self.state.changed.subscribe();
        let wait = async {
            while !is_so(&self.state.lock()) {
                changed.changed().await.unwrap();
            }
        };
        if tokio::time::timeout(time, wait).await.is_err() {
            let inner = self.state.lock();
            let last = inner.reports.last();
            panic!(
                "never came: {what}; ended: {:?}, last report: {last:#?}",
                inner.ended
            );
        }
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    fn ring(&self) {
        self.bell.notify_waiters();
        self.changed.send_modify(|count| *count += 1);
    }

    /// Waits until the look finds something, for as long as requests are held.
    async fn hold<T>(&self, look: impl Fn(&mut Inner) -> Option<T>) -> Option<T> {
        let wait = async {
            loop {
                let bell = self.bell.notified();
                if let Some(found) = look(&mut self.lock()) {
                    return found;
                }
                bell.await;
            }
        };
        tokio::time::timeout(HOLD, wait).await.ok()
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(|request| answer(Arc::clone(&state), request));
            let http = hyper::server::conn::http1::Builder::new();
            http.serve_connection(TokioIo::new(stream), service)
                .await
                .ok();
        });
    }
}

type Body = UnsyncBoxBody<Bytes, std::io::Error>;
type Answer = Response<Body>;

async fn answer(state: Arc<State>, request: Request<Incoming>) -> std::io::Result<Answer> {
    let path = request
        .uri()
        .path()
        .trim_start_matches("/agent/v1/")
        .to_owned();
    if path == "/api/v1/openapi.json" {
        return Ok(json(&"description of the API ".repeat(1000)));
    }
    let token = request.headers().get("authorization");
    let is_known = token.is_some_and(|token| *token == format!("Bearer {TOKEN}"));
    let (parts, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(problem(ProblemKind::Internal)),
    };
    if !is_known {
        return Ok(problem(ProblemKind::Unauthorized));
    }
    if let Some(kind) = refusal(&state, &path) {
        state.ring();
        return Ok(problem(kind));
    }
    let answer = match path.as_str() {
        "hello" => hello(&state, read(&body)),
        "work" => work(&state, read(&body)).await,
        "report" => report(&state, read(&body)),
        "commands" => commands(&state).await,
        "registration" => registration(&state),
        path if path.starts_with("challenges/") => {
            let path = path.trim_start_matches("challenges/");
            challenges::challenge(&state, path, body).await
        }
        _ => return blobs::blob(&state, &path, &parts, body),
    };
    state.ring();
    Ok(answer)
}

fn refusal(state: &State, path: &str) -> Option<ProblemKind> {
    let mut inner = state.lock();
    if inner.refuse_all.is_some() {
        return inner.refuse_all;
    }
    let path = path.split('/').next().unwrap();
    let (kind, times) = inner.refuse.get_mut(path)?;
    *times = times.checked_sub(1)?;
    Some(*kind)
}

fn hello(state: &State, hello: Hello) -> Answer {
    state.lock().hellos.push(hello);
    json(&Welcome {
        worker: WorkerId::new(Uuid::from_u128(1)),
        name: "tester".into(),
        version: "test".into(),
        report_interval_ms: 200,
        hold_ms: HOLD.as_millis() as u32,
        lease_ttl_ms: 10_000,
        output_bytes_max: 1 << 30,
        commands: Vec::new(),
    })
}

fn registration(state: &State) -> Answer {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let worker = serde_json::json!({
        "id": WORKER, "name": "tester", "presence": "new", "created_ms": 0, "leased": 0, "done": 0,
    });
    json(&Registration {
        worker: serde_json::from_value(worker).unwrap(),
        now_ms: since.as_millis() as i64 + state.lock().clock_ahead_ms,
        version: "test".into(),
    })
}

async fn work(state: &State, ask: AskForWork) -> Answer {
    state.lock().asks.push(ask);
    state.ring();
    let lease = state.hold(|inner| inner.leases.pop_front()).await;
    json(&Work {
        lease,
        commands: Vec::new(),
    })
}

async fn commands(state: &State) -> Answer {
    let due = |inner: &mut Inner| {
        let commands = inner.commands.clone();
        (!commands.is_empty()).then_some(commands)
    };
    json(&Commands {
        commands: state.hold(due).await.unwrap_or_default(),
    })
}

fn report(state: &State, report: Report) -> Answer {
    let mut inner = state.lock();
    let mut outcomes = Vec::new();
    for finished in &report.finished {
        let outcome = if inner.blobs.contains_key(&finished.output) {
            inner.ended.entry(finished.attempt).or_insert("finished");
            Outcome::Accepted
        } else {
            Outcome::Refused {
                why: Refusal::OutputMissing,
                detail: None,
            }
        };
        outcomes.push(AttemptOutcome {
            attempt: finished.attempt,
            outcome,
        });
    }
    let failed = report
        .failed
        .iter()
        .map(|failed| (failed.attempt, "failed"));
    let returned = report.returned.iter().map(|attempt| (*attempt, "returned"));
    let stopped = report.stopped.iter().map(|attempt| (*attempt, "stopped"));
    for (attempt, end) in failed.chain(returned).chain(stopped) {
        inner.ended.entry(attempt).or_insert(end);
        outcomes.push(AttemptOutcome {
            attempt,
            outcome: Outcome::Accepted,
        });
    }
    inner.reports.push(report);
    let lost = std::mem::take(&mut inner.lost);
    json(&ReportAnswer {
        outcomes,
        lost,
        commands: Vec::new(),
    })
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn read<T: DeserializeOwned>(body: &[u8]) -> T {
    serde_json::from_slice(body).unwrap()
}

fn json(value: &impl Serialize) -> Answer {
    let mut answer = Response::new(whole(serde_json::to_vec(value).unwrap().into()));
    answer
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    answer
}

fn status(status: StatusCode) -> Answer {
    let mut answer = Response::new(whole(Bytes::new()));
    *answer.status_mut() = status;
    answer
}

fn problem(kind: ProblemKind) -> Answer {
    let status = match kind {
        ProblemKind::Unauthorized => 401,
        ProblemKind::NotFound => 404,
        ProblemKind::StorageFull => 507,
        ProblemKind::WorkerTooOld => 426,
        ProblemKind::Internal => 500,
        _ => 409,
    };
    let title = format!("{kind:?}");
    let mut answer = json(&Problem {
        kind,
        title,
        status,
        detail: None,
        faults: Vec::new(),
        role: None,
        rules_version: None,
        hearing: None,
    });
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    answer
        .headers_mut()
        .insert("content-type", MEDIA_TYPE.parse().unwrap());
    answer
}
