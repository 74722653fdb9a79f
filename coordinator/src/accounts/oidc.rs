//! Signing in with an OpenID provider: code flow with PKCE, in the browser that began it.
//!
//! The browser keeps one secret in a cookie; nonce and code verifier are made of it, so the database has only
//! hashes. A state is used up by the first callback that brings it.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::DateTime;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreIdTokenClaims, CoreJwsSigningAlgorithm,
    CoreProviderMetadata,
};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError,
    TokenResponse,
};

use super::aptos::keyless::{KeylessError, Subject};
use super::identities::{self, IdentityError, Owned, Proven, Purpose, SignUp};
use super::outbound::Outbound;
use super::pepper::PepperSecret;
use super::{MINUTE_US, NoRandomness, Secret, SecretKind, random_digits};
use crate::store::sessions::SessionOf;
use crate::store::sign_ins::{self, OidcSignInRow};
use crate::store::{Store, StoreError, sessions};

/// How long a person may take at the provider.
pub const SIGN_IN_US: i64 = 10 * MINUTE_US;
/// Providers publish new keys long before they sign with them; one that did not is asked again at once.
const METADATA_US: i64 = 60 * MINUTE_US;
/// What a person is known by in lists is cut to the length of a mail address.
const LABEL_CHARS: usize = 254;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The OpenID provider that people sign in with.
#[derive(Debug)]
pub struct Provider {
    settings: OidcSettings,
    redirect: RedirectUrl,
    outbound: Outbound,
    pepper: PepperSecret,
    sign_up: SignUp,
    known: RwLock<Option<Known>>,
}

/// How this service is known to its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcSettings {
    pub issuer: IssuerUrl,
    pub client_id: ClientId,
    /// None for a client that is public.
    pub client_secret: Option<HiddenSecret>,
}

/// A client secret. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct HiddenSecret(pub String);

impl std::fmt::Debug for HiddenSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HiddenSecret(…)")
    }
}

/// What the provider said of itself, its keys among it.
#[derive(Debug, Clone)]
struct Known {
    metadata: Arc<CoreProviderMetadata>,
    asked_us: i64,
}

/// A browser on its way to the provider.
#[derive(Debug)]
pub struct Begun {
    pub url: String,
    /// For the browser's cookie.
    pub secret: Secret,
}

/// What the browser brings back.
#[derive(Debug, Clone, Copy)]
pub struct Callback<'a> {
    pub state: &'a str,
    /// The code, or what the provider calls its refusal.
    pub answer: Result<&'a str, &'a str>,
    /// Who says that it sends the browser, if the provider does that (RFC 9207).
    pub issuer: Option<&'a str>,
    /// Of the cookie.
    pub browser: Option<&'a str>,
}

