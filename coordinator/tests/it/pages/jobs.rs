//! Rendering: uploads become jobs, jobs show their frames, and every button is a form.

use http::{StatusCode, header};
use pictor_protocol::agent::{Outcome, RenderFault};
use pictor_protocol::job::{FrameState, JobState};
use pictor_protocol::people::Role;
use pictor_protocol::scene::Scene;
use serde_json::json;

use super::workers::Live;
use crate::harness::browser::Browser;
use crate::harness::client::Answer;
use crate::harness::worker::ScriptedWorker;
use crate::harness::{World, scenes};

#[tokio::test]
async fn a_stranger_is_led_to_sign_in_and_back() {
    let world = World::start().await;
    let mut browser = Browser::on(&world.url);
    for path in ["/jobs", "/jobs/new"] {
        let answer = browser.page(path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let to = answer.headers[header::LOCATION].to_str().unwrap();
        assert!(to.starts_with("/sign-in?next="), "{to}");
    }
}

#[tokio::test]
async fn nobody_sees_or_changes_the_jobs_of_somebody_else() {
    let world = World::start().await;
    let job = world.creator.submit("1-3").await;
    let stranger = world.person("eve", &[Role::Creator]).await;
    let mut browser = world.browser_of(stranger).await;
    let page = format!("/jobs/{}", job.id);
    let scene = format!("/scenes/{}/new-job", job.scene);
    for path in [page.clone(), format!("{page}/frames/1"), scene] {
        let answer = browser.page(&path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text().contains("not yours"), "{path}");
    }
    for act in ["pause", "cancel", "delete", "retry"] {
        let answer = browser.form(&format!("{page}/{act}"), &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{act}");
    }
    let fields = [("frames", "1"), ("what", "approve")];
    let answer = browser.form(&format!("{page}/selected"), &fields).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(world.creator.job(job.id).await.state, JobState::Queued);
}

#[tokio::test]
async fn open_pages_of_a_job_see_a_picture_come_and_strangers_see_nothing() {
    let world = World::start().await;
    let job = world.creator.submit("1-300").await;
    let path = format!("/jobs/{}/live", job.id);
    let mut pages = [
        Live::open(&world.creator, &path).await,
        Live::open(&world.creator, &path).await,
    ];
    let mut second = Live::open(&world.creator, &format!("{path}?page=2")).await;
    for page in &mut pages {
        let sent = page.until("id=\"f240\"").await;
        assert!(!sent.contains("id=\"f241\""), "{sent}");
    }
    let sent = second.until("id=\"f300\"").await;
    assert!(!sent.contains("id=\"f240\""), "{sent}");

    let eve = world.stranger("eve").await;
    let sent = Live::open(&eve, &path).await.until("event: over").await;
    assert!(!sent.contains("event: part"), "{sent}");

    let worker = ScriptedWorker::connect(&world, "attic").await;
    let lease = worker.must_get_work().await;
    worker.finish(&lease.tasks[0], &scenes::png(1)).await;
    for page in &mut pages {
        page.until("/frames/1/thumbnail?v=").await;
    }
    let sent = second.until("1 of 300 frames done").await;
    assert!(!sent.contains("/thumbnail?v="), "{sent}");
}

/// A worker that comes rings at no job, so what others saw of it is of before.
#[tokio::test]
async fn a_page_that_was_just_opened_is_not_set_back_to_what_others_saw() {
    let world = World::start().await;
    let job = world.creator.submit("1-3").await;
    let path = format!("/jobs/{}/live", job.id);
    let mut early = Live::open(&world.creator, &path).await;
    early.until("No worker is online").await;
    let _worker = ScriptedWorker::connect(&world, "attic").await;
    let mut late = Live::open(&world.creator, &path).await;
    let sent = late.until("id=\"f3\"").await;
    assert!(!sent.contains("No worker is online"), "{sent}");
}

#[tokio::test]
async fn a_form_with_a_fault_comes_back_with_all_that_was_typed() {
    let world = World::start().await;
    let (mut browser, scene) = browser_with_scene(&world).await;
    let (address, _) = form_of(&mut browser, &scene).await;
    let typed = [
        ("name", "Küche <b>"),
        ("frames", "9-1"),
        ("samples", "many"),
        ("what", "submit"),
    ];
    let answer = browser.form(&address, &typed).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let html = answer.text();
    for kept in [
        "value=\"Küche &#60;b&#62;\"",
        "value=\"9-1\"",
        "value=\"many\"",
        "ends before it starts",
        "not a whole number",
    ] {
        assert!(html.contains(kept), "{kept} is missing: {html}");
    }
    assert!(
        world
            .creator
            .get("/api/v1/jobs")
            .await
            .text()
            .contains("\"jobs\":[]")
    );
}

#[tokio::test]
async fn a_form_that_is_sent_again_after_going_back_has_one_job() {
    let world = World::start().await;
    let (mut browser, scene) = browser_with_scene(&world).await;
    let (address, html) = form_of(&mut browser, &scene).await;
    assert!(html.contains("Rendering costs nothing"), "{html}");
    let fields = [("frames", "1-4"), ("what", "submit")];
    let first = browser.form_to_page(&address, &fields).await.text();
    assert!(first.contains("Your job is submitted"), "{first}");
    let again = [("frames", "7"), ("what", "submit")];
    let second = browser.form_to_page(&address, &again).await.text();
    assert!(second.contains("This was submitted before"), "{second}");
    let back = browser.page(&address).await.text();
    assert!(back.contains("here is its job"), "{back}");
    let list = world.creator.get("/api/v1/jobs").await.text();
    assert_eq!(list.matches("\"revision\"").count(), 1, "{list}");
}

#[tokio::test]
async fn an_estimate_is_looked_at_without_submitting() {
    let world = World::start().await;
    world.economy(&[]).await;
    let (mut browser, scene) = browser_with_scene(&world).await;
    let (address, _) = form_of(&mut browser, &scene).await;
    let fields = [("frames", "1-10"), ("what", "look")];
    let html = browser.form(&address, &fields).await.text();
    assert!(html.contains("credits, by a guess"), "{html}");
    assert!(html.contains("value=\"1-10\""), "{html}");
    let part = format!("/scenes/{}/new-job/estimate", scene.id);
    let part = browser.form(&part, &[("frames", "1-20")]).await.text();
    assert!(
        part.starts_with("<section class=\"card lift\" id=\"estimate\""),
        "{part}"
    );
    assert!(part.contains("20 ×"), "{part}");
    assert!(
        world
            .creator
            .get("/api/v1/jobs")
            .await
            .text()
            .contains("\"jobs\":[]")
    );
}

#[tokio::test]
async fn frames_are_shown_as_they_are_and_buttons_say_what_they_did() {
    let world = World::start().await;
    let mut browser = world.browser_of(world.operator().await).await;
    let job = world.creator.submit("1-3").await;
    let worker = ScriptedWorker::connect(&world, "attic <i>").await;
    let lease = worker.must_get_work().await;
    let finished = worker.finish(&lease.tasks[0], &scenes::png(1)).await;
    assert_eq!(finished, Outcome::Accepted);
    let page = format!("/jobs/{}", job.id);

    let html = browser.page(&page).await.text();
    assert!(html.contains("class=\"cell done\" id=\"f1\""), "{html}");
    assert!(html.contains("frames/1/thumbnail?v="), "{html}");
    assert!(html.contains("Frame 3: Waiting"), "{html}");

    let frame = browser.page(&format!("{page}/frames/1")).await.text();
    assert!(frame.contains("attic &#60;i&#62;"), "{frame}");
    assert!(frame.contains("Delivered"), "{frame}");

    let said = browser
        .form_to_page(&format!("{page}/pause"), &[])
        .await
        .text();
    assert!(said.contains("The job is paused"), "{said}");
    assert!(
        said.contains(&format!("action=\"{page}/resume\"")),
        "{said}"
    );
    let said = browser
        .form_to_page(&format!("{page}/resume"), &[])
        .await
        .text();
    assert!(said.contains("The job goes on"), "{said}");

    let selected = format!("{page}/selected");
    let approve = [("frames", "1"), ("what", "approve")];
    let said = browser.form_to_page(&selected, &approve).await.text();
    assert!(said.contains("1 frame is approved"), "{said}");
    let nothing = browser.form_to_page(&selected, &[("what", "retry")]).await;
    assert!(nothing.text().contains("select frames first"));
    let zip = browser
        .form(&selected, &[("frames", "1"), ("what", "download")])
        .await;
    let to = zip.headers[header::LOCATION].to_str().unwrap().to_owned();
    assert_eq!(to, format!("/api/v1/jobs/{}/output.zip?frames=1", job.id));
    let zip = browser.get(&to).await;
    assert!(zip.body.starts_with(b"PK"), "{zip:?}");

    let said = browser
        .form_to_page(&format!("{page}/cancel"), &[])
        .await
        .text();
    assert!(said.contains("The job is cancelled"), "{said}");
    let said = browser
        .form_to_page(&format!("{page}/delete"), &[])
        .await
        .text();
    assert!(said.contains("are deleted"), "{said}");
    assert_eq!(browser.page(&page).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_was_sent_back_can_be_compared_with_what_came_instead() {
    let world = World::start().await;
    let mut browser = world.browser_of(world.operator().await).await;
    let job = world.creator.submit("1").await;
    let first = ScriptedWorker::connect(&world, "first").await;
    let lease = first.must_get_work().await;
    first.finish(&lease.tasks[0], &scenes::png(1)).await;
    let page = format!("/jobs/{}", job.id);
    let fields = [
        ("frames", "1"),
        ("what", "send-back"),
        ("reason", "fireflies <script>"),
        ("from_frame", "1"),
    ];
    let html = browser
        .form_to_page(&format!("{page}/selected"), &fields)
        .await
        .text();
    assert!(html.contains("rendered again, by somebody else"), "{html}");
    assert!(
        html.contains("You sent it back: fireflies &#60;script&#62;"),
        "{html}"
    );
    let second = ScriptedWorker::connect(&world, "second").await;
    let lease = second.must_get_work().await;
    second.finish(&lease.tasks[0], &scenes::png(2)).await;
    let html = browser.page(&format!("{page}/frames/1")).await.text();
    assert!(html.contains("left: attempt 1, by first"), "{html}");
    assert!(html.contains("right: attempt 2, by second"), "{html}");
}

#[tokio::test]
async fn jobs_are_found_by_state_and_by_name() {
    let world = World::start().await;
    let mut browser = world.browser_of(world.operator().await).await;
    let empty = browser.page("/jobs").await.text();
    assert!(empty.contains("Nothing is rendered yet"), "{empty}");
    let scene = world.creator.scene(&scenes::sample()).await;
    for (name, paused) in [("Kitchen", false), ("Garden <b>", true)] {
        let new = json!({ "scene": scene.id, "frames": "1", "name": name, "paused": paused });
        world.creator.submit_with(&new).await;
    }
    let all = browser.page("/jobs").await.text();
    assert!(
        all.contains("Kitchen") && all.contains("Garden &#60;b&#62;"),
        "{all}"
    );
    let paused = browser.page("/jobs?show=paused").await.text();
    assert!(
        paused.contains("Garden") && !paused.contains(">Kitchen<"),
        "{paused}"
    );
    let found = browser.page("/jobs?name=kitch").await.text();
    assert!(
        found.contains(">Kitchen<") && !found.contains("Garden"),
        "{found}"
    );
    let none = browser.page("/jobs?name=%3Cscript%3E").await.text();
    assert!(none.contains("“&#60;script&#62;”"), "{none}");
}

#[tokio::test]
async fn failed_frames_are_looked_at_by_themselves_and_retried() {
    let world = World::start().await;
    let mut browser = world.browser_of(world.operator().await).await;
    let job = world.creator.submit("1").await;
    for name in ["one", "two", "three"] {
        let worker = ScriptedWorker::connect(&world, name).await;
        let lease = worker.must_get_work().await;
        worker.fail(&lease.tasks[0], RenderFault::Crashed).await;
    }
    let failed = format!("/jobs/{}?show=failed", job.id);
    let html = browser.page(&failed).await.text();
    assert!(html.contains("class=\"cell failed\" id=\"f1\""), "{html}");
    let fields = [("frames", "1"), ("what", "retry"), ("show", "failed")];
    let answer = browser
        .form(&format!("/jobs/{}/selected", job.id), &fields)
        .await;
    assert_eq!(answer.headers[header::LOCATION].to_str().unwrap(), failed);
    let frames = world.creator.frames(job.id).await;
    assert_eq!(frames[0].state, FrameState::Queued);
}

#[tokio::test]
async fn a_picture_is_kept_by_browsers_under_the_version_that_it_is() {
    let world = World::start().await;
    let job = world.creator.submit("1").await;
    let worker = ScriptedWorker::connect(&world, "attic").await;
    let lease = worker.must_get_work().await;
    worker.finish(&lease.tasks[0], &scenes::png(1)).await;
    let hash = world.creator.frames(job.id).await[0]
        .output
        .clone()
        .unwrap()
        .blob;
    let output = format!("/api/v1/jobs/{}/frames/1/output", job.id);
    let cached = |answer: &Answer| answer.headers.get(header::CACHE_CONTROL).is_some();
    let version = &hash.to_string()[..12];
    assert!(cached(
        &world.creator.get(&format!("{output}?v={version}")).await
    ));
    assert!(!cached(
        &world.creator.get(&format!("{output}?v=000000000000")).await
    ));
    assert!(!cached(&world.creator.get(&output).await));
}

async fn browser_with_scene(world: &World) -> (Browser, Scene) {
    let browser = world.browser_of(world.operator().await).await;
    let scene = world.creator.scene(&scenes::sample()).await;
    (browser, scene)
}

/// The form of a scene: its address, which has the job's id in it, and its page.
async fn form_of(browser: &mut Browser, scene: &Scene) -> (String, String) {
    let answer = browser.page(&format!("/scenes/{}/new-job", scene.id)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let address = answer.headers[header::LOCATION]
        .to_str()
        .unwrap()
        .to_owned();
    let page = browser.page(&address).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    (address, page.text())
}
