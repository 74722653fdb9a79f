//! The operators' console: decisions, campaigns, and who gets to see them.

use http::{StatusCode, header};
use pictor_coordinator::campaign::rules::DEFAULT;
use pictor_protocol::campaign::{CampaignList, RulesHistory};
use pictor_protocol::fair_play::{PersonFile, Standing};
use pictor_protocol::people::Role;

use crate::harness::World;
use crate::harness::browser::Browser;

const PAGES: [&str; 13] = [
    "/operator",
    "/operator/people",
    "/operator/workers",
    "/operator/jobs",
    "/operator/campaigns",
    "/operator/campaigns/new",
    "/operator/quests",
    "/operator/signals",
    "/operator/appeals",
    "/operator/payouts",
    "/operator/payouts/new",
    "/operator/audit-log?verify=yes",
    "/operator/system",
];

async fn operator(world: &World) -> Browser {
    world.browser_of(world.operator().await).await
}

#[tokio::test]
async fn only_operators_see_the_console() {
    let world = World::start().await;
    let creator = world.person("ada", &Role::ALL).await;
    let mut creator = world.browser_of(creator).await;
    let mut operator = operator(&world).await;
    let mut nobody = Browser::on(&world.url);
    for path in PAGES {
        let seen = operator.page(path).await;
        assert_eq!(seen.status, StatusCode::OK, "{path}: {}", seen.text());
        let refused = creator.page(path).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        assert!(refused.text().contains("for operators"), "{path}");
        let led = nobody.page(path).await;
        assert_eq!(led.status, StatusCode::SEE_OTHER, "{path}");
    }
}

#[tokio::test]
async fn a_decision_takes_effect_and_a_refused_one_keeps_what_was_typed() {
    let world = World::start().await;
    let eve = world.person("Eve <script>", &[Role::Creator]).await;
    let mut browser = operator(&world).await;
    let found = browser.page("/operator/people?search=Eve").await.text();
    assert!(found.contains("Eve &#60;script&#62;"), "{found}");
    let page = format!("/operator/people/{eve}");
    let act = format!("{page}/standing");

    let typed = [
        ("decision", "suspend"),
        ("reason", "  "),
        ("evidence", "seen <b>twice</b>"),
    ];
    let refused = browser.form(&act, &typed).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let text = refused.text();
    assert!(text.contains("seen &#60;b&#62;twice"), "{text}");
    assert!(text.contains("value=\"suspend\" checked"), "{text}");

    let typed = [
        ("decision", "suspend"),
        ("reason", "Check-ins by a script"),
        ("evidence", "{\"hours\": 3}"),
    ];
    let decided = browser.form(&act, &typed).await;
    assert_eq!(decided.status, StatusCode::SEE_OTHER);
    let shown = browser.page(&page).await.text();
    assert!(shown.contains("Decided. They see it"), "{shown}");
    assert!(shown.contains("Check-ins by a script"), "{shown}");
    assert!(!browser.page(&page).await.text().contains("Decided. They"));
    let file: PersonFile = browser
        .get(&format!("/api/v1/operator/people/{eve}"))
        .await
        .json();
    assert_eq!(file.person.standing, Standing::Suspended);
    assert_eq!(file.decisions[0].evidence["hours"], 3);
    let log = browser.page("/operator/audit-log").await.text();
    assert!(log.contains("Check-ins by a script"), "{log}");
}

#[tokio::test]
async fn rules_are_checked_compared_and_published_and_never_lost() {
    let world = World::start().await;
    let mut browser = operator(&world).await;
    let broken = DEFAULT.replacen("sign_up = 100", "sign_up = -1", 1);
    let mut fields = [
        ("slug", "summer"),
        ("closes", "2099-01-01T00:00"),
        ("document", broken.as_str()),
        ("act", "publish"),
    ];
    let refused = browser.form("/operator/campaigns/new", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let text = refused.text();
    assert!(text.contains("credits.sign_up") && text.contains("sign_up = -1"));

    // As a browser sends it.
    let document = DEFAULT.replace('\n', "\r\n");
    fields[2].1 = &document;
    fields[3].1 = "check";
    let tried = browser.form("/operator/campaigns/new", &fields).await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.text());
    assert!(tried.text().contains("It can be published"));
    let none: CampaignList = browser.get("/api/v1/operator/campaigns").await.json();
    assert!(none.campaigns.is_empty());

    fields[3].1 = "publish";
    let made = browser.form("/operator/campaigns/new", &fields).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text());
    let page = made.headers[header::LOCATION].to_str().unwrap().to_owned();
    let history: RulesHistory = browser.get("/api/v1/campaign/rules").await.json();
    assert_eq!(history.versions[0].document, DEFAULT);

    let dearer = DEFAULT.replacen("sign_up = 100", "sign_up = 150", 1);
    let act = format!("{page}/rules");
    let fields = [("document", dearer.as_str()), ("act", "check")];
    let compared = browser.form(&act, &fields).await.text();
    assert!(compared.contains("<code>credits.sign_up</code>"));
    assert!(compared.contains("<del>100</del>") && compared.contains("<ins>150</ins>"));
    let fields = [("document", dearer.as_str()), ("act", "publish")];
    let published = browser.form(&act, &fields).await;
    assert_eq!(published.status, StatusCode::SEE_OTHER);
    assert!(browser.page(&page).await.text().contains("Version 2"));
}

#[tokio::test]
async fn a_campaign_is_closed_and_its_snapshot_taken_by_buttons() {
    let world = World::start().await;
    let campaign = world.economy(&[]).await.id;
    let mut browser = operator(&world).await;
    let page = format!("/operator/campaigns/{campaign}");
    let closed = browser.form(&format!("{page}/close"), &[]).await;
    assert_eq!(closed.status, StatusCode::SEE_OTHER);
    world
        .clock
        .advance(std::time::Duration::from_secs(2 * 3_600));
    let taken = browser.form(&format!("{page}/snapshot"), &[]).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.text());
    let shown = browser.page(&page).await.text();
    assert!(shown.contains("snapshot.sig"), "{shown}");
    // Nobody has a rank, so there is nobody to pay.
    let fields = [("campaign", &*campaign.to_string()), ("rate", "4.25")];
    let refused = browser.form("/operator/payouts/new", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("value=\"4.25\""));
}
