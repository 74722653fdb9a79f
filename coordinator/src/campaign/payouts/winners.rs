//! From a campaign's final snapshot to a payout: the winners who have an account on the chain and were not
//! paid yet.

use pictor_protocol::{CampaignId, PayoutId, UserId};

use super::amounts::Rate;
use super::{DraftError, Winner, draft};
use crate::accounts::aptos::Address;
use crate::campaign::snapshot;
use crate::store::identities::{self, IdentityRow, Kind};
use crate::store::{StoreError, Tx, payouts};

/// Why no payout is drafted from a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    #[error("the final snapshot of this campaign is not taken yet")]
    NoSnapshot,
    #[error("everybody who won and has an account is in a payout already")]
    NobodyLeft,
    #[error(transparent)]
    Draft(#[from] DraftError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A payout that was drafted.
#[derive(Debug)]
pub struct Drawn {
    pub id: PayoutId,
    /// Winners who have neither a wallet nor an OpenID identity here: they are paid by a later payout, once they
    /// have linked one.
    pub without_account: Vec<snapshot::Winner>,
}

/// Drafts a payout to all winners of a campaign who are in none, at so many US dollars for one APT.
pub async fn from_snapshot(
    tx: &mut Tx,
    campaign: CampaignId,
    rate: Rate,
    by: UserId,
    now_us: i64,
) -> Result<Drawn, DrawError> {
    let winners = snapshot::winners(tx, campaign).await?;
    let winners = winners.ok_or(DrawError::NoSnapshot)?;
    let paid = payouts::users_of(tx, campaign).await?;
    let (mut list, mut without_account) = (Vec::new(), Vec::new());
    for winner in winners
        .into_iter()
        .filter(|winner| !paid.contains(&winner.user))
    {
        let identities = identities::of_user(tx, winner.user).await?;
        match account(&identities) {
            Some(address) => list.push(Winner {
                user: winner.user,
                rank: winner.rank,
                address,
                prize_cents: u64::try_from(winner.prize.get()).unwrap_or(0),
            }),
            None => without_account.push(winner),
        }
    }
    if list.is_empty() {
        return Err(DrawError::NobodyLeft);
    }
    let id = draft(tx, campaign, &list, rate, by, now_us).await?;
    Ok(Drawn {
        id,
        without_account,
    })
}

/// Where somebody is paid: the wallet that they linked first, for they hold its key; else the keyless account of
/// the OpenID identity that they linked first.
fn account(identities: &[IdentityRow]) -> Option<Address> {
    let first_of = |kind| {
        let of_kind = identities.iter().filter(|identity| identity.kind == kind);
        of_kind.min_by_key(|identity| (identity.created_us, identity.id))
    };
    let identity = first_of(Kind::Wallet).or_else(|| first_of(Kind::Oidc))?;
    identity.address.parse().ok()
}

#[cfg(test)]
mod tests {
    use pictor_protocol::IdentityId;
    use uuid::Uuid;

    use super::*;

    fn identity(kind: Kind, number: u8, created_us: i64) -> IdentityRow {
        IdentityRow {
            id: IdentityId::new(Uuid::from_u128(number.into())),
            user_id: UserId::new(Uuid::nil()),
            kind,
            address: format!("0x{}", format!("{number:02x}").repeat(32)),
            iss: None,
            aud: None,
            sub: None,
            label: None,
            created_us,
            last_used_us: created_us,
        }
    }

    #[test]
    fn people_are_paid_to_their_first_wallet_else_to_their_first_keyless_account() {
        let of =
            |identities: &[IdentityRow]| account(identities).map(|address| address.to_string());
        let (early, late) = (identity(Kind::Oidc, 0x11, 1), identity(Kind::Oidc, 0x22, 2));
        assert_eq!(of(&[]), None);
        assert_eq!(
            of(&[late.clone(), early.clone()]),
            Some(early.address.clone())
        );
        let wallet = identity(Kind::Wallet, 0x33, 5);
        let later = identity(Kind::Wallet, 0x44, 6);
        assert_eq!(of(&[later, early, wallet.clone()]), Some(wallet.address));
    }
}
