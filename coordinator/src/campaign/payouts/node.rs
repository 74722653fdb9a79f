//! The REST API of an Aptos full node, as far as paying needs it. Every answer that decides about money is
//! judged together with the state of the chain that it speaks of, which stands in its headers.

use http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::fate::{ByHash, BySequence, Ledger, Outcome};
use super::transaction::{BadTransactionHash, TransactionHash};
use crate::accounts::aptos::{Address, BadAddress};
use crate::accounts::full_node::{FullNode, FullNodeError};

const SIGNED_TRANSACTION: &str = "application/x.aptos.signed_transaction+bcs";
const APT: &str = "0x1::aptos_coin::AptosCoin";
const CHAIN_ID: &str = "x-aptos-chain-id";
const LEDGER_TIME: &str = "x-aptos-ledger-timestampusec";
/// More of a node's refusal is not kept.
const REFUSAL_CHARS: usize = 400;

#[derive(Debug)]
pub struct Node(FullNode);

#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error(transparent)]
    FullNode(#[from] FullNodeError),
    #[error("the Aptos node's answer is not understood")]
    Answer(#[from] serde_json::Error),
    #[error("the Aptos node's answer does not say of which state of the chain it speaks")]
    NoLedger,
    #[error("the Aptos node's answer does not say how the transaction ended")]
    NoOutcome,
    #[error("the Aptos node's answer names no number where there should be one: {0:?}")]
    Number(String),
    #[error("the Aptos node's answer names no account")]
    Address(#[from] BadAddress),
    #[error(transparent)]
    Hash(#[from] BadTransactionHash),
    #[error("the Aptos node's answer to a simulation is empty")]
    NothingSimulated,
}

/// What the chain says of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    pub sequence_number: u64,
    /// What the account's key has to be.
    pub authentication_key: Address,
}

/// What would happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    pub success: bool,
    pub vm_status: String,
    pub gas_used: u64,
}

/// What a node says to a transaction that it is handed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    Taken,
    /// In its words. Not to be believed: it may have had the transaction before.
    Refused(String),
}

#[derive(Deserialize)]
struct WrittenAccount {
    sequence_number: String,
    authentication_key: String,
}

#[derive(Deserialize)]
struct WrittenPrice {
    gas_estimate: u64,
}

#[derive(Deserialize)]
struct WrittenSimulation {
    success: bool,
    vm_status: String,
    gas_used: String,
}

/// A pending one has no outcome.
#[derive(Deserialize)]
struct WrittenTransaction {
    #[serde(rename = "type")]
    kind: String,
    hash: String,
    sequence_number: Option<String>,
    success: Option<bool>,
    vm_status: Option<String>,
}

impl Node {
    pub fn new(node: FullNode) -> Self {
        Self(node)
    }

    /// The account as it is, and the state of the chain that has it so. One that the chain has not seen has
    /// done nothing, and its address for a key.
    pub async fn account(&self, address: Address) -> Result<(Account, Ledger), NodeError> {
        let answer = self.get(&format!("/v1/accounts/{address}")).await?;
        let ledger = ledger(answer.headers())?;
        if answer.status() == StatusCode::NOT_FOUND {
            let account = Account {
                sequence_number: 0,
                authentication_key: address,
            };
            return Ok((account, ledger));
        }
        let written: WrittenAccount = read(&answer)?;
        let account = Account {
            sequence_number: number(&written.sequence_number)?,
            authentication_key: written.authentication_key.parse()?,
        };
        Ok((account, ledger))
    }

