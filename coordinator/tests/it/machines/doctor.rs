use pictor_protocol::health::{CheckOutcome, DoctorCheck};
use pictor_protocol::worker::{Worker, WorkerList};

use crate::harness::World;
use crate::harness::worker::ScriptedWorker;

#[tokio::test]
async fn an_owner_sees_what_the_doctor_found_and_what_blender_is_kept_in() {
    let world = World::start().await;
    let mut worker = ScriptedWorker::connect(&world, "attic").await;
    let path = format!("/api/v1/workers/{}", worker.id);
    let before: Worker = world.creator.get(&path).await.json();
    assert_eq!((before.doctor, before.sandbox), (Vec::new(), Vec::new()));

    worker.sandbox = vec!["container".into(), "seccomp".into()];
    worker.doctor = vec![DoctorCheck {
        name: "disk".into(),
        outcome: CheckOutcome::Warn,
        text: "3 GiB are free".into(),
        advice: Some("make room".into()),
    }];
    worker.slots[0].score = Some(2.5);
    worker.hello(&[]).await;
    let shown: Worker = world.creator.get(&path).await.json();
    assert_eq!(shown.doctor, worker.doctor);
    assert_eq!(shown.sandbox, worker.sandbox);
    assert_eq!(shown.slots[0].score, Some(2.5));
    let listed: WorkerList = world.creator.get("/api/v1/workers").await.json();
    assert_eq!(listed.workers[0].doctor, worker.doctor);
}
