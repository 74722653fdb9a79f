//! The public API of a coordinator, one function per request.

pub mod backoff;
pub mod events;
mod sse;
mod transport;

use http::Method;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use pictor_protocol::job::{Frame, FramePage, Job, JobPage, NewJob, RetryFrames};
use pictor_protocol::people::Me;
use pictor_protocol::review::{ApproveFrames, SendBackFrames, SentBackFrames};
use pictor_protocol::scene::{NewScene, Scene};
use pictor_protocol::worker::WorkerList;
use pictor_protocol::{BlobHash, JobId, blob};

use self::transport::Transport;
pub use self::transport::{ApiError, Body, Request};
use crate::credentials::Coordinator;

/// Most items that a page is asked for.
const PAGE: u32 = 1000;

/// A coordinator that can be talked to. Clones share their connections.
#[derive(Clone)]
pub struct Api {
    transport: Transport,
}

/// What a job can be told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Pause,
    Resume,
    Cancel,
}

/// How much of a blob the coordinator has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    Everything,
    /// The first so many bytes.
    Part(u64),
}

impl Api {
    pub fn new(coordinator: &Coordinator) -> Result<Self, ApiError> {
        Transport::new(coordinator).map(|transport| Self { transport })
    }

    pub fn url(&self) -> &str {
        self.transport.url()
    }

    pub async fn me(&self) -> Result<Me, ApiError> {
        self.get("/me").await
    }

    /// All of one's own, page by page.
    pub async fn workers(&self) -> Result<WorkerList, ApiError> {
        let mut list: WorkerList = self.get("/workers").await?;
        while let Some(next) = list.next.take() {
            let page: WorkerList = self.get(&format!("/workers?after={next}")).await?;
            list.workers.extend(page.workers);
            list.next = page.next;
        }
        Ok(list)
    }

    /// Reading and unpacking a large archive takes the coordinator a while.
    pub async fn create_scene(&self, scene: &NewScene) -> Result<Scene, ApiError> {
        let request = Request::post("/scenes").json(scene).slow();
        self.transport.json(request).await
    }

    pub async fn create_job(&self, job: &NewJob) -> Result<Job, ApiError> {
        self.post("/jobs", job).await
    }

    pub async fn jobs(
        &self,
        limit: u32,
        before: Option<JobId>,
        state: Option<&str>,
    ) -> Result<JobPage, ApiError> {
        let before = before.map(|id| format!("&before={id}")).unwrap_or_default();
        let state = state
            .map(|state| format!("&state={state}"))
            .unwrap_or_default();
        let limit = limit.min(PAGE);
        self.get(&format!("/jobs?limit={limit}{before}{state}"))
            .await
    }

    pub async fn job(&self, id: JobId) -> Result<Job, ApiError> {
        self.get(&format!("/jobs/{id}")).await
    }

    pub async fn delete_job(&self, id: JobId) -> Result<(), ApiError> {
        let request = Request::new(Method::DELETE, format!("/jobs/{id}"));
        self.transport.open(request).await.map(drop)
    }

    pub async fn order(&self, id: JobId, order: Order) -> Result<Job, ApiError> {
        let verb = match order {
            Order::Pause => "pause",
            Order::Resume => "resume",
            Order::Cancel => "cancel",
        };
        let request = Request::post(format!("/jobs/{id}/{verb}"));
        self.transport.json(request).await
    }

    pub async fn retry(&self, id: JobId, frames: &RetryFrames) -> Result<Job, ApiError> {
        self.post(&format!("/jobs/{id}/retry"), frames).await
    }

    pub async fn approve(&self, id: JobId, frames: &ApproveFrames) -> Result<Job, ApiError> {
        self.post(&format!("/jobs/{id}/approve"), frames).await
    }

    pub async fn send_back(
        &self,
        id: JobId,
        frames: &SendBackFrames,
    ) -> Result<SentBackFrames, ApiError> {
        self.post(&format!("/jobs/{id}/send-back"), frames).await
    }

