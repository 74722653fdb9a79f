//! A proven identity becomes a person: the one who has it, a new one, or the one it is linked to.

use std::str::FromStr;

use pictor_protocol::fair_play::Hearing;
use pictor_protocol::people::{Identity, IdentityKind};
use pictor_protocol::{IdentityId, UserId};
use uuid::Uuid;

use super::NoRandomness;
use super::aptos::Address;
use super::aptos::keyless::Subject;
use crate::fair_play::hearing::{self, HearingError};
use crate::fair_play::standing::Standing;
use crate::fair_play::traces::{self, Lasting, TraceError};
use crate::store::identities::{self, IdentityRow, Kind, NewIdentityRow};
use crate::store::people::{self, User};
use crate::store::standing::{self, DecisionRow};
use crate::store::{StoreError, Tx};

/// What somebody has proven to be.
#[derive(Debug, Clone, Copy)]
pub struct Proven<'a> {
    pub address: Address,
    /// At an OpenID provider; a wallet's owner otherwise.
    pub subject: Option<Subject<'a>>,
    /// What the person knows it by.
    pub label: Option<&'a str>,
}

/// What an identity is proven for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    SignIn,
    /// To sign in to this account with it from now on.
    LinkTo(UserId),
}

/// Whom a proven identity belongs to.
#[derive(Debug)]
pub struct Owned {
    pub user: User,
    pub identity: IdentityId,
    pub address: String,
    /// The account was made just now.
    pub is_new: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Accounts are never merged: nobody could say whose jobs, workers and points they then are.
    #[error("this identity belongs to another account here; sign in with it, or use another one")]
    Taken,
    /// Whoever signed in with it is, and it outlives their account.
    #[error("this identity is banned here: {reason}")]
    Banned {
        reason: String,
        /// How whoever proved it is heard; nothing if the banned account is another's.
        hearing: Option<Box<Hearing>>,
    },
    #[error("nobody new can sign up here; whoever has an account signs in as before")]
    SignUpClosed,
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<HearingError> for IdentityError {
    fn from(error: HearingError) -> Self {
        match error {
            HearingError::NoRandomness(error) => Self::NoRandomness(error),
            HearingError::Store(error) => Self::Store(error),
        }
    }
}

impl From<TraceError> for IdentityError {
    fn from(error: TraceError) -> Self {
        match error {
            TraceError::NoRandomness(error) => Self::NoRandomness(error),
            TraceError::Store(error) => Self::Store(error),
        }
    }
}

/// Whether somebody may get an account by signing in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SignUp {
    #[default]
    Open,
    Closed,
}

/// A word that says neither.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is neither open nor closed")]
pub struct BadSignUp(String);

impl FromStr for SignUp {
    type Err = BadSignUp;

    fn from_str(word: &str) -> Result<Self, BadSignUp> {
        match word {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            _ => Err(BadSignUp(word.chars().take(40).collect())),
        }
    }
}

/// What becomes of a proven identity. Both are written down, and count once the transaction is committed.
#[derive(Debug)]
#[must_use = "a hearing that is not committed is none"]
pub enum Settled {
    Owned(Box<Owned>),
    Banned {
        reason: String,
        hearing: Option<Box<Hearing>>,
    },
}

impl Settled {
    /// Whom it belongs to; a refusal, if it is banned.
    pub fn owned(self) -> Result<Owned, IdentityError> {
        match self {
            Self::Owned(owned) => Ok(*owned),
            Self::Banned { reason, hearing } => Err(IdentityError::Banned { reason, hearing }),
        }
    }
}

/// Finds or makes whom a proven identity belongs to. Nobody, if it is banned: then whoever signs in is granted a
/// hearing.
pub async fn settle(
    tx: &mut Tx,
    proven: Proven<'_>,
    purpose: Purpose,
    sign_up: SignUp,
    now_us: i64,
) -> Result<Settled, IdentityError> {
    let trace = trace(tx, proven).await?;
    let known = known(tx, proven).await?;
    let owner = known.as_ref().map(|known| known.user_id);
    if let Some(ban) = ban(tx, &trace, owner).await? {
        let hearing = match purpose {
            Purpose::SignIn => hearing::grant(tx, &ban, owner, now_us).await?,
            Purpose::LinkTo(_) => None,
        };
        return Ok(Settled::Banned {
            reason: ban.reason,
            hearing: hearing.map(Box::new),
        });
    }
    let owned = find_or_make(tx, proven, known, (purpose, sign_up), now_us).await?;
    traces::note(tx, &trace, owned.user.id).await?;
    Ok(Settled::Owned(Box::new(owned)))
}

