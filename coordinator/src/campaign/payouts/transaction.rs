//! The transaction that pays a whole batch: its bytes, signature and hash, to the bit as the Aptos SDK
//! makes them. Pure.
//!
//! ```text
//! RawTransaction = sender[32] ‖ sequence number ‖ payload ‖ max gas ‖ gas price ‖ expiry (s) ‖ chain id
//! payload        = 02 ‖ 0x1 ‖ "aptos_account" ‖ "batch_transfer" ‖ no types ‖ [addresses, octas]
//! signed over      sha3_256("APTOS::RawTransaction") ‖ raw
//! signed bytes   = raw ‖ 00 ‖ 20 key[32] ‖ 40 signature[64]
//! hash           = sha3_256(sha3_256("APTOS::Transaction") ‖ 00 ‖ signed bytes)
//! ```
//!
//! `batch_transfer` is all or nothing, and makes the accounts of recipients that the chain has not seen.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use sha3::{Digest, Sha3_256};

use super::key::PayoutKey;
use crate::accounts::aptos::Address;

/// Variants of `TransactionPayload`, `TransactionAuthenticator` and `Transaction` in the framework.
const ENTRY_FUNCTION: u8 = 2;
const ED25519: u8 = 0;
const USER_TRANSACTION: u8 = 0;

/// Who gets how many octas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    pub to: Address,
    pub octas: u64,
}

/// What a transaction is beside its transfers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    pub sequence_number: u64,
    /// In units of gas.
    pub max_gas: u64,
    /// Octas for a unit of gas.
    pub gas_price: u64,
    /// Seconds by the chain's clock; later it cannot happen.
    pub expires_s: u64,
    pub chain_id: u8,
}

/// A transaction that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    pub bytes: Vec<u8>,
    pub hash: TransactionHash,
}

/// What the chain knows a transaction by. Printed as `0x` and 64 digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransactionHash([u8; 32]);

/// A text that is no hash of a transaction.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no hash of an Aptos transaction: 0x and 64 hexadecimal digits")]
pub struct BadTransactionHash(String);

#[derive(Serialize)]
struct RawTransaction<'a> {
    sender: [u8; 32],
    sequence_number: u64,
    payload: (u8, EntryFunction<'a>),
    max_gas: u64,
    gas_price: u64,
    expires_s: u64,
    chain_id: u8,
}

#[derive(Serialize)]
struct EntryFunction<'a> {
    module_address: [u8; 32],
    module: &'a str,
    function: &'a str,
    /// None; a byte each would be as good as any other type.
    type_arguments: Vec<u8>,
    arguments: Vec<Vec<u8>>,
}

/// Signs the transfer of all of `transfers`, from the key's account.
pub fn sign(transfers: &[Transfer], terms: &Terms, key: &PayoutKey) -> Result<Signed, bcs::Error> {
    Ok(seal(raw(transfers, terms, key.address())?, key))
}

/// The same without a signature: what a node simulates. It cannot be executed.
pub fn for_simulation(
    transfers: &[Transfer],
    terms: &Terms,
    key: &PayoutKey,
) -> Result<Vec<u8>, bcs::Error> {
    let raw = raw(transfers, terms, key.address())?;
    Ok(with_authenticator(raw, key.public_key(), [0; 64]))
}

fn raw(transfers: &[Transfer], terms: &Terms, sender: Address) -> Result<Vec<u8>, bcs::Error> {
    let addresses: Vec<[u8; 32]> = transfers.iter().map(|of| *of.to.bytes()).collect();
    let octas: Vec<u64> = transfers.iter().map(|of| of.octas).collect();
    let arguments = vec![bcs::to_bytes(&addresses)?, bcs::to_bytes(&octas)?];
    call("batch_transfer", arguments, terms, sender)
}

/// A call of a function of `0x1::aptos_account`.
fn call(
    function: &str,
    arguments: Vec<Vec<u8>>,
    terms: &Terms,
    sender: Address,
) -> Result<Vec<u8>, bcs::Error> {
    let mut framework = [0; 32];
    framework[31] = 1;
    let entry_function = EntryFunction {
        module_address: framework,
        module: "aptos_account",
        function,
        type_arguments: Vec::new(),
        arguments,
    };
    bcs::to_bytes(&RawTransaction {
        sender: *sender.bytes(),
        sequence_number: terms.sequence_number,
        payload: (ENTRY_FUNCTION, entry_function),
        max_gas: terms.max_gas,
        gas_price: terms.gas_price,
        expires_s: terms.expires_s,
        chain_id: terms.chain_id,
    })
}

fn seal(raw: Vec<u8>, key: &PayoutKey) -> Signed {
    let signature = key.sign(&signing_message(&raw));
    let bytes = with_authenticator(raw, key.public_key(), signature);
    let hash = hash(&bytes);
    Signed { bytes, hash }
}

fn signing_message(raw: &[u8]) -> Vec<u8> {
    let domain = Sha3_256::digest(b"APTOS::RawTransaction");
    [domain.as_slice(), raw].concat()
}

fn with_authenticator(raw: Vec<u8>, public_key: [u8; 32], signature: [u8; 64]) -> Vec<u8> {
    let mut bytes = raw;
    bytes.extend([ED25519, public_key.len() as u8]);
    bytes.extend(public_key);
    bytes.push(signature.len() as u8);
    bytes.extend(signature);
    bytes
}

/// The hash of a signed transaction.
fn hash(signed: &[u8]) -> TransactionHash {
    let domain = Sha3_256::digest(b"APTOS::Transaction");
    let hash = Sha3_256::new()
        .chain_update(domain)
        .chain_update([USER_TRANSACTION])
        .chain_update(signed)
        .finalize();
    TransactionHash(hash.into())
}

impl fmt::Display for TransactionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Address::new(self.0).fmt(f)
    }
}

impl fmt::Debug for TransactionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransactionHash({self})")
    }
}

impl FromStr for TransactionHash {
    type Err = BadTransactionHash;

    /// In full: a digit that was lost on the way is a mistake.
    fn from_str(text: &str) -> Result<Self, BadTransactionHash> {
        let bad = || BadTransactionHash(text.chars().take(80).collect());
        let bytes: Address = text.parse().map_err(|_| bad())?;
        if text.len() != 66 {
            return Err(bad());
        }
        Ok(Self(*bytes.bytes()))
    }
}

impl TryFrom<String> for TransactionHash {
    type Error = BadTransactionHash;

    fn try_from(text: String) -> Result<Self, BadTransactionHash> {
        text.parse()
    }
}

#[cfg(test)]
mod tests;
