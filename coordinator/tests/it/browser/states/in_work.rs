//! Jobs and workers of every kind, names of every length, and what opens when one clicks.

use pictor_coordinator::accounts::aptos::Chain;
use pictor_protocol::agent::{Grant, RenderFault};
use pictor_protocol::people::{Role, Scope};
use pictor_protocol::{JobId, Micros, SceneId};
use serde_json::json;

use super::farm::{farm, go_on};
use super::{Scene, State};
use crate::harness::World;
use crate::harness::client::Client;
use crate::harness::scenes;
use crate::harness::worker::ScriptedWorker;

const LONG: &str =
    "PRJ_Harbour_at_dawn__sh0420_v017_lighting_FINAL_final_reallyfinal_comp_for_review";

pub async fn in_work() -> Scene {
    let world = World::start_with(|config| {
        config.sign_in.chain = Some(Chain::Testnet);
        config.sign_in.tries_per_minute = 10_000;
    })
    .await;
    let campaign = world.running_campaign().await;
    let ada = world.person("ada", &Role::ALL).await;
    world.give_credits(ada, 4_000).await;
    let points = 812 * Micros::PER_ONE;
    world.give_points(campaign, ada, points).await;
    let script = world.script_of("ada", &[Scope::Jobs, Scope::Workers]).await;
    let upload = script.scene(&scenes::sample()).await.id;

    let failed = failed(&world, &script, upload).await;
    let whole = submit(&script, upload, "Night city", "1-1000").await;
    // Of somebody else: what one's own render costs nothing.
    let other = ScriptedWorker::connect_scored(&world, "of the operator", 1.0).await;
    while let Some(lease) = other.ask(500).await {
        for grant in &lease.tasks {
            let picture = scenes::png(grant.frame.unsigned_abs());
            other.finish_in(grant, &picture, 1_500).await;
        }
    }
    let farm = farm(&world, &script).await;
    let long = submit(&script, upload, LONG, "1-240").await;
    let leases = begin(&farm[..2]).await;
    let waits = submit(
        &script,
        upload,
        "كواليس المشهد الأخير – مراجعة نهائية",
        "1-12",
    )
    .await;
    let stopped = submit(&script, upload, "Turntable", "1-48").await;
    let cancel = format!("/api/v1/jobs/{stopped}/cancel");
    script.post(&cancel, &json!({})).await;

    let mut scene = Scene::of(world, Some(ada));
    for (job, state) in [
        (long, "under-way"),
        (waits, "waits"),
        (stopped, "cancelled"),
        (whole, "done-of-many"),
        (failed, "failed"),
    ] {
        scene.page(&format!("job-{state}"), format!("/jobs/{job}"));
    }
    scene.page("job-form", format!("/scenes/{upload}/new-job"));
    pages_of_jobs(&mut scene, long, failed);
    pages_of_workers(&mut scene, &farm);
    scene.page("dashboard-busy", "/dashboard");
    scene.page("network-busy", "/network");
    scene.after_clicks("account-new-token", "/account", &["#new-token > summary"]);
    scene.page("help-gpu-found", "/help/gpus?name=RTX+3060");
    scene.page("help-gpu-unknown", "/help/gpus?name=Voodoo+2");
    scene.page("refused", "/workers?state=soup");
    scene.alive = Some(tokio::spawn(go_on(farm, leases)));
    scene
}

async fn submit(script: &Client, upload: SceneId, name: &str, frames: &str) -> JobId {
    let job = json!({ "scene": upload, "name": name, "frames": frames });
    script.submit_with(&job).await.id
}

/// Two workers render a part of a job, of which one fails some frames; what each holds then.
async fn begin(farm: &[ScriptedWorker]) -> Vec<Option<Grant>> {
    for round in 0..24 {
        let worker = &farm[round % 2];
        let Some(lease) = worker.ask(200).await else {
            break;
        };
        for grant in &lease.tasks {
            if round % 2 == 0 && grant.frame % 11 == 5 {
                worker.fail(grant, RenderFault::Crashed).await;
            } else {
                let picture = scenes::png(grant.frame.unsigned_abs());
                worker.finish_in(grant, &picture, 4_200).await;
            }
        }
    }
    let mut held = Vec::new();
    for worker in farm {
        let lease = worker.ask(200).await;
        held.push(lease.and_then(|lease| lease.tasks.first().cloned()));
    }
    held
}

fn pages_of_jobs(scene: &mut Scene, long: JobId, failed: JobId) {
    let page = format!("/jobs/{long}");
    let more = "#ask-more > summary";
    scene.page("job-failed-frames", format!("/jobs/{failed}?show=failed"));
    scene.page("job-frame", format!("{page}/frames/1"));
    scene.page("job-frame-failed", format!("/jobs/{failed}/frames/5"));
    scene.page("jobs-of-all-kinds", "/jobs");
    scene.page("jobs-none-found", "/jobs?name=nothing+like+that");
    scene.after_clicks("job-more", &page, &[more]);
    scene.after_clicks("job-delete", &page, &[more, "#ask-delete > summary"]);
    let send_back = ["#c1", "#c2", "#ask-send-back > summary"];
    scene.after_clicks("job-selected", &page, &send_back);
    scene.after_clicks("job-frame-dialog", &page, &["#f1 > a"]);
    scene.after_clicks("job-player", &page, &["#play"]);
}

fn pages_of_workers(scene: &mut Scene, farm: &[ScriptedWorker]) {
    scene.page("workers-of-all-kinds", "/workers");
    scene.page("workers-none-found", "/workers?search=nothing");
    let first = format!("/workers/{}", farm[0].id);
    for tab in ["tasks", "earnings", "machine", "settings", "connect"] {
        scene.page(&format!("worker-{tab}"), format!("{first}/{tab}"));
    }
    scene.page("worker", &first);
    scene.page("worker-silent", format!("/workers/{}", farm[2].id));
    scene.page("worker-cannot", format!("/workers/{}", farm[3].id));
    let settings = format!("{first}/settings");
    scene.after_clicks("worker-retire", settings, &["#ask-retire > summary"]);
    scene.states.push(State {
        name: "worker-just-paused".into(),
        path: first,
        clicks: vec![">form[action$='/pause'] button"],
        after: Some("form[action$='/resume'] button"),
    });
}

/// A job of which one frame failed on three workers.
async fn failed(world: &World, script: &Client, upload: SceneId) -> JobId {
    let job = json!({ "scene": upload, "name": "Particles, cache not baked", "frames": "1-12" });
    let job = script.submit_with(&job).await.id;
    for name in ["one", "two", "three"] {
        let worker = ScriptedWorker::connect(world, name).await;
        while let Some(lease) = worker.ask(200).await {
            for grant in &lease.tasks {
                if grant.frame == 5 {
                    worker.fail(grant, RenderFault::OutOfGpuMemory).await;
                } else {
                    let picture = scenes::png(grant.frame.unsigned_abs());
                    worker.finish_in(grant, &picture, 2_500).await;
                }
            }
        }
    }
    job
}
