//! Signing in, and adding ways to sign in to the account that is signed in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse};
use http::{HeaderName, StatusCode, header};
use pictor_protocol::people::{Identity, IdentityList, PepperExport};
use pictor_protocol::problem::{Problem, ProblemKind};
use pictor_protocol::sign_in::{
    AskForChallenge, OidcRedirect, SignInWays, SignedIn, WalletChallenge, WalletProof,
};
use pictor_protocol::{IdentityId, UserId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::accounts::identities::{Owned, Purpose, view};
use crate::accounts::oidc::Provider;
use crate::accounts::sessions::{self, NewSession};
use crate::accounts::wallet::Wallets;
use crate::accounts::{Secret, warnings};
use crate::app::App;
use crate::http::browser::{self, Browser, FreshBrowser, Visitor};
use crate::http::extract::{self, Path};
use crate::http::problem::{Refused, Result};
use crate::store::identities;
use crate::store::sessions::SessionOf;

/// With the cookie that the browser keeps.
type Cookie = AppendHeaders<[(HeaderName, String); 1]>;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(ways))
        .routes(routes!(wallet_challenge))
        .routes(routes!(wallet))
        .routes(routes!(oidc))
        .routes(routes!(list))
        .routes(routes!(unlink))
        .routes(routes!(link_wallet_challenge))
        .routes(routes!(link_wallet))
        .routes(routes!(link_oidc))
        .routes(routes!(export_pepper))
}

/// How one can sign in here
#[utoipa::path(get, path = "/api/v1/sign-in", tag = "sign_in", security(()),
    responses((status = 200, body = SignInWays)))]
async fn ways(State(app): State<Arc<App>>) -> Json<SignInWays> {
    Json(app.sign_in.ways())
}

/// Ask for what an Aptos wallet is to sign
#[utoipa::path(post, path = "/api/v1/sign-in/wallet/challenge", tag = "sign_in", security(()),
    request_body = AskForChallenge,
    responses((status = 200, body = WalletChallenge), (status = "4XX", body = Problem)))]
async fn wallet_challenge(
    State(app): State<Arc<App>>,
    _: Visitor,
    extract::Json(ask): extract::Json<AskForChallenge>,
) -> Result<Json<WalletChallenge>> {
    challenge(&app, None, &ask).await
}

/// Sign in with what the wallet signed; the answer's cookie is the session
#[utoipa::path(post, path = "/api/v1/sign-in/wallet", tag = "sign_in", security(()),
    request_body = WalletProof,
    responses((status = 200, body = SignedIn), (status = "4XX", body = Problem)))]
async fn wallet(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    extract::Json(proof): extract::Json<WalletProof>,
) -> Result<(Cookie, Json<SignedIn>)> {
    let (store, now_us) = (&app.store, app.now_us());
    let owned = wallets(&app)?
        .prove(store, &proof, Purpose::SignIn, now_us)
        .await?;
    let session = begin_session(&app, &owned, visitor.user_agent.as_deref()).await?;
    let cookie = browser::session_cookie(&session, &app.sign_in.site);
    Ok((set(cookie), Json(signed_in(owned, warnings::wallet()))))
}

/// Begin to sign in with the OpenID provider: the browser goes to the address in the answer
#[utoipa::path(post, path = "/api/v1/sign-in/oidc", tag = "sign_in", security(()),
    responses((status = 200, body = OidcRedirect), (status = "4XX", body = Problem)))]
async fn oidc(State(app): State<Arc<App>>, _: Visitor) -> Result<(Cookie, Json<OidcRedirect>)> {
    begin_oidc(&app, None).await
}

/// The ways in which one signs in
#[utoipa::path(get, path = "/api/v1/identities", tag = "sign_in", security(("session" = [])),
    responses((status = 200, body = IdentityList), (status = "4XX", body = Problem)))]
async fn list(State(app): State<Arc<App>>, Browser(of): Browser) -> Result<Json<IdentityList>> {
    let identities = identities_of(&app, of.user_id).await?;
    Ok(Json(IdentityList { identities }))
}

/// The ways in which somebody signs in.
pub async fn identities_of(app: &App, user: UserId) -> Result<Vec<Identity>> {
    let rows = identities::of_user(&mut app.store.read().await?, user).await?;
    Ok(rows.into_iter().map(view).collect())
}

/// Take a way to sign in from one's account, and sign out who used it; the last one stays
#[utoipa::path(delete, path = "/api/v1/identities/{id}", tag = "sign_in", params(("id" = String, Path)),
    security(("session" = [])),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn unlink(
    State(app): State<Arc<App>>,
    FreshBrowser(of): FreshBrowser,
    Path(id): Path<IdentityId>,
) -> Result<StatusCode> {
    take_away(&app, of.user_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a way to sign in from somebody's account.
pub async fn take_away(app: &App, user: UserId, id: IdentityId) -> Result<()> {
    let mut tx = app.store.write().await?;
    if identities::delete(&mut tx, user, id).await? {
        return Ok(tx.commit().await?);
    }
    let mine = identities::of_user(&mut tx, user).await?;
    if mine.iter().any(|row| row.id == id) {
        return Err(Refused::new(
            ProblemKind::Conflict,
            "this is the only way in which you sign in; add another one first",
        ));
    }
    Err(Refused::not_found("identity"))
}

/// Ask for what a wallet is to sign so that it is added to one's account
#[utoipa::path(post, path = "/api/v1/identities/wallet/challenge", tag = "sign_in",
    security(("session" = [])), request_body = AskForChallenge,
    responses((status = 200, body = WalletChallenge), (status = "4XX", body = Problem)))]
