//! Who brought whom, and what it earns.
//!
//! Whoever brought somebody gets a share of the points that this person settles, up to a cap a week (ISO weeks of
//! UTC, by the moment of settling). A share brings nobody anything: one level. It is entered by the transaction
//! that settles, after it, so it is there once for each entry that settled something.
//!
//! Who brought one is said once, at sign-up, before anything was earned: later it would be for sale.

use std::collections::HashSet;

use pictor_protocol::community::Referral;
use pictor_protocol::{Micros, UserId};
use serde_json::json;

use super::award::by_rules;
use super::calendar::{DAY_US, week_begins_us, week_of};
use super::current::{Current, CurrentError, current};
use crate::accounts::NoRandomness;
use crate::app::App;
use crate::fair_play;
use crate::ledger::{self, Account, Book, Entry, EntryKind, PostError, Posted};
use crate::store::referrals::{self, NewcomerRow};
use crate::store::{StoreError, Tx, identities};

/// How long an account is new.
const SIGN_UP_US: i64 = DAY_US;
/// Characters of a code; each has five bits. Whoever guesses one gives its owner a present.
const CODE_LENGTH: usize = 10;
/// Crockford's: none of them looks like another one.
const CODE_ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Two codes that are the same are a matter of 2^50; so many in a row are a fault of the randomness.
const CODE_TRIES: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum ReferralError {
    #[error("nobody has this code")]
    NoSuchCode,
    #[error("{0}")]
    Refused(Why),
    #[error("every code that was made is somebody's")]
    NoCode,
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Current(#[from] CurrentError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why somebody cannot be entered as another one's referrer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    #[error("this is your own code")]
    Oneself,
    #[error("who brought you can be entered on the first day only")]
    TooLate,
    #[error("who brought you can be entered only before you have earned points")]
    HasEarned,
    #[error("somebody else is entered as the one who brought you")]
    Another,
    #[error("you have brought this person, or whoever brought them")]
    Loop,
    #[error("this account looks like another one of yours: {0}")]
    Linked(Link),
}

/// What two accounts have in common that two people have not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Link {
    #[error("it signs in with the same e-mail address")]
    Mailbox,
    #[error("it has rendered on the same device")]
    Device,
}

/// By what accounts of the same person are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traces {
    pub mailboxes: HashSet<String>,
    /// UUIDs of graphics cards.
    pub devices: HashSet<String>,
}

impl Traces {
    /// What shows that both are the same person's.
    pub fn link(&self, other: &Self) -> Option<Link> {
        if !self.mailboxes.is_disjoint(&other.mailboxes) {
            Some(Link::Mailbox)
        } else if !self.devices.is_disjoint(&other.devices) {
            Some(Link::Device)
        } else {
            None
        }
    }
}

/// The mailbox that an e-mail address leads to, as far as one can tell from outside: capital letters make no
/// difference, nor does what stands behind a plus.
fn mailbox(address: &str) -> Option<String> {
    let (name, domain) = address.trim().rsplit_once('@')?;
    let name = name.split('+').next().unwrap_or(name);
    let is_whole = !name.is_empty() && !domain.is_empty();
    is_whole.then(|| format!("{name}@{domain}").to_lowercase())
}

/// What is known when somebody wants to be entered as brought along.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    pub user: UserId,
    pub newcomer: NewcomerRow,
    pub traces: &'a Traces,
    pub referrer: UserId,
    pub referrer_traces: &'a Traces,
    /// The person has brought the referrer, or whoever brought them.
    pub is_above: bool,
}

/// Whether somebody may be entered as the one who brought another.
pub fn may_bring(sides: &Sides<'_>, now_us: i64) -> Result<(), Why> {
    if sides.user == sides.referrer {
        Err(Why::Oneself)
    } else if now_us - sides.newcomer.created_us >= SIGN_UP_US {
        Err(Why::TooLate)
    } else if sides.newcomer.has_points > 0 {
        Err(Why::HasEarned)
    } else if sides.is_above {
        Err(Why::Loop)
    } else if let Some(link) = sides.traces.link(sides.referrer_traces) {
        Err(Why::Linked(link))
    } else {
        Ok(())
    }
}

/// Enters who brought somebody. The same once more changes nothing.
pub async fn enter(app: &App, user: UserId, code: &str) -> Result<(), ReferralError> {
    let mut tx = app.store.write().await?;
    bring(&mut tx, user, code, app.now_us()).await?;
    Ok(tx.commit().await?)
}

