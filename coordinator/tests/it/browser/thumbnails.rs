//! How soon a picture is seen that has arrived.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use http::{Method, StatusCode};
use image::Rgb;
use pictor_protocol::agent::Grant;
use serde_json::json;

use super::chromium::Tab;
use crate::harness::worker::ScriptedWorker;
use crate::harness::{World, eventually, scenes};

const WIDTH: u32 = 1_920;
const HEIGHT: u32 = 1_080;

/// Notes when the picture of a cell is loaded, by the clock of the machine.
const WATCH: &str = "(() => {
    globalThis.loaded = {};
    const watched = new WeakSet();
    const look = () => {
        for (const image of document.querySelectorAll('.cell img')) {
            if (watched.has(image)) continue;
            watched.add(image);
            const frame = image.closest('.cell').id.slice(1);
            const note = () => { loaded[frame] ??= performance.timeOrigin + performance.now(); };
            if (image.complete && image.naturalWidth) note();
            else image.addEventListener('load', note);
        }
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true });
    document.getElementById('frames').scrollIntoView();
})()";

#[tokio::test]
async fn a_picture_is_seen_soon_after_its_upload() {
    let times = until_pictures_are_seen(4).await;
    // Machines of tests do much at a time; `make bench` measures.
    assert!(times.iter().all(|ms| *ms <= 5_000.0), "{times:?}");
}

#[tokio::test]
#[ignore = "measures: `make bench` runs it"]
async fn a_picture_is_seen_within_a_second_of_its_upload() {
    let mut times = until_pictures_are_seen(24).await;
    times.sort_unstable_by(f64::total_cmp);
    let (median, most) = (times[times.len() / 2], times[times.len() - 1]);
    let line = format!(
        "upload of a frame of {WIDTH} × {HEIGHT} to its thumbnail in Chromium, of {}: \
         median {median:.0} ms, most {most:.0} ms; <= 1000 ms",
        times.len()
    );
    let _ = writeln!(std::io::stderr(), "{line}");
    assert!(most <= 1_000.0 || cfg!(debug_assertions), "{times:?}");
}

/// Milliseconds for each of so many frames, from the acknowledged upload until it is seen in the job's page.
async fn until_pictures_are_seen(frames: u32) -> Vec<f64> {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "attic").await;
    let scene = world.creator.scene(&scenes::sample()).await;
    let settings = json!({ "width": WIDTH, "height": HEIGHT });
    let frames = format!("1-{frames}");
    let job = json!({ "scene": scene.id, "frames": frames, "settings": settings });
    let job = world.creator.submit_with(&job).await;
    let tab = Tab::of(&world, world.operator().await).await;
    tab.goto(&format!("/jobs/{}", job.id)).await;
    tab.run(WATCH).await;
    let mut times = Vec::new();
    while times.len() < job.counts.total as usize {
        let lease = worker.must_get_work().await;
        for task in &lease.tasks {
            let uploaded = deliver(&worker, task).await;
            times.push(seen(&tab, task.frame).await - uploaded);
        }
    }
    tab.close().await;
    times
}

/// Answers when the coordinator acknowledged the upload, in Unix milliseconds.
async fn deliver(worker: &ScriptedWorker, task: &Grant) -> f64 {
    let shade = task.frame as u32 * 7;
    let picture = scenes::png_of(WIDTH, HEIGHT, |x, y| {
        let noise = x.wrapping_mul(31) ^ y.wrapping_mul(17);
        Rgb([x + shade, y, noise].map(|it| (it % 256) as u8))
    });
    let blob = format!("/agent/v1/blobs/{}", blake3::hash(&picture).to_hex());
    let put = worker.client.send(Method::PUT, &blob, picture.clone());
    assert_eq!(put.await.status, StatusCode::CREATED);
    let uploaded = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    worker.report_finished(task, &picture).await;
    uploaded.as_secs_f64() * 1e3
}

async fn seen(tab: &Tab, frame: i32) -> f64 {
    eventually("a thumbnail", async || {
        let loaded = tab.run(&format!("globalThis.loaded[{frame}] ?? 0")).await;
        loaded.as_f64().filter(|at| *at > 0.0).ok_or(frame)
    })
    .await
}
