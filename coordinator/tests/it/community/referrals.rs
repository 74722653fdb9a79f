//! Who brings whom, and what it earns.

use super::*;

#[tokio::test]
async fn whoever_was_brought_earns_for_both() {
    let world = World::start().await;
    let campaign = world.campaign_of(DEFAULT).await;
    let (ada, mut of_ada) = world.member("Ada").await;
    let (bob, mut of_bob) = world.member("Bob").await;
    let referral: Referral = of_ada.get(REFERRAL).await.json();
    assert_eq!((referral.referees, referral.referred), (0, false));
    assert!(
        referral
            .link
            .ends_with(&format!("/sign-in?referral={}", referral.code))
    );
    let same: Referral = of_ada.get(REFERRAL).await.json();
    assert_eq!(same.code, referral.code);

    let own = of_ada.enter(&referral.code).await;
    own.problem(ProblemKind::ReferralRefused);
    of_bob.enter("nobody").await.problem(ProblemKind::NotFound);
    for typed in [referral.code.clone(), referral.code.to_uppercase()] {
        assert_eq!(of_bob.enter(&typed).await.status, StatusCode::NO_CONTENT);
    }
    let of_second: Referral = of_bob.get(REFERRAL).await.json();
    assert!(of_second.referred);
    let circle = of_ada.enter(&of_second.code).await;
    circle.problem(ProblemKind::ReferralRefused);

    created::<CheckedIn>(of_bob.post(CHECK_INS, &NOTHING).await);
    assert_eq!(world.points(&campaign, ada).await, 100_000);
    // What waits brings nothing until it settles, which it does by itself.
    world.earn(&campaign, "render/1", bob, 3_000_000).await;
    let settled = eventually("a share of what settled", async || {
        let referral: Referral = of_ada.get(REFERRAL).await.json();
        if referral.earned_micros == Micros::new(400_000) {
            Ok(referral)
        } else {
            Err(referral)
        }
    });
    let settled = settled.await;
    assert_eq!((settled.referees, settled.percent), (1, 10));
    assert_eq!(settled.earned_this_week_micros, settled.earned_micros);
    assert_eq!(settled.cap_per_week_micros, Micros::new(1_000_000_000));
    assert_eq!(world.points(&campaign, bob).await, 4_000_000);

    let (_, mut of_cid) = world.member("Cid").await;
    created::<CheckedIn>(of_cid.post(CHECK_INS, &NOTHING).await);
    let late = of_cid.enter(&referral.code).await;
    late.problem(ProblemKind::ReferralRefused);
    world.assert_sound().await;
}

#[tokio::test]
async fn on_the_second_day_nobody_can_be_brought_any_more() {
    let world = World::start().await;
    world.campaign_of(DEFAULT).await;
    let (_, mut of_ada) = world.member("Ada").await;
    let referral: Referral = of_ada.get(REFERRAL).await.json();
    let (_, mut of_bob) = world.member("Bob").await;
    world
        .sql("UPDATE users SET created_us = created_us - 86400000000 WHERE name = 'Bob'")
        .await;
    let late = of_bob.enter(&referral.code).await;
    late.problem(ProblemKind::ReferralRefused);
}
