//! Standings, appeals, the audit log, signals and the rules that are accepted, through the API.

use http::{Method, StatusCode};
use pictor_coordinator::accounts::aptos::Chain;
use pictor_coordinator::audit_log::{self, VerifyError};
use pictor_coordinator::fair_play::{linked, may_earn, watch};
use pictor_coordinator::ledger::{Balance, Book};
use pictor_coordinator::{store, workers};
use pictor_protocol::agent::{Device, SlotInfo};
use pictor_protocol::blender::Series;
use pictor_protocol::fair_play::{
    Appeal, AppealList, AppealStatus, LogPage, MyDecisions, PersonFile, PersonPage, SignalKind,
    SignalList, Standing, Verdict,
};
use pictor_protocol::people::{Me, Role, Scope};
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::sign_in::SignedIn;
use pictor_protocol::worker::Presence;
use pictor_protocol::worker_config::WorkerConfig;
use pictor_protocol::{Micros, UserId};
use serde_json::{Value, json};

use crate::harness::browser::Browser;
use crate::harness::client::{Answer, Client};
use crate::harness::counterparts::Wallets;
use crate::harness::worker::ScriptedWorker;
use crate::harness::{World, eventually};

const POINT: i64 = Micros::PER_ONE;

fn points(available: i64, held: i64) -> Balance {
    Balance {
        available: Micros::new(available),
        held: Micros::new(held),
    }
}

impl World {
    async fn decide(&self, on: UserId, decision: &str, reason: &str) -> Answer {
        let body = json!({
            "decision": decision, "reason": reason, "evidence": { "device": "GPU-1" },
        });
        let address = format!("/api/v1/operator/people/{on}/standing");
        self.creator.post(&address, &body).await
    }

    async fn decided(&self, on: UserId, decision: &str, reason: &str) -> PersonFile {
        let answer = self.decide(on, decision, reason).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    }

    async fn log(&self) -> LogPage {
        self.creator
            .get("/api/v1/operator/audit-log?limit=1000")
            .await
            .json()
    }
}

#[tokio::test]
async fn who_is_disqualified_loses_the_points_and_a_lift_brings_them_back_once() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let book = Book::Points(campaign);
    let ada = world.person("ada", &[Role::WorkerOwner]).await;
    world.give_points(campaign, ada, 5 * POINT).await;
    world.waiting_points(campaign, ada, 7 * POINT).await;

    let file = world.decided(ada, "disqualify", "two on one machine").await;
    assert_eq!(file.person.standing, Standing::Disqualified);
    let decision = &file.decisions[0];
    assert_eq!(decision.campaign, Some(campaign));
    assert_eq!(decision.forfeited[0].amount_micros, Micros::new(12 * POINT));
    assert_eq!(world.balance(book, ada).await, points(0, 0));
    // A retry, and then the same for another reason.
    let again = world.decided(ada, "disqualify", "two on one machine").await;
    assert_eq!(again.decisions.len(), 1);
    let refused = world.decide(ada, "disqualify", "something else").await;
    refused.problem(ProblemKind::Conflict);
    let refused = world.decide(ada, "warn", "milder").await;
    refused.problem(ProblemKind::Conflict);

    for _ in 0..2 {
        let file = world.decided(ada, "lift", "the bill shows it").await;
        assert_eq!(file.person.standing, Standing::Good);
        assert_eq!(world.balance(book, ada).await, points(5 * POINT, 7 * POINT));
    }
    assert_eq!(world.book_faults().await, [""; 0]);
}

