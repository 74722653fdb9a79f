//! Names for people in what a campaign publishes. Pure.

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a participant is 32 hexadecimal digits")]
pub struct BadParticipant;

impl FromStr for Participant {
    type Err = BadParticipant;

    fn from_str(text: &str) -> Result<Self, BadParticipant> {
        let is_plain = text.len() == 2 * BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).ok().filter(|_| is_plain);
        Ok(Self(number.ok_or(BadParticipant)?.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_participant_is_read_as_it_is_written_and_another_one_in_another_campaign() {
        let of = |campaign, user| {
            Participant::of(
                CampaignId::new(Uuid::from_u128(campaign)),
                UserId::new(Uuid::from_u128(user)),
            )
        };
        let somebody = of(1, 2);
        assert_eq!(somebody.to_string().parse(), Ok(somebody));
        assert_ne!(somebody, of(1, 3));
        assert_ne!(somebody, of(2, 2));
        for bad in ["", "+1", &"g".repeat(32), &format!("+{}", "1".repeat(31))] {
            assert_eq!(bad.parse::<Participant>(), Err(BadParticipant));
        }
    }

    /// What is published must be computed in the same way for ever. Made with `sha256sum`.
    #[test]
    fn participants_stay_what_they_are() {
        let somebody = Participant::of(
            CampaignId::new(Uuid::from_u128(1)),
            UserId::new(Uuid::from_u128(2)),
        );
        assert_eq!(somebody.to_string(), "5f461938f420a4f4b0005e12a7e665e4");
    }
}
