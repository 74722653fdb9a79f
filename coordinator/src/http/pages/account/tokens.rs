//! Access tokens: what scripts and the command line sign in with.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use pictor_protocol::TokenId;
use pictor_protocol::people::{NewToken, Scope};
use serde::Deserialize;

use super::super::layout::{Page, Section, Viewer, done, secret_html};
use super::super::{draw, show};
use crate::app::App;
use crate::http::api::people::{mint_for, revoke};
use crate::http::auth::Person;
use crate::http::browser::Browser;
use crate::http::extract::{Form, Path};
use crate::http::problem::Result;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/tokens", post(mint))
        .route("/account/tokens/{id}/revoke", post(end))
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    name: String,
    #[serde(default)]
    scope: Vec<Scope>,
    /// None for ever.
    days: Option<u32>,
}

#[derive(Template)]
#[template(path = "account/token.html")]
struct Minted {
    page: Page,
    token: String,
    url: String,
}

/// Shown on the answer itself: an address that shows it could be opened twice.
async fn mint(
    State(app): State<Arc<App>>,
    Browser(of): Browser,
    viewer: Viewer,
    Form(form): Form<Wanted>,
) -> Result<Response> {
    let name = match form.name.trim() {
        "" => "made in the browser",
        name => name,
    };
    let new = NewToken {
        name: name.into(),
        scopes: form.scope,
        expires_in_days: form.days,
    };
    let minted = mint_for(&app, &Person::in_browser(&of), new).await?;
    let page = viewer.page(&app, Section::Account, "Your access token");
    secret_html(&Minted {
        page: page.await?,
        token: minted.token,
        url: app.url.clone(),
    })
}

async fn end(
    State(app): State<Arc<App>>,
    Browser(of): Browser,
    Path(id): Path<TokenId>,
) -> Result<Response> {
    revoke(&app, of.user_id, id).await?;
    let said = "The token is revoked: nothing can be done with it any more.";
    Ok(done("/account#tokens", said))
}
