//! A Blender that a job waits for and nobody has is installed by a worker that may.

use pictor_protocol::JobId;
use pictor_protocol::agent::{Command, Install, InstallState};
use pictor_protocol::blender::Series;
use serde_json::json;

use crate::harness::World;
use crate::harness::scenes::sample;
use crate::harness::worker::ScriptedWorker;

const HERE: Series = Series::new(4, 5);
const MISSING: Series = Series::new(5, 0);

#[tokio::test]
async fn a_blender_that_a_job_waits_for_is_installed_and_the_job_says_where() {
    let world = World::start().await;
    let mut worker = able(&world, "attic").await;
    let (job, commands) = tokio::join!(submit(&world), worker.commands());
    assert_eq!(commands, [Command::Install { series: MISSING }]);
    assert_eq!(
        reason(&world, job).await,
        "Blender 5.0 is about to be installed on attic"
    );

    worker.installs = vec![install(InstallState::Running)];
    worker.hello(&[]).await;
    assert_eq!(worker.commands_within(0).await, [], "once is enough");
    assert_eq!(
        reason(&world, job).await,
        "Blender 5.0 is being installed on attic"
    );

    worker.installs = Vec::new();
    worker.installable = Vec::new();
    worker.series = vec![HERE, MISSING];
    worker.hello(&[]).await;
    let lease = worker.must_get_work().await;
    assert_eq!((lease.job, lease.runtime), (job, MISSING));
}

#[tokio::test]
async fn after_a_failure_another_worker_is_asked_and_the_job_says_what_failed() {
    let world = World::start().await;
    let mut first = able(&world, "attic").await;
    let job = submit(&world).await;
    assert_eq!(
        first.commands().await,
        [Command::Install { series: MISSING }]
    );
    first.installs = vec![install(InstallState::Failed {
        ago_ms: 1_000,
        message: "the disk is full".into(),
    })];
    first.hello(&[]).await;
    assert_eq!(first.commands_within(0).await, []);
    assert_eq!(
        reason(&world, job).await,
        "no worker that is online has Blender 5.0; installing it on attic failed: the disk is full"
    );

    let second = able(&world, "cellar").await;
    assert_eq!(
        second.commands().await,
        [Command::Install { series: MISSING }]
    );
    assert_eq!(first.commands_within(0).await, []);
    assert_eq!(
        reason(&world, job).await,
        "Blender 5.0 is about to be installed on cellar"
    );
}

#[tokio::test]
async fn a_worker_whose_owner_does_not_want_it_is_told_nothing() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "attic").await;
    // One that could is not there any more: the job is taken, and waits.
    let other = able(&world, "gone").await;
    let drain = format!("/api/v1/workers/{}/drain", other.id);
    world.creator.post(&drain, &json!({})).await;
    let job = submit(&world).await;
    assert_eq!(worker.commands_within(1_500).await, []);
    assert_eq!(other.commands_within(0).await, [Command::Drain]);
    assert_eq!(
        reason(&world, job).await,
        "no worker that is online has Blender 5.0"
    );
}

/// With Blender 4.5, and free to install 5.0.
async fn able(world: &World, name: &str) -> ScriptedWorker {
    let mut worker = ScriptedWorker::connect(world, name).await;
    worker.installable = vec![MISSING];
    worker.hello(&[]).await;
    worker
}

fn install(state: InstallState) -> Install {
    Install {
        series: MISSING,
        state,
    }
}

async fn submit(world: &World) -> JobId {
    let scene = world.creator.scene(&sample()).await;
    let new = json!({ "scene": scene.id, "frames": "1", "blender": MISSING.to_string() });
    world.creator.submit_with(&new).await.id
}

async fn reason(world: &World, job: JobId) -> String {
    world.creator.job(job).await.reason.unwrap_or_default()
}
