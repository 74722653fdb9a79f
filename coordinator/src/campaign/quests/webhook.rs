//! Quests of which another service tells us, by a call that it signs with a secret of this coordinator.
//!
//! What is signed is `<timestamp>.<quest id>.<body>`: with the quest in it, because a call about one quest must not
//! count for another. A call that is repeated in its time is answered again; its event counts once.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use pictor_protocol::UserId;
use pictor_protocol::community::{QuestProgress, QuestWebhook};
use serde_json::json;
use sha2::Sha256;

use super::{QuestError, blank, complete, doable, fault, progress, row_of};
use crate::app::App;
use crate::campaign::RulesCache;
use crate::campaign::rules::QuestKind;
use crate::store::quests::{self, ClaimStatus};
use crate::store::{Tx, people};

/// How far the other service's clock may be off, and how long a call is on its way.
pub const WINDOW_S: i64 = 300;
/// A shorter secret could be tried out.
pub const SECRET_BYTES_MIN: usize = 32;
const EVENT_MAX: usize = 200;

/// What calls of other services are signed with. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

impl WebhookSecret {
    /// `None` if it is too short.
    pub fn new(text: &str) -> Option<Self> {
        let bytes = text.trim().as_bytes();
        (bytes.len() >= SECRET_BYTES_MIN).then(|| Self(bytes.to_vec()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

/// Why a call is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCall {
    #[error("Pictor-Timestamp is no Unix time in seconds, or more than {WINDOW_S} s off")]
    Timestamp,
    #[error("Pictor-Signature is not the HMAC-SHA-256 of timestamp, quest and body")]
    Signature,
}

/// A call as it came.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub quest: &'a str,
    pub timestamp: &'a str,
    pub signature: &'a str,
    pub body: &'a [u8],
}

impl Call<'_> {
    /// Whether it was signed with the secret, a moment ago. Pure, and as slow for a signature that is nearly right
    /// as for any other.
    pub fn verify(&self, secret: &WebhookSecret, now_us: i64) -> Result<(), BadCall> {
        let timestamp: i64 = self.timestamp.parse().map_err(|_| BadCall::Timestamp)?;
        if (now_us.div_euclid(1_000_000)).abs_diff(timestamp) > WINDOW_S as u64 {
            return Err(BadCall::Timestamp);
        }
        let signature = from_hex(self.signature).ok_or(BadCall::Signature)?;
        self.code(secret)?
            .verify_slice(&signature)
            .map_err(|_| BadCall::Signature)
    }

    fn code(&self, secret: &WebhookSecret) -> Result<Hmac<Sha256>, BadCall> {
        // Keys of every length will do.
        let code = Hmac::<Sha256>::new_from_slice(&secret.0).map_err(|_| BadCall::Signature)?;
        Ok(code
            .chain_update(self.timestamp)
            .chain_update(".")
            .chain_update(self.quest)
            .chain_update(".")
            .chain_update(self.body))
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let nibble = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some((nibble(*high)? * 16 + nibble(*low)?) as u8),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

/// Takes in what another service tells.
pub async fn told(app: &App, call: &Call<'_>) -> Result<QuestProgress, QuestError> {
    let secret = app.config.quest_webhook_secret.as_ref();
    call.verify(secret.ok_or(QuestError::NoSecret)?, app.now_us())?;
    let read = serde_json::from_slice::<QuestWebhook>(call.body);
    let said = read.map_err(|error| fault("body", &error.to_string()))?;
    if said.event.is_empty() || said.event.chars().count() > EVENT_MAX {
        return Err(fault("event", "expected 1 to 200 characters"));
    }
    let mut tx = app.store.write().await?;
    let progress = count(&app.rules, &mut tx, call.quest, &said, app.now_us()).await?;
    tx.commit().await?;
    Ok(progress)
}

pub(in crate::campaign) async fn count(
    known: &RulesCache,
    tx: &mut Tx,
    id: &str,
    said: &QuestWebhook,
    now_us: i64,
) -> Result<QuestProgress, QuestError> {
    let (campaign, quest) = doable(known, tx, id, now_us).await?;
    if quest.kind != QuestKind::Webhook {
        return Err(QuestError::OtherWay("no other service tells of it"));
    }
    let user = exists(tx, said.user).await?;
    if !quests::insert_event(tx, id, &said.event, user, now_us).await? {
        if quests::event_of(tx, id, &said.event).await? != Some(user) {
            return Err(QuestError::OtherEvent);
        }
        let row = quests::find(tx, user, campaign.id, id).await?;
        return Ok(progress(row.as_ref()));
    }
    let row = row_of(tx, &campaign, id, user).await?;
    let row = row.unwrap_or_else(|| blank(&campaign, id, user, ClaimStatus::Waiting));
    let how = json!({ "event": said.event });
    complete(tx, &campaign, &quest, row, how, now_us).await
}

async fn exists(tx: &mut Tx, user: UserId) -> Result<UserId, QuestError> {
    match people::exists(tx, user).await? {
        true => Ok(user),
        false => Err(QuestError::NoSuchUser),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_S: i64 = 1_795_000_000;

    #[test]
    fn a_call_counts_as_it_was_signed_and_in_its_time() {
        let timestamp = NOW_S.to_string();
        let signature = sign("join", &timestamp, b"{}");
        let call = Call {
            quest: "join",
            timestamp: &timestamp,
            signature: &signature,
            body: b"{}",
        };
        let at = |seconds: i64| call.verify(&secret(), (NOW_S + seconds) * 1_000_000);
        assert_eq!(at(0), Ok(()));
        assert_eq!((at(-WINDOW_S), at(WINDOW_S)), (Ok(()), Ok(())));
        assert_eq!(at(WINDOW_S + 1), Err(BadCall::Timestamp));
        assert_eq!(at(-WINDOW_S - 1), Err(BadCall::Timestamp));

        let later = (NOW_S + 1).to_string();
        let forged = [
            Call {
                quest: "follow",
                ..call
            },
            Call {
                timestamp: &later,
                ..call
            },
            Call {
                signature: "",
                ..call
            },
            Call {
                signature: "zz",
                ..call
            },
            Call {
                signature: &signature[1..],
                ..call
            },
            Call {
                body: b"{ }",
                ..call
            },
        ];
        for call in forged {
            let refused = call.verify(&secret(), NOW_S * 1_000_000);
            assert_eq!(refused, Err(BadCall::Signature), "{call:?}");
        }
        let no_time = Call {
            timestamp: "soon",
            ..call
        };
        assert_eq!(no_time.verify(&secret(), 0), Err(BadCall::Timestamp));
    }

    #[test]
    fn another_program_signs_the_same() {
        // printf '1795000000.join.{}' | openssl dgst -sha256 -hmac secret-of-the-tests-of-webhooks-0001
        let timestamp = NOW_S.to_string();
        assert_eq!(
            sign("join", &timestamp, b"{}"),
            "67318a79d059370fa96e0051b994adb9ea92f83e43bb2de09e9d78701e86427e"
        );
    }

    #[test]
    fn a_short_secret_is_none_and_none_is_shown() {
        assert_eq!(WebhookSecret::new(&"x".repeat(31)), None);
        assert!(!format!("{:?}", secret()).contains("secret-of"));
    }

    fn secret() -> WebhookSecret {
        WebhookSecret::new("secret-of-the-tests-of-webhooks-0001\n").unwrap()
    }

    fn sign(quest: &str, timestamp: &str, body: &[u8]) -> String {
        let call = Call {
            quest,
            timestamp,
            signature: "",
            body,
        };
        let code = call.code(&secret()).unwrap().finalize().into_bytes();
        code.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
