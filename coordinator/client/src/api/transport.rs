//! One request, one answer: connection, token, deadlines, and errors in our own words.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use pictor_protocol::problem::{Problem, ProblemKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::credentials::Coordinator;

/// A machine that is off answers nothing at all; people should not wait for long to hear that.
const CONNECT: Duration = Duration::from_secs(10);
/// Every ordinary request is answered within milliseconds; this bounds a coordinator that hangs.
const ANSWER: Duration = Duration::from_secs(60);
/// A scene archive of many gigabytes is unpacked and hashed before it is answered.
const SLOW_ANSWER: Duration = Duration::from_secs(1800);
/// Longest silence in the middle of a body; event streams carry a comment every 15 s.
const SILENCE: Duration = Duration::from_secs(45);
/// A page of a thousand frames takes less than one MiB; logs are the longest bodies read as a whole.
const BODY_BYTES_MAX: usize = 64 << 20;

/// What a request carries.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("the coordinator at {url} is not reachable")]
    Unreachable {
        url: String,
        source: hyper_util::client::legacy::Error,
    },
    #[error("the connection to {url} broke")]
    Broken {
        url: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{url} does not answer")]
    Silent { url: String },
    #[error("{url} does not answer like a Pictor coordinator ({status})")]
    NotPictor { url: String, status: StatusCode },
    #[error("{url} answered what this version does not understand")]
    BadAnswer {
        url: String,
        source: serde_json::Error,
    },
    #[error("this machine's certificates cannot be read")]
    Certificates { source: io::Error },
    #[error("the file cannot be read any more")]
    File { source: io::Error },
    #[error("{0}")]
    Refused(Box<Problem>),
}

impl ApiError {
    /// What the coordinator calls its refusal.
    pub fn problem(&self) -> Option<ProblemKind> {
        if let Self::Refused(problem) = self {
            Some(problem.kind)
        } else {
            None
        }
    }

    /// The same request may well succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken { .. } | Self::Silent { .. } => true,
            Self::NotPictor { status, .. } => is_transient(status.as_u16()),
            Self::Refused(problem) => is_transient(problem.status),
            Self::BadAnswer { .. } | Self::Certificates { .. } | Self::File { .. } => false,
        }
    }
}

/// 502 and 504 are a proxy's words for a coordinator that restarts. 507, storage full, is not here:
/// somebody has to make room first.
fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// A request to an address below `/api/v1`.
pub struct Request {
    method: Method,
    address: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Body,
    deadline: Option<Duration>,
}

impl Request {
    pub fn new(method: Method, address: impl Into<String>) -> Self {
        Self {
            method,
            address: address.into(),
            headers: Vec::new(),
            body: Empty::new().map_err(|never| match never {}).boxed_unsync(),
            deadline: Some(ANSWER),
        }
    }

    pub fn get(address: impl Into<String>) -> Self {
        Self::new(Method::GET, address)
    }

    pub fn post(address: impl Into<String>) -> Self {
        Self::new(Method::POST, address)
    }

    /// Values come from our own types; one that is no header value is left out.
    pub fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        if let Ok(value) = HeaderValue::try_from(value.to_string()) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    pub fn json(self, value: &impl Serialize) -> Self {
        // The wire types have string keys and no fallible serialisers, so this cannot fail.
        let json = serde_json::to_vec(value).unwrap_or_default();
        let body = Full::from(json).map_err(|never| match never {});
        self.header("content-type", "application/json")
            .body(body.boxed_unsync())
    }

    pub fn slow(mut self) -> Self {
        self.deadline = Some(SLOW_ANSWER);
        self
    }

    /// For bodies that take as long as the line needs.
    pub fn without_deadline(mut self) -> Self {
        self.deadline = None;
        self
    }
}

/// Connections to one coordinator. Clones share them.
#[derive(Clone)]
pub struct Transport(Arc<Inner>);

struct Inner {
    client: HttpClient,
    url: String,
    authorization: HeaderValue,
}

/// Reading the system's certificates takes longer than all else at start: only https pays for it.
enum HttpClient {
    Plain(Client<HttpConnector, Body>),
    Tls(Client<HttpsConnector<HttpConnector>, Body>),
}