async fn link_wallet_challenge(
    State(app): State<Arc<App>>,
    FreshBrowser(of): FreshBrowser,
    extract::Json(ask): extract::Json<AskForChallenge>,
) -> Result<Json<WalletChallenge>> {
    challenge(&app, Some(&of), &ask).await
}

/// Add a wallet to one's account
#[utoipa::path(post, path = "/api/v1/identities/wallet", tag = "sign_in",
    security(("session" = [])), request_body = WalletProof,
    responses((status = 200, body = SignedIn), (status = "4XX", body = Problem)))]
async fn link_wallet(
    State(app): State<Arc<App>>,
    FreshBrowser(of): FreshBrowser,
    extract::Json(proof): extract::Json<WalletProof>,
) -> Result<Json<SignedIn>> {
    let purpose = Purpose::LinkTo(of.user_id);
    let owned = wallets(&app)?
        .prove(&app.store, &proof, purpose, app.now_us())
        .await?;
    Ok(Json(signed_in(owned, warnings::wallet())))
}

/// Begin to add an identity at the OpenID provider to one's account
#[utoipa::path(post, path = "/api/v1/identities/oidc", tag = "sign_in", security(("session" = [])),
    responses((status = 200, body = OidcRedirect), (status = "4XX", body = Problem)))]
async fn link_oidc(
    State(app): State<Arc<App>>,
    FreshBrowser(of): FreshBrowser,
) -> Result<(Cookie, Json<OidcRedirect>)> {
    begin_oidc(&app, Some(&of)).await
}

/// Get what spending from one's keyless Aptos account needs, in a session that was begun with that identity
#[utoipa::path(post, path = "/api/v1/identities/{id}/pepper", tag = "sign_in",
    params(("id" = String, Path)), security(("session" = [])),
    responses((status = 200, body = PepperExport), (status = "4XX", body = Problem)))]
async fn export_pepper(
    State(app): State<Arc<App>>,
    FreshBrowser(of): FreshBrowser,
    Path(id): Path<IdentityId>,
) -> Result<impl IntoResponse> {
    let export = pepper_of(&app, &of, id).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(export)))
}

/// The pepper of an identity, for whoever began the session with it.
pub async fn pepper_of(app: &App, of: &SessionOf, id: IdentityId) -> Result<PepperExport> {
    let mine = identities::of_user(&mut app.store.read().await?, of.user_id).await?;
    let identity = mine.into_iter().find(|row| row.id == id);
    let identity = identity.ok_or_else(|| Refused::not_found("identity"))?;
    if of.session.identity_id.0 != Some(id) {
        return Err(Refused::new(
            ProblemKind::SignInAgain,
            "sign in with this very identity to get its pepper",
        ));
    }
    app.sign_in.export_pepper(&identity)?.ok_or_else(|| {
        Refused::new(
            ProblemKind::Conflict,
            "a wallet's account has no pepper: its key is in the wallet",
        )
    })
}

/// Signs a browser in as whom its identity belongs to.
pub async fn begin_session(app: &App, owned: &Owned, user_agent: Option<&str>) -> Result<Secret> {
    let now_us = app.now_us();
    app.sign_in.limits.by_account(owned.user.id, now_us)?;
    let new = NewSession {
        user: owned.user.id,
        identity: Some(owned.identity),
        user_agent,
    };
    let mut tx = app.store.write().await?;
    let session = sessions::begin(&mut tx, new, now_us).await?;
    tx.commit().await?;
    Ok(session)
}

pub fn provider(app: &App) -> Result<&Provider> {
    let provider = app.sign_in.oidc.as_ref();
    provider.ok_or_else(|| not_offered("an OpenID provider"))
}

fn wallets(app: &App) -> Result<&Wallets> {
    let wallets = app.sign_in.wallets.as_ref();
    wallets.ok_or_else(|| not_offered("wallets"))
}

fn not_offered(what: &str) -> Refused {
    Refused::new(
        ProblemKind::NotFound,
        format!("this coordinator is not set up for sign-in with {what}"),
    )
}

async fn challenge(
    app: &App,
    link_to: Option<&SessionOf>,
    ask: &AskForChallenge,
) -> Result<Json<WalletChallenge>> {
    let link_to = link_to.map(|of| (of.user_id, of.name.as_str()));
    let (site, address) = (&app.sign_in.site, ask.address.as_deref());
    let challenge = wallets(app)?
        .challenge(&app.store, site, link_to, address, app.now_us())
        .await?;
    Ok(Json(challenge))
}

async fn begin_oidc(
    app: &App,
    link_to: Option<&SessionOf>,
) -> Result<(Cookie, Json<OidcRedirect>)> {
    let begun = provider(app)?
        .begin(&app.store, link_to, app.now_us())
        .await?;
    let cookie = browser::oidc_cookie(&begun.secret, &app.sign_in.site);
    Ok((set(cookie), Json(OidcRedirect { url: begun.url })))
}

fn set(cookie: String) -> Cookie {
    AppendHeaders([(header::SET_COOKIE, cookie)])
}

fn signed_in(owned: Owned, warnings: Vec<String>) -> SignedIn {
    SignedIn {
        user: owned.user.id,
        name: owned.user.name,
        identity: owned.identity,
        address: owned.address,
        is_new: owned.is_new,
        warnings,
    }
}