pub(super) async fn bring(
    tx: &mut Tx,
    user: UserId,
    code: &str,
    now_us: i64,
) -> Result<(), ReferralError> {
    let referrer = referrals::by_code(tx, &normal(code)).await?;
    let referrer = referrer.ok_or(ReferralError::NoSuchCode)?;
    match referrals::referrer_of(tx, user).await? {
        Some(entered) if entered == referrer => return Ok(()),
        Some(_) => return Err(ReferralError::Refused(Why::Another)),
        None => {}
    }
    let newcomer = referrals::newcomer(tx, user).await?;
    let sides = Sides {
        user,
        newcomer: newcomer.ok_or(ReferralError::Refused(Why::TooLate))?,
        traces: &traces(tx, user).await?,
        referrer,
        referrer_traces: &traces(tx, referrer).await?,
        is_above: referrals::is_ancestor(tx, user, referrer).await?,
    };
    may_bring(&sides, now_us).map_err(ReferralError::Refused)?;
    referrals::insert(tx, user, referrer, now_us).await?;
    Ok(())
}

async fn traces(tx: &mut Tx, user: UserId) -> Result<Traces, StoreError> {
    let identities = identities::of_user(tx, user).await?;
    let labels = identities.iter().filter_map(|row| row.label.as_deref());
    let hellos = referrals::hellos_of(tx, user).await?;
    let slots = hellos.into_iter().flat_map(|hello| hello.slots);
    Ok(Traces {
        mailboxes: labels.filter_map(mailbox).collect(),
        devices: slots.filter_map(|slot| slot.uuid).collect(),
    })
}

/// A code as it is stored, of what somebody typed.
fn normal(typed: &str) -> String {
    let meant = |c: char| match c.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    };
    let typed = typed.trim().chars().filter(|c| *c != '-').take(64);
    typed.map(meant).collect()
}

fn new_code() -> Result<String, NoRandomness> {
    let mut bytes = [0; CODE_LENGTH];
    getrandom::fill(&mut bytes)?;
    let letter = |byte: u8| char::from(CODE_ALPHABET[usize::from(byte % 32)]);
    Ok(bytes.into_iter().map(letter).collect())
}

/// Somebody's code; made when it is asked for.
async fn code(app: &App, user: UserId) -> Result<String, ReferralError> {
    let mut tx = app.store.read().await?;
    if let Some(code) = referrals::code_of(&mut tx, user).await? {
        return Ok(code);
    }
    drop(tx);
    let mut tx = app.store.write().await?;
    for _ in 0..CODE_TRIES {
        referrals::insert_code(&mut tx, user, &new_code()?, app.now_us()).await?;
        if let Some(code) = referrals::code_of(&mut tx, user).await? {
            tx.commit().await?;
            return Ok(code);
        }
    }
    Err(ReferralError::NoCode)
}

/// Somebody's code, and what it has brought.
pub async fn of(app: &App, user: UserId) -> Result<Referral, ReferralError> {
    let code = code(app, user).await?;
    let now_us = app.now_us();
    let week = week_of(now_us);
    let mut tx = app.store.read().await?;
    let campaign = current(&app.rules, &mut tx, now_us).await?;
    let (earned, in_week) = match &campaign {
        Some(campaign) => referrals::earned(&mut tx, user, campaign.id, week).await?,
        None => (Micros::ZERO, Micros::ZERO),
    };
    let points = campaign.as_ref().map(|campaign| &campaign.rules.points);
    Ok(Referral {
        link: format!("{}/sign-in?referral={code}", app.url),
        code,
        referees: referrals::count_of(&mut tx, user).await? as u64,
        referred: referrals::referrer_of(&mut tx, user).await?.is_some(),
        earned_micros: earned,
        earned_this_week_micros: in_week,
        cap_per_week_micros: points.map_or(Micros::ZERO, |points| points.referral_cap_per_week),
        percent: points.map_or(0, |points| points.referral_percent),
        next_week_ms: week_begins_us(week + 1) / 1_000,
    })
}

/// Points that somebody can use from now on, and the key of the entry that says so.
#[derive(Debug, Clone, Copy)]
pub struct Settled<'a> {
    pub user: UserId,
    pub amount: Micros,
    pub key: &'a str,
}

/// A share, before and after the cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    pub full: Micros,
    pub paid: Micros,
}

/// So many percent of an amount, rounded down, and never more than what is left of the cap.
pub fn share_of(amount: Micros, percent: u32, cap: Micros, used: Micros) -> Share {
    let full = amount.checked_ratio(i64::from(percent), 100);
    // More than everything is nothing that rules can say.
    let full = full.unwrap_or(amount).max(Micros::ZERO);
    let left = cap.checked_sub(used).unwrap_or(Micros::ZERO);
    Share {
        full,
        paid: full.min(left).max(Micros::ZERO),
    }
}

