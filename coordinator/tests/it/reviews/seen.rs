//! What creators see of who works on a job, why frames wait, and of all their jobs.

use pictor_protocol::agent::RenderFault;
use pictor_protocol::blender::Series;
use pictor_protocol::job::{JobCounts, JobPage};
use pictor_protocol::job_workers::WaitKind;
use pictor_protocol::problem::ProblemKind;
use serde_json::json;

use super::{Studio, at_work, kinds};
use crate::harness::World;
use crate::harness::scenes;
use crate::harness::worker::ScriptedWorker;

#[tokio::test]
async fn each_worker_that_does_not_render_is_counted_under_what_keeps_it() {
    let studio = Studio::open().await;
    let job = studio.artist.submit("1-40").await;
    let now = at_work(&studio.artist, job.id).await;
    assert_eq!(kinds(&now.waits), [WaitKind::NoFreeSlot]);
    let lease = studio.worker.must_get_work().await;
    studio
        .worker
        .fail(&lease.tasks[0], RenderFault::Crashed)
        .await;
    let old = [Series::new(4, 2)];
    ScriptedWorker::connect_with(&studio.world, "old", &old).await;
    ScriptedWorker::connect(&studio.world, "cellar").await;
    let now = at_work(&studio.artist, job.id).await;
    assert_eq!(
        kinds(&now.waits),
        [
            WaitKind::NoFreeSlot,
            WaitKind::FailedBefore,
            WaitKind::NoBlender
        ]
    );
    assert!(now.waits.iter().all(|wait| wait.workers == Some(1)));
    assert_eq!(now.queued, 40);
}

#[tokio::test]
async fn jobs_are_found_by_several_states_and_by_a_part_of_their_name() {
    let world = World::start().await;
    let scene = world.creator.scene(&scenes::sample()).await.id;
    let mut ids = Vec::new();
    for (name, paused) in [("Äpfel_1", true), ("Birnen", true), ("äpfel 2", false)] {
        let new = json!({ "scene": scene, "frames": "1", "name": name, "paused": paused });
        ids.push(world.creator.submit_with(&new).await.id);
    }
    let cancel = format!("/api/v1/jobs/{}/cancel", ids[1]);
    world.creator.post(&cancel, &json!({})).await;
    let cases = [
        ("", vec![2, 1, 0]),
        ("?state=paused,queued", vec![2, 0]),
        ("?state=paused,cancelled", vec![1, 0]),
        ("?name=%C3%84PFEL", vec![2, 0]),
        ("?name=l_", vec![0]),
        ("?name=%25", vec![]),
        ("?name=pfel&state=queued", vec![2]),
    ];
    for (query, expected) in cases {
        let path = format!("/api/v1/jobs{query}");
        let page: JobPage = world.creator.get(&path).await.json();
        let found: Vec<_> = page.jobs.iter().map(|job| job.id).collect();
        let expected: Vec<_> = expected.into_iter().map(|n: usize| ids[n]).collect();
        assert_eq!(found, expected, "{query}");
    }
    let page: JobPage = world
        .creator
        .get("/api/v1/jobs?state=cancelled")
        .await
        .json();
    let counts = JobCounts {
        queued: 1,
        paused: 1,
        cancelled: 1,
        ..JobCounts::default()
    };
    assert_eq!(page.counts, counts);
    let refused = world.creator.get("/api/v1/jobs?state=asleep").await;
    refused.problem(ProblemKind::Invalid);
}
