//! Check-ins, and credits for new accounts.

use pictor_coordinator::store::check_ins::{CheckInRow, insert};

use super::*;

#[tokio::test]
async fn a_check_in_counts_once_a_day_and_says_when_the_next_one_does() {
    let world = World::start().await;
    let campaign = world.campaign_of(DEFAULT).await;
    let (ada, mut browser) = world.member("Ada").await;
    let checked_in: CheckedIn = created(browser.post(CHECK_INS, &NOTHING).await);
    assert_eq!(checked_in.check_in.streak_days, 1);
    assert_eq!(checked_in.points_micros, Micros::new(1_000_000));

    let again = browser.post(CHECK_INS, &NOTHING).await;
    again.problem(ProblemKind::AlreadyCheckedIn);
    let wait_s: i64 = again.headers[header::RETRY_AFTER]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let left_s = checked_in.next_ms / 1_000 - now_us() / 1_000_000;
    assert!((wait_s - left_s).abs() <= 2, "{wait_s} s, not {left_s} s");
    assert_eq!(world.points(&campaign, ada).await, 1_000_000);

    let month: CheckInMonth = browser.get(CHECK_INS).await.json();
    assert_eq!(month.check_ins, [checked_in.check_in]);
    assert_eq!((month.streak_days, month.next_ms), (1, checked_in.next_ms));
    let empty: CheckInMonth = browser.get("/api/v1/check-ins?month=1999-12").await.json();
    assert_eq!(
        (empty.month.as_str(), empty.check_ins.len()),
        ("1999-12", 0)
    );
    let refused = browser.get("/api/v1/check-ins?month=12").await;
    assert_eq!(
        refused.problem(ProblemKind::Invalid).faults[0].field,
        "month"
    );
}

#[tokio::test]
async fn the_seventh_day_in_a_row_gives_credits() {
    let world = World::start().await;
    let campaign = world.campaign_of(DEFAULT).await;
    let (ada, mut browser) = world.member("Ada").await;
    let mut tx = world.store.write().await.unwrap();
    let today = now_us() / DAY_US;
    for streak in 1..=6 {
        let day = today - 7 + streak;
        let at_us = day * DAY_US;
        let earlier = CheckInRow { day, at_us, streak };
        assert!(insert(&mut tx, ada, earlier).await.unwrap());
    }
    tx.commit().await.unwrap();
    let before: CheckInMonth = browser.get(CHECK_INS).await.json();
    assert_eq!(before.streak_days, 6);

    let credits = world.credits(ada).await;
    let checked_in: CheckedIn = created(browser.post(CHECK_INS, &NOTHING).await);
    assert_eq!(checked_in.check_in.streak_days, 7);
    assert_eq!(checked_in.credits_micros, Micros::new(20_000_000));
    assert_eq!(world.points(&campaign, ada).await, 2_000_000);
    assert_eq!(world.credits(ada).await, credits + 20_000_000);
    world.assert_sound().await;
}

#[tokio::test]
async fn of_64_check_ins_at_once_one_counts() {
    let world = World::start().await;
    let campaign = world.campaign_of(DEFAULT).await;
    let (ada, browser) = world.member("Ada").await;
    let session = browser.cookie("pictor_session").unwrap().to_owned();
    let asking = (0..64).map(|_| {
        let (url, session) = (world.url.clone(), session.clone());
        tokio::spawn(async move {
            let mut browser = Browser::on(&url);
            browser.set_cookie("pictor_session", &session);
            browser.post(CHECK_INS, &NOTHING).await
        })
    });
    let mut statuses = BTreeMap::new();
    for asked in asking.collect::<Vec<_>>() {
        let answer = asked.await.unwrap();
        if answer.status != StatusCode::CREATED {
            answer.problem(ProblemKind::AlreadyCheckedIn);
        }
        *statuses.entry(answer.status.as_u16()).or_insert(0) += 1;
    }
    assert_eq!(statuses, [(201, 1), (409, 63)].into());
    assert_eq!(world.points(&campaign, ada).await, 1_000_000);
}

#[tokio::test]
async fn without_a_campaign_that_runs_nothing_is_earned() {
    let world = World::start().await;
    let (_, mut browser) = world.member("Ada").await;
    let refused = browser.post(CHECK_INS, &NOTHING).await;
    refused.problem(ProblemKind::CampaignNotRunning);
    let none: QuestList = browser.get("/api/v1/quests").await.json();
    assert_eq!((none.campaign, none.quests), (None, Vec::new()));

    let campaign = world.campaign_of(DEFAULT).await;
    let close = format!("/api/v1/operator/campaigns/{}/close", campaign.id);
    assert_eq!(
        world.creator.post(&close, &NOTHING).await.status,
        StatusCode::OK
    );
    for path in [CHECK_INS, "/api/v1/quests/follow-x/open"] {
        let refused = browser.post(path, &NOTHING).await;
        refused.problem(ProblemKind::CampaignOver);
    }
    let list: QuestList = browser.get("/api/v1/quests").await.json();
    assert!(list.quests.iter().all(|quest| !quest.open));
}

#[tokio::test]
async fn a_page_of_another_site_checks_nobody_in() {
    let world = World::start().await;
    world.campaign_of(DEFAULT).await;
    let (_, mut browser) = world.member("Ada").await;
    let evil = [("origin", "https://evil.example")];
    let refused = browser.lured(Method::POST, CHECK_INS, &evil).await;
    refused.problem(ProblemKind::ForeignOrigin);
    created::<CheckedIn>(browser.post(CHECK_INS, &NOTHING).await);
}

#[tokio::test]
async fn whoever_chooses_a_role_gets_the_credits_of_a_new_account_once() {
    let world = World::start().await;
    world.campaign_of(DEFAULT).await;
    let ada = world.person("Ada", &[]).await;
    let mut browser = world.browser_of(ada).await;
    browser.choose(&[]).await;
    assert_eq!(world.credits(ada).await, 0);
    for roles in [&[Role::Creator][..], &Role::ALL] {
        browser.choose(roles).await;
        assert_eq!(world.credits(ada).await, 100_000_000);
    }
}
