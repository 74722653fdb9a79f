//! Reads a signed transaction from its bytes, after the framework's own description of BCS and not after the
//! code that is tested.

use sha3::{Digest, Sha3_256};

use super::Address;

/// A transfer of APT to several accounts, signed by one Ed25519 key.
#[derive(Debug, Clone)]
pub struct Transaction {
    raw: Vec<u8>,
    pub hash: [u8; 32],
    pub sender: Address,
    pub sequence_number: u64,
    pub transfers: Vec<(Address, u64)>,
    pub max_gas: u64,
    pub gas_price: u64,
    pub expires_s: u64,
    pub chain_id: u8,
    pub public_key: [u8; 32],
    pub signature: [u8; 64],
}

impl Transaction {
    /// Nothing if the bytes are anything else, or more.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes);
        let sender = rest.array()?;
        let sequence_number = rest.u64()?;
        let transfers = rest.payload()?;
        let max_gas = rest.u64()?;
        let gas_price = rest.u64()?;
        let expires_s = rest.u64()?;
        let [chain_id] = rest.array()?;
        let raw = bytes[..bytes.len() - rest.0.len()].to_vec();
        // TransactionAuthenticator::Ed25519
        rest.is(&[0, 32])?;
        let public_key = rest.array()?;
        rest.is(&[64])?;
        let signature = rest.array()?;
        let hash = digest("APTOS::Transaction", &[&[0], bytes]);
        rest.0.is_empty().then_some(Self {
            raw,
            hash,
            sender,
            sequence_number,
            transfers,
            max_gas,
            gas_price,
            expires_s,
            chain_id,
            public_key,
            signature,
        })
    }

    pub fn signing_message(&self) -> Vec<u8> {
        let domain = Sha3_256::digest("APTOS::RawTransaction");
        [domain.to_vec(), self.raw.clone()].concat()
    }
}

fn digest(domain: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha3_256::new();
    hash.update(Sha3_256::digest(domain));
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// `TransactionPayload::EntryFunction` of `0x1::aptos_account::batch_transfer`.
    fn payload(&mut self) -> Option<Vec<(Address, u64)>> {
        self.is(&[2])?;
        let mut framework = [0; 32];
        framework[31] = 1;
        self.is(&framework)?;
        for name in ["aptos_account", "batch_transfer"] {
            self.is(&[name.len() as u8])?;
            self.is(name.as_bytes())?;
        }
        // No type arguments, two arguments, each with its length before it.
        self.is(&[0, 2])?;
        let (mut addresses, mut octas) = (Rest(self.bytes()?), Rest(self.bytes()?));
        let count = addresses.length()?;
        if octas.length()? != count {
            return None;
        }
        let transfer = |_| Some((addresses.array()?, octas.u64()?));
        let transfers = (0..count).map(transfer).collect::<Option<Vec<_>>>()?;
        (addresses.0.is_empty() && octas.0.is_empty()).then_some(transfers)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn is(&mut self, expected: &[u8]) -> Option<()> {
        (self.take(expected.len())? == expected).then_some(())
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// ULEB128, in its only form.
    fn length(&mut self) -> Option<usize> {
        let mut length = 0;
        for place in 0..5 {
            let [byte] = self.array()?;
            length |= usize::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return (byte != 0 || place == 0).then_some(length);
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        self.take(length)
    }
}
