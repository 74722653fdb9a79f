use pictor_protocol::sign_in::{
    AskForChallenge, OidcRedirect, OidcWay, SignInInput, SignInWays, SignMessageInput, SignedIn,
    WalletChallenge, WalletProof, WalletWay,
};
use pictor_protocol::{IdentityId, UserId};

use super::{ADDRESS, NEW_YEAR_MS, uuid};

pub fn sign_in_ways() -> Vec<SignInWays> {
    vec![SignInWays {
        wallet: Some(WalletWay {
            chain: "mainnet".into(),
            rotated_keys: true,
        }),
        oidc: Some(OidcWay {
            issuer: "https://accounts.google.com".into(),
            name: "Google".into(),
        }),
        warnings: vec!["Nobody ever asks for your seed phrase.".into()],
    }]
}

pub fn ask_for_challenge() -> Vec<AskForChallenge> {
    vec![AskForChallenge {
        address: Some(ADDRESS.into()),
    }]
}

pub fn wallet_challenge() -> Vec<WalletChallenge> {
    vec![WalletChallenge {
        nonce: "4f6e6365".into(),
        expires_ms: NEW_YEAR_MS,
        sign_in: SignInInput {
            domain: "render.example.org".into(),
            address: Some(ADDRESS.into()),
            statement: "Sign in to render.example.org".into(),
            uri: "https://render.example.org".into(),
            version: "1".into(),
            nonce: "4f6e6365".into(),
            issued_at: "2025-12-31T23:50:00.000Z".into(),
            expiration_time: "2026-01-01T00:00:00.000Z".into(),
            chain_id: "aptos:mainnet".into(),
        },
        sign_message: SignMessageInput {
            address: true,
            application: true,
            chain_id: true,
            message: "Sign in to render.example.org".into(),
            nonce: "4f6e6365".into(),
        },
    }]
}

pub fn wallet_proof() -> Vec<WalletProof> {
    vec![WalletProof {
        nonce: "4f6e6365".into(),
        address: ADDRESS.into(),
        public_key: "0x20d0".into(),
        signature: "0x4015".into(),
        full_message: Some("APTOS\nmessage: Sign in".into()),
    }]
}

pub fn signed_in() -> Vec<SignedIn> {
    vec![SignedIn {
        user: UserId::new(uuid(20)),
        name: "Ada".into(),
        identity: IdentityId::new(uuid(23)),
        address: ADDRESS.into(),
        is_new: true,
        warnings: vec!["Nobody ever asks for your seed phrase.".into()],
    }]
}

pub fn oidc_redirect() -> Vec<OidcRedirect> {
    vec![OidcRedirect {
        url: "https://accounts.google.com/o/oauth2/v2/auth?state=1".into(),
    }]
}
