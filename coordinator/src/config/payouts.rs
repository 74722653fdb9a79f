//! Settings of how rewards are paid out.

use std::path::PathBuf;

use clap::Args;

use super::Sources;
use super::sign_in::SignInSettings;
use crate::accounts::aptos::Chain;

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Payouts")]
pub struct PayoutFlags {
    /// File with the Ed25519 key of the Aptos account that rewards are paid from, readable by its owner alone
    /// [default: rewards are paid by hand]
    #[arg(long, value_name = "FILE", env = "PICTOR_PAYOUT_KEY_FILE")]
    payout_key_file: Option<String>,
    /// Aptos network on which rewards are paid: mainnet, testnet or local [default: that of --aptos-chain]
    #[arg(long, value_name = "NETWORK", env = "PICTOR_PAYOUT_CHAIN")]
    payout_chain: Option<String>,
    /// Aptos full node that carries payouts out [default: that of --aptos-node]
    #[arg(long, value_name = "URL", env = "PICTOR_PAYOUT_NODE")]
    payout_node: Option<String>,
}

/// What pays rewards.
#[derive(Debug, Clone, PartialEq)]
pub struct PayoutSettings {
    pub key_file: PathBuf,
    pub chain: Chain,
    /// Without a slash at the end.
    pub node: String,
}

impl PayoutSettings {
    /// Nothing if there is no key: then rewards are paid by hand.
    pub(super) fn take(
        of: &mut Sources,
        flags: &PayoutFlags,
        sign_in: &SignInSettings,
    ) -> Option<Self> {
        let key_file = of.take_optional("payout_key_file", &flags.payout_key_file);
        let chain = of.take_optional("payout_chain", &flags.payout_chain);
        let node = of.take_url("payout_node", &flags.payout_node);
        let node = node.map(|url| url.trim_end_matches("/v1").to_owned());
        let Some(key_file) = key_file else {
            let useless = [
                ("payout_chain", chain.is_some()),
                ("payout_node", node.is_some()),
            ];
            for (key, _) in useless.into_iter().filter(|(_, is_set)| *is_set) {
                of.fault(key, "is of no use without payout_key_file".into());
            }
            return None;
        };
        let chain = chain.or(sign_in.chain);
        let node = node.or_else(|| sign_in.node.clone());
        for (key, is_set) in [
            ("payout_chain", chain.is_some()),
            ("payout_node", node.is_some()),
        ] {
            if !is_set {
                of.fault(key, "is missing beside payout_key_file".into());
            }
        }
        Some(Self {
            key_file,
            chain: chain?,
            node: node?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Flags};
    use super::*;

    #[test]
    fn without_a_key_nothing_is_paid_from_here() {
        assert_eq!(load(PayoutFlags::default()).unwrap().payouts, None);
    }

    #[test]
    fn half_a_payer_is_a_fault() {
        for (key, chain, node) in [
            (None, Some("testnet"), None),
            (None, None, Some("http://127.0.0.1:9")),
            (Some("key"), None, Some("http://127.0.0.1:9")),
            (Some("key"), Some("testnet"), None),
            (Some("key"), Some("moonnet"), Some("http://127.0.0.1:9")),
        ] {
            assert!(
                load(flags(key, chain, node)).is_err(),
                "{key:?} {chain:?} {node:?}"
            );
        }
        let whole = flags(Some("key"), Some("testnet"), Some("http://127.0.0.1:9/v1/"));
        let settings = load(whole).unwrap().payouts.unwrap();
        assert_eq!(
            (settings.chain, settings.node.as_str()),
            (Chain::Testnet, "http://127.0.0.1:9")
        );
    }

    fn flags(key: Option<&str>, chain: Option<&str>, node: Option<&str>) -> PayoutFlags {
        PayoutFlags {
            payout_key_file: key.map(str::to_owned),
            payout_chain: chain.map(str::to_owned),
            payout_node: node.map(str::to_owned),
        }
    }

    fn load(payouts: PayoutFlags) -> Result<Config, super::super::ConfigError> {
        Config::load(&Flags {
            payouts,
            ..Flags::default()
        })
    }
}
