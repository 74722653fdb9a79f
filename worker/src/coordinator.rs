//! The one way to the coordinator: its requests as methods, its refusals as typed errors.
//!
//! Owns the connections, the time limits and the token. Knows nothing of frames or Blender, retries
//! nothing and decides nothing: who calls says what an error means.

mod body;
mod call_error;
mod transport;

use std::path::Path;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RANGE, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use pictor_protocol::agent::{
    AskForCommands, AskForWork, Commands, Hello, Registration, Report, ReportAnswer, Welcome, Work,
};
use pictor_protocol::blob::{UPLOAD_LENGTH, UPLOAD_OFFSET};
use pictor_protocol::challenge::{BeginChallenge, Challenge, ChallengeReceived};
use pictor_protocol::problem::{MEDIA_TYPE, Problem};
use pictor_protocol::{BlobHash, ChallengeId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::Token;
use body::Body;
pub use call_error::{CallError, Fatal, Remedy};
use transport::Transport;

/// For a request that is answered as soon as it is understood.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// For the beginning of a presence challenge, which is held while others get ready.
const CHALLENGE_WITHIN: Duration = Duration::from_secs(60);
/// Added to the time for which the coordinator may hold a request.
const HOLD_MARGIN: Duration = Duration::from_secs(15);
/// A download that brings nothing for so long is dead.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// An upload slower than this is dead.
const UPLOAD_BYTES_PER_SECOND: u64 = 8 * 1024;
/// Longest JSON answer: a lease of a scene with very many files.
const ANSWER_BYTES_MAX: usize = 32 << 20;

#[derive(Debug)]
pub struct Coordinator {
    transport: Transport,
    base: String,
    authorization: HeaderValue,
}

/// What the coordinator already has of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    All,
    /// So many bytes from the start.
    Part(u64),
}

