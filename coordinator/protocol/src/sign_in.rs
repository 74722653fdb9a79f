//! Signing in: with an Aptos wallet, or with an OpenID provider such as Google.
//!
//! ```text
//! wallet → POST …/sign-in/wallet/challenge → the wallet signs → POST …/sign-in/wallet → session cookie
//! oidc   → POST …/sign-in/oidc → the browser goes to `url`, and comes back with a session cookie
//! ```
//!
//! The same with `/api/v1/identities/…` adds an identity to the account that is signed in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{IdentityId, UserId};

/// `GET /api/v1/sign-in`: how one can sign in here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignInWays {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<WalletWay>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oidc: Option<OidcWay>,
    /// To be shown to everybody who signs in.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// Signing in with an Aptos wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WalletWay {
    /// The network that the wallet has to be on: `mainnet`, `testnet` or `local`.
    pub chain: String,
    /// Whether wallets whose key was changed can sign in; that needs an Aptos full node.
    pub rotated_keys: bool,
}

/// Signing in with an OpenID provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OidcWay {
    pub issuer: String,
    /// What people call it, such as Google.
    pub name: String,
}

/// `POST /api/v1/sign-in/wallet/challenge`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskForChallenge {
    /// The account that is to sign, if it is known already; then no other can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// What the wallet is to sign, by either of its features. It can be used once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WalletChallenge {
    pub nonce: String,
    pub expires_ms: i64,
    /// Input of `aptos:signIn`.
    pub sign_in: SignInInput,
    /// Input of `aptos:signMessage`.
    pub sign_message: SignMessageInput,
}

/// Input of a wallet's `aptos:signIn`, in the words of the wallet standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInInput {
    pub domain: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    pub statement: String,
    pub uri: String,
    pub version: String,
    pub nonce: String,
    pub issued_at: String,
    pub expiration_time: String,
    pub chain_id: String,
}

/// Input of a wallet's `aptos:signMessage`, in the words of the wallet standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignMessageInput {
    /// Name the account in the text.
    pub address: bool,
    /// Name the site in the text.
    pub application: bool,
    /// Name the network in the text.
    pub chain_id: bool,
    pub message: String,
    pub nonce: String,
}

/// `POST /api/v1/sign-in/wallet`: what the wallet answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WalletProof {
    /// Of the challenge.
    pub nonce: String,
    pub address: String,
    /// `bcsToHex()` of the account's public key.
    pub public_key: String,
    /// `bcsToHex()` of the signature.
    pub signature: String,
    /// `fullMessage` as `aptos:signMessage` answered it; nothing after `aptos:signIn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_message: Option<String>,
}

/// Somebody is signed in; the session is in the cookie of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedIn {
    pub user: UserId,
    pub name: String,
    pub identity: IdentityId,
    /// The Aptos account of this identity.
    pub address: String,
    /// The account was made by this sign-in.
    #[serde(default)]
    pub is_new: bool,
    /// To be shown to the person.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// `POST /api/v1/sign-in/oidc`: where the browser has to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OidcRedirect {
    pub url: String,
}