#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    #[error(
        "this sign-in was begun too long ago or in another browser, or it was completed before; begin anew"
    )]
    Expired,
    #[error("the provider did not sign you in ({0})")]
    Refused(String),
    #[error("the provider does not answer as it should; try again later")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the provider does not know this sign-in (any more); begin anew")]
    BadCode(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the provider sent no ID token")]
    NoIdToken,
    #[error("the provider's ID token proves nothing")]
    BadIdToken(#[source] ClaimsVerificationError),
    #[error("the provider is not the one that this sign-in was begun with")]
    OtherIssuer,
    #[error("this identity cannot have an Aptos address")]
    Keyless(#[from] KeylessError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Provider {
    pub fn new(
        settings: OidcSettings,
        redirect: RedirectUrl,
        outbound: Outbound,
        pepper: PepperSecret,
        sign_up: SignUp,
    ) -> Self {
        Self {
            settings,
            redirect,
            outbound,
            pepper,
            sign_up,
            known: RwLock::default(),
        }
    }

    pub fn issuer(&self) -> &str {
        self.settings.issuer.as_str()
    }

    /// Sends a browser to the provider: to sign in, or to add an identity to the account of `link_to`.
    pub async fn begin(
        &self,
        store: &Store,
        link_to: Option<&SessionOf>,
        now_us: i64,
    ) -> Result<Begun, OidcError> {
        let client = self.client(self.metadata(now_us).await?);
        let secret = Secret::new(SecretKind::OidcSignIn)?;
        let state = random_digits()?;
        let mut tx = store.write().await?;
        sign_ins::delete_expired(&mut tx, now_us).await?;
        let begun = OidcSignInRow {
            browser_hash: Secret::hash(secret.reveal()),
            session_hash: link_to.map(|of| of.session.hash.clone()),
            expires_us: now_us + SIGN_IN_US,
        };
        sign_ins::insert_oidc(&mut tx, &Secret::hash(&state), &begun).await?;
        tx.commit().await?;
        let nonce = nonce(secret.reveal());
        let (url, _, _) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                || CsrfToken::new(state),
                move || nonce,
            )
            .add_scope(Scope::new("email".into()))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier(
                secret.reveal(),
            )))
            .url();
        Ok(Begun {
            url: url.into(),
            secret,
        })
    }

    /// Completes a sign-in; answers whom the identity belongs to, and what it was for.
    pub async fn complete(
        &self,
        store: &Store,
        callback: Callback<'_>,
        now_us: i64,
    ) -> Result<(Owned, Purpose), OidcError> {
        let mut tx = store.write().await?;
        let begun = sign_ins::use_oidc(&mut tx, &Secret::hash(callback.state)).await?;
        tx.commit().await?;
        let begun = begun.filter(|begun| begun.expires_us > now_us);
        let (begun, browser) = begun.zip(callback.browser).ok_or(OidcError::Expired)?;
        if begun.browser_hash != Secret::hash(browser) {
            return Err(OidcError::Expired);
        }
        if callback
            .issuer
            .is_some_and(|issuer| issuer != self.issuer())
        {
            return Err(OidcError::OtherIssuer);
        }
        let code = callback
            .answer
            .map_err(|error| OidcError::Refused(error.chars().take(80).collect()))?;
        let claims = self.redeem(code, browser, now_us).await?;

        let sub = claims.subject().as_str();
        let subject = Subject {
            iss: self.issuer(),
            aud: &self.settings.client_id,
            sub,
        };
        let email = claims
            .email()
            .filter(|_| claims.email_verified() == Some(true));
        let label: Option<String> = email.map(|email| email.chars().take(LABEL_CHARS).collect());
        let proven = Proven {
            address: self.pepper.address(subject)?,
            subject: Some(subject),
            label: label.as_deref(),
        };
        let mut tx = store.write().await?;
        let purpose = match &begun.session_hash {
            None => Purpose::SignIn,
            // Signed out meanwhile, it is nobody's any more.
            Some(hash) => sessions::find(&mut tx, hash, now_us)
                .await?
                .map(|of| Purpose::LinkTo(of.user_id))
                .ok_or(OidcError::Expired)?,
        };
        let settled = identities::settle(&mut tx, proven, purpose, self.sign_up, now_us).await?;
        tx.commit().await?;
        Ok((settled.owned()?, purpose))
    }

    /// Changes the code for an ID token, and checks it.
    async fn redeem(
        &self,
        code: &str,
        browser: &str,
        now_us: i64,
    ) -> Result<CoreIdTokenClaims, OidcError> {
        let client = self.client(self.metadata(now_us).await?);
        let answer = client
            .exchange_code(AuthorizationCode::new(code.into()))
            .map_err(|error| OidcError::Unavailable(error.into()))?
            .set_pkce_verifier(verifier(browser))
            .request_async(&self.outbound)
            .await
            .map_err(|error| match error {
                RequestTokenError::ServerResponse(said) => {
                    tracing::info!(oidc.error = %said, "the provider refused a code");
                    OidcError::BadCode(said.to_string().into())
                }
                RequestTokenError::Request(error) => OidcError::Unavailable(error.into()),
                RequestTokenError::Parse(error, _) => OidcError::Unavailable(error.into()),
                RequestTokenError::Other(error) => OidcError::Unavailable(error.into()),
            })?;
        let token = answer.id_token().ok_or(OidcError::NoIdToken)?;
        match check(&client, token, browser, now_us) {
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => {
                let renewed = self.client(self.ask(now_us).await?);
                check(&renewed, token, browser, now_us).map_err(OidcError::BadIdToken)
            }
            checked => checked.map_err(OidcError::BadIdToken),
        }
    }

    fn client(&self, metadata: Arc<CoreProviderMetadata>) -> Client {
        let OidcSettings {
            client_id,
            client_secret,
            ..
        } = self.settings.clone();
        let secret = client_secret.map(|secret| ClientSecret::new(secret.0));
        CoreClient::from_provider_metadata(Arc::unwrap_or_clone(metadata), client_id, secret)
            .set_redirect_uri(self.redirect.clone())
    }

    async fn metadata(&self, now_us: i64) -> Result<Arc<CoreProviderMetadata>, OidcError> {
        let known = self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match known.filter(|known| now_us - known.asked_us < METADATA_US) {
            Some(known) => Ok(known.metadata),
            None => self.ask(now_us).await,
        }
    }

    /// Asks the provider for its addresses and keys.
    async fn ask(&self, now_us: i64) -> Result<Arc<CoreProviderMetadata>, OidcError> {
        let issuer = self.settings.issuer.clone();
        let metadata = CoreProviderMetadata::discover_async(issuer, &self.outbound)
            .await
            .map_err(|error| OidcError::Unavailable(error.into()))?;
        let metadata = Arc::new(metadata);
        let known = Known {
            metadata: Arc::clone(&metadata),
            asked_us: now_us,
        };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(metadata)
    }
}

/// Signature by a key of the provider, issuer, audience, expiry, nonce.
fn check(
    client: &Client,
    token: &CoreIdToken,
    browser: &str,
    now_us: i64,
) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
    let now = DateTime::from_timestamp_micros(now_us).unwrap_or_default();
    let verifier = client
        .id_token_verifier()
        .set_allowed_algs([CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256])
        .set_time_fn(move || now);
    token.claims(&verifier, &nonce(browser)).cloned()
}

fn nonce(browser: &str) -> Nonce {
    Nonce::new(derived("pictor 2026 OpenID nonce", browser))
}

fn verifier(browser: &str) -> PkceCodeVerifier {
    PkceCodeVerifier::new(derived("pictor 2026 PKCE code verifier", browser))
}

/// 64 digits that only the browser with that secret can bring about.
fn derived(purpose: &str, browser: &str) -> String {
    let key = blake3::derive_key(purpose, browser.as_bytes());
    blake3::Hash::from_bytes(key).to_hex().to_string()
}
