//! Signing in with an Aptos wallet: a challenge, which can be answered once, and the proof.

use pictor_protocol::UserId;
use pictor_protocol::sign_in::{SignInInput, SignMessageInput, WalletChallenge, WalletProof};

use super::aptos::{
    Address, BadAddress, Chain, Challenge, KeyError, PublicKey, SignatureError, sign_in_message,
};
use super::full_node::{FullNode, FullNodeError};
use super::identities::{self, IdentityError, Owned, Proven, Purpose, SignUp};
use super::{MINUTE_US, NoRandomness, Secret, Site, random_digits};
use crate::store::column::Maybe;
use crate::store::sign_ins::{self, ChallengeRow};
use crate::store::{Store, StoreError};

/// How long a person may think about what the wallet shows.
const CHALLENGE_US: i64 = 10 * MINUTE_US;
/// A key or signature of 32 parts takes less than that many hexadecimal digits.
const DIGITS_MAX: usize = 8_192;

/// How wallets sign in here.
#[derive(Debug)]
pub struct Wallets {
    pub chain: Chain,
    /// Knows the accounts whose key was changed.
    pub node: Option<FullNode>,
    pub sign_up: SignUp,
}

#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    #[error(transparent)]
    Address(#[from] BadAddress),
    #[error("{0} is not written in hexadecimal digits")]
    NotHexadecimal(&'static str),
    #[error("this challenge is unknown, too old, or was answered before; ask for another one")]
    Expired,
    #[error("the challenge was made for another account of the chain")]
    OtherAddress,
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(
        "the wallet signed another text than it was asked to; is it on another network than {network}?"
    )]
    OtherText { network: &'static str },
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The account was given another key, and nobody can be asked about it.
    #[error(
        "the key is not that of {0}; accounts whose key was changed can sign in here only once the operator \
         names an Aptos full node"
    )]
    OtherKey(Address),
    #[error("the key does not sign for {0}, or does not any more")]
    NotTheAccountsKey(Address),
    #[error("the Aptos node cannot be asked about this account; try again later")]
    Node(#[from] FullNodeError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Wallets {
    /// Makes a challenge: for anybody to sign in, or for the person `link_to` to add a wallet.
    pub async fn challenge(
        &self,
        store: &Store,
        site: &Site,
        link_to: Option<(UserId, &str)>,
        address: Option<&str>,
        now_us: i64,
    ) -> Result<WalletChallenge, WalletError> {
        let address: Option<Address> = address.map(str::parse).transpose()?;
        let domain = &site.domain;
        let statement = match link_to {
            None => format!("Sign in to {domain}"),
            Some((_, name)) => format!("Add this wallet to the account {name} of {domain}"),
        };
        let challenge = Challenge {
            domain: domain.clone(),
            uri: site.origin.clone(),
            statement,
            nonce: random_digits()?,
            chain: self.chain,
            issued_us: now_us,
            expires_us: now_us + CHALLENGE_US,
        };
        let mut tx = store.write().await?;
        sign_ins::delete_expired(&mut tx, now_us).await?;
        let row = row(&challenge, link_to.map(|(user, _)| user), address);
        sign_ins::insert_challenge(&mut tx, &Secret::hash(&challenge.nonce), &row).await?;
        tx.commit().await?;
        Ok(wire(challenge, address))
    }

    /// Uses a challenge up and answers whom the wallet belongs to.
    pub async fn prove(
        &self,
        store: &Store,
        proof: &WalletProof,
        purpose: Purpose,
        now_us: i64,
    ) -> Result<Owned, WalletError> {
        let mut tx = store.write().await?;
        let row = sign_ins::use_challenge(&mut tx, &Secret::hash(&proof.nonce)).await?;
        // Used up whatever comes of it: nobody gets to try signatures.
        tx.commit().await?;
        let row = row.filter(|row| row.expires_us > now_us && row.user_id.0 == purpose.account());
        let row = row.ok_or(WalletError::Expired)?;
        let (claimed, key) = verify(&row, proof)?;
        self.is_key_of(claimed, &key).await?;

        let mut tx = store.write().await?;
        let proven = Proven {
            address: claimed,
            subject: None,
            label: None,
        };
        let settled = identities::settle(&mut tx, proven, purpose, self.sign_up, now_us).await?;
        tx.commit().await?;
        Ok(settled.owned()?)
    }

    async fn is_key_of(&self, claimed: Address, key: &PublicKey) -> Result<(), WalletError> {
        let derived = key.authentication_key();
        match &self.node {
            None if derived == claimed => Ok(()),
            None => Err(WalletError::OtherKey(claimed)),
            // Also of an account that has its first address: the owner may have left that key behind.
            Some(node) if node.authentication_key(claimed).await? == derived => Ok(()),
            Some(_) => Err(WalletError::NotTheAccountsKey(claimed)),
        }
    }
}

