//! Who is asking, and whether they may.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;
use pictor_protocol::UserId;
use pictor_protocol::people::Scope;
use pictor_protocol::problem::ProblemKind;

use super::browser;
use super::problem::Refused;
use crate::accounts::Secret;
use crate::app::App;
use crate::store::people::{self, User};
use crate::store::workers::{self, AgentRow, WorkerRow};

/// A worker's last sign of life is written down this often at most: the database need not hear of
/// every request.
const SEEN_EVERY_US: i64 = 10 * 1_000_000;

/// A person with an access token, or in a browser that is signed in.
#[derive(Debug)]
pub struct Person {
    pub user: User,
    pub scopes: Vec<Scope>,
}

/// A person whose token may be used for jobs.
#[derive(Debug)]
pub struct Creator(pub UserId);

/// A person whose token may be used for workers.
#[derive(Debug)]
pub struct WorkerOwner(pub UserId);

/// Whoever holds a worker's token, such as its installer.
#[derive(Debug)]
pub struct TokenOf(pub WorkerRow);

/// A worker with the token of its config file; this is a sign of its life.
#[derive(Debug)]
pub struct Agent(pub AgentRow);

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
            return Ok(Self::in_browser(session.user()));
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
        Ok(Self {
            user: token.user,
            scopes: token.scopes.0,
        })
    }
}

impl Person {
    /// A browser may do whatever its person may.
    fn in_browser(user: User) -> Self {
        let may = |scope: &Scope| *scope != Scope::Operator || user.operator != 0;
        let scopes = Scope::ALL.into_iter().filter(may).collect();
        Self { user, scopes }
    }

    fn with(self, scope: Scope) -> Result<UserId, Refused> {
        if self.scopes.contains(&scope) || self.scopes.contains(&Scope::Operator) {
            return Ok(self.user.id);
        }
        Err(Refused::new(
            ProblemKind::Forbidden,
            format!("the token does not have the scope {scope}"),
        ))
    }
}

impl FromRequestParts<Arc<App>> for Creator {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        Person::from_request_parts(parts, app)
            .await?
            .with(Scope::Jobs)
            .map(Self)
    }
}

impl FromRequestParts<Arc<App>> for WorkerOwner {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        Person::from_request_parts(parts, app)
            .await?
            .with(Scope::Workers)
            .map(Self)
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

fn unknown_worker() -> Refused {
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
        let now_us = app.now_us();
        if worker
            .last_seen_us
            .is_none_or(|seen| now_us - seen > SEEN_EVERY_US)
        {
            let mut tx = app.store.write().await?;
            workers::seen(&mut tx, worker.id, now_us).await?;
            tx.commit().await?;
        }
        Ok(Self(worker))
    }
}