    /// All frames of a job, or those in one state, in order.
    pub async fn frames(&self, id: JobId, state: Option<&str>) -> Result<Vec<Frame>, ApiError> {
        let state = state
            .map(|state| format!("&state={state}"))
            .unwrap_or_default();
        let mut frames = Vec::new();
        let mut after = String::new();
        loop {
            let address = format!("/jobs/{id}/frames?limit={PAGE}{state}{after}");
            let page: FramePage = self.get(&address).await?;
            frames.extend(page.frames);
            match page.next {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(frames),
            }
        }
    }

    pub async fn frame(&self, id: JobId, frame: i32) -> Result<Frame, ApiError> {
        self.get(&format!("/jobs/{id}/frames/{frame}")).await
    }

    pub async fn log(&self, id: JobId, frame: i32) -> Result<String, ApiError> {
        let request = Request::get(format!("/jobs/{id}/frames/{frame}/log"));
        let answer = self.transport.open(request).await?;
        let bytes = self.transport.whole(answer).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The bytes of a frame's picture, as they come.
    pub async fn output(&self, id: JobId, frame: i32) -> Result<Chunks, ApiError> {
        self.chunks(format!("/jobs/{id}/frames/{frame}/output"))
            .await
    }

    /// The bytes of an archive of all finished frames, as they come.
    pub async fn archive(&self, id: JobId) -> Result<Chunks, ApiError> {
        self.chunks(format!("/jobs/{id}/output.zip")).await
    }

    /// The job's live events since `last_event_id`, as they come.
    async fn event_stream(
        &self,
        id: JobId,
        last_event_id: Option<&str>,
    ) -> Result<Chunks, ApiError> {
        let mut request =
            Request::get(format!("/jobs/{id}/events")).header("accept", "text/event-stream");
        if let Some(last) = last_event_id {
            request = request.header("last-event-id", last);
        }
        self.open(request).await
    }

    /// How much of a blob is already there.
    pub async fn blob_held(&self, hash: BlobHash) -> Result<Held, ApiError> {
        let request = Request::new(Method::HEAD, format!("/blobs/{hash}"));
        let answer = self.transport.send(request).await?;
        if answer.status().is_success() {
            return Ok(Held::Everything);
        }
        // The answer to a HEAD has no body to explain a refusal: the PUT that follows will.
        let offset = answer.headers().get(blob::UPLOAD_OFFSET);
        let offset = offset.and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Held::Part(offset.unwrap_or(0)))
    }

    /// Sends the bytes of a blob from `offset` on; `length` is that of the whole blob.
    pub async fn put_blob(
        &self,
        hash: BlobHash,
        offset: u64,
        length: u64,
        body: Body,
    ) -> Result<(), ApiError> {
        let request = Request::new(Method::PUT, format!("/blobs/{hash}"))
            .header(blob::UPLOAD_OFFSET, offset)
            .header(blob::UPLOAD_LENGTH, length)
            .header("content-length", length - offset)
            .body(body)
            .without_deadline();
        self.transport.open(request).await.map(drop)
    }

    fn lost(&self, why: &'static str) -> ApiError {
        self.transport.broken(why)
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, address: &str) -> Result<T, ApiError> {
        self.transport.json(Request::get(address)).await
    }

    async fn post<T: serde::de::DeserializeOwned>(
        &self,
        address: &str,
        body: &impl serde::Serialize,
    ) -> Result<T, ApiError> {
        self.transport.json(Request::post(address).json(body)).await
    }

    async fn chunks(&self, address: String) -> Result<Chunks, ApiError> {
        self.open(Request::get(address)).await
    }

    async fn open(&self, request: Request) -> Result<Chunks, ApiError> {
        let answer = self.transport.open(request).await?;
        Ok(Chunks {
            body: answer.into_body(),
            transport: self.transport.clone(),
        })
    }
}

/// A body that is read piece by piece. Silence for too long is an error.
pub struct Chunks {
    body: Incoming,
    transport: Transport,
}

impl Chunks {
    /// The next bytes; `None` at the end. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<Option<bytes::Bytes>, ApiError> {
        loop {
            let Some(piece) = self.transport.hearing(self.body.frame()).await? else {
                return Ok(None);
            };
            // Trailers carry nothing for us.
            if let Ok(bytes) = piece.into_data() {
                return Ok(Some(bytes));
            }
        }
    }
}
