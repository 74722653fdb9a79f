//! Signatures as wallets hand them over, in BCS, and whether they are good.

use ed25519_dalek::Signature as Ed25519Signature;
use k256::ecdsa::Signature as Secp256k1Signature;
use k256::ecdsa::signature::hazmat::PrehashVerifier;
use k256::elliptic_curve::scalar::IsHigh;
use serde::Deserialize;
use sha3::{Digest, Sha3_256};

use super::key::{AnyKey, KEYS_MAX, Kind, PublicKey};

const SIGNATURE_BYTES: usize = 64;
const BITMAP_BYTES: usize = KEYS_MAX / 8;

/// Why a signature proves nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SignatureError {
    #[error("these bytes are no signature of this kind of key")]
    Unreadable,
    #[error("the signatures do not fit their bitmap, or it names keys that are not there")]
    Bitmap,
    #[error("{have} signatures where {required} are required")]
    TooFew { have: usize, required: usize },
    #[error("a signature is by another kind of key than the one it stands for")]
    OtherKind,
    #[error("the signature is not in its only accepted form (its s is high)")]
    HighS,
    #[error("the signature is not of this text by this key")]
    Wrong,
}

/// `AnySignature` of the Aptos framework, as far as its keys are accepted.
#[derive(Deserialize)]
enum Written {
    Ed25519(Vec<u8>),
    Secp256k1(Vec<u8>),
}

impl PublicKey {
    /// Whether `signature` was made over `message`, by as many of the keys as have to sign.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let signatures = self.read_signatures(signature)?;
        if signatures.len() < self.required {
            return Err(SignatureError::TooFew {
                have: signatures.len(),
                required: self.required,
            });
        }
        for (index, signature) in signatures {
            let key = self.keys.get(index).ok_or(SignatureError::Bitmap)?;
            key.verify(message, signature)?;
        }
        Ok(())
    }

    /// The signatures, each with the index of its key.
    fn read_signatures(&self, bcs: &[u8]) -> Result<Vec<(usize, Written)>, SignatureError> {
        let bytes = || bcs::from_bytes::<Vec<u8>>(bcs).map_err(|_| SignatureError::Unreadable);
        match self.kind {
            Kind::Ed25519 => Ok(vec![(0, Written::Ed25519(bytes()?))]),
            Kind::MultiEd25519 => read_multi_ed25519(&bytes()?),
            Kind::Single => {
                let written = bcs::from_bytes(bcs).map_err(|_| SignatureError::Unreadable)?;
                Ok(vec![(0, written)])
            }
            Kind::Multi => {
                let (signatures, bitmap): (Vec<Written>, Vec<u8>) =
                    bcs::from_bytes(bcs).map_err(|_| SignatureError::Unreadable)?;
                number(signatures, &bitmap)
            }
        }
    }
}

/// The signatures one after the other, then the bitmap.
fn read_multi_ed25519(bytes: &[u8]) -> Result<Vec<(usize, Written)>, SignatureError> {
    let (signatures, bitmap) = bytes
        .split_last_chunk::<BITMAP_BYTES>()
        .ok_or(SignatureError::Unreadable)?;
    if signatures.len() % SIGNATURE_BYTES != 0 {
        return Err(SignatureError::Unreadable);
    }
    let signatures = signatures.chunks_exact(SIGNATURE_BYTES);
    let signatures = signatures.map(|bytes| Written::Ed25519(bytes.to_vec()));
    number(signatures.collect(), bitmap)
}

/// The bits of the bitmap, counted from its highest, say whose signature comes next.
fn number(
    signatures: Vec<Written>,
    bitmap: &[u8],
) -> Result<Vec<(usize, Written)>, SignatureError> {
    if bitmap.len() > BITMAP_BYTES {
        return Err(SignatureError::Bitmap);
    }
    let signed = (0..bitmap.len() * 8).filter(|bit| bitmap[bit / 8] & (0x80 >> (bit % 8)) != 0);
    let signed: Vec<usize> = signed.collect();
    if signed.len() != signatures.len() {
        return Err(SignatureError::Bitmap);
    }
    Ok(signed.into_iter().zip(signatures).collect())
}

impl AnyKey {
    fn verify(&self, message: &[u8], signature: Written) -> Result<(), SignatureError> {
        match (self, signature) {
            (Self::Ed25519(key), Written::Ed25519(bytes)) => {
                let signature =
                    Ed25519Signature::from_slice(&bytes).map_err(|_| SignatureError::Unreadable)?;
                // Strict: a key or point of small order would sign every text.
                key.verify_strict(message, &signature)
                    .map_err(|_| SignatureError::Wrong)
            }
            (Self::Secp256k1(key), Written::Secp256k1(bytes)) => {
                let signature = Secp256k1Signature::from_slice(&bytes)
                    .map_err(|_| SignatureError::Unreadable)?;
                if bool::from(signature.s().is_high()) {
                    return Err(SignatureError::HighS);
                }
                key.verify_prehash(&Sha3_256::digest(message), &signature)
                    .map_err(|_| SignatureError::Wrong)
            }
            (Self::Ed25519(_), Written::Secp256k1(_))
            | (Self::Secp256k1(_), Written::Ed25519(_)) => Err(SignatureError::OtherKind),
        }
    }
}
