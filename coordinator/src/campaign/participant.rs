//! Names for people in what a campaign publishes. Pure.

use std::fmt;
use std::fmt::Write as _;

use pictor_protocol::{CampaignId, UserId};
use sha2::{Digest, Sha256};

const BYTES: usize = 16;

/// Stands for a person in a campaign's snapshot and published ledger, and nowhere else: the person knows it,
/// nobody can compute it who does not know the person's id here, and in the next campaign it is another one.
///
/// The first 16 bytes of SHA-256 over `pictor participant`, the campaign's id and the person's, one a line, as
/// hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Participant([u8; BYTES]);

impl Participant {
    pub fn of(campaign: CampaignId, user: UserId) -> Self {
        let mut hash = Sha256::new();
        hash.update(format!("pictor participant\n{campaign}\n{user}\n"));
        let digest = hash.finalize();
        let mut bytes = [0; BYTES];
        bytes.copy_from_slice(&digest[..BYTES]);
        Self(bytes)
    }
}

impl fmt::Display for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = String::with_capacity(2 * BYTES);
        for byte in self.0 {
            write!(digits, "{byte:02x}")?;
        }
        f.write_str(&digits)
    }
}
