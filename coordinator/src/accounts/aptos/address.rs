//! Addresses of accounts: 32 bytes, written `0x` and 64 digits.

use std::fmt;
use std::str::FromStr;

/// An account's address. Printed in full, in lower case, as wallets print it into the texts they sign.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address([u8; 32]);

/// A text that is no address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no Aptos address: 0x and 64 hexadecimal digits")]
pub struct BadAddress(String);

impl Address {
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl FromStr for Address {
    type Err = BadAddress;

    /// Leading zeros may be left out: wallets of the early days did.
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let bad = || BadAddress(text.chars().take(80).collect());
        let digits = text.strip_prefix("0x").ok_or_else(bad)?.as_bytes();
        if digits.is_empty() || digits.len() > 64 {
            return Err(bad());
        }
        let mut bytes = [0; 32];
        for (place, digit) in digits.iter().rev().enumerate() {
            let value = char::from(*digit).to_digit(16).ok_or_else(bad)? as u8;
            bytes[31 - place / 2] |= value << (4 * (place % 2));
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Address {
    type Error = BadAddress;

    fn try_from(text: String) -> Result<Self, BadAddress> {
        text.parse()
    }
}
