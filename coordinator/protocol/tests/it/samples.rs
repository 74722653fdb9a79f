//! Messages with every field set and, between those of one kind, every word of its enums.

pub mod agent;
pub mod job;
pub mod people;
pub mod scene;
pub mod worker;

use pictor_protocol::BlobHash;
use uuid::Uuid;

/// 2026-01-01 00:00:00 UTC.
const NEW_YEAR_MS: i64 = 1_767_225_600_000;

/// One id for each number.
fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(0x019b_7600_0000_7000_8000_0000_0000_0000 | number)
}

fn blob(byte: u8) -> BlobHash {
    BlobHash::from_bytes([byte; 32])
}
