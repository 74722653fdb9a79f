//! What Google's Lighthouse says of the pages that most people see.

use super::gallery::{Gallery, Who};
use crate::harness::counterparts::lighthouse;

const LEAST: f64 = 0.95;

#[tokio::test]
#[ignore = "takes minutes, and wants an optimised build: make lighthouse"]
async fn lighthouse_is_content_with_landing_job_and_leaderboard() {
    let gallery = Gallery::of_fakes().await;
    let session = gallery.browser_of(Who::Everybody).await;
    let session = session.cookie("pictor_session").unwrap().to_owned();
    let job = gallery
        .pages_of(Who::Everybody)
        .into_iter()
        .find(|page| page.starts_with("/jobs/0"))
        .unwrap();
    let mut poor = Vec::new();
    for (path, cookie) in [
        ("/", None),
        (job.as_str(), Some(session.as_str())),
        ("/leaderboard", None),
    ] {
        let scores = lighthouse(&format!("{}{path}", gallery.world.url), cookie).await;
        println!("{path}: {scores}");
        for (category, score) in scores["scores"].as_object().unwrap() {
            if score.as_f64() < Some(LEAST) {
                poor.push(format!("{path}: {category} {score}"));
            }
        }
    }
    assert!(poor.is_empty(), "{}", poor.join("\n"));
}