#[tokio::test]
async fn a_person_sees_what_was_decided_and_why_appeals_once_and_is_answered() {
    let world = World::start().await;
    let ada = world.person("ada", &[Role::CommunityMember]).await;
    let mut browser = world.browser_of(ada).await;
    let refused = browser
        .post("/api/v1/me/appeal", &json!({ "words": "but" }))
        .await;
    refused.problem(ProblemKind::Conflict);
    world
        .decided(ada, "suspend", "check-ins like clockwork")
        .await;

    let me: Me = browser.get("/api/v1/me").await.json();
    assert_eq!(me.standing, Some(Standing::Suspended));
    let mine: MyDecisions = browser.get("/api/v1/me/decisions").await.json();
    assert_eq!(
        (mine.standing, mine.may_appeal),
        (Standing::Suspended, true)
    );
    let decision = &mine.decisions[0];
    assert_eq!(decision.decision, Verdict::Suspend);
    assert_eq!(decision.reason, "check-ins like clockwork");
    assert_eq!(decision.evidence, json!({ "device": "GPU-1" }));
    assert_eq!(decision.by, None, "who decided is the network's business");
    assert_eq!(mine.log[0].by, "operator");
    assert!(
        !serde_json::to_string(&mine)
            .unwrap()
            .contains(&world.operator().await.to_string())
    );

    let words = json!({ "words": "I get up at seven" });
    let appeal: Appeal = browser.post("/api/v1/me/appeal", &words).await.json();
    let again: Appeal = browser.post("/api/v1/me/appeal", &words).await.json();
    assert_eq!(again.id, appeal.id);
    let other = json!({ "words": "and another thing" });
    let refused = browser.post("/api/v1/me/appeal", &other).await;
    refused.problem(ProblemKind::Conflict);

    let open: AppealList = world.creator.get("/api/v1/operator/appeals").await.json();
    assert_eq!((open.appeals.len(), open.appeals[0].person), (1, ada));
    let address = format!("/api/v1/operator/appeals/{}", appeal.id);
    for bad in ["open", "superseded", "never"] {
        let bad = json!({ "answer": bad, "reason": "because" });
        let refused = world.creator.post(&address, &bad).await;
        refused.problem(ProblemKind::Invalid);
    }
    let lifted = json!({ "answer": "lifted", "reason": "so do I" });
    for _ in 0..2 {
        let answered: Appeal = world.creator.post(&address, &lifted).await.json();
        assert_eq!(answered.status, AppealStatus::Lifted);
    }
    let upheld = json!({ "answer": "upheld", "reason": "no" });
    let refused = world.creator.post(&address, &upheld).await;
    refused.problem(ProblemKind::Conflict);
    let mine: MyDecisions = browser.get("/api/v1/me/decisions").await.json();
    assert_eq!((mine.standing, mine.may_appeal), (Standing::Good, false));
    let answer = mine.decisions[1].appeal.as_ref().unwrap().answer.clone();
    assert_eq!(answer.as_deref(), Some("so do I"));
    let acts: Vec<_> = mine.log.iter().map(|row| row.act.as_str()).collect();
    assert_eq!(
        acts,
        [
            "standing-decided",
            "appeal-answered",
            "appealed",
            "standing-decided"
        ]
    );
}

#[tokio::test]
async fn a_stricter_decision_supersedes_an_appeal_that_waits() {
    let world = World::start().await;
    let ada = world.person("ada", &[]).await;
    world.decided(ada, "warn", "one").await;
    let mut browser = world.browser_of(ada).await;
    let words = json!({ "words": "no" });
    let appeal: Appeal = browser.post("/api/v1/me/appeal", &words).await.json();
    let file = world.decided(ada, "suspend", "two").await;
    let before = file.decisions[1].appeal.clone().unwrap();
    assert_eq!(before.status, AppealStatus::Superseded);
    let lifted = json!({ "answer": "lifted", "reason": "late" });
    let address = format!("/api/v1/operator/appeals/{}", appeal.id);
    let refused = world.creator.post(&address, &lifted).await;
    refused.problem(ProblemKind::Conflict);
    let second: Appeal = browser.post("/api/v1/me/appeal", &words).await.json();
    assert_ne!(second.id, appeal.id);
}

#[tokio::test]
async fn nobody_decides_on_operators_on_nobody_or_without_a_reason() {
    let world = World::start().await;
    let ada = world.person("ada", &[]).await;
    let operator = world.operator().await;
    world
        .decide(operator, "warn", "x")
        .await
        .problem(ProblemKind::Conflict);
    let nobody = UserId::new(uuid::Uuid::now_v7());
    world
        .decide(nobody, "warn", "x")
        .await
        .problem(ProblemKind::NotFound);
    for (decision, reason) in [("warn", " "), ("warn", &"x".repeat(2_001)), ("hang", "x")] {
        let refused = world.decide(ada, decision, reason).await;
        refused.problem(ProblemKind::Invalid);
    }
    world
        .decide(ada, "lift", "x")
        .await
        .problem(ProblemKind::Conflict);
    let stranger = world.stranger("eve").await;
    let body = json!({ "decision": "ban", "reason": "x" });
    let address = format!("/api/v1/operator/people/{ada}/standing");
    let refused = stranger.post(&address, &body).await;
    refused.problem(ProblemKind::Forbidden);
    assert_eq!(world.log().await.rows.len(), 0);
}

