//! Browsers: their cookies, where their requests come from, how often they may try.
//!
//! A browser sends the session's cookie along with whatever page asks it to. So a change counts only if the
//! browser says that a page of ours asked for it; `SameSite=Strict` alone would leave out browsers of old and
//! sites beside ours. Programs send no cookie and need to say nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;
use http::{HeaderMap, Method, header};
use pictor_protocol::problem::ProblemKind;

use super::auth::Person;
use super::problem::Refused;
use crate::accounts::oidc::SIGN_IN_US;
use crate::accounts::rights::Right;
use crate::accounts::sessions::{self, SESSION_US};
use crate::accounts::{Secret, Site};
use crate::app::App;
use crate::store::sessions::SessionOf;

const SESSION: &str = "pictor_session";
const OIDC: &str = "pictor_oidc";

/// Somebody who is about to sign in: counted against the tries of their address, and not sent by another site.
#[derive(Debug)]
pub struct Visitor {
    pub user_agent: Option<String>,
}

/// A person in a browser that is signed in. What it changes was asked for by a page of ours.
#[derive(Debug)]
pub struct Browser(pub SessionOf);

/// The same within minutes after signing in, counted against the tries of the account: for what a browser left
/// open must not allow.
#[derive(Debug)]
pub struct FreshBrowser(pub SessionOf);

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        let now_us = app.now_us();
        app.sign_in.limits.by_peer(peer(parts, app), now_us)?;
        if parts.method != Method::GET
            && origin(&parts.headers, &app.sign_in.site) == Origin::Foreign
        {
            return Err(foreign());
        }
        Ok(Self {
            user_agent: user_agent(&parts.headers),
        })
    }
}

impl FromRequestParts<Arc<App>> for Browser {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        if let Some(session) = session(parts, app).await? {
            return Ok(Self(session));
        }
        // Whoever has a token is told that no token will do; everybody else, to sign in.
        let person = Person::from_request_parts(parts, app).await?;
        person.holder.check(Right::SignIn)?;
        Err(Refused::new(
            ProblemKind::Unauthorized,
            "this can be done only in a browser that is signed in",
        ))
    }
}

impl FromRequestParts<Arc<App>> for FreshBrowser {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        let Browser(of) = Browser::from_request_parts(parts, app).await?;
        let now_us = app.now_us();
        app.sign_in.limits.by_account(of.user_id, now_us)?;
        if !sessions::is_fresh(&of.session, now_us) {
            return Err(Refused::new(
                ProblemKind::SignInAgain,
                "this needs a sign-in of the last 10 minutes: sign out and in again, then repeat it",
            ));
        }
        Ok(Self(of))
    }
}

/// The session of a request. One that changes something must be asked for by a page of ours.
pub async fn session(parts: &Parts, app: &App) -> Result<Option<SessionOf>, Refused> {
    let Some(secret) = cookie(&parts.headers, &session_cookie_name(&app.sign_in.site)) else {
        return Ok(None);
    };
    let found = sessions::find(&app.store, secret, app.now_us()).await?;
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    if found.is_some() && !reads && origin(&parts.headers, &app.sign_in.site) != Origin::Own {
        return Err(foreign());
    }
    Ok(found)
}

fn foreign() -> Refused {
    Refused::new(
        ProblemKind::ForeignOrigin,
        "this was not asked for by a page of this coordinator",
    )
}

/// Who asked for a request, as the browser says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Own,
    Foreign,
    /// It says nothing: no browser of this decade.
    Unknown,
}

/// The site's own address, or the one that the request was sent to: behind a proxy the coordinator may not
/// know its public address. No other site can choose the `Host` that a browser sends here, and one that has its
/// name point here has none of our cookies.
fn origin(headers: &HeaderMap, site: &Site) -> Origin {
    let text = |name: header::HeaderName| headers.get(name)?.to_str().ok();
    if let Some(fetch_site) = headers.get("sec-fetch-site")
        && fetch_site != "same-origin"
    {
        return Origin::Foreign;
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return match headers.contains_key("sec-fetch-site") {
            true => Origin::Own,
            false => Origin::Unknown,
        };
    };
    let authority = origin.to_str().ok().and_then(|text| text.split_once("://"));
    let is_own = origin == site.origin.as_str()
        || authority.is_some_and(|(_, authority)| Some(authority) == text(header::HOST));
    if is_own { Origin::Own } else { Origin::Foreign }
}