impl Purpose {
    fn account(self) -> Option<UserId> {
        match self {
            Self::SignIn => None,
            Self::LinkTo(user) => Some(user),
        }
    }
}

/// The account that the proof claims, and the key that made it. Pure.
fn verify(row: &ChallengeRow, proof: &WalletProof) -> Result<(Address, PublicKey), WalletError> {
    let claimed: Address = proof.address.parse()?;
    if row.address.0.is_some_and(|address| address != claimed) {
        return Err(WalletError::OtherAddress);
    }
    let key = bytes("the public key", &proof.public_key)?;
    let signature = bytes("the signature", &proof.signature)?;
    let key = PublicKey::parse(&key)?;
    let challenge = challenge(row, &proof.nonce);
    match &proof.full_message {
        Some(text) => {
            if !challenge.message_texts(claimed).contains(text) {
                let network = row.chain.as_str();
                return Err(WalletError::OtherText { network });
            }
            key.verify(text.as_bytes(), &signature)?;
        }
        None => {
            let [first, second] = challenge.sign_in_texts(claimed);
            key.verify(&sign_in_message(&first), &signature)
                .or_else(|_| key.verify(&sign_in_message(&second), &signature))?;
        }
    }
    Ok((claimed, key))
}

/// Hexadecimal digits, with `0x` before them or without.
fn bytes(what: &'static str, text: &str) -> Result<Vec<u8>, WalletError> {
    let bad = || WalletError::NotHexadecimal(what);
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    if digits.len() > DIGITS_MAX || !digits.len().is_multiple_of(2) {
        return Err(bad());
    }
    let digit = |of: u8| char::from(of).to_digit(16).ok_or_else(bad);
    let pairs = digits.chunks_exact(2);
    pairs
        .map(|pair| Ok((digit(pair[0])? * 16 + digit(pair[1])?) as u8))
        .collect()
}

fn challenge(row: &ChallengeRow, nonce: &str) -> Challenge {
    Challenge {
        domain: row.domain.clone(),
        uri: row.uri.clone(),
        statement: row.statement.clone(),
        nonce: nonce.to_owned(),
        chain: row.chain,
        issued_us: row.issued_us,
        expires_us: row.expires_us,
    }
}

fn row(challenge: &Challenge, link_to: Option<UserId>, address: Option<Address>) -> ChallengeRow {
    ChallengeRow {
        user_id: Maybe(link_to),
        address: Maybe(address),
        domain: challenge.domain.clone(),
        uri: challenge.uri.clone(),
        statement: challenge.statement.clone(),
        chain: challenge.chain,
        issued_us: challenge.issued_us,
        expires_us: challenge.expires_us,
    }
}

fn wire(challenge: Challenge, address: Option<Address>) -> WalletChallenge {
    WalletChallenge {
        expires_ms: challenge.expires_us / 1_000,
        sign_in: SignInInput {
            address: address.map(|address| address.to_string()),
            version: "1".into(),
            issued_at: challenge.issued_at(),
            expiration_time: challenge.expiration_time(),
            chain_id: challenge.chain.to_string(),
            domain: challenge.domain,
            statement: challenge.statement.clone(),
            uri: challenge.uri,
            nonce: challenge.nonce.clone(),
        },
        sign_message: SignMessageInput {
            address: true,
            application: true,
            chain_id: true,
            message: challenge.statement,
            nonce: challenge.nonce.clone(),
        },
        nonce: challenge.nonce,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_proof_makes_the_check_panic(address: String, public_key: String, signature: String, text: Option<String>) {
            let challenge = Challenge {
                domain: "a".into(),
                uri: "https://a".into(),
                statement: "b".into(),
                nonce: "c".into(),
                chain: Chain::Testnet,
                issued_us: i64::MIN,
                expires_us: i64::MAX,
            };
            let proof = WalletProof {
                nonce: "c".into(),
                address,
                public_key,
                signature,
                full_message: text,
            };
            prop_assert!(verify(&row(&challenge, None, None), &proof).is_err());
        }

        #[test]
        fn bytes_are_read_as_wallets_write_them(expected: Vec<u8>) {
            let digits: String = expected.iter().map(|byte| format!("{byte:02x}")).collect();
            prop_assert_eq!(bytes("x", &format!("0x{digits}")).unwrap(), expected.clone());
            prop_assert_eq!(bytes("x", &digits).unwrap(), expected);
        }
    }
}