#[tokio::test]
async fn whoever_is_banned_is_signed_out_and_their_workers_stop_until_it_is_lifted() {
    let world = World::start().await;
    let eve = world
        .person("eve", &[Role::Creator, Role::WorkerOwner])
        .await;
    let script = world.script_of("eve", &[Scope::Workers]).await;
    let mut browser = world.browser_of(eve).await;
    let made = script
        .post("/api/v1/workers", &json!({ "name": "one" }))
        .await;
    assert_eq!(made.status, StatusCode::CREATED);
    world.decided(eve, "ban", "a farm").await;
    let refused = script.get("/api/v1/workers").await;
    refused.problem(ProblemKind::Unauthorized);
    let refused = browser.get("/api/v1/me").await;
    refused.problem(ProblemKind::Unauthorized);
    assert_eq!(world.presence_of(eve).await, Presence::Suspended);
    world.decided(eve, "lift", "a mistake").await;
    assert_eq!(world.presence_of(eve).await, Presence::New);
    let me: Me = world.browser_of(eve).await.get("/api/v1/me").await.json();
    assert_eq!(me.standing, None);
    // Tokens stay revoked.
    let refused = script.get("/api/v1/workers").await;
    refused.problem(ProblemKind::Unauthorized);
}

impl World {
    /// Of somebody's oldest worker, who may be unable to ask.
    async fn presence_of(&self, owner: UserId) -> Presence {
        let mut tx = self.store.read().await.unwrap();
        let rows = store::workers::all_of(&mut tx, owner).await.unwrap();
        let now_us = self.clock.now_us();
        workers::presence(rows[0].status, rows[0].last_seen_us, now_us)
    }
}

#[tokio::test]
async fn a_ban_outlives_the_account() {
    let world = World::start_with(|config| {
        config.sign_in.chain = Some(Chain::Testnet);
        config.sign_in.tries_per_minute = 1_000;
    })
    .await;
    let mut wallets = Wallets::start().await;
    let mut sign_in = async || {
        let mut browser = Browser::on(&world.url);
        let challenge = browser.challenge("/api/v1/sign-in/wallet/challenge").await;
        let proof = wallets.sign_in("ed25519", &challenge).await;
        let answer = browser.post("/api/v1/sign-in/wallet", &proof).await;
        (browser, answer)
    };
    let (mut browser, answer) = sign_in().await;
    let eve: SignedIn = answer.json();
    // Like an account from before traces were kept.
    world.sql("DELETE FROM identity_traces").await;
    world.decided(eve.user, "disqualify", "a farm").await;
    let gone = browser.delete_account(&eve.name, false).await;
    assert_eq!(gone.status, StatusCode::OK, "{gone:?}");

    // Another account of the same wallet is no clean one.
    let (_, answer) = sign_in().await;
    let second: SignedIn = answer.json();
    assert!(second.is_new && second.user != eve.user);
    let mut tx = world.store.read().await.unwrap();
    assert!(!may_earn(&mut tx, second.user).await.unwrap());
    assert!(linked(&mut tx, eve.user, second.user).await.unwrap());
    drop(tx);

    world.decided(eve.user, "ban", "again").await;
    let (_, refused) = sign_in().await;
    let problem = refused.problem(ProblemKind::Banned);
    assert!(problem.detail.unwrap().contains("again"));
    world.decided(eve.user, "lift", "enough").await;
    let (_, answer) = sign_in().await;
    assert_eq!(answer.json::<SignedIn>().user, second.user);
}

