//! What is planned for a scene is what Blender renders of it, on the scenes that `sizes.py` makes: the
//! size of the picture to the pixel, and that what is refused could not have become a picture.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::path::{Path, PathBuf};
use std::process::Command;

use pictor_coordinator::jobs::{intake, plan, scene};
use pictor_coordinator::trust::picture::{self, Expected, PictureFormat, PictureLimits};
use pictor_protocol::SceneId;
use pictor_protocol::blender::BlenderWanted;
use pictor_protocol::job::{NewJob, RenderPlan};
use pictor_protocol::settings::{Format, RenderSettings};
use serde::Deserialize;
use uuid::Uuid;

use crate::runtimes;

/// What is refused, and the field that is to blame.
const REFUSED: [(&str, &str); 9] = [
    ("border without a pixel", "settings.width"),
    ("edit that is off", "settings.camera"),
    ("edit without strips", "settings.camera"),
    ("edit that is muted", "settings.camera"),
    ("edit in a muted channel", "settings.camera"),
    ("nodes that are off", "settings.camera"),
    ("nodes that render", "settings.camera"),
    ("views in files", "settings.scene"),
    (HALF_STEREO, "settings.scene"),
];
/// Refused although Blender makes a picture of it: of another size in another version.
const HALF_STEREO: &str = "half a stereo";

#[test]
fn an_output_has_the_size_that_was_planned() {
    for runtime in runtimes::installed() {
        let version = runtimes::name(&runtime);
        let work = runtimes::work_folder("real-sizes", &version);
        let rendered = render(&runtime, &work);
        let facts = scene::read(&work.join("sizes.blend")).unwrap();
        let facts = intake::to_wire(facts, "sizes.blend", &[]);
        assert_eq!(rendered.len(), facts.scenes.len());
        for Rendered {
            scene,
            files,
            error,
        } in rendered
        {
            let context = format!("{scene:?} in Blender {version}: {error:?}");
            let refused = REFUSED.iter().find(|(name, _)| *name == scene);
            match (plan::plan(&job(&scene), &facts), refused) {
                (Ok(planned), None) => check(&planned.render, &files, &context),
                (Err(faults), Some((_, field))) => {
                    let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
                    assert_eq!(fields, [*field], "{context}");
                    assert!(files.len() != 1 || scene == HALF_STEREO, "{context}");
                }
                (planned, _) => panic!("{context}: {planned:?}"),
            }
        }
    }
}

fn check(plan: &RenderPlan, files: &[PathBuf], context: &str) {
    let [file] = files else {
        panic!("{context}: {files:?}");
    };
    let expected = Expected {
        format: match plan.format {
            Format::Png => PictureFormat::Png,
            Format::Jpeg => PictureFormat::Jpeg,
            Format::OpenExr | Format::OpenExrMultilayer => PictureFormat::Exr,
        },
        width: plan.width,
        height: plan.height,
    };
    let inspected = picture::inspect(file, 32, &PictureLimits::expecting(&expected));
    let inspected = inspected.unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_eq!(
        picture::check(&inspected.picture, &expected),
        Ok(()),
        "{context}"
    );
}

/// What Blender made of one scene.
#[derive(Debug, Deserialize)]
struct Rendered {
    scene: String,
    files: Vec<PathBuf>,
    error: Option<String>,
}

fn render(runtime: &Path, work: &Path) -> Vec<Rendered> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/sizes.py");
    let output = Command::new(runtimes::python(runtime))
        .arg(script)
        .arg(work)
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let lines = stdout
        .lines()
        .filter_map(|line| line.strip_prefix("rendered "));
    let rendered: Vec<Rendered> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && rendered.len() > 30,
        "{}: {errors}",
        runtime.display()
    );
    rendered
}

fn job(scene: &str) -> NewJob {
    NewJob {
        scene: SceneId::new(Uuid::nil()),
        name: None,
        frames: None,
        settings: RenderSettings {
            scene: Some(scene.into()),
            ..RenderSettings::default()
        },
        blender: BlenderWanted::Auto,
        priority: None,
        paused: false,
        spend_cap_micros: None,
    }
}
