//! The coordinator's public API, as far as a launcher needs it, with an access token of its own.
//!
//! Owns the connection and the token; retries nothing and decides nothing.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use pictor_protocol::WorkerId;
use pictor_protocol::problem::{Problem, ProblemKind};
use pictor_protocol::worker::{Demand, DrainWorker, NewWorker, Worker, WorkerList};
use pictor_protocol::worker_config::WorkerConfig;
use serde::de::DeserializeOwned;

use super::config::Token;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// None of the requests takes long; a coordinator that hangs must not keep the launcher from its hosts.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// A list of some ten thousand workers.
const ANSWER_BYTES_MAX: usize = 64 << 20;

type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("cannot prepare encrypted connections")]
    Tls(#[source] io::Error),
    #[error("the token cannot be sent")]
    Token,
    #[error("cannot reach the coordinator")]
    Unreachable(#[source] hyper_util::client::legacy::Error),
    #[error("the coordinator does not answer")]
    Silent,
    #[error("the answer broke off")]
    Cut(#[source] Source),
    #[error("the coordinator's address answered {0}")]
    Status(StatusCode),
    #[error("{0}")]
    Refused(Box<Problem>),
    #[error("the answer was not understood")]
    NotUnderstood(#[source] serde_json::Error),
    #[error("{0:?} cannot be asked for")]
    Address(String),
}

impl CallError {
    /// The token is not good for this, and will not be later.
    pub fn is_refused_token(&self) -> bool {
        matches!(self, Self::Refused(problem)
            if matches!(problem.kind,
                ProblemKind::Unauthorized | ProblemKind::Forbidden | ProblemKind::ChooseARole))
    }

    fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.kind == ProblemKind::NotFound)
    }
}

pub struct Coordinator {
    transport: Transport,
    base: String,
    authorization: HeaderValue,
}

impl Coordinator {
    pub fn new(base: &str, token: &Token) -> Result<Self, CallError> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", token.secret()))
            .map_err(|_| CallError::Token)?;
        authorization.set_sensitive(true);
        Ok(Self {
            transport: Transport::new(base.starts_with("https:"))?,
            base: base.to_owned(),
            authorization,
        })
    }

    pub async fn demand(&self) -> Result<Demand, CallError> {
        self.json(Method::GET, "demand", Bytes::new()).await
    }

    /// Every worker of the token's owner.
    pub async fn workers(&self) -> Result<Vec<Worker>, CallError> {
        let (mut workers, mut path) = (Vec::new(), "workers".to_owned());
        loop {
            let page: WorkerList = self.json(Method::GET, &path, Bytes::new()).await?;
            workers.extend(page.workers);
            let Some(next) = page.next else {
                return Ok(workers);
            };
            path = format!("workers?after={next}");
        }
    }

    /// Registers a worker; the answer holds its token, which is nowhere else.
    pub async fn enrol(&self, name: &str) -> Result<WorkerConfig, CallError> {
        let new = NewWorker { name: name.into() };
        let body = serde_json::to_vec(&new).map_err(CallError::NotUnderstood)?;
        self.json(Method::POST, "workers", body.into()).await
    }

    /// Gives a worker nothing more; one that is gone already is drained.
    pub async fn drain(&self, worker: WorkerId) -> Result<(), CallError> {
        let path = format!("workers/{worker}/drain");
        let why = DrainWorker {
            reason: Some("the launcher takes its container away".into()),
        };
        let body = serde_json::to_vec(&why).map_err(CallError::NotUnderstood)?;
        or_gone(self.call(Method::POST, &path, body.into()).await)
    }

    /// Makes a worker's token worthless; one that is gone already is retired.
    pub async fn retire(&self, worker: WorkerId) -> Result<(), CallError> {
        let path = format!("workers/{worker}");
        or_gone(self.call(Method::DELETE, &path, Bytes::new()).await)
    }

    async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, CallError> {
        let answer = self.call(method, path, body).await?;
        serde_json::from_slice(&answer).map_err(CallError::NotUnderstood)
    }

    async fn call(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, CallError> {
        let called = tokio::time::timeout(ANSWER_WITHIN, self.call_at_length(method, path, body));
        called.await.unwrap_or(Err(CallError::Silent))
    }

    async fn call_at_length(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Bytes, CallError> {
        let address = format!("{}/api/v1/{path}", self.base);
        let request = Request::builder()
            .method(method)
            .uri(&address)
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/json")
            .header(
                USER_AGENT,
                concat!("pictor-launcher/", env!("CARGO_PKG_VERSION")),
            )
            .body(Full::new(body))
            .map_err(|_| CallError::Address(address))?;
        let response = self.transport.send(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
        let body = body.collect().await.map_err(CallError::Cut)?.to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        Err(
            serde_json::from_slice(&body).map_or(CallError::Status(status), |problem| {
                CallError::Refused(Box::new(problem))
            }),
        )
    }
}

fn or_gone(result: Result<Bytes, CallError>) -> Result<(), CallError> {
    match result {
        Err(error) if !error.is_not_found() => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Certificates are loaded only where they are used.
enum Transport {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Tls(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

impl Transport {
    fn new(is_encrypted: bool) -> Result<Self, CallError> {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_WITHIN));
        http.enforce_http(!is_encrypted);
        let builder = Client::builder(TokioExecutor::new());
        if !is_encrypted {
            return Ok(Self::Plain(builder.build(http)));
        }
        let tls = HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(CallError::Tls)?;
        let https = tls.https_only().enable_http1().wrap_connector(http);
        Ok(Self::Tls(builder.build(https)))
    }

    async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<http::Response<hyper::body::Incoming>, CallError> {
        let answer = match self {
            Self::Plain(client) => client.request(request).await,
            Self::Tls(client) => client.request(request).await,
        };
        answer.map_err(CallError::Unreachable)
    }
}
