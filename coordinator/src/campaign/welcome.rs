//! Credits for a new account, once.

use pictor_protocol::UserId;
use pictor_protocol::people::Role;
use serde_json::json;

use super::RulesCache;
use super::award::{Award, credit};
use super::current::{CurrentError, current};
use crate::app::App;
use crate::ledger::{EntryKind, PostError};
use crate::store::{StoreError, Tx};

#[derive(Debug, thiserror::Error)]
pub enum WelcomeError {
    #[error(transparent)]
    Post(#[from] PostError),
    #[error(transparent)]
    Current(#[from] CurrentError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives somebody the credits of a new account, by the rules that hold now. Where there are none it gives nothing,
/// and may be asked again later.
pub async fn welcome(
    known: &RulesCache,
    tx: &mut Tx,
    user: UserId,
    now_us: i64,
) -> Result<(), WelcomeError> {
    let Some(campaign) = current(known, tx, now_us).await? else {
        return Ok(());
    };
    let sign_up = Award {
        key: format!("sign-up/{user}"),
        kind: EntryKind::SignUp,
        user,
        amount: campaign.rules.credits.sign_up,
        inputs: json!({}),
    };
    Ok(credit(tx, &campaign, sign_up, now_us).await?)
}

/// The same for somebody who has chosen roles, in a transaction of its own. Whoever has chosen none is not here
/// yet.
pub async fn greet(app: &App, user: UserId, chosen: &[Role]) -> Result<(), WelcomeError> {
    if chosen.is_empty() {
        return Ok(());
    }
    let mut tx = app.store.write().await?;
    welcome(&app.rules, &mut tx, user, app.now_us()).await?;
    Ok(tx.commit().await?)
}
