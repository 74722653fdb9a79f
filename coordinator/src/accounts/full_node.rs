//! What the chain says of an account, as an Aptos full node tells it.

use http::{Request, Response, StatusCode, header};
use serde::Deserialize;

use super::aptos::Address;
use super::outbound::{Outbound, OutboundError};

/// A full node's REST API.
#[derive(Debug)]
pub struct FullNode {
    /// Without a slash at the end, such as `https://api.mainnet.aptoslabs.com`.
    url: String,
    outbound: Outbound,
}

/// Why a node did not say what it was asked. Of who may sign for an account, each of these refuses the sign-in: a
/// node that is down must not make an old key good again.
#[derive(Debug, thiserror::Error)]
pub enum FullNodeError {
    #[error("the address of the Aptos node cannot be asked")]
    Request(#[from] http::Error),
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("the Aptos node answered {0}")]
    Status(StatusCode),
    #[error("the Aptos node's answer is not understood")]
    Answer(#[from] serde_json::Error),
    #[error("the Aptos node's answer has no authentication key")]
    Key(#[from] super::aptos::BadAddress),
}

#[derive(Deserialize)]
struct Account {
    authentication_key: String,
}

impl FullNode {
    pub fn new(url: &str, outbound: Outbound) -> Self {
        Self {
            url: url.to_owned(),
            outbound,
        }
    }

    /// A request for what stands at `path`.
    pub fn get(&self, path: &str) -> Result<Request<Vec<u8>>, FullNodeError> {
        let request = Request::get(format!("{}{path}", self.url));
        let request = request.header(header::ACCEPT, "application/json");
        Ok(request.body(Vec::new())?)
    }

    /// A request that hands `body` over, which is of that media type.
    pub fn post(
        &self,
        path: &str,
        media_type: &str,
        body: Vec<u8>,
    ) -> Result<Request<Vec<u8>>, FullNodeError> {
        let request = Request::post(format!("{}{path}", self.url));
        let request = request
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, media_type);
        Ok(request.body(body)?)
    }

    pub async fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, FullNodeError> {
        Ok(self.outbound.send(request).await?)
    }

    /// The authentication key of an account. One that the chain has not seen yet has its address for a key.
    pub async fn authentication_key(&self, address: Address) -> Result<Address, FullNodeError> {
        let request = self.get(&format!("/v1/accounts/{address}"))?;
        let answer = self.send(request).await?;
        match answer.status() {
            StatusCode::OK => {
                let account: Account = serde_json::from_slice(answer.body())?;
                Ok(account.authentication_key.parse()?)
            }
            StatusCode::NOT_FOUND => Ok(address),
            status => Err(FullNodeError::Status(status)),
        }
    }
}
