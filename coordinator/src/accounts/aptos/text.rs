//! The texts that wallets show and sign. The coordinator writes every text that it would accept, and
//! compares whole: whoever looks for parts of a text can be shown a text that says something else too.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat};
use sha3::{Digest, Sha3_256};

use super::Address;

/// The Aptos network that people's wallets are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    Mainnet,
    Testnet,
    Local,
}

/// A text that names no Aptos network.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected mainnet, testnet or local")]
pub struct BadChain;

impl Chain {
    /// The number in transactions and in the texts of `signMessage`.
    pub const fn id(self) -> u8 {
        match self {
            Self::Mainnet => 1,
            Self::Testnet => 2,
            Self::Local => 4,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mainnet => "mainnet",
            Self::Testnet => "testnet",
            Self::Local => "local",
        }
    }
}

impl FromStr for Chain {
    type Err = BadChain;

    fn from_str(text: &str) -> Result<Self, BadChain> {
        [Self::Mainnet, Self::Testnet, Self::Local]
            .into_iter()
            .find(|chain| chain.as_str() == text)
            .ok_or(BadChain)
    }
}

impl TryFrom<String> for Chain {
    type Error = BadChain;

    fn try_from(text: String) -> Result<Self, BadChain> {
        text.parse()
    }
}

/// The name of the network in the texts of `aptos:signIn`.
impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "aptos:{}", self.as_str())
    }
}

/// What a wallet is asked to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Host, and port if it has an unusual one.
    pub domain: String,
    /// Scheme and domain.
    pub uri: String,
    /// What the signature is for, in one line.
    pub statement: String,
    pub nonce: String,
    pub chain: Chain,
    /// Unix microseconds.
    pub issued_us: i64,
    pub expires_us: i64,
}

impl Challenge {
    pub fn issued_at(&self) -> String {
        iso(self.issued_us)
    }

    pub fn expiration_time(&self) -> String {
        iso(self.expires_us)
    }

    /// What `aptos:signIn` may sign (AIP-116). The npm package writes the chain last, the grammar before
    /// the nonce.
    pub fn sign_in_texts(&self, address: Address) -> [String; 2] {
        let chain = format!("Chain ID: {}", self.chain);
        let nonce = format!("Nonce: {}", self.nonce);
        let times = format!(
            "Issued At: {}\nExpiration Time: {}",
            self.issued_at(),
            self.expiration_time()
        );
        [
            format!("{nonce}\n{times}\n{chain}"),
            format!("{chain}\n{nonce}\n{times}"),
        ]
        .map(|fields| {
            let Self {
                domain,
                uri,
                statement,
                ..
            } = self;
            format!(
                "{domain} wants you to sign in with your Aptos account:\n{address}\n\n{statement}\n\n\
                 URI: {uri}\nVersion: 1\n{fields}"
            )
        })
    }

    /// What `signMessage` may sign. Wallets disagree on what an application is, and whether its message or
    /// the nonce comes first. The application is always there: a site that passes this challenge on to
    /// its own visitors gets texts with its own name.
    pub fn message_texts(&self, address: Address) -> [String; 4] {
        let message = format!("message: {}", self.statement);
        let nonce = format!("nonce: {}", self.nonce);
        let chain = self.chain.id();
        [
            (&self.uri, &message, &nonce),
            (&self.uri, &nonce, &message),
            (&self.domain, &message, &nonce),
            (&self.domain, &nonce, &message),
        ]
        .map(|(application, first, second)| {
            format!(
                "APTOS\naddress: {address}\napplication: {application}\nchainId: {chain}\n{first}\n{second}"
            )
        })
    }
}

/// What `aptos:signIn` signs of a text.
pub fn sign_in_message(text: &str) -> Vec<u8> {
    let domain = Sha3_256::digest(b"SIGN_IN_WITH_APTOS::");
    [domain.as_slice(), text.as_bytes()].concat()
}

/// As JavaScript's `toISOString` writes it.
fn iso(us: i64) -> String {
    DateTime::from_timestamp_micros(us)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}
