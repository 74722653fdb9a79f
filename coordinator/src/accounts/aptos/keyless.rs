//! The Aptos address of somebody who signed in with an OpenID provider (AIP-61).
//!
//! ```text
//! pack(s, max) = the bytes of s, zeros up to max, in chunks of 31 as little-endian field elements, then their number
//! H(s, max)    = Poseidon(pack(s, max))
//! idc          = Poseidon(pepper, H(aud, 120), H(sub, 330), H("sub", 30)), little-endian
//! address      = sha3_256(03 ‖ BCS(iss) ‖ BCS(idc) ‖ 02)
//! ```
//!
//! The pepper hides which person of the provider an address belongs to. It is made of the service's secret
//! and the identity, so there is nothing to store and nothing to lose but the secret.

use std::fmt;

use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};
use hmac::{Hmac, KeyInit, Mac};
use light_poseidon::{Poseidon, PoseidonError, PoseidonHasher};
use sha2::Sha256;

use super::{Address, key};

const CHUNK_BYTES: usize = 31;
const AUD_BYTES_MAX: usize = 120;
const SUB_BYTES_MAX: usize = 330;
const UID_KEY_BYTES_MAX: usize = 30;

/// The claim that names a person at their provider.
pub const UID_KEY: &str = "sub";
/// `AnyPublicKey::Keyless`.
const KEYLESS: u8 = 3;
/// Authentication scheme of a single key.
const SINGLE_KEY: u8 = 2;

/// Who somebody is at an OpenID provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    pub iss: &'a str,
    /// The client id of this service at the provider.
    pub aud: &'a str,
    pub sub: &'a str,
}

/// What has to be known beside the identity to spend from its address. `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pepper([u8; CHUNK_BYTES]);

/// Why an identity has no address.
#[derive(Debug, thiserror::Error)]
pub enum KeylessError {
    #[error("{what} is longer than {max} bytes")]
    TooLong { what: &'static str, max: usize },
    #[error("Poseidon does not take these inputs")]
    Poseidon(#[from] PoseidonError),
    #[error("the identity cannot be written as BCS")]
    Bcs(#[from] bcs::Error),
}

impl Pepper {
    pub const fn new(bytes: [u8; CHUNK_BYTES]) -> Self {
        Self(bytes)
    }

    /// The pepper of an identity at the service that has this secret.
    pub fn of(secret: &[u8; 32], subject: Subject<'_>) -> Result<Self, KeylessError> {
        let Subject { iss, aud, sub } = subject;
        let identity = bcs::to_bytes(&(iss, UID_KEY, sub, aud))?;
        // As HMAC does with every key shorter than a block.
        let mut key = [0; 64];
        key[..secret.len()].copy_from_slice(secret);
        let code = <Hmac<Sha256> as KeyInit>::new(&key.into())
            .chain_update(identity)
            .finalize()
            .into_bytes();
        let mut pepper = [0; CHUNK_BYTES];
        pepper.copy_from_slice(&code[..CHUNK_BYTES]);
        Ok(Self(pepper))
    }

    /// In hexadecimal digits, as the Aptos SDKs take it.
    pub fn reveal(&self) -> String {
        let digits = self.0.iter().map(|byte| format!("{byte:02x}"));
        format!("0x{}", digits.collect::<String>())
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(…)")
    }
}

/// The address of an identity.
pub fn address(subject: Subject<'_>, pepper: Pepper) -> Result<Address, KeylessError> {
    let mut key = vec![KEYLESS];
    let commitment = commitment(subject, pepper)?;
    key.extend(bcs::to_bytes(&(subject.iss, commitment))?);
    Ok(Address::new(key::authentication_key(&key, SINGLE_KEY)))
}

/// Commits to an identity without showing it.
fn commitment(subject: Subject<'_>, pepper: Pepper) -> Result<Vec<u8>, KeylessError> {
    let inputs = [
        Fr::from_le_bytes_mod_order(&pepper.0),
        hash("aud", subject.aud, AUD_BYTES_MAX)?,
        hash("sub", subject.sub, SUB_BYTES_MAX)?,
        hash("the claim's name", UID_KEY, UID_KEY_BYTES_MAX)?,
    ];
    Ok(poseidon(&inputs)?.into_bigint().to_bytes_le())
}

fn hash(what: &'static str, text: &str, max: usize) -> Result<Fr, KeylessError> {
    if text.len() > max {
        return Err(KeylessError::TooLong { what, max });
    }
    let mut padded = text.as_bytes().to_vec();
    padded.resize(max, 0);
    let chunks = padded.chunks(CHUNK_BYTES).map(Fr::from_le_bytes_mod_order);
    let inputs: Vec<Fr> = chunks.chain([Fr::from(text.len() as u64)]).collect();
    Ok(poseidon(&inputs)?)
}

fn poseidon(inputs: &[Fr]) -> Result<Fr, PoseidonError> {
    Poseidon::<Fr>::new_circom(inputs.len())?.hash(inputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Vectors {
        texts_hashed: Vec<TextHashed>,
        poseidon: Vec<Hashed>,
    }

    #[derive(serde::Deserialize)]
    struct TextHashed {
        text: String,
        max: usize,
        hash: String,
    }

    #[derive(serde::Deserialize)]
    struct Hashed {
        inputs: Vec<String>,
        hash: String,
    }

    fn vectors() -> Vectors {
        serde_json::from_str(include_str!("tests/vectors.json")).unwrap()
    }

    /// Of the npm package `poseidon-lite`.
    #[test]
    fn poseidon_is_that_of_the_aptos_sdk() {
        let vectors = vectors().poseidon;
        assert_eq!(vectors.len(), 12);
        for Hashed { inputs, hash } in vectors {
            let inputs: Vec<Fr> = inputs.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(poseidon(&inputs).unwrap().to_string(), hash);
        }
    }

    #[test]
    fn texts_are_hashed_as_the_aptos_sdk_hashes_them() {
        let vectors = vectors().texts_hashed;
        assert_eq!(vectors.len(), 6);
        for TextHashed {
            text,
            max,
            hash: expected,
        } in vectors
        {
            let hashed = hash("text", &text, max).unwrap();
            assert_eq!(hashed.to_string(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_subject_that_is_too_long_has_no_address() {
        let sub = "s".repeat(SUB_BYTES_MAX + 1);
        let subject = Subject {
            iss: "https://issuer.example",
            aud: "client",
            sub: &sub,
        };
        let refused = address(subject, Pepper::new([0; CHUNK_BYTES]));
        assert!(matches!(refused, Err(KeylessError::TooLong { .. })));
    }
}
