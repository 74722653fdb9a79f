//! Ways to sign in: adding and taking away, and the secret behind a keyless address.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{get, post};
use http::header;
use pictor_protocol::IdentityId;
use pictor_protocol::people::{Identity, IdentityKind, PepperExport};

use super::super::layout::{Page, Section, Viewer, done, html, secret_html};
use super::super::{draw, show};
use crate::accounts::rights::Right;
use crate::accounts::warnings;
use crate::app::App;
use crate::http::api::sign_in::{identities_of, pepper_of, provider, take_away};
use crate::http::browser::{self, FreshBrowser};
use crate::http::extract::Path;
use crate::http::problem::{Refused, Result};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/identities/oidc", post(add_at_provider))
        .route("/account/identities/wallet", get(add_wallet))
        .route("/account/identities/{id}/remove", post(remove))
        .route("/account/identities/{id}/pepper", get(ask).post(export))
}

#[derive(Template)]
#[template(path = "account/to-provider.html")]
struct ToProvider {
    page: Page,
    url: String,
}

/// A page that leads there by itself, and not a redirect: the content policy lets no form end at another site.
async fn add_at_provider(
    State(app): State<Arc<App>>,
    FreshBrowser(of): FreshBrowser,
    viewer: Viewer,
) -> Result<Response> {
    let begun = provider(&app)?
        .begin(&app.store, Some(&of), app.now_us())
        .await?;
    let page = secret_html(&ToProvider {
        page: viewer
            .page(&app, Section::Account, "On to the provider")
            .await?,
        url: begun.url,
    })?;
    let cookie = browser::oidc_cookie(&begun.secret, &app.sign_in.site);
    let head = AppendHeaders([(header::SET_COOKIE, cookie)]);
    Ok((head, page).into_response())
}

#[derive(Template)]
#[template(path = "account/wallet.html")]
struct AddWallet {
    page: Page,
    chain: String,
}

async fn add_wallet(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response> {
    viewer.with(Right::SignIn)?;
    let wallet = app.sign_in.ways().wallet;
    let wallet = wallet.ok_or_else(|| Refused::not_found("way to sign in"))?;
    html(&AddWallet {
        page: viewer.page(&app, Section::Account, "Add a wallet").await?,
        chain: wallet.chain,
    })
}

async fn remove(
    State(app): State<Arc<App>>,
    FreshBrowser(of): FreshBrowser,
    Path(id): Path<IdentityId>,
) -> Result<Response> {
    take_away(&app, of.user_id, id).await?;
    let said = "That way to sign in is gone, and who used it is signed out.";
    Ok(done("/account#identities", said))
}

#[derive(Template)]
#[template(path = "account/pepper.html")]
struct Pepper {
    page: Page,
    identity: Identity,
    warning: &'static str,
    /// Shown once it was asked for.
    export: Option<PepperExport>,
}

async fn ask(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<IdentityId>,
) -> Result<Response> {
    let user = viewer.with(Right::SignIn)?;
    let mine = identities_of(&app, user).await?;
    let is_it = |mine: &Identity| mine.id == id && mine.kind == IdentityKind::Oidc;
    let identity = mine.into_iter().find(is_it);
    html(&Pepper {
        page: viewer.page(&app, Section::Account, "Your pepper").await?,
        identity: identity.ok_or_else(|| Refused::not_found("identity"))?,
        warning: warnings::PEPPER,
        export: None,
    })
}

async fn export(
    State(app): State<Arc<App>>,
    FreshBrowser(of): FreshBrowser,
    viewer: Viewer,
    Path(id): Path<IdentityId>,
) -> Result<Response> {
    let export = pepper_of(&app, &of, id).await?;
    let mine = identities_of(&app, of.user_id).await?;
    let identity = mine.into_iter().find(|mine| mine.id == id);
    secret_html(&Pepper {
        page: viewer.page(&app, Section::Account, "Your pepper").await?,
        identity: identity.ok_or_else(|| Refused::not_found("identity"))?,
        warning: warnings::PEPPER,
        export: Some(export),
    })
}
