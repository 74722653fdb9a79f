//! Requests that the coordinator itself makes: to the OpenID provider and to Aptos full nodes.
//!
//! Bounded in time and size, and without redirects: a counterpart says who it is by its address.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// Somebody waits in front of a browser.
const ANSWER: Duration = Duration::from_secs(10);
/// Key sets and accounts are some kilobytes.
const BODY_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    #[error("{host} cannot be reached")]
    Unreachable {
        host: String,
        source: hyper_util::client::legacy::Error,
    },
    #[error("{host} does not answer within 10 s")]
    Silent { host: String },
    #[error("the answer of {host} breaks off or is too long")]
    Body {
        host: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

#[derive(Debug, Clone)]
pub struct Outbound {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Outbound {
    /// Fails if this machine has no certificates to recognise servers by.
    pub fn new() -> io::Result<Self> {
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
        })
    }

    pub async fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, OutboundError> {
        let host = request.uri().host().unwrap_or("nowhere").to_owned();
        let silent = OutboundError::Silent { host: host.clone() };
        tokio::time::timeout(ANSWER, self.exchange(request, host))
            .await
            .unwrap_or(Err(silent))
    }

    async fn exchange(
        &self,
        request: Request<Vec<u8>>,
        host: String,
    ) -> Result<Response<Vec<u8>>, OutboundError> {
        let answer = self
            .client
            .request(request.map(|body| Full::new(Bytes::from(body))))
            .await;
        let answer = answer.map_err(|source| OutboundError::Unreachable {
            host: host.clone(),
            source,
        })?;
        let (head, body) = answer.into_parts();
        match Limited::new(body, BODY_BYTES_MAX).collect().await {
            Ok(body) => Ok(Response::from_parts(head, body.to_bytes().to_vec())),
            Err(source) => Err(OutboundError::Body { host, source }),
        }
    }
}

impl<'c> openidconnect::AsyncHttpClient<'c> for Outbound {
    type Error = OutboundError;
    type Future =
        Pin<Box<dyn Future<Output = Result<Response<Vec<u8>>, OutboundError>> + Send + 'c>>;

    fn call(&'c self, request: Request<Vec<u8>>) -> Self::Future {
        Box::pin(self.send(request))
    }
}
