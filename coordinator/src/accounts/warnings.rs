//! What everybody should know who has an account here.

pub const SECRETS: &str = "Nobody from this service ever asks for a private key or a seed phrase. Whoever asks wants to rob you.";

pub const KEYLESS: &str = "Your Aptos account belongs to the account that you signed in with. Whoever loses that account, such as \
     a Google account, loses the linked Aptos account too.";

pub const TWO_FACTORS: &str =
    "Turn on two-factor sign-in at your provider, and keep its recovery codes.";

pub const PEPPER: &str = "Whoever has this pepper and can sign in as you can spend from the address. Keep it to yourself, and keep \
     it: without it, and without this service, nobody can spend from the address.";

/// For everybody who is about to sign in.
pub fn before_sign_in(oidc: bool) -> Vec<String> {
    if oidc { keyless() } else { wallet() }
}

/// For somebody who signed in with a wallet.
pub fn wallet() -> Vec<String> {
    vec![SECRETS.into()]
}

/// For somebody whose Aptos account hangs on an OpenID provider.
pub fn keyless() -> Vec<String> {
    [SECRETS, KEYLESS, TWO_FACTORS].map(str::to_owned).into()
}
