//! Messages with every field set and, between those of one kind, every word of its enums.

pub mod agent;
pub mod campaign;
pub mod challenge;
pub mod community;
pub mod fair_play;
pub mod job;
pub mod ledger;
pub mod network;
pub mod payout;
pub mod people;
pub mod review;
pub mod scene;
pub mod sign_in;
pub mod worker;

use pictor_protocol::BlobHash;
use uuid::Uuid;

/// 2026-01-01 00:00:00 UTC.
const NEW_YEAR_MS: i64 = 1_767_225_600_000;

/// Of an Aptos account.
const ADDRESS: &str = "0x147e4d3a5b10eaed2a93536e284c23096dfcea9ac61f0a8420e5d01fbd8f0ea8";

/// One id for each number.
fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(0x019b_7600_0000_7000_8000_0000_0000_0000 | number)
}

fn blob(byte: u8) -> BlobHash {
    BlobHash::from_bytes([byte; 32])
}
