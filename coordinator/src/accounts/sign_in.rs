//! The ways to sign in that a coordinator is set up for, and what they need.

use std::io;

use openidconnect::RedirectUrl;
use pictor_protocol::people::PepperExport;
use pictor_protocol::sign_in::{OidcWay, SignInWays, WalletWay};

use super::aptos::keyless::{KeylessError, UID_KEY};
use super::full_node::FullNode;
use super::limits::Limits;
use super::oidc::Provider;
use super::outbound::Outbound;
use super::pepper::{self, PepperError, PepperSecret};
use super::wallet::Wallets;
use super::{NoRandomness, random_bytes, warnings};
use crate::config::Config;
use crate::store::identities::{self, IdentityRow};
use crate::store::{Store, StoreError};

/// Where people reach this coordinator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Scheme and domain.
    pub origin: String,
    /// Host, and port if it is not the scheme's own.
    pub domain: String,
}

/// How people sign in here, beside the operator's link.
#[derive(Debug)]
pub struct SignIn {
    pub site: Site,
    pub wallets: Option<Wallets>,
    pub oidc: Option<Provider>,
    /// There as soon as somebody has an address that was made with it.
    pub pepper: Option<PepperSecret>,
    pub limits: Limits,
}

#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error("{0:?} is no address that people can be sent back to")]
    Url(String),
    #[error("this machine's certificates cannot be read")]
    Certificates(#[source] io::Error),
    #[error(transparent)]
    Pepper(#[from] PepperError),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Site {
    pub fn new(url: &str) -> Option<Self> {
        let url: http::Uri = url.parse().ok()?;
        let (scheme, domain) = (url.scheme_str()?, url.authority()?);
        Some(Self {
            origin: format!("{scheme}://{domain}"),
            domain: domain.to_string(),
        })
    }

    /// Whether browsers come with TLS.
    pub fn is_secure(&self) -> bool {
        self.origin.starts_with("https:")
    }
}

impl SignIn {
    /// Opens what the configuration asks for. Refuses when people's keyless addresses would change.
    pub async fn open(config: &Config, url: &str, store: &Store) -> Result<Self, SignInError> {
        let settings = &config.sign_in;
        let sign_up = settings.sign_up;
        let bad_url = || SignInError::Url(url.into());
        let pepper = open_pepper(config, store).await?;
        let outbound = if settings.oidc.is_some() || settings.node.is_some() {
            Some(Outbound::new().map_err(SignInError::Certificates)?)
        } else {
            None
        };
        let node = settings.node.as_ref().zip(outbound.clone());
        let node = node.map(|(url, outbound)| FullNode::new(url, outbound));
        let redirect = RedirectUrl::new(format!("{url}/sign-in/oidc/callback"));
        let redirect = redirect.map_err(|_| bad_url())?;
        let parts = settings.oidc.clone().zip(outbound).zip(pepper.clone());
        let oidc = parts.map(|((settings, outbound), pepper)| {
            Provider::new(settings, redirect, outbound, pepper, sign_up)
        });
        Ok(Self {
            site: Site::new(url).ok_or_else(bad_url)?,
            wallets: settings.chain.map(|chain| Wallets {
                chain,
                node,
                sign_up,
            }),
            oidc,
            pepper,
            limits: Limits::new(settings.tries_per_minute),
        })
    }

    pub fn ways(&self) -> SignInWays {
        SignInWays {
            wallet: self.wallets.as_ref().map(|wallets| WalletWay {
                chain: wallets.chain.as_str().into(),
                rotated_keys: wallets.node.is_some(),
            }),
            oidc: self.oidc.as_ref().map(|provider| OidcWay {
                issuer: provider.issuer().into(),
                name: name_of(provider.issuer()),
            }),
            warnings: warnings::before_sign_in(self.oidc.is_some()),
        }
    }

    /// What the owner of a keyless address needs to spend from it; nothing for a wallet's.
    pub fn export_pepper(
        &self,
        identity: &IdentityRow,
    ) -> Result<Option<PepperExport>, KeylessError> {
        let Some((subject, secret)) = pepper::subject(identity).zip(self.pepper.as_ref()) else {
            return Ok(None);
        };
        Ok(Some(PepperExport {
            address: identity.address.clone(),
            iss: subject.iss.into(),
            aud: subject.aud.into(),
            uid_key: UID_KEY.into(),
            uid_val: subject.sub.into(),
            pepper: secret.pepper(subject)?.reveal(),
            warnings: vec![warnings::PEPPER.into(), warnings::SECRETS.into()],
        }))
    }
}

/// The secret that people's addresses are made with: the one that is there, and a new one only as long as
/// nobody has an address.
async fn open_pepper(config: &Config, store: &Store) -> Result<Option<PepperSecret>, SignInError> {
    let path = config.pepper_file();
    let subjects = identities::some_subjects(&mut store.read().await?, pepper::CHECKED).await?;
    let client = config.sign_in.oidc.as_ref();
    let client = client.map(|oidc| (oidc.issuer.as_str(), oidc.client_id.as_str()));
    match PepperSecret::read(&path)? {
        Some(secret) => {
            secret.check(&subjects, client)?;
            Ok(Some(secret))
        }
        None if !subjects.is_empty() => Err(PepperError::Lost { path }.into()),
        None if client.is_some() => Ok(Some(PepperSecret::write(random_bytes()?, &path)?)),
        None => Ok(None),
    }
}

/// What people call a provider: Google, or its host.
fn name_of(issuer: &str) -> String {
    let host = issuer.parse::<http::Uri>().ok();
    let host = host.as_ref().and_then(http::Uri::host).unwrap_or(issuer);
    match host {
        "accounts.google.com" => "Google".into(),
        _ => host.into(),
    }
}
