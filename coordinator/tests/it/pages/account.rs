//! One's account, the sign-in, and what is left to whoever may not sign in.

use http::{StatusCode, header};
use pictor_coordinator::accounts::aptos::Chain;
use pictor_protocol::UserId;
use pictor_protocol::community::Referral;
use pictor_protocol::people::{Me, Role, SessionList, TokenList};
use pictor_protocol::problem::Problem;
use pictor_protocol::sign_in::SignedIn;
use serde_json::json;

use crate::harness::World;
use crate::harness::browser::Browser;
use crate::harness::client::Answer;
use crate::harness::counterparts::{OidcProvider, Wallets};

const SIGN_IN: &str = "/api/v1/sign-in/wallet";

#[tokio::test]
async fn a_token_is_made_with_a_purpose_shown_once_and_revoked() {
    let world = World::start().await;
    let ada = world.person("ada", &[Role::Creator]).await;
    let mut browser = world.browser_of(ada).await;
    let form = "name=%3Cb%3Elaptop&scope=jobs&days=30";
    let made = browser.fill("/account/tokens", form).await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
    assert_eq!(made.headers[header::CACHE_CONTROL], "no-store");
    assert!(made.text().contains("pct_"));
    let page = browser.look("/account").await.text();
    assert!(
        page.contains("<b>&#60;b&#62;laptop</b>") && !page.contains("pct_"),
        "{page}"
    );

    let list: TokenList = browser.get("/api/v1/tokens").await.json();
    let path = format!("/account/tokens/{}/revoke", list.tokens[0].id);
    let page = browser.done(&path, "").await;
    assert!(page.contains("The token is revoked"), "{page}");
    let list: TokenList = browser.get("/api/v1/tokens").await.json();
    assert!(list.tokens.is_empty());

    let stronger = browser
        .fill("/account/tokens", "name=x&scope=operator")
        .await;
    assert_eq!(stronger.status, StatusCode::FORBIDDEN);
    let of_nothing = browser.fill("/account/tokens", "name=x").await;
    assert_eq!(of_nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn somebody_elses_sessions_tokens_and_identities_are_not_there() {
    let (world, mut wallets) = with_wallets().await;
    let (mut eve, _) = world.signed_in(&mut wallets, "ed25519").await;
    let ada = world.person("ada", &[Role::Creator]).await;
    let mut browser = world.browser_of(ada).await;
    browser
        .fill("/account/tokens", "name=laptop&scope=jobs")
        .await;
    let tokens: TokenList = browser.get("/api/v1/tokens").await.json();
    let sessions: SessionList = browser.get("/api/v1/sessions").await.json();
    for path in [
        format!("/account/tokens/{}/revoke", tokens.tokens[0].id),
        format!("/account/sessions/{}/end", sessions.sessions[0].id),
    ] {
        let answer = eve.fill(&path, "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(browser.look("/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_browsers_one_is_signed_in_with_are_named_and_signed_out() {
    let world = World::start().await;
    let ada = world.person("ada", &[Role::Creator]).await;
    let mut browser = world.browser_of(ada).await;
    let mut other = world.browser_of(ada).await;
    let page = browser.look("/account").await.text();
    assert_eq!(page.matches("this browser").count(), 1, "{page}");
    let sessions: SessionList = browser.get("/api/v1/sessions").await.json();
    let other_id = sessions.sessions.iter().find(|it| !it.current).unwrap().id;
    let path = format!("/account/sessions/{other_id}/end");
    let page = browser.done(&path, "").await;
    assert!(page.contains("That browser is signed out"), "{page}");
    assert_eq!(other.look("/account").await.status, StatusCode::SEE_OTHER);

    let page = browser.done("/account/sessions/end", "").await;
    assert!(page.contains("You are signed out everywhere"), "{page}");
    assert_eq!(browser.look("/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_public_name_is_chosen_and_taken_away_and_a_bad_one_is_refused() {
    let world = World::start().await;
    let ada = world.person("ada", &[Role::CommunityMember]).await;
    let mut browser = world.browser_of(ada).await;
    let page = browser.done("/account/name", "name=Ada+L").await;
    assert!(page.contains("Everybody sees you as Ada L now"), "{page}");
    let refused = browser
        .fill("/account/name", "name=0x1234567890abcdef")
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = browser.done("/account/name", "name=").await;
    assert!(page.contains("You have no public name"), "{page}");
}

#[tokio::test]
async fn an_account_goes_when_its_name_is_typed_and_says_what_is_lost() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let ada = world.person("ada", &[Role::Creator]).await;
    world.give_points(campaign, ada, 3_000_000).await;
    let mut browser = world.browser_of(ada).await;
    let page = browser.look("/account/delete").await.text();
    assert!(page.contains("3 points"), "{page}");
    let other = browser
        .fill("/account/delete", "name=adam&forfeit=on")
        .await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = other.text();
    assert!(
        page.contains("value=\"adam\"") && page.contains("aria-invalid"),
        "{page}"
    );
    let keeps = browser.fill("/account/delete", "name=ada").await;
    assert_eq!(keeps.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(keeps.text().contains("You would lose 3 points"));
    let page = browser.done("/account/delete", "name=ada&forfeit=on").await;
    assert!(page.contains("Your account is deleted"), "{page}");
    assert_eq!(browser.look("/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn where_one_wanted_to_go_survives_the_provider_and_leads_nowhere_else() {
    let (world, _provider) = with_provider().await;
    let mut browser = Browser::on(&world.url);
    let page = browser.look("/sign-in?next=/account%23tokens").await.text();
    assert!(
        page.contains("/sign-in/oidc?next=%2Faccount%23tokens"),
        "{page}"
    );
    let address = format!("{}/sign-in/oidc?next=%2Faccount%23tokens", world.url);
    let first = browser.open_page(&address).await;
    assert!(
        first.contains("/welcome?next=%2Faccount%23tokens"),
        "{first}"
    );
    let page = browser
        .look("/welcome?next=%2Faccount%23tokens")
        .await
        .text();
    assert!(
        page.contains("name=\"next\" value=\"/account#tokens\""),
        "{page}"
    );
    let saved = browser.fill("/account/roles", "creator=on&next=/account%23tokens");
    assert_eq!(saved.await.headers["location"], "/account#tokens");
    let again = browser.open_page(&address).await;
    assert!(
        again.contains("content=\"0;url=/account#tokens\""),
        "{again}"
    );

    for evil in ["//evil.example", "/%5Cevil.example", "https://evil.example"] {
        let address = format!("{}/sign-in/oidc?next={evil}", world.url);
        let page = browser.open_page(&address).await;
        assert!(
            page.contains("content=\"0;url=/dashboard\""),
            "{evil}: {page}"
        );
        let form = format!("creator=on&next={evil}");
        let saved = browser.fill("/account/roles", &form).await;
        assert_eq!(saved.headers["location"], "/dashboard", "{evil}");
    }
}

#[tokio::test]
async fn an_invitation_counts_once_the_account_is_there_and_roles_are_chosen() {
    let (world, mut wallets) = with_wallets().await;
    world.running_campaign().await;
    let ada = world.person("ada", &[Role::CommunityMember]).await;
    let mut inviting = world.browser_of(ada).await;
    let referral: Referral = inviting.get("/api/v1/referral").await.json();

    let mut browser = Browser::on(&world.url);
    let path = format!("/sign-in?referral={}", referral.code);
    let page = browser.look(&path).await.text();
    assert!(page.contains(&referral.code), "{page}");
    // Whoever looks around first is not forgotten.
    browser.look("/").await;
    world
        .sign_in_here(&mut browser, &mut wallets, "ed25519")
        .await;
    let page = browser.look("/welcome").await.text();
    assert!(page.contains(&referral.code), "{page}");
    let page = browser
        .done("/account/roles", "community-member=on&accept-rules=1")
        .await;
    assert!(page.contains("who invited you is entered"), "{page}");
    let mine: Referral = browser.get("/api/v1/referral").await.json();
    assert!(mine.referred);
    let page = browser.look("/welcome").await.text();
    assert!(!page.contains(&referral.code), "{page}");

    // A code of nobody keeps nobody out.
    let mut other = Browser::on(&world.url);
    other.look("/sign-in?referral=%3Cscript%3E").await;
    world
        .sign_in_here(&mut other, &mut wallets, "single_key_ed25519")
        .await;
    let page = other
        .done("/account/roles", "creator=on&accept-rules=1")
        .await;
    assert!(page.contains("is nobody’s"), "{page}");
}

#[tokio::test]
async fn whoever_is_banned_reads_why_and_appeals_once_on_a_page() {
    let (world, provider) = with_provider().await;
    let mut browser = Browser::on(&world.url);
    browser.sign_in_with_provider().await;
    let eve: Me = browser.get("/api/v1/me").await.json();
    world.judge(eve.id, "ban", "a farm of <accounts>").await;

    let address = format!("{}/sign-in/oidc", world.url);
    let page = browser.open_page(&address).await;
    assert!(page.contains("a farm of &#60;accounts&#62;"), "{page}");
    let secret = value_of(&page, "secret");
    let blank = format!("secret={secret}&words=+");
    let refused = browser.fill("/hearing/appeal", &blank).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = format!("secret={secret}&words=they+are+my+sisters");
    let page = browser.fill("/hearing/appeal", &form).await.text();
    assert!(page.contains("they are my sisters"), "{page}");
    assert!(!page.contains("name=\"words\""), "once: {page}");
    let export = browser
        .fill("/hearing/export", &format!("secret={secret}"))
        .await;
    assert_eq!(export.headers[header::CACHE_CONTROL], "no-store");
    assert!(export.text().contains(&eve.id.to_string()));
    let guessed = browser.fill("/hearing", "secret=pch_guess").await;
    assert_eq!(guessed.status, StatusCode::CONFLICT);
    drop(provider);
}

#[tokio::test]
async fn a_decision_and_its_appeal_stand_on_ones_account() {
    let world = World::start().await;
    let eve = world.person("eve", &[Role::CommunityMember]).await;
    world.judge(eve, "warn", "too many accounts").await;
    let mut browser = world.browser_of(eve).await;
    let page = browser.look("/account").await.text();
    assert!(page.contains("too many accounts") && page.contains("action=\"/account/appeal\""));
    let page = browser.done("/account/appeal", "words=I+have+one").await;
    assert!(page.contains("Your appeal is with the operators"), "{page}");
    assert!(page.contains("I have one") && !page.contains("action=\"/account/appeal\""));
}

#[tokio::test]
async fn a_pepper_is_shown_to_whom_it_belongs_after_its_warning() {
    let (world, _provider) = with_provider().await;
    let mut browser = Browser::on(&world.url);
    browser.sign_in_with_provider().await;
    let page = browser.look("/account").await.text();
    let (before, _) = page.split_once("/pepper\"").unwrap();
    let path = format!("{}/pepper", before.rsplit('"').next().unwrap());
    let asked = browser.look(&path).await.text();
    assert!(asked.contains("Show the pepper") && !asked.contains("id=\"pepper\""));
    let shown = browser.fill(&path, "").await;
    assert_eq!(shown.headers[header::CACHE_CONTROL], "no-store");
    assert!(shown.text().contains("id=\"pepper\""));
    let ada = world.person("ada", &[Role::Creator]).await;
    let mut other = world.browser_of(ada).await;
    assert_eq!(other.look(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(other.fill(&path, "").await.status, StatusCode::NOT_FOUND);
}

async fn with_wallets() -> (World, Wallets) {
    let world = World::start_with(|config| {
        config.sign_in.chain = Some(Chain::Testnet);
        config.sign_in.tries_per_minute = 1_000;
    });
    (world.await, Wallets::start().await)
}

async fn with_provider() -> (World, OidcProvider) {
    let provider = OidcProvider::start().await;
    let settings = provider.settings();
    let world = World::start_with(|config| {
        config.sign_in.oidc = Some(settings);
        config.sign_in.tries_per_minute = 1_000;
    });
    (world.await, provider)
}

fn value_of(page: &str, field: &str) -> String {
    let (_, rest) = page
        .split_once(&format!("name=\"{field}\" value=\""))
        .unwrap();
    rest.split('"').next().unwrap().to_owned()
}

impl World {
    async fn signed_in(&self, wallets: &mut Wallets, kind: &str) -> (Browser, SignedIn) {
        let mut browser = Browser::on(&self.url);
        let signed_in = self.sign_in_here(&mut browser, wallets, kind).await;
        (browser, signed_in)
    }

    async fn sign_in_here(
        &self,
        browser: &mut Browser,
        wallets: &mut Wallets,
        kind: &str,
    ) -> SignedIn {
        let challenge = browser.challenge("/api/v1/sign-in/wallet/challenge").await;
        let proof = wallets.sign_in(kind, &challenge).await;
        browser.post(SIGN_IN, &proof).await.json()
    }

    async fn judge(&self, on: UserId, decision: &str, reason: &str) {
        let path = format!("/api/v1/operator/people/{on}/standing");
        let wanted = json!({ "decision": decision, "reason": reason });
        let decided = self.creator.post(&path, &wanted).await;
        assert!(decided.status.is_success(), "{decided:?}");
    }
}

impl Browser {
    /// Sends a form, and answers the page that it leads to.
    pub async fn done(&mut self, path: &str, form: &str) -> String {
        let answer = self.fill(path, form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {answer:?}");
        let to = answer.headers["location"].to_str().unwrap().to_owned();
        let page = self.look(to.split('#').next().unwrap()).await;
        if page.status == StatusCode::SEE_OTHER {
            let to = page.headers["location"].to_str().unwrap().to_owned();
            return self.look(&to).await.text();
        }
        page.text()
    }

    /// Follows redirects to a page.
    async fn open_page(&mut self, url: &str) -> String {
        let answer: Answer = self.opened(url).await;
        answer.text()
    }
}

/// Programs get problems, and no pages.
#[tokio::test]
async fn a_script_of_a_page_is_refused_as_a_program_is() {
    let world = World::start().await;
    let refused = Browser::on(&world.url).get("/account").await;
    let problem: Problem = refused.json();
    assert_eq!(problem.status, 401);
}
