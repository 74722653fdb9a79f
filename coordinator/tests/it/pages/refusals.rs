//! Every refusal is a page with a way out.

use http::StatusCode;
use pictor_protocol::people::Role;

use crate::harness::World;
use crate::harness::browser::Browser;

#[tokio::test]
async fn nothing_at_an_address_is_said_on_a_page_that_leads_home() {
    let world = World::start().await;
    let answer = Browser::on(&world.url).look("/no/such/page").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let page = answer.text();
    assert!(
        page.contains("<h1>Not found</h1>") && page.contains("href=\"/\""),
        "{page}"
    );
    let ada = world.person("ada", &[Role::Creator]).await;
    // A form's own address, opened by reloading what came of it.
    let answer = world.browser_of(ada).await.look("/account/tokens").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text().contains("<h1>Not found</h1>"));
}

#[tokio::test]
async fn whoever_tries_too_often_reads_how_long_to_wait() {
    let world = World::start_with(|config| config.sign_in.tries_per_minute = 2).await;
    let mut guesser = Browser::on(&world.url);
    let mut answer = guesser.fill("/sign-in/pcl_guess", "").await;
    while answer.status != StatusCode::TOO_MANY_REQUESTS {
        assert_eq!(answer.status, StatusCode::GONE, "{answer:?}");
        answer = guesser.fill("/sign-in/pcl_guess", "").await;
    }
    assert!(answer.headers.contains_key("retry-after"));
    let page = answer.text();
    assert!(page.contains("You can try again in "), "{page}");
}

#[tokio::test]
async fn what_was_typed_before_the_session_ended_is_kept_as_text() {
    let world = World::start().await;
    let ada = world.person("ada", &[Role::Creator]).await;
    let mut browser = world.browser_of(ada).await;
    let other = world.browser_of(ada).await;
    world
        .browser_of(ada)
        .await
        .fill("/account/sessions/end", "")
        .await;
    drop(other);
    let answer = browser
        .fill(
            "/account/name",
            "name=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        )
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let page = answer.text();
    assert!(page.contains("Nothing that you typed is lost"), "{page}");
    assert!(
        page.contains("action=\"/account/name\"") && !page.contains("<script>alert"),
        "{page}"
    );
}

#[tokio::test]
async fn what_needs_a_fresh_sign_in_says_so_and_keeps_the_form() {
    let world = World::start().await;
    let ada = world.person("ada", &[Role::Creator]).await;
    let mut browser = world.browser_of(ada).await;
    world.clock.advance(std::time::Duration::from_secs(11 * 60));
    let page = browser.look("/account").await.text();
    assert!(page.contains("Sign in again"), "{page}");
    let answer = browser.fill("/account/delete", "name=ada").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let page = answer.text();
    assert!(
        page.contains("<input type=\"hidden\" name=\"name\" value=\"ada\">"),
        "{page}"
    );
}

#[tokio::test]
async fn a_role_that_is_missing_is_one_click_away() {
    let world = World::start().await;
    let ada = world.person("ada", &[Role::Creator]).await;
    let mut browser = world.browser_of(ada).await;
    let answer = browser.look("/operator").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text().contains("<h1>Not allowed</h1>"));
}