/// Gives whoever brought a person their share of what this person settled, by the rules of that campaign. Nothing
/// if they may not earn, or if both are one person's accounts.
pub async fn share(
    tx: &mut Tx,
    campaign: &Current,
    settled: &Settled<'_>,
    now_us: i64,
) -> Result<(), PostError> {
    let Some(referrer) = referrals::referrer_of(tx, settled.user).await? else {
        return Ok(());
    };
    if !fair_play::may_earn(tx, referrer).await?
        || fair_play::linked(tx, referrer, settled.user).await?
    {
        return Ok(());
    }
    let points = &campaign.rules.points;
    let (percent, cap) = (points.referral_percent, points.referral_cap_per_week);
    let week = week_of(now_us);
    let (_, used) = referrals::earned(tx, referrer, campaign.id, week).await?;
    let share = share_of(settled.amount, percent, cap, used);
    if share.paid == Micros::ZERO {
        return Ok(());
    }
    let inputs = json!({
        "user": settled.user,
        "settled_by": settled.key,
        "base_micros": settled.amount,
        "percent": percent,
        "week": week,
        "cap_micros": cap,
        "used_before_micros": used,
        "cut_micros": share.full.get() - share.paid.get(),
    });
    let entry = Entry::new(
        format!("referral/{}", settled.key),
        Book::Points(campaign.id),
        EntryKind::Referral,
        by_rules(campaign, inputs),
    )
    .transfer(Account::Mint, Account::Available(referrer), share.paid);
    if let Posted::New(_) = ledger::post(tx, &entry, now_us).await? {
        referrals::add_earned(tx, referrer, campaign.id, week, share.paid).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = new_code().unwrap();
        assert_eq!(code.len(), CODE_LENGTH);
        assert_eq!(normal(&format!(" {} ", code.to_uppercase())), code);
        assert_eq!(normal("O0-iL1"), "00111");
        assert_ne!(new_code().unwrap(), code);
    }

    #[test]
    fn addresses_that_lead_to_one_mailbox_are_one() {
        let expected = Some("ada@example.org".to_owned());
        for address in ["ada@example.org", " Ada@Example.org", "ada+2@example.org"] {
            assert_eq!(mailbox(address), expected, "{address}");
        }
        for none in ["", "ada", "@example.org", "+x@example.org", "ada@"] {
            assert_eq!(mailbox(none), None, "{none}");
        }
    }

    #[test]
    fn every_reason_not_to_be_brought_is_named() {
        let (nothing, card) = (Traces::default(), devices(&["GPU-1"]));
        let good = Sides {
            user: user(1),
            newcomer: NewcomerRow {
                created_us: 0,
                has_points: 0,
            },
            traces: &nothing,
            referrer: user(2),
            referrer_traces: &card,
            is_above: false,
        };
        let last_us = SIGN_UP_US - 1;
        let worse = |change: fn(&mut Sides<'_>)| {
            let mut sides = good;
            change(&mut sides);
            may_bring(&sides, last_us)
        };
        assert_eq!(may_bring(&good, last_us), Ok(()));
        assert_eq!(may_bring(&good, last_us + 1), Err(Why::TooLate));
        assert_eq!(worse(|sides| sides.referrer = user(1)), Err(Why::Oneself));
        assert_eq!(
            worse(|sides| sides.newcomer.has_points = 1),
            Err(Why::HasEarned)
        );
        assert_eq!(worse(|sides| sides.is_above = true), Err(Why::Loop));
        let linked = worse(|sides| sides.traces = sides.referrer_traces);
        assert_eq!(linked, Err(Why::Linked(Link::Device)));
    }

    #[test]
    fn a_share_is_cut_at_the_cap() {
        let share =
            |amount, used| share_of(Micros::new(amount), 10, Micros::new(100), Micros::new(used));
        let paid = |full, paid| Share {
            full: Micros::new(full),
            paid: Micros::new(paid),
        };
        assert_eq!(share(19, 0), paid(1, 1), "rounded down");
        assert_eq!(share(500, 60), paid(50, 40));
        assert_eq!(share(500, 100), paid(50, 0));
        // Rules that lowered the cap below what was paid by then.
        assert_eq!(share(500, 300), paid(50, 0));
    }

    proptest! {
        #[test]
        fn no_week_pays_more_than_its_cap_and_no_share_more_than_its_percent(
            amounts in prop::collection::vec(1..i64::MAX / 200, 1..50),
            percent in 0_u32..=100,
            cap in 0..i64::MAX / 4,
        ) {
            let mut used = Micros::ZERO;
            for amount in amounts {
                let share = share_of(Micros::new(amount), percent, Micros::new(cap), used);
                prop_assert!(share.paid <= share.full && !share.paid.is_negative());
                prop_assert!(i128::from(share.full.get()) * 100 <= i128::from(amount) * i128::from(percent));
                used = used.checked_add(share.paid).unwrap();
            }
            prop_assert!(used <= Micros::new(cap));
        }
    }

    fn user(number: u128) -> UserId {
        UserId::new(Uuid::from_u128(number))
    }

    fn devices(uuids: &[&str]) -> Traces {
        Traces {
            devices: uuids.iter().map(|uuid| (*uuid).to_owned()).collect(),
            ..Traces::default()
        }
    }
}