#[tokio::test]
async fn one_device_of_two_owners_is_a_signal_and_links_them() {
    let world = World::start().await;
    let slot = SlotInfo {
        uuid: Some("GPU-7".into()),
        ..SlotInfo::new(0, Device::Optix, "test")
    };
    let series = [Series::new(4, 5)];
    let (ada, eve) = (
        world.person("ada", &[Role::WorkerOwner]).await,
        world.person("eve", &[Role::WorkerOwner]).await,
    );
    for name in ["ada", "eve"] {
        let script = world.script_of(name, &[Scope::Workers]).await;
        let made = script
            .post("/api/v1/workers", &json!({ "name": name }))
            .await;
        let config: WorkerConfig = made.json();
        ScriptedWorker::connect_of(&world, &config, &series, vec![slot.clone()]).await;
    }
    let list: SignalList = world.creator.get("/api/v1/operator/signals").await.json();
    let signal = &list.signals[0];
    assert_eq!(
        (signal.kind, list.signals.len()),
        (SignalKind::SharedDevice, 1)
    );
    assert_eq!(signal.people, [ada, eve]);
    assert_eq!(signal.evidence["device"], "GPU-7");
    assert_eq!((signal.now, signal.first_ms), (true, None));
    let mut tx = world.store.read().await.unwrap();
    // The second one said hello after the first: the first one has to be heard of again to have it too.
    assert!(!linked(&mut tx, ada, eve).await.unwrap());
    drop(tx);
    world
        .sql("UPDATE workers SET last_seen_us = last_seen_us + 60000000 WHERE name = 'ada'")
        .await;
    let mut tx = world.store.read().await.unwrap();
    assert!(linked(&mut tx, ada, eve).await.unwrap());
    drop(tx);
    let file: PersonFile = world
        .creator
        .get(&format!("/api/v1/operator/people/{ada}"))
        .await
        .json();
    assert_eq!(file.linked, [eve]);
}

#[tokio::test]
async fn every_campaigns_change_is_in_the_log_and_a_changed_log_is_noticed() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let address = format!("/api/v1/operator/campaigns/{campaign}/close");
    for _ in 0..2 {
        world.creator.post(&address, &json!({})).await;
    }
    let page = world.log().await;
    let acts: Vec<_> = page.rows.iter().map(|row| row.act.as_str()).collect();
    assert_eq!(acts, ["campaign-closed", "campaign-made"]);
    let operator = world.operator().await;
    assert!(
        page.rows
            .iter()
            .all(|row| row.by == format!("operator/{operator}"))
    );
    let about = format!("/api/v1/operator/audit-log?limit=1&subject=campaign/{campaign}");
    let first: LogPage = world.creator.get(&about).await.json();
    assert_eq!((first.rows.len(), first.next), (1, Some(2)));
    let second: LogPage = world.creator.get(&format!("{about}&before=2")).await.json();
    assert_eq!((second.rows[0].number, second.next), (1, None));

    for refused in [
        "UPDATE audit_log SET reason = 'x'",
        "DELETE FROM audit_log",
        "INSERT OR REPLACE INTO audit_log SELECT number, at_us, by_whom, act, subject, 'x', evidence, \
             previous, hash FROM audit_log WHERE number = 2",
        "INSERT INTO audit_log VALUES (9, 0, '', '', '', '', '', '', 'x')",
    ] {
        let refused = world.try_sql(refused).await.unwrap_err();
        assert!(refused.contains("audit log"), "{refused}");
    }
    let noted = page.rows[0].hash.clone();
    let verify = async |noted: Option<&str>| {
        let mut tx = world.store.read().await.unwrap();
        audit_log::verify(&mut tx, noted).await
    };
    assert_eq!(verify(Some(&noted)).await.unwrap().rows, 2);
    world
        .try_sql("DROP TRIGGER audit_log_is_not_removed")
        .await
        .unwrap();
    world.sql("DELETE FROM audit_log WHERE number = 2").await;
    assert!(verify(None).await.is_ok(), "nobody noted anything");
    let lost = verify(Some(&noted)).await;
    assert!(matches!(lost, Err(VerifyError::Unknown(_))), "{lost:?}");
}