/// The ban that an identity is under: of whoever signed in with it, or of whose it is.
async fn ban(
    tx: &mut Tx,
    trace: &str,
    owner: Option<UserId>,
) -> Result<Option<DecisionRow>, StoreError> {
    let of_trace = traces::ban(tx, trace).await?;
    let of_owner = match owner {
        Some(owner) => standing::in_force(tx, owner).await?,
        None => None,
    };
    let of_owner = of_owner.filter(|decision| decision.standing == Standing::Banned);
    // One's own ban is the one to be heard on.
    Ok(of_owner.or(of_trace))
}

async fn known(tx: &mut Tx, proven: Proven<'_>) -> Result<Option<IdentityRow>, StoreError> {
    match proven.subject {
        Some(Subject { iss, sub, .. }) => identities::by_subject(tx, iss, sub).await,
        None => identities::by_wallet(tx, &proven.address.to_string()).await,
    }
}

async fn trace(tx: &mut Tx, proven: Proven<'_>) -> Result<String, IdentityError> {
    let address = proven.address.to_string();
    let lasting = match proven.subject {
        Some(Subject { iss, sub, .. }) => Lasting::Subject { iss, sub },
        None => Lasting::Wallet(&address),
    };
    Ok(traces::hash(tx, lasting).await?)
}

async fn find_or_make(
    tx: &mut Tx,
    proven: Proven<'_>,
    known: Option<IdentityRow>,
    (purpose, sign_up): (Purpose, SignUp),
    now_us: i64,
) -> Result<Owned, IdentityError> {
    match (known, purpose) {
        (Some(known), Purpose::LinkTo(user)) if known.user_id != user => Err(IdentityError::Taken),
        (Some(known), Purpose::SignIn | Purpose::LinkTo(_)) => {
            Ok(recognise(tx, known, proven.label, now_us).await?)
        }
        (None, Purpose::LinkTo(user)) => Ok(add(tx, proven, user, now_us).await?),
        (None, Purpose::SignIn) if sign_up == SignUp::Closed => Err(IdentityError::SignUpClosed),
        (None, Purpose::SignIn) => {
            let user = UserId::new(Uuid::now_v7());
            let name = free_name(tx, proven.address).await?;
            people::insert_user(tx, user, &name, false, now_us).await?;
            let owned = add(tx, proven, user, now_us).await?;
            Ok(Owned {
                is_new: true,
                ..owned
            })
        }
    }
}

/// An identity as its owner sees it.
pub fn view(row: IdentityRow) -> Identity {
    Identity {
        id: row.id,
        kind: match row.kind {
            Kind::Wallet => IdentityKind::Wallet,
            Kind::Oidc => IdentityKind::Oidc,
        },
        address: row.address,
        issuer: row.iss,
        label: row.label,
        created_ms: row.created_us / 1_000,
        last_used_ms: row.last_used_us / 1_000,
    }
}

async fn recognise(
    tx: &mut Tx,
    known: IdentityRow,
    label: Option<&str>,
    now_us: i64,
) -> Result<Owned, StoreError> {
    identities::used(tx, known.id, label, now_us).await?;
    Ok(Owned {
        user: identities::owner(tx, known.id).await?,
        identity: known.id,
        address: known.address,
        is_new: false,
    })
}

async fn add(
    tx: &mut Tx,
    proven: Proven<'_>,
    user: UserId,
    now_us: i64,
) -> Result<Owned, StoreError> {
    let new = NewIdentityRow {
        id: IdentityId::new(Uuid::now_v7()),
        user,
        address: &proven.address.to_string(),
        subject: proven.subject.map(|of| (of.iss, of.aud, of.sub)),
        label: proven.label,
        now_us,
    };
    identities::insert(tx, &new).await?;
    Ok(Owned {
        user: identities::owner(tx, new.id).await?,
        identity: new.id,
        address: new.address.to_owned(),
        is_new: false,
    })
}

/// A name says nothing about a person before the person chooses one.
async fn free_name(tx: &mut Tx, address: Address) -> Result<String, StoreError> {
    let address = address.to_string();
    let short = format!("aptos-{}", &address[2..14]);
    let taken = people::user_by_name(tx, &short).await?.is_some();
    Ok(if taken { address } else { short })
}
