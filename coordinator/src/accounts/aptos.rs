//! What an Aptos wallet proves: the address of a key, the texts that wallets sign, and whether a signature
//! is good. Pure: no HTTP, no SQL, no clock, no randomness.
//!
//! A key is not its account: owners can put another key in an account's place, and the same Ed25519 key
//! has two addresses, the early one and that of its kind "single key". Whoever verifies a signature
//! compares [`PublicKey::authentication_key`] with what the chain says of the claimed [`Address`].

mod address;
mod key;
pub mod keyless;
mod signature;
mod text;

pub use address::{Address, BadAddress};
pub use key::{KeyError, PublicKey};
pub use signature::SignatureError;
pub use text::{BadChain, Chain, Challenge, sign_in_message};

#[cfg(test)]
mod tests;