#[tokio::test]
async fn nobody_chooses_a_first_role_without_accepting_the_campaigns_rules() {
    let world = World::start().await;
    let early = world.person("early", &[]).await;
    let mut early = world.browser_of(early).await;
    early.choose(&[Role::Creator]).await;
    let me: Value = early.get("/api/v1/me").await.json();
    assert_eq!(me.get("accepted_rules"), None, "there is no campaign");

    let campaign = world.running_campaign().await;
    let ada = world.person("ada", &[]).await;
    let mut browser = world.browser_of(ada).await;
    let mut choose = async |choice: Value| {
        let body = serde_json::to_vec(&choice).unwrap();
        browser.ask(Method::PUT, "/api/v1/me/roles", body).await
    };
    for version in [Value::Null, json!(0), json!(2)] {
        let choice = json!({ "roles": ["creator"], "accept_rules": version });
        let problem = choose(choice).await.problem(ProblemKind::AcceptTheRules);
        assert_eq!(problem.rules_version, Some(1));
    }
    let none: Me = choose(json!({ "roles": [] })).await.json();
    assert_eq!((none.roles, none.accepted_rules), (vec![], None));
    let choice = json!({ "roles": ["creator"], "accept_rules": 1 });
    let me: Me = choose(choice).await.json();
    let accepted = me.accepted_rules.unwrap();
    assert_eq!((accepted.campaign, accepted.version), (campaign, 1));
    assert_eq!(accepted.hash.len(), 64);
    let me: Me = choose(json!({ "roles": ["worker-owner"] })).await.json();
    assert_eq!(me.roles, [Role::WorkerOwner], "once is enough");

    // Operators make the rules.
    let body = serde_json::to_vec(&json!({ "roles": ["creator"] })).unwrap();
    let chosen = world
        .creator
        .send(Method::PUT, "/api/v1/me/roles", body)
        .await;
    assert_eq!(chosen.status, StatusCode::OK);
}

#[tokio::test]
async fn the_page_asks_for_the_rules_and_takes_no_choice_without_them() {
    let world = World::start().await;
    world.running_campaign().await;
    let ada = world.person("ada", &[]).await;
    let mut browser = world.browser_of(ada).await;
    let page = browser.get("/welcome").await.text();
    assert!(page.contains("name=\"accept-rules\" value=\"1\""), "{page}");
    let post = |form: &str| form.as_bytes().to_vec();
    let refused = browser
        .ask(Method::POST, "/account/roles", post("creator=on"))
        .await;
    refused.problem(ProblemKind::AcceptTheRules);
    let form = post("creator=on&accept-rules=1");
    let taken = browser.ask(Method::POST, "/account/roles", form).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER);
    let page = browser.get("/welcome").await.text();
    assert!(!page.contains("accept-rules"), "{page}");
}

#[tokio::test]
async fn operators_find_people_by_name_and_id() {
    let world = World::start().await;
    let ada = world.person("Ada 100%", &[]).await;
    world.person("adam", &[]).await;
    let find = async |query: &str| -> PersonPage {
        let address = format!("/api/v1/operator/people?{query}");
        world.creator.get(&address).await.json()
    };
    let names =
        |page: PersonPage| -> Vec<String> { page.people.into_iter().map(|of| of.name).collect() };
    assert_eq!(names(find("search=ADA").await), ["adam", "Ada 100%"]);
    assert_eq!(names(find("search=100%25").await), ["Ada 100%"]);
    assert_eq!(names(find("search=%25").await), ["Ada 100%"]);
    assert_eq!(names(find(&format!("search={ada}")).await), ["Ada 100%"]);
    let first = find("search=ada&limit=1").await;
    let next = first.next.unwrap();
    let second = find(&format!("search=ada&limit=1&before={next}")).await;
    assert_eq!(
        (names(second), names(first)),
        (vec!["Ada 100%".into()], vec!["adam".into()])
    );
    let stranger: Client = world.stranger("eve").await;
    let refused = stranger.get("/api/v1/operator/people").await;
    refused.problem(ProblemKind::Forbidden);
}

#[tokio::test]
async fn check_ins_like_clockwork_are_noted_at_night_with_their_times() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let ada = world.person("ada", &[]).await;
    for _ in 0..7 {
        world.give_points(campaign, ada, POINT).await;
        world.clock.advance(std::time::Duration::from_secs(86_400));
    }
    let mut tx = world.store.read().await.unwrap();
    let found = watch::look(&mut tx, world.clock.now_us()).await.unwrap();
    assert_eq!((found.len(), &found[0].people), (1, &vec![ada]));
    let times = found[0].evidence["at_ms"].as_array().unwrap();
    assert_eq!(times.len(), 7);
    drop(tx);
    // A coordinator that starts looks for the night that it missed.
    let world = world.restart().await;
    let signal = eventually("a signal that was noted", async || {
        let list: SignalList = world.creator.get("/api/v1/operator/signals").await.json();
        let signal = list.signals.into_iter().next().unwrap();
        match signal.first_ms {
            Some(_) => Ok(signal),
            None => Err(signal),
        }
    })
    .await;
    assert_eq!((signal.kind, signal.now), (SignalKind::Clockwork, true));
}
