use pictor_protocol::SceneId;
use pictor_protocol::blender::Series;
use pictor_protocol::scene::{Border, Dependency, NewScene, Scene, SceneFacts, SceneInFile, Views};

use super::{NEW_YEAR_MS, blob, uuid};

pub fn new_scene() -> Vec<NewScene> {
    vec![NewScene {
        name: "shot.blend".into(),
        blob: blob(4),
    }]
}

pub fn scene() -> Vec<Scene> {
    let views = [
        Views::One,
        Views::Merged,
        Views::SideBySide,
        Views::TopBottom,
        Views::OpenExr,
        Views::FileEach,
        Views::HalfStereo,
    ];
    let facts = SceneFacts {
        blender: Series::new(4, 5),
        compressed: true,
        active_scene: "Scene".into(),
        scenes: views.into_iter().map(in_file).collect(),
        dependencies: vec![Dependency {
            path: "//tex/wood.png".into(),
            kind: "image".into(),
            found: true,
        }],
        warnings: vec!["physics is cached on disk".into()],
    };
    vec![Scene {
        id: SceneId::new(uuid(10)),
        name: "shot.blend".into(),
        created_ms: NEW_YEAR_MS,
        size_bytes: 1_234_567,
        main: "shots/a.blend".into(),
        files: 3,
        facts,
    }]
}

fn in_file(views: Views) -> SceneInFile {
    SceneInFile {
        name: "Scene".into(),
        frame_start: -12,
        frame_end: 250,
        frame_step: 2,
        engine: "BLENDER_EEVEE_NEXT".into(),
        width: 1_920,
        height: 1_080,
        percentage: 50,
        format: "OPEN_EXR".into(),
        has_camera: true,
        renders_without_camera: true,
        border: Some(Border {
            min_x: 0.25,
            max_x: 0.75,
            min_y: 0.1,
            max_y: 1.0,
        }),
        views,
    }
}
