//! Who is asking, and access tokens.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use pictor_protocol::people::{Me, MintedToken, NewToken, Scope};
use pictor_protocol::problem::{Problem, ProblemKind};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::accounts::{self, TokenSpec};
use crate::app::App;
use crate::http::auth::Person;
use crate::http::extract;
use crate::http::problem::{Refused, Result};

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(me))
        .routes(routes!(mint))
}

/// Whose token this is and what it may do
#[utoipa::path(get, path = "/api/v1/me", tag = "people",
    responses((status = 200, body = Me), (status = "4XX", body = Problem)))]
async fn me(person: Person) -> Json<Me> {
    Json(Me {
        id: person.user.id,
        name: person.user.name,
        operator: person.user.operator != 0,
        scopes: person.scopes,
    })
}

/// Mint an access token with the same scopes or fewer
#[utoipa::path(post, path = "/api/v1/tokens", tag = "people", request_body = NewToken,
    responses((status = 201, body = MintedToken), (status = "4XX", body = Problem)))]
async fn mint(
    State(app): State<Arc<App>>,
    person: Person,
    extract::Json(new): extract::Json<NewToken>,
) -> Result<(StatusCode, Json<MintedToken>)> {
    // A token must not be able to make a stronger one.
    let all = person.scopes.contains(&Scope::Operator);
    if !all
        && new
            .scopes
            .iter()
            .any(|scope| !person.scopes.contains(scope))
    {
        return Err(Refused::new(
            ProblemKind::Forbidden,
            "a token cannot mint a stronger one",
        ));
    }
    let spec = TokenSpec {
        name: &new.name,
        scopes: &new.scopes,
        expires_in_days: new.expires_in_days,
    };
    let (token, expires_us) =
        accounts::mint_token(&app.store, &person.user, &spec, app.now_us()).await?;
    let minted = MintedToken {
        token: token.reveal().into(),
        scopes: new.scopes,
        expires_ms: expires_us.map(|us| us / 1_000),
    };
    Ok((StatusCode::CREATED, Json(minted)))
}