    pub async fn balance_octas(&self, address: Address) -> Result<(u64, Ledger), NodeError> {
        let path = format!("/v1/accounts/{address}/balance/{APT}");
        let answer = self.get(&path).await?;
        let ledger = ledger(answer.headers())?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok((0, ledger)),
            _ => Ok((read(&answer)?, ledger)),
        }
    }

    /// Octas for a unit of gas.
    pub async fn gas_price(&self) -> Result<u64, NodeError> {
        let written: WrittenPrice = read(&self.get("/v1/estimate_gas_price").await?)?;
        Ok(written.gas_estimate)
    }

    /// What would come of a transaction whose signature is zero.
    pub async fn simulate(&self, unsigned: Vec<u8>) -> Result<Simulated, NodeError> {
        let answer = self.post("/v1/transactions/simulate", unsigned).await?;
        let simulations: Vec<WrittenSimulation> = read(&answer)?;
        let first = simulations.into_iter().next();
        let written = first.ok_or(NodeError::NothingSimulated)?;
        Ok(Simulated {
            success: written.success,
            vm_status: written.vm_status,
            gas_used: number(&written.gas_used)?,
        })
    }

    pub async fn submit(&self, signed: Vec<u8>) -> Result<Submitted, NodeError> {
        let answer = self.post("/v1/transactions", signed).await?;
        match answer.status() {
            StatusCode::ACCEPTED => Ok(Submitted::Taken),
            status if status.is_client_error() => {
                let words = String::from_utf8_lossy(answer.body());
                let words = words.chars().take(REFUSAL_CHARS).collect();
                Ok(Submitted::Refused(words))
            }
            status => Err(FullNodeError::Status(status).into()),
        }
    }

    pub async fn by_hash(&self, hash: TransactionHash) -> Result<(ByHash, Ledger), NodeError> {
        let path = format!("/v1/transactions/by_hash/{hash}");
        let answer = self.get(&path).await?;
        let ledger = ledger(answer.headers())?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok((ByHash::Unknown, ledger));
        }
        let written: WrittenTransaction = read(&answer)?;
        if written.kind == "pending_transaction" {
            return Ok((ByHash::Pending, ledger));
        }
        let outcome = written.outcome().ok_or(NodeError::NoOutcome)?;
        Ok((ByHash::Committed(outcome), ledger))
    }

    /// What the account did with a sequence number.
    pub async fn by_sequence(
        &self,
        address: Address,
        sequence_number: u64,
    ) -> Result<(BySequence, Ledger), NodeError> {
        let (account, ledger_of_account) = self.account(address).await?;
        if account.sequence_number <= sequence_number {
            return Ok((BySequence::Unused, ledger_of_account));
        }
        let path = format!("/v1/accounts/{address}/transactions?start={sequence_number}&limit=1");
        let answer = self.get(&path).await?;
        let ledger = ledger(answer.headers())?;
        if matches!(answer.status(), StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Ok((BySequence::Forgotten, ledger));
        }
        let listed: Vec<WrittenTransaction> = read(&answer)?;
        let wanted = sequence_number.to_string();
        let found = listed
            .into_iter()
            .find(|of| of.sequence_number.as_ref() == Some(&wanted));
        let Some((written, outcome)) = found.and_then(|of| of.outcome().map(|out| (of, out)))
        else {
            return Ok((BySequence::Forgotten, ledger));
        };
        let hash = written.hash.parse()?;
        Ok((BySequence::UsedBy { hash, outcome }, ledger))
    }

    /// A success, or what is not there: the rest is an error.
    async fn get(&self, path: &str) -> Result<Response<Vec<u8>>, NodeError> {
        let request = self.0.get(path)?;
        let answer = self.0.send(request).await?;
        match answer.status() {
            status if status.is_success() => Ok(answer),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(answer),
            status => Err(FullNodeError::Status(status).into()),
        }
    }

    async fn post(&self, path: &str, transaction: Vec<u8>) -> Result<Response<Vec<u8>>, NodeError> {
        let request = self.0.post(path, SIGNED_TRANSACTION, transaction)?;
        Ok(self.0.send(request).await?)
    }
}

impl WrittenTransaction {
    fn outcome(&self) -> Option<Outcome> {
        Some(Outcome {
            success: self.success?,
            vm_status: self.vm_status.clone().unwrap_or_default(),
        })
    }
}

fn ledger(headers: &HeaderMap) -> Result<Ledger, NodeError> {
    let number = |name| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
    let chain_id = number(CHAIN_ID).and_then(|id| u8::try_from(id).ok());
    let both = chain_id.zip(number(LEDGER_TIME));
    let (chain_id, time_us) = both.ok_or(NodeError::NoLedger)?;
    Ok(Ledger { chain_id, time_us })
}

fn read<T: DeserializeOwned>(answer: &Response<Vec<u8>>) -> Result<T, NodeError> {
    if !answer.status().is_success() {
        return Err(FullNodeError::Status(answer.status()).into());
    }
    Ok(serde_json::from_slice(answer.body())?)
}

/// Numbers of 64 bits are written as text.
fn number(text: &str) -> Result<u64, NodeError> {
    text.parse()
        .map_err(|_| NodeError::Number(text.chars().take(40).collect()))
}
