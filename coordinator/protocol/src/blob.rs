//! Bytes named by their BLAKE3 hash, and how they travel.
//!
//! `HEAD …/blobs/{hash}` answers 200 when the coordinator has the blob, else 404 with the number of
//! bytes that it already holds in [`UPLOAD_OFFSET`]. `PUT …/blobs/{hash}` carries the bytes from
//! [`UPLOAD_OFFSET`] on, and the whole length in [`UPLOAD_LENGTH`]; it answers 201 when the blob is
//! complete and its hash is right.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Request header: index of the first byte in the body. Answer header: bytes held so far.
pub const UPLOAD_OFFSET: &str = "upload-offset";
/// Request header: length of the whole blob in bytes.
pub const UPLOAD_LENGTH: &str = "upload-length";

/// BLAKE3 of a blob, 32 bytes, as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct BlobHash([u8; 32]);

/// A text that is not 64 lower-case hexadecimal digits.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a blob's name is 64 lower-case hexadecimal digits")]
pub struct BadBlobHash;

impl BlobHash {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobHash({self})")
    }
}

impl FromStr for BlobHash {
    type Err = BadBlobHash;

    fn from_str(text: &str) -> Result<Self, BadBlobHash> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(BadBlobHash);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

fn nibble(digit: u8) -> Result<u8, BadBlobHash> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(BadBlobHash),
    }
}

impl TryFrom<String> for BlobHash {
    type Error = BadBlobHash;

    fn try_from(text: String) -> Result<Self, BadBlobHash> {
        text.parse()
    }
}

impl From<BlobHash> for String {
    fn from(hash: BlobHash) -> Self {
        hash.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_what_it_writes() {
        let hash = BlobHash::from_bytes(std::array::from_fn(|i| i as u8 * 7));
        assert_eq!(hash.to_string().parse(), Ok(hash));
    }

    #[test]
    fn only_one_spelling_of_a_hash_is_taken() {
        let hash = BlobHash::from_bytes([0xab; 32]).to_string();
        for bad in [
            hash.to_uppercase(),
            hash[1..].into(),
            format!("{hash}0"),
            "é".repeat(32),
        ] {
            assert_eq!(bad.parse::<BlobHash>(), Err(BadBlobHash), "{bad}");
        }
    }
}
