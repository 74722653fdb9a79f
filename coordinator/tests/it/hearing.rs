//! How somebody is heard who may not sign in; and who may not sign up.

use std::time::Duration;

use http::StatusCode;
use pictor_coordinator::accounts::aptos::Chain;
use pictor_coordinator::accounts::identities::SignUp;
use pictor_coordinator::fair_play::linked;
use pictor_protocol::fair_play::{Appeal, Hearing, MyDecisions, OpenAppeal, Standing, Verdict};
use pictor_protocol::people::AccountExport;
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::sign_in::SignedIn;
use pictor_protocol::{IdentityId, UserId};
use serde_json::json;

use crate::harness::World;
use crate::harness::browser::Browser;
use crate::harness::client::{Answer, Client};
use crate::harness::counterparts::Wallets;

const HEARING: &str = "/api/v1/hearing";
const EXPORT: &str = "/api/v1/hearing/export";
const APPEAL: &str = "/api/v1/hearing/appeal";

#[tokio::test]
async fn whoever_is_banned_reads_why_takes_their_data_along_and_appeals_once() {
    let (world, mut wallets) = with_wallets().await;
    let eve: SignedIn = world.sign_in(&mut wallets, "ed25519").await.1.json();
    world.ban(eve.user, "a farm of accounts").await;

    let hearing = world.refused(&mut wallets, "ed25519").await.unwrap();
    assert_eq!(hearing.reason, "a farm of accounts");
    let mine = world.with(&hearing);
    let decisions: MyDecisions = mine.get(HEARING).await.json();
    assert!(decisions.standing == Standing::Banned && decisions.may_appeal);
    assert_eq!(decisions.decisions[0].id, hearing.decision);
    assert_eq!(decisions.decisions[0].decision, Verdict::Ban);
    let export: AccountExport = mine.get(EXPORT).await.json();
    assert_eq!((export.id, export.standing), (eve.user, Standing::Banned));

    let words = json!({ "words": "they are my sisters" });
    let made = mine.post(APPEAL, &words).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let again: Appeal = mine.post(APPEAL, &words).await.json();
    assert_eq!(again, made.json(), "the same once more is the same");
    let other = json!({ "words": "and cousins" });
    mine.post(APPEAL, &other)
        .await
        .problem(ProblemKind::Conflict);
    // A new secret is no new appeal.
    let second = world.refused(&mut wallets, "ed25519").await.unwrap();
    let second = world.with(&second);
    second
        .post(APPEAL, &other)
        .await
        .problem(ProblemKind::Conflict);
    mine.get(HEARING).await.problem(ProblemKind::Unauthorized);

    let open = world.creator.get("/api/v1/operator/appeals").await;
    let open: serde_json::Value = open.json();
    let open: Vec<OpenAppeal> = serde_json::from_value(open["appeals"].clone()).unwrap();
    assert_eq!(open[0].appeal.words, "they are my sisters");
    let answer = json!({ "answer": "lifted", "reason": "so they are" });
    let path = format!("/api/v1/operator/appeals/{}", open[0].appeal.id);
    let answered = world.creator.post(&path, &answer).await;
    assert_eq!(answered.status, StatusCode::OK, "{answered:?}");
    second.get(HEARING).await.problem(ProblemKind::Unauthorized);
    let back: SignedIn = world.sign_in(&mut wallets, "ed25519").await.1.json();
    assert_eq!(back.user, eve.user);
}

#[tokio::test]
async fn the_secret_of_a_hearing_opens_nothing_else_and_not_for_long() {
    let (world, mut wallets) = with_wallets().await;
    let eve: SignedIn = world.sign_in(&mut wallets, "ed25519").await.1.json();
    world.ban(eve.user, "a farm").await;
    let hearing = world.refused(&mut wallets, "ed25519").await.unwrap();
    let mine = world.with(&hearing);
    for path in [
        "/api/v1/me",
        "/api/v1/ledger",
        "/api/v1/me/decisions",
        "/api/v1/workers",
    ] {
        mine.get(path).await.problem(ProblemKind::Unauthorized);
    }
    for stranger in ["", "pch_0000", world.creator.token()] {
        let stranger = Client::new(&world.url, stranger);
        for path in [HEARING, EXPORT] {
            stranger.get(path).await.problem(ProblemKind::Unauthorized);
        }
    }
    assert!(mine.get(HEARING).await.status.is_success());
    world.clock.advance(Duration::from_secs(31 * 60));
    mine.get(HEARING).await.problem(ProblemKind::Unauthorized);
    let refused = mine.post(APPEAL, &json!({ "words": "late" })).await;
    refused.problem(ProblemKind::Unauthorized);
}

#[tokio::test]
async fn an_identity_that_somebody_else_has_now_opens_nothing_of_the_banned_account() {
    let (world, mut wallets) = with_wallets().await;
    let (mut browser, answer) = world.sign_in(&mut wallets, "ed25519").await;
    let (eve, first): (UserId, IdentityId) = {
        let signed_in: SignedIn = answer.json();
        (signed_in.user, signed_in.identity)
    };
    // She adds another wallet and gives the first one away.
    browser.link(&mut wallets, "multi_key").await;
    let gone = browser
        .ask(
            http::Method::DELETE,
            &format!("/api/v1/identities/{first}"),
            Vec::new(),
        )
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{gone:?}");
    let other: SignedIn = world.sign_in(&mut wallets, "ed25519").await.1.json();
    assert_ne!(other.user, eve);
    // That is known at once, and not only when somebody signs in again.
    let mut tx = world.store.read().await.unwrap();
    assert!(linked(&mut tx, eve, other.user).await.unwrap());
    drop(tx);

    world.ban(eve, "a farm").await;
    assert_eq!(world.refused(&mut wallets, "ed25519").await, None);
    let hearing = world.refused(&mut wallets, "multi_key").await.unwrap();
    let export: AccountExport = world.with(&hearing).get(EXPORT).await.json();
    assert_eq!(export.id, eve);
}

