//! Connections: pooled, kept alive, encrypted where the address says so.

use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::CallError;
use super::body::Body;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Proxies commonly drop what is idle for a minute.
const IDLE: Duration = Duration::from_secs(50);
/// Finds out within two minutes that the other end of a held request is gone.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Certificates are loaded only where they are used: they take a megabyte and some time.
#[derive(Debug)]
pub(super) enum Transport {
    Plain(Client<HttpConnector, Body>),
    Tls(Client<HttpsConnector<HttpConnector>, Body>),
}

impl Transport {
    pub(super) fn new(is_encrypted: bool) -> Result<Self, CallError> {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_WITHIN));
        http.set_keepalive(Some(KEEPALIVE));
        http.enforce_http(!is_encrypted);
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new());
        if !is_encrypted {
            return Ok(Self::Plain(builder.build(http)));
        }
        let tls = HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(CallError::Tls)?;
        let https = tls.https_only().enable_http1().wrap_connector(http);
        Ok(Self::Tls(builder.build(https)))
    }

    pub(super) async fn send(
        &self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, CallError> {
        let answer = match self {
            Self::Plain(client) => client.request(request).await,
            Self::Tls(client) => client.request(request).await,
        };
        answer.map_err(CallError::Unreachable)
    }
}