/// Who asks, as the connection says, or the proxy that the operator named.
fn peer(parts: &Parts, app: &App) -> IpAddr {
    let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let connection = connection.map_or(IpAddr::from([0; 4]), |of| of.0.ip());
    let Some(header) = &app.config.sign_in.client_address_header else {
        return connection;
    };
    // Proxies append; what stands before the last entry was sent by the client.
    let said = parts.headers.get_all(header).iter().next_back();
    let said = said.and_then(|value| value.to_str().ok()?.rsplit(',').next());
    said.and_then(|text| text.trim().parse().ok())
        .unwrap_or(connection)
}

pub fn user_agent(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::USER_AGENT)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The cookie that signs a browser in.
pub fn session_cookie(secret: &Secret, site: &Site) -> String {
    let name = session_cookie_name(site);
    set_cookie(
        &name,
        secret.reveal(),
        "Strict",
        SESSION_US / 1_000_000,
        site,
    )
}

pub fn no_session_cookie(site: &Site) -> String {
    set_cookie(&session_cookie_name(site), "", "Strict", 0, site)
}

/// The cookie that goes to the provider and back with a browser: `Lax`, because it is the provider that sends
/// the browser back.
pub fn oidc_cookie(secret: &Secret, site: &Site) -> String {
    let name = oidc_cookie_name(site);
    set_cookie(&name, secret.reveal(), "Lax", SIGN_IN_US / 1_000_000, site)
}

pub fn no_oidc_cookie(site: &Site) -> String {
    set_cookie(&oidc_cookie_name(site), "", "Lax", 0, site)
}

/// What the browser was given for its way to the provider.
pub fn oidc_secret<'a>(headers: &'a HeaderMap, site: &Site) -> Option<&'a str> {
    cookie(headers, &oidc_cookie_name(site))
}

fn session_cookie_name(site: &Site) -> String {
    cookie_name(SESSION, site)
}

fn oidc_cookie_name(site: &Site) -> String {
    cookie_name(OIDC, site)
}

/// With the prefix, browsers take the cookie from this very host alone, and not from a site beside it.
pub fn cookie_name(name: &str, site: &Site) -> String {
    let prefix = if site.is_secure() { "__Host-" } else { "" };
    format!("{prefix}{name}")
}

pub fn set_cookie(name: &str, value: &str, same_site: &str, seconds: i64, site: &Site) -> String {
    let secure = if site.is_secure() { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}; Max-Age={seconds}{secure}")
}

pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let mut cookies = cookies.filter_map(|value| value.to_str().ok());
    cookies.find_map(|cookies| {
        cookies
            .split(';')
            .find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_site_itself_are_its_own() {
        let site = Site::new("https://render.example.org").unwrap();
        for (headers, expected) in [
            (vec![], Origin::Unknown),
            (vec![("origin", "https://render.example.org")], Origin::Own),
            (vec![("sec-fetch-site", "same-origin")], Origin::Own),
            (vec![("origin", "https://evil.example")], Origin::Foreign),
            (vec![("origin", "null")], Origin::Foreign),
            (vec![("sec-fetch-site", "same-site")], Origin::Foreign),
            (vec![("sec-fetch-site", "none")], Origin::Foreign),
            (
                vec![
                    ("origin", "https://render.example.org"),
                    ("sec-fetch-site", "cross-site"),
                ],
                Origin::Foreign,
            ),
            (
                vec![
                    ("origin", "https://evil.example"),
                    ("sec-fetch-site", "same-origin"),
                ],
                Origin::Foreign,
            ),
            (
                vec![
                    ("origin", "http://10.0.0.7:8080"),
                    ("host", "10.0.0.7:8080"),
                ],
                Origin::Own,
            ),
        ] {
            let map = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            assert_eq!(origin(&map, &site), expected, "{headers:?}");
        }
    }

    #[test]
    fn cookies_are_bound_to_the_host_where_there_is_tls() {
        let secret = Secret::new(crate::accounts::SecretKind::Session).unwrap();
        let with_tls = Site::new("https://render.example.org").unwrap();
        let cookie = session_cookie(&secret, &with_tls);
        assert!(cookie.starts_with("__Host-pictor_session=pcs_"), "{cookie}");
        assert!(cookie.ends_with("; Secure"), "{cookie}");
        let without = Site::new("http://localhost:8080").unwrap();
        assert!(!oidc_cookie(&secret, &without).contains("Secure"));
    }
}
