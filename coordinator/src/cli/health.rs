//! `health`: asks the coordinator that runs beside it whether it is ready, for the health check of a
//! container that holds no other program to ask with.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A coordinator that needs longer than this to say that it is ready is not.
const PATIENCE: Duration = Duration::from_secs(3);
/// Its faults are a few lines.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    #[error("nothing answers at {address}")]
    Unreachable {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("{address} did not answer within {} s", PATIENCE.as_secs())]
    Silent { address: SocketAddr },
    #[error("what answers at {address} is no coordinator")]
    Garbled {
        address: SocketAddr,
        source: hyper::Error,
    },
    #[error("the coordinator at {address} is not ready ({status}): {why}")]
    NotReady {
        address: SocketAddr,
        status: StatusCode,
        why: String,
    },
}

/// Asks the coordinator that listens on `bind`.
pub async fn check(bind: SocketAddr) -> Result<(), HealthError> {
    let address = reachable(bind);
    tokio::time::timeout(PATIENCE, ask(address))
        .await
        .unwrap_or(Err(HealthError::Silent { address }))
}

/// Where one's own machine reaches what listens on `bind`: every address includes the loopback.
fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, bind.port())
}

async fn ask(address: SocketAddr) -> Result<(), HealthError> {
    let stream = TcpStream::connect(address)
        .await
        .map_err(|source| HealthError::Unreachable { address, source })?;
    let garbled = |source| HealthError::Garbled { address, source };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(garbled)?;
    let answer = async move {
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.uri_mut() = http::Uri::from_static("/readyz");
        if let Ok(host) = address.to_string().parse() {
            request.headers_mut().insert(header::HOST, host);
        }
        let response = sender.send_request(request).await.map_err(garbled)?;
        judge(address, response).await
    };
    // The connection ends with the sender that the answer owns; its own error reached the answer too.
    let (answer, _) = tokio::join!(answer, connection);
    answer
}

async fn judge(address: SocketAddr, response: Response<Incoming>) -> Result<(), HealthError> {
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(());
    }
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
    let body = body.collect().await.map(|body| body.to_bytes());
    let why = body.unwrap_or_default();
    Err(HealthError::NotReady {
        address,
        status,
        why: String::from_utf8_lossy(&why).trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_everywhere_is_asked_over_the_loopback() {
        for (bind, address) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("192.0.2.7:80", "192.0.2.7:80"),
        ] {
            assert_eq!(reachable(bind.parse().unwrap()).to_string(), address);
        }
    }
}
