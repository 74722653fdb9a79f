//! Settings of how people sign in.

use std::path::PathBuf;

use clap::Args;
use http::{HeaderName, Uri};
use openidconnect::{ClientId, IssuerUrl};

use super::Sources;
use crate::accounts::aptos::Chain;
use crate::accounts::identities::SignUp;
use crate::accounts::oidc::{HiddenSecret, OidcSettings};

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Sign-in")]
pub struct SignInFlags {
    /// Let people sign in with Aptos wallets on this network: mainnet, testnet or local [default: nobody]
    #[arg(long, value_name = "NETWORK", env = "PICTOR_APTOS_CHAIN")]
    aptos_chain: Option<String>,
    /// Aptos full node that knows accounts whose key was changed, such as https://api.mainnet.aptoslabs.com
    #[arg(long, value_name = "URL", env = "PICTOR_APTOS_NODE")]
    aptos_node: Option<String>,
    /// Let people sign in with this OpenID provider, such as https://accounts.google.com [default: nobody]
    #[arg(long, value_name = "URL", env = "PICTOR_OIDC_ISSUER")]
    oidc_issuer: Option<String>,
    /// What the provider calls this service; people's Aptos addresses depend on it, so never change it
    #[arg(long, value_name = "ID", env = "PICTOR_OIDC_CLIENT_ID")]
    oidc_client_id: Option<String>,
    /// File with the secret that the provider gave this service
    #[arg(long, value_name = "FILE", env = "PICTOR_OIDC_CLIENT_SECRET_FILE")]
    oidc_client_secret_file: Option<String>,
    /// File with the secret that people's Aptos addresses depend on; back it up, never change it [default: made
    /// in the data directory]
    #[arg(long, value_name = "FILE", env = "PICTOR_PEPPER_FILE")]
    pepper_file: Option<String>,
    /// Whether people who have no account get one by signing in: open, or closed, which keeps everybody else [default:
    /// open]
    #[arg(long, value_name = "WORD", env = "PICTOR_SIGN_UP")]
    sign_up: Option<String>,
    /// How often one address, and one account, may try credentials in a minute, 1 to 10000 [default: 30]
    #[arg(long, value_name = "TRIES", env = "PICTOR_SIGN_IN_TRIES_PER_MIN")]
    sign_in_tries_per_min: Option<String>,
    /// Header in which the proxy in front says who asks, such as X-Forwarded-For; its last entry counts. Only
    /// with a proxy: everybody else could write into it [default: nobody is believed]
    #[arg(long, value_name = "HEADER", env = "PICTOR_CLIENT_ADDRESS_HEADER")]
    client_address_header: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SignInSettings {
    /// The network of wallets that may sign in.
    pub chain: Option<Chain>,
    /// Without a slash at the end.
    pub node: Option<String>,
    pub oidc: Option<OidcSettings>,
    pub pepper_file: Option<PathBuf>,
    pub sign_up: SignUp,
    pub tries_per_minute: u32,
    pub client_address_header: Option<HeaderName>,
}

impl SignInSettings {
    pub(super) fn take(of: &mut Sources, flags: &SignInFlags) -> Self {
        let chain = of.take_optional("aptos_chain", &flags.aptos_chain);
        let node = of.take_url("aptos_node", &flags.aptos_node);
        // Providers of nodes name them with the version of the API or without.
        let node = node.map(|url| url.trim_end_matches("/v1").to_owned());
        if node.is_some() && chain.is_none() {
            of.fault("aptos_node", "is of no use without aptos_chain".into());
        }
        let tries = of.number(
            "sign_in_tries_per_min",
            &flags.sign_in_tries_per_min,
            30,
            1,
            10_000,
        );
        Self {
            chain,
            node,
            oidc: take_oidc(of, flags),
            sign_up: of
                .take_optional("sign_up", &flags.sign_up)
                .unwrap_or_default(),
            pepper_file: of.take_optional("pepper_file", &flags.pepper_file),
            tries_per_minute: tries as u32,
            client_address_header: of
                .take_optional("client_address_header", &flags.client_address_header),
        }
    }
}

fn take_oidc(of: &mut Sources, flags: &SignInFlags) -> Option<OidcSettings> {
    let issuer: Option<String> = of.take_optional("oidc_issuer", &flags.oidc_issuer);
    let client_id: Option<String> = of.take_optional("oidc_client_id", &flags.oidc_client_id);
    let file: Option<PathBuf> =
        of.take_optional("oidc_client_secret_file", &flags.oidc_client_secret_file);
    let client_secret = file.and_then(|path| match std::fs::read_to_string(&path) {
        Ok(text) => Some(HiddenSecret(text.trim().to_owned())),
        Err(error) => {
            let message = format!("{}: {error}", path.display());
            of.fault("oidc_client_secret_file", message);
            None
        }
    });
    let Some(issuer) = issuer else {
        if client_id.is_some() {
            of.fault("oidc_client_id", "is of no use without oidc_issuer".into());
        }
        return None;
    };
    let Some(client_id) = client_id.filter(|id| !id.is_empty()) else {
        of.fault("oidc_client_id", "is missing beside oidc_issuer".into());
        return None;
    };
    let Some(issuer) = read_issuer(&issuer) else {
        let message = format!("{issuer:?} is not an address such as https://accounts.google.com");
        of.fault("oidc_issuer", message);
        return None;
    };
    Some(OidcSettings {
        issuer,
        client_id: ClientId::new(client_id),
        client_secret,
    })
}

/// With TLS, or on this machine: whoever can change the provider's answers can be anybody.
fn read_issuer(text: &str) -> Option<IssuerUrl> {
    let url: Uri = text.parse().ok()?;
    let host = url.host().filter(|host| !host.is_empty())?;
    let is_local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match url.scheme_str()? {
        "https" => IssuerUrl::new(text.into()).ok(),
        "http" if is_local => IssuerUrl::new(text.into()).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Flags};
    use super::*;

    #[test]
    fn half_a_provider_is_a_fault() {
        let with = |issuer: Option<&str>, client_id: Option<&str>| {
            let sign_in = SignInFlags {
                oidc_issuer: issuer.map(str::to_owned),
                oidc_client_id: client_id.map(str::to_owned),
                ..SignInFlags::default()
            };
            Config::load(&Flags {
                sign_in,
                ..Flags::default()
            })
        };
        assert!(with(None, Some("id")).is_err());
        assert!(with(Some("https://accounts.google.com"), None).is_err());
        assert!(with(Some("http://accounts.google.com"), Some("id")).is_err());
        assert!(with(Some("https://"), Some("id")).is_err());
        let config = with(Some("http://127.0.0.1:9"), Some("id")).unwrap();
        assert_eq!(
            config.sign_in.oidc.unwrap().issuer.as_str(),
            "http://127.0.0.1:9"
        );
    }

    #[test]
    fn nobody_can_sign_in_unless_somebody_said_how() {
        let settings = Config::load(&Flags::default()).unwrap().sign_in;
        assert_eq!((settings.chain, settings.oidc), (None, None));
    }

    #[test]
    fn a_client_secret_is_read_from_its_file_and_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "hush-hush\n").unwrap();
        let sign_in = SignInFlags {
            oidc_issuer: Some("https://a.example".into()),
            oidc_client_id: Some("id".into()),
            oidc_client_secret_file: Some(path.display().to_string()),
            ..SignInFlags::default()
        };
        let flags = Flags {
            sign_in,
            ..Flags::default()
        };
        let config = Config::load(&flags).unwrap();
        let secret = config.sign_in.oidc.as_ref().unwrap().client_secret.clone();
        assert_eq!(secret, Some(HiddenSecret("hush-hush".into())));
        assert!(!format!("{config:?}").contains("hush"));
    }
}