impl Transport {
    pub fn new(coordinator: &Coordinator) -> Result<Self, ApiError> {
        let url = coordinator.url.clone();
        let bearer = format!("Bearer {}", coordinator.token);
        let mut authorization =
            HeaderValue::try_from(bearer).map_err(|error| ApiError::Broken {
                url: url.clone(),
                source: error.into(),
            })?;
        authorization.set_sensitive(true);
        let client = HttpClient::new(&url).map_err(|source| ApiError::Certificates { source })?;
        Ok(Self(Arc::new(Inner {
            client,
            url,
            authorization,
        })))
    }

    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The answer, whatever its status.
    pub async fn send(&self, request: Request) -> Result<Response<Incoming>, ApiError> {
        let deadline = request.deadline;
        let sending = async {
            let request = self.build(request)?;
            let result = match &self.0.client {
                HttpClient::Plain(client) => client.request(request).await,
                HttpClient::Tls(client) => client.request(request).await,
            };
            result.map_err(|error| self.explain(error))
        };
        match deadline {
            Some(deadline) => self.within(deadline, sending).await,
            None => sending.await,
        }
    }

    /// The answer when it is a success, else the refusal.
    pub async fn open(&self, request: Request) -> Result<Response<Incoming>, ApiError> {
        let answer = self.send(request).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let body = self.whole(answer).await?;
        Err(match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => ApiError::Refused(Box::new(problem)),
            Err(_) => ApiError::NotPictor {
                url: self.0.url.clone(),
                status,
            },
        })
    }

    /// The answer, read as JSON.
    pub async fn json<T: DeserializeOwned>(&self, request: Request) -> Result<T, ApiError> {
        let answer = self.open(request).await?;
        let body = self.whole(answer).await?;
        serde_json::from_slice(&body).map_err(|source| ApiError::BadAnswer {
            url: self.0.url.clone(),
            source,
        })
    }

    /// The whole body of an answer, which must not be endless.
    pub async fn whole(&self, answer: Response<Incoming>) -> Result<Bytes, ApiError> {
        let body = Limited::new(answer.into_body(), BODY_BYTES_MAX);
        let read = async { body.collect().await.map_err(|error| self.broken(error)) };
        Ok(self.within(ANSWER, read).await?.to_bytes())
    }

    /// The next piece of a body.
    pub async fn hearing<T>(
        &self,
        piece: impl Future<Output = Option<Result<T, hyper::Error>>>,
    ) -> Result<Option<T>, ApiError> {
        let heard = async { piece.await.transpose().map_err(|error| self.broken(error)) };
        self.within(SILENCE, heard).await
    }

    async fn within<T>(
        &self,
        deadline: Duration,
        work: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        match tokio::time::timeout(deadline, work).await {
            Ok(result) => result,
            Err(_) => Err(ApiError::Silent {
                url: self.0.url.clone(),
            }),
        }
    }

    fn build(&self, request: Request) -> Result<http::Request<Body>, ApiError> {
        let mut built = http::Request::builder()
            .method(request.method)
            .uri(format!("{}/api/v1{}", self.0.url, request.address))
            .header(AUTHORIZATION, self.0.authorization.clone())
            .header(USER_AGENT, concat!("pictor/", env!("CARGO_PKG_VERSION")));
        for (name, value) in request.headers {
            built = built.header(name, value);
        }
        built.body(request.body).map_err(|error| self.broken(error))
    }

    fn explain(&self, error: hyper_util::client::legacy::Error) -> ApiError {
        if error.is_connect() {
            let url = self.0.url.clone();
            return ApiError::Unreachable { url, source: error };
        }
        match own_file_error(&error) {
            Some(source) => ApiError::File { source },
            None => self.broken(error),
        }
    }

    /// The connection is of no more use.
    pub fn broken(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ApiError {
        ApiError::Broken {
            url: self.0.url.clone(),
            source: error.into(),
        }
    }
}

impl HttpClient {
    fn new(url: &str) -> io::Result<Self> {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        connector.enforce_http(false);
        let client = Client::builder(TokioExecutor::new());
        if url.starts_with("http:") {
            return Ok(Self::Plain(client.build(connector)));
        }
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()?
            .https_only()
            .enable_http1()
            .wrap_connector(connector);
        Ok(Self::Tls(client.build(connector)))
    }
}

/// The error of our own request body, when that is what ended the request: hyper calls it the user's.
fn own_file_error(error: &(dyn std::error::Error + 'static)) -> Option<io::Error> {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.find(|error| {
        error
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_user)
    })?;
    let file = causes.find_map(|error| error.downcast_ref::<io::Error>())?;
    Some(io::Error::new(file.kind(), file.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16) -> ApiError {
        ApiError::Refused(Box::new(Problem {
            kind: ProblemKind::Internal,
            title: "No".into(),
            status,
            detail: None,
            faults: vec![],
            role: None,
            rules_version: None,
            hearing: None,
        }))
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        assert!(refused(503).is_transient());
        assert!(refused(429).is_transient());
        for lasting in [400, 401, 404, 409, 507] {
            assert!(!refused(lasting).is_transient(), "{lasting}");
        }
        let url = String::from("http://a");
        assert!(ApiError::Silent { url }.is_transient());
    }
}
