//! What the coordinator hands out.

use pictor_protocol::agent::{AttemptRef, Grant, Lease, SceneManifest};
use pictor_protocol::blender::Series;
use pictor_protocol::job::RenderPlan;
use pictor_protocol::settings::{Format, RenderSettings};
use pictor_protocol::{BlobHash, JobId, LeaseId, TaskId};
use uuid::Uuid;

pub fn lease(scene: &SceneManifest, frames: std::ops::RangeInclusive<i32>) -> Lease {
    let grant = |frame| {
        let attempt = AttemptRef {
            task: TaskId::new(Uuid::new_v4()),
            attempt: 1,
        };
        Grant { attempt, frame }
    };
    Lease {
        id: LeaseId::new(Uuid::new_v4()),
        job: JobId::new(Uuid::from_u128(1)),
        scene: scene.clone(),
        runtime: Series::new(4, 5),
        settings: RenderSettings::default(),
        plan: RenderPlan {
            scene: "Scene".into(),
            engine: None,
            format: Format::Png,
            width: 8,
            height: 8,
        },
        tasks: frames.map(grant).collect(),
    }
}

pub fn hash(bytes: &[u8]) -> BlobHash {
    BlobHash::from_bytes(*blake3::hash(bytes).as_bytes())
}
