//! Who is asking, what they chose to be, and access tokens.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use pictor_protocol::people::{ChooseRoles, Me, MintedToken, NewToken, Token, TokenList};
use pictor_protocol::problem::Problem;
use pictor_protocol::{TokenId, UserId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::accounts::acceptance::{self, Choice};
use crate::accounts::rights::Right;
use crate::accounts::{self, TokenSpec};
use crate::app::App;
use crate::campaign::welcome;
use crate::fair_play::{self, standing::Standing};
use crate::http::auth::Person;
use crate::http::browser::Browser;
use crate::http::extract::{self, Path};
use crate::http::problem::{Refused, Result};
use crate::store;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(me))
        .routes(routes!(choose_roles))
        .routes(routes!(mint, list_tokens))
        .routes(routes!(revoke_token))
}

/// Who is asking, and what they may do
#[utoipa::path(get, path = "/api/v1/me", tag = "people",
    responses((status = 200, body = Me), (status = "4XX", body = Problem)))]
async fn me(State(app): State<Arc<App>>, person: Person) -> Result<Json<Me>> {
    view(&app, person).await
}

async fn view(app: &App, person: Person) -> Result<Json<Me>> {
    let mut tx = app.store.read().await?;
    let standing = store::standing::of(&mut tx, person.user.id).await?;
    let standing = (standing != Standing::Good).then_some(fair_play::view::standing(standing));
    Ok(Json(Me {
        accepted_rules: acceptance::last(&mut tx, person.user.id).await?,
        standing,
        id: person.user.id,
        name: person.user.name,
        operator: person.holder.operator,
        scopes: person.holder.scopes(),
        roles: person.holder.roles,
    }))
}

/// Choose what one is here: any of the roles, instead of those before; the first time with the campaign's rules
#[utoipa::path(put, path = "/api/v1/me/roles", tag = "people", request_body = ChooseRoles,
    responses((status = 200, body = Me), (status = "4XX", body = Problem)))]
async fn choose_roles(
    State(app): State<Arc<App>>,
    mut person: Person,
    extract::Json(chosen): extract::Json<ChooseRoles>,
) -> Result<Json<Me>> {
    let choice = Choice {
        roles: &chosen.roles,
        accept_rules: chosen.accept_rules,
    };
    person.holder.roles = acceptance::choose(&app, person.user.id, choice).await?;
    welcome::greet(&app, person.user.id, &person.holder.roles).await?;
    view(&app, person).await
}

/// Mint an access token with the same scopes or fewer
#[utoipa::path(post, path = "/api/v1/tokens", tag = "people", request_body = NewToken,
    responses((status = 201, body = MintedToken), (status = "4XX", body = Problem)))]
async fn mint(
    State(app): State<Arc<App>>,
    person: Person,
    extract::Json(new): extract::Json<NewToken>,
) -> Result<(StatusCode, Json<MintedToken>)> {
    Ok((
        StatusCode::CREATED,
        Json(mint_for(&app, &person, new).await?),
    ))
}

/// A token of somebody, which can do no more than they can with what they came with.
pub async fn mint_for(app: &App, person: &Person, new: NewToken) -> Result<MintedToken> {
    // A token must not be able to make a stronger one, and a person's can do what the person may.
    for scope in &new.scopes {
        person.holder.check(Right::of_scope(*scope))?;
    }
    let spec = TokenSpec {
        name: &new.name,
        scopes: &new.scopes,
        expires_in_days: new.expires_in_days,
    };
    let now_us = app.now_us();
    app.sign_in.limits.by_account(person.user.id, now_us)?;
    let token = accounts::mint_token(&app.store, &person.user, &spec, now_us).await?;
    Ok(MintedToken {
        token: token.secret.reveal().into(),
        scopes: new.scopes,
        expires_ms: token.expires_us.map(|us| us / 1_000),
        id: Some(token.id),
    })
}

/// One's access tokens that work, the latest first
#[utoipa::path(get, path = "/api/v1/tokens", tag = "people", security(("session" = [])),
    responses((status = 200, body = TokenList), (status = "4XX", body = Problem)))]
async fn list_tokens(State(app): State<Arc<App>>, Browser(of): Browser) -> Result<Json<TokenList>> {
    let tokens = tokens_of(&app, of.user_id).await?;
    Ok(Json(TokenList { tokens }))
}

/// Somebody's tokens that work.
pub async fn tokens_of(app: &App, user: UserId) -> Result<Vec<Token>> {
    let mut tx = app.store.read().await?;
    let rows = store::people::tokens_of(&mut tx, user, app.now_us()).await?;
    let tokens = rows.into_iter().map(|row| Token {
        id: row.id,
        name: row.name,
        scopes: row.scopes.0,
        created_ms: row.created_us / 1_000,
        expires_ms: row.expires_us.map(|us| us / 1_000),
    });
    Ok(tokens.collect())
}

/// Revoke one of one's access tokens
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "people", params(("id" = String, Path)),
    security(("session" = [])),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn revoke_token(
    State(app): State<Arc<App>>,
    Browser(of): Browser,
    Path(id): Path<TokenId>,
) -> Result<StatusCode> {
    revoke(&app, of.user_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn revoke(app: &App, user: UserId, id: TokenId) -> Result<()> {
    let mut tx = app.store.write().await?;
    if !store::people::revoke_token_of(&mut tx, user, id, app.now_us()).await? {
        return Err(Refused::not_found("token"));
    }
    Ok(tx.commit().await?)
}
