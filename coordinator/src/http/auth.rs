//! Who is asking. Whether they may is said by [`crate::accounts::rights`]; which route needs what, in
//! [`super::needs`].

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;
use pictor_protocol::UserId;
use pictor_protocol::problem::ProblemKind;

use super::browser;
use super::problem::Refused;
use crate::accounts::Secret;
use crate::accounts::rights::{Credential, Holder, Right};
use crate::app::App;
use crate::fair_play::hearing;
use crate::store::people::{self, User};
use crate::store::sessions::SessionOf;
use crate::store::workers::{self, AgentRow, WorkerRow};
use crate::workers::uptime;

/// Somebody who is signed in: with an access token, or in a browser. Has chosen a role or not.
#[derive(Debug)]
pub struct Person {
    pub user: User,
    pub holder: Holder,
}

/// A person who may have jobs.
#[derive(Debug)]
pub struct Creator(pub UserId);

/// A person who may have workers.
#[derive(Debug)]
pub struct WorkerOwner(pub UserId);

/// A person who may take part in the community: in a browser alone.
#[derive(Debug)]
pub struct Community(pub UserId);

/// An operator, in a browser or with a token of that scope.
#[derive(Debug)]
pub struct Operator(pub UserId);

/// Whoever holds a worker's token, such as its installer.
#[derive(Debug)]
pub struct TokenOf(pub WorkerRow);

/// A worker with the token of its config file; this is a sign of its life.
#[derive(Debug)]
pub struct Agent(pub AgentRow);

/// Somebody who may not sign in, with the secret that the refusal of their sign-in carried.
#[derive(Debug)]
pub struct Heard(pub UserId);

fn bearer(parts: &Parts) -> Result<&str, Refused> {
    parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::trim)
        .ok_or_else(|| {
            Refused::new(
                ProblemKind::Unauthorized,
                "send a token as `Authorization: Bearer …`",
            )
        })
}

impl FromRequestParts<Arc<App>> for Person {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        if !parts.headers.contains_key(header::AUTHORIZATION)
            && let Some(session) = browser::session(parts, app).await?
        {
            return Ok(Self::in_browser(&session));
        }
        let hash = Secret::hash(bearer(parts)?);
        let mut tx = app.store.read().await?;
        let token = people::token(&mut tx, &hash, app.now_us())
            .await?
            .ok_or_else(|| {
                Refused::new(
                    ProblemKind::Unauthorized,
                    "the token is unknown, expired or revoked",
                )
            })?;
        let holder = Holder {
            operator: token.user.operator != 0,
            roles: token.roles.roles(),
            credential: Credential::Token(token.scopes.0),
        };
        Ok(Self {
            user: token.user,
            holder,
        })
    }
}

impl Person {
    pub fn in_browser(session: &SessionOf) -> Self {
        let holder = Holder {
            operator: session.operator != 0,
            roles: session.roles.roles(),
            credential: Credential::Session,
        };
        Self {
            user: session.user(),
            holder,
        }
    }
}

/// Whoever asks, if they have a right.
async fn with(right: Right, parts: &mut Parts, app: &Arc<App>) -> Result<UserId, Refused> {
    let person = Person::from_request_parts(parts, app).await?;
    person.holder.check(right)?;
    Ok(person.user.id)
}

impl FromRequestParts<Arc<App>> for Creator {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        with(Right::Jobs, parts, app).await.map(Self)
    }
}

impl FromRequestParts<Arc<App>> for WorkerOwner {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        with(Right::Workers, parts, app).await.map(Self)
    }
}

impl FromRequestParts<Arc<App>> for Community {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        with(Right::Community, parts, app).await.map(Self)
    }
}

impl FromRequestParts<Arc<App>> for Operator {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        with(Right::Operate, parts, app).await.map(Self)
    }
}

impl FromRequestParts<Arc<App>> for Heard {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        let secret = bearer(parts)?;
        let mut tx = app.store.read().await?;
        let heard = hearing::find(&mut tx, secret, app.now_us()).await?;
        heard.map(Self).ok_or_else(|| {
            Refused::new(
                ProblemKind::Unauthorized,
                "this secret opens nothing any more: sign in again",
            )
        })
    }
}

impl FromRequestParts<Arc<App>> for TokenOf {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        let hash = Secret::hash(bearer(parts)?);
        let mut tx = app.store.read().await?;
        let worker = workers::by_token(&mut tx, &hash).await?;
        worker.map(Self).ok_or_else(unknown_worker)
    }
}

/// For whoever has a token that is not good any more.
pub fn unknown_worker() -> Refused {
    Refused::new(
        ProblemKind::Unauthorized,
        "the worker's token is unknown or revoked",
    )
}

impl FromRequestParts<Arc<App>> for Agent {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        let hash = Secret::hash(bearer(parts)?);
        let mut tx = app.store.read().await?;
        let worker = workers::agent_by_token(&mut tx, &hash).await?;
        drop(tx);
        let worker = worker.ok_or_else(unknown_worker)?;
        uptime::note(app, &worker).await?;
        Ok(Self(worker))
    }
}