impl Coordinator {
    pub fn new(base: &str, token: &Token) -> Result<Self, CallError> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", token.secret()))
            .map_err(|_| CallError::Malformed("the token cannot be sent".into()))?;
        authorization.set_sensitive(true);
        let transport = Transport::new(base.starts_with("https:"))?;
        Ok(Self {
            transport,
            base: base.to_owned(),
            authorization,
        })
    }

    pub async fn hello(&self, hello: &Hello) -> Result<Welcome, CallError> {
        self.post("hello", hello, ANSWER_WITHIN).await
    }

    /// How the coordinator knows this worker. No sign of life of it.
    pub async fn registration(&self) -> Result<Registration, CallError> {
        let request = self.request(Method::GET, "registration");
        let response = self.send(request, Body::empty(), ANSWER_WITHIN).await?;
        read_answer("registration", self.refuse(response).await?).await
    }

    /// Fetches what anybody may, and answers how long it is.
    pub async fn api_description(&self) -> Result<u64, CallError> {
        let request = Request::builder().uri(format!("{}/api/v1/openapi.json", self.base));
        let response = self.send(request, Body::empty(), ANSWER_WITHIN).await?;
        let bytes = read_all(self.refuse(response).await?).await?;
        Ok(bytes.len() as u64)
    }

    /// Held by the coordinator for as long as the request says.
    pub async fn work(&self, ask: &AskForWork) -> Result<Work, CallError> {
        self.post("work", ask, held(ask.hold_ms)).await
    }

    pub async fn report(&self, report: &Report) -> Result<ReportAnswer, CallError> {
        self.post("report", report, ANSWER_WITHIN).await
    }

    /// Held by the coordinator for as long as the request says.
    pub async fn commands(&self, ask: &AskForCommands) -> Result<Commands, CallError> {
        self.post("commands", ask, held(ask.hold_ms)).await
    }

    /// Held by the coordinator until the challenge opens.
    pub async fn begin_challenge(
        &self,
        id: ChallengeId,
        begin: &BeginChallenge,
    ) -> Result<Challenge, CallError> {
        self.post(&format!("challenges/{id}/begin"), begin, CHALLENGE_WITHIN)
            .await
    }

    pub async fn answer_challenge(
        &self,
        id: ChallengeId,
        picture: &Bytes,
    ) -> Result<ChallengeReceived, CallError> {
        let name = format!("challenges/{id}/answer");
        let request = self.request(Method::PUT, &name);
        let request = request.header(CONTENT_TYPE, "image/png");
        let body = Body::bytes(picture.clone());
        let response = self.send(request, body, ANSWER_WITHIN).await?;
        read_answer(&name, self.refuse(response).await?).await
    }

    pub async fn blob_head(&self, hash: BlobHash) -> Result<Held, CallError> {
        let request = self.request(Method::HEAD, &format!("blobs/{hash}"));
        let response = self.send(request, Body::empty(), ANSWER_WITHIN).await?;
        match response.status() {
            StatusCode::OK => Ok(Held::All),
            StatusCode::NOT_FOUND => {
                let offset = response.headers().get(UPLOAD_OFFSET);
                let offset = offset.and_then(|value| value.to_str().ok()?.parse().ok());
                Ok(Held::Part(offset.unwrap_or(0)))
            }
            // An answer to HEAD has no body, so the status is all there is to go by.
            status => Err(CallError::from_status(status)),
        }
    }

    /// Sends the file's bytes from `offset` on.
    pub async fn blob_put(
        &self,
        hash: BlobHash,
        file: &Path,
        size_bytes: u64,
        offset: u64,
    ) -> Result<(), CallError> {
        let body = Body::file(file, offset).await.map_err(CallError::File)?;
        let request = self
            .request(Method::PUT, &format!("blobs/{hash}"))
            .header(UPLOAD_OFFSET, offset)
            .header(UPLOAD_LENGTH, size_bytes);
        let bytes = size_bytes.saturating_sub(offset);
        let limit = ANSWER_WITHIN + Duration::from_secs(bytes / UPLOAD_BYTES_PER_SECOND);
        let response = self.send(request, body, limit).await?;
        self.refuse(response).await.map(drop)
    }

    /// Starts to fetch a blob from `offset` on; the coordinator may start at 0 all the same.
    pub async fn blob_get(&self, hash: BlobHash, offset: u64) -> Result<Download, CallError> {
        let mut request = self.request(Method::GET, &format!("blobs/{hash}"));
        if offset > 0 {
            request = request.header(RANGE, format!("bytes={offset}-"));
        }
        let response = self.send(request, Body::empty(), ANSWER_WITHIN).await?;
        let response = self.refuse(response).await?;
        let is_partial = response.status() == StatusCode::PARTIAL_CONTENT;
        let offset = if is_partial { offset } else { 0 };
        Ok(Download {
            offset,
            body: response.into_body(),
        })
    }

    async fn post<Q: Serialize, A: DeserializeOwned>(
        &self,
        name: &str,
        question: &Q,
        limit: Duration,
    ) -> Result<A, CallError> {
        let json = serde_json::to_vec(question)
            .map_err(|error| CallError::Malformed(format!("cannot write {name}: {error}")))?;
        let request = self
            .request(Method::POST, name)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json");
        let response = self.send(request, Body::bytes(json.into()), limit).await?;
        read_answer(name, self.refuse(response).await?).await
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}/agent/v1/{path}", self.base))
            .header(AUTHORIZATION, &self.authorization)
            .header(
                USER_AGENT,
                concat!("pictor-worker/", env!("CARGO_PKG_VERSION")),
            )
    }

    async fn send(
        &self,
        request: http::request::Builder,
        body: Body,
        limit: Duration,
    ) -> Result<Response<Incoming>, CallError> {
        let request = request
            .body(body)
            .map_err(|error| CallError::Malformed(format!("cannot ask: {error}")))?;
        match tokio::time::timeout(limit, self.transport.send(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(CallError::Silent { after: limit }),
        }
    }

    /// Turns every answer but a success into the error it stands for.
    async fn refuse(&self, response: Response<Incoming>) -> Result<Response<Incoming>, CallError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let content_type = response.headers().get(CONTENT_TYPE);
        let is_problem =
            content_type.is_some_and(|it| it.as_bytes().starts_with(MEDIA_TYPE.as_bytes()));
        if is_problem
            && let Ok(problem) = serde_json::from_slice::<Problem>(&read_all(response).await?)
        {
            return Err(CallError::Refused(Box::new(problem)));
        }
        Err(CallError::from_status(status))
    }
}

/// A blob on its way.
#[derive(Debug)]
pub struct Download {
    /// Index of the first byte that comes.
    pub offset: u64,
    body: Incoming,
}

impl Download {
    /// The next bytes; `None` at the end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, CallError> {
        loop {
            let frame = tokio::time::timeout(SILENCE_MAX, self.body.frame()).await;
            let frame = frame.map_err(|_| CallError::Silent { after: SILENCE_MAX })?;
            match frame {
                None => return Ok(None),
                Some(Err(error)) => return Err(CallError::Broken(error)),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }
}

fn held(hold_ms: Option<u32>) -> Duration {
    Duration::from_millis(hold_ms.unwrap_or(0).into()) + HOLD_MARGIN
}

async fn read_answer<A: DeserializeOwned>(
    name: &str,
    response: Response<Incoming>,
) -> Result<A, CallError> {
    let bytes = read_all(response).await?;
    serde_json::from_slice(&bytes)
        .map_err(|error| CallError::Malformed(format!("the answer to {name}: {error}")))
}

async fn read_all(response: Response<Incoming>) -> Result<Bytes, CallError> {
    let mut body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
    let mut all = BytesMut::new();
    loop {
        let frame = tokio::time::timeout(SILENCE_MAX, body.frame()).await;
        let frame = frame.map_err(|_| CallError::Silent { after: SILENCE_MAX })?;
        match frame {
            None => return Ok(all.freeze()),
            Some(Err(error)) => return Err(CallError::Cut(error)),
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    all.extend_from_slice(&bytes);
                }
            }
        }
    }
}