#[tokio::test]
async fn a_wallet_that_was_added_links_two_accounts_before_anybody_signs_in_with_it() {
    let (world, mut wallets) = with_wallets().await;
    let ada: SignedIn = world.sign_in(&mut wallets, "multi_key").await.1.json();
    let mut browser = world.browser_of(ada.user).await;
    let added = browser.link(&mut wallets, "ed25519").await;
    let gone = format!("/api/v1/identities/{}", added.identity);
    let gone = browser.ask(http::Method::DELETE, &gone, Vec::new()).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{gone:?}");
    let eve: SignedIn = world.sign_in(&mut wallets, "ed25519").await.1.json();
    let mut tx = world.store.read().await.unwrap();
    assert!(linked(&mut tx, ada.user, eve.user).await.unwrap());
}

#[tokio::test]
async fn the_ban_of_a_deleted_account_can_be_answered_though_nothing_of_it_is_left() {
    let (world, mut wallets) = with_wallets().await;
    let (mut browser, answer) = world.sign_in(&mut wallets, "ed25519").await;
    let eve: SignedIn = answer.json();
    // Of whoever is in good standing nothing stays that could be banned.
    world.made(eve.user, "suspend", "to be looked at").await;
    let gone = browser.delete_account(&eve.name, false).await;
    assert_eq!(gone.status, StatusCode::OK, "{gone:?}");
    world.ban(eve.user, "a farm").await;
    let hearing = world.refused(&mut wallets, "ed25519").await.unwrap();
    let mine = world.with(&hearing);
    mine.get(EXPORT).await.problem(ProblemKind::NotFound);
    let made = mine.post(APPEAL, &json!({ "words": "it was not" })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
}

#[tokio::test]
async fn where_sign_up_is_closed_whoever_has_an_account_signs_in_and_nobody_else() {
    let (world, mut wallets) = with_wallets().await;
    let ada: SignedIn = world.sign_in(&mut wallets, "ed25519").await.1.json();
    let world = world.stop().await;
    let world = world
        .start_with(|config| config.sign_in.sign_up = SignUp::Closed)
        .await;
    let again: SignedIn = world.sign_in(&mut wallets, "ed25519").await.1.json();
    assert_eq!((again.user, again.is_new), (ada.user, false));
    let (_, refused) = world.sign_in(&mut wallets, "multi_key").await;
    refused.problem(ProblemKind::SignUpClosed);
    // Another way to sign in to one's own account is no new account.
    let mut browser = world.browser_of(ada.user).await;
    browser.link(&mut wallets, "multi_key").await;
    let by_the_other: SignedIn = world.sign_in(&mut wallets, "multi_key").await.1.json();
    assert_eq!(by_the_other.user, ada.user);
}

async fn with_wallets() -> (World, Wallets) {
    let world = World::start_with(|config| {
        config.sign_in.chain = Some(Chain::Testnet);
        config.sign_in.tries_per_minute = 1_000;
    });
    (world.await, Wallets::start().await)
}

impl World {
    async fn sign_in(&self, wallets: &mut Wallets, kind: &str) -> (Browser, Answer) {
        let mut browser = Browser::on(&self.url);
        let challenge = browser.challenge("/api/v1/sign-in/wallet/challenge").await;
        let proof = wallets.sign_in(kind, &challenge).await;
        let answer = browser.post("/api/v1/sign-in/wallet", &proof).await;
        (browser, answer)
    }

    /// How whoever has this wallet is heard; they may not sign in.
    async fn refused(&self, wallets: &mut Wallets, kind: &str) -> Option<Hearing> {
        let (mut browser, answer) = self.sign_in(wallets, kind).await;
        let problem = answer.problem(ProblemKind::Banned);
        browser
            .get("/api/v1/me")
            .await
            .problem(ProblemKind::Unauthorized);
        problem.hearing
    }

    fn with(&self, hearing: &Hearing) -> Client {
        Client::new(&self.url, &hearing.secret)
    }

    async fn made(&self, on: UserId, decision: &str, reason: &str) {
        let body = json!({ "decision": decision, "reason": reason });
        let path = format!("/api/v1/operator/people/{on}/standing");
        let answer = self.creator.post(&path, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }

    async fn ban(&self, on: UserId, reason: &str) {
        self.made(on, "ban", reason).await;
    }
}

impl Browser {
    /// Adds a wallet to the account that is signed in.
    async fn link(&mut self, wallets: &mut Wallets, kind: &str) -> SignedIn {
        let challenge = self.challenge("/api/v1/identities/wallet/challenge").await;
        let proof = wallets.sign_in(kind, &challenge).await;
        let answer = self.post("/api/v1/identities/wallet", &proof).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    }
}
