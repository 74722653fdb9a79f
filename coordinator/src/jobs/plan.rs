//! From what a creator asks and what the file says to what will be rendered. Pure.

mod picture;

use pictor_protocol::Micros;
use pictor_protocol::blender::{BlenderWanted, Series};
use pictor_protocol::frames::FrameList;
use pictor_protocol::job::{NewJob, PRIORITY_MAX, RenderPlan};
use pictor_protocol::scene::{SceneFacts, SceneInFile};
use pictor_protocol::settings::{Engine, Fault, Format};

const NAME_CHARS_MAX: usize = 200;

/// A job that can be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    pub frames: FrameList,
    pub render: RenderPlan,
}

/// Completes a job from its file; everything that is wrong, at once.
pub fn plan(new: &NewJob, facts: &SceneFacts) -> Result<Planned, Vec<Fault>> {
    let mut faults = new.settings.faults();
    faults.extend(job_faults(new));
    faults.extend(older_than_file(new.blender, facts.blender));
    let Some(scene) = facts.scene(new.settings.scene.as_deref()) else {
        faults.push(no_such_scene(new, facts));
        return Err(faults);
    };
    let sees = scene.has_camera || scene.renders_without_camera;
    if !sees && new.settings.camera.is_none() {
        let name = &scene.name;
        let message =
            format!("scene {name:?} has no camera: set one in the file, or name one here");
        faults.push(fault("settings.camera", message));
    }
    let render = render_plan(new, scene);
    if render.engine.is_none() {
        faults.push(foreign_engine(scene));
    }
    faults.extend(picture::views_fault(scene, render.format));
    faults.extend(picture::size_fault(scene, render.width, render.height));
    let frames = frames(new, scene).map_err(|fault| faults.push(fault)).ok();
    match frames {
        Some(frames) if faults.is_empty() => Ok(Planned { frames, render }),
        _ => Err(faults),
    }
}

/// What is wrong whatever the file says.
fn job_faults(new: &NewJob) -> Vec<Fault> {
    let mut faults = Vec::new();
    if new.priority.is_some_and(|priority| priority > PRIORITY_MAX) {
        let message = format!("a priority is 0 to {PRIORITY_MAX}");
        faults.push(fault("priority", message));
    }
    if new.spend_cap_micros.is_some_and(Micros::is_negative) {
        faults.push(fault("spend_cap_micros", "a cap is not negative".into()));
    }
    let is_name = |name: &String| !name.trim().is_empty() && name.chars().count() <= NAME_CHARS_MAX;
    if !new.name.as_ref().is_none_or(is_name) {
        let message = format!("a name has 1 to {NAME_CHARS_MAX} characters");
        faults.push(fault("name", message));
    }
    faults
}

/// An older Blender opens a newer file all the same, and silently drops what it does not know.
fn older_than_file(wanted: BlenderWanted, file: Series) -> Option<Fault> {
    let BlenderWanted::Pinned(series) = wanted else {
        return None;
    };
    (series < file).then(|| {
        let message = format!(
            "the file was saved by Blender {file}, and Blender {series} would lose what is new in it: \
             ask for {file} or newer, or save the file from Blender {series}"
        );
        fault("blender", message)
    })
}

/// Without the add-on, Blender renders such a file with EEVEE and says nothing.
fn foreign_engine(scene: &SceneInFile) -> Fault {
    let message = format!(
        "the file is set to the engine {:?}, which no worker has: choose CYCLES, EEVEE or WORKBENCH",
        scene.engine
    );
    fault("settings.engine", message)
}

fn render_plan(new: &NewJob, scene: &SceneInFile) -> RenderPlan {
    let (width, height) = picture::size(&new.settings, scene);
    RenderPlan {
        scene: scene.name.clone(),
        engine: new
            .settings
            .engine
            .or_else(|| Engine::from_blender_id(&scene.engine)),
        format: new
            .settings
            .format
            .unwrap_or_else(|| format_of(&scene.format)),
        width,
        height,
    }
}

/// The file's own format if a frame can be checked in it; a video or an exotic format becomes PNG.
fn format_of(blender_id: &str) -> Format {
    match blender_id {
        "JPEG" => Format::Jpeg,
        "OPEN_EXR" => Format::OpenExr,
        "OPEN_EXR_MULTILAYER" => Format::OpenExrMultilayer,
        _ => Format::Png,
    }
}

fn frames(new: &NewJob, scene: &SceneInFile) -> Result<FrameList, Fault> {
    if let Some(frames) = &new.frames {
        return Ok(frames.clone());
    }
    let step = u32::try_from(scene.frame_step).unwrap_or(1);
    FrameList::from_range(scene.frame_start, scene.frame_end, step).map_err(|error| {
        fault(
            "frames",
            format!("the file's own range cannot be used: {error}"),
        )
    })
}

fn no_such_scene(new: &NewJob, facts: &SceneFacts) -> Fault {
    let names: Vec<_> = facts
        .scenes
        .iter()
        .take(20)
        .map(|scene| format!("{:?}", scene.name))
        .collect();
    let asked = new.settings.scene.as_deref().unwrap_or(&facts.active_scene);
    let message = if names.is_empty() {
        "the file has no scene to render".into()
    } else {
        format!(
            "there is no scene {asked:?}; the file has {}",
            names.join(", ")
        )
    };
    fault("settings.scene", message)
}

fn fault(field: &str, message: String) -> Fault {
    Fault {
        field: field.into(),
        message,
    }
}

#[cfg(test)]
mod tests {
    use pictor_protocol::SceneId;
    use pictor_protocol::scene::Views;
    use pictor_protocol::settings::RenderSettings;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_unset_is_taken_from_the_file() {
        let planned = plan(&job(), &facts()).unwrap();
        assert_eq!(planned.frames.to_string(), "1-24");
        let expected = RenderPlan {
            scene: "Scene".into(),
            engine: Some(Engine::Cycles),
            format: Format::Png,
            width: 960,
            height: 540,
        };
        assert_eq!(planned.render, expected);
    }

    #[test]
    fn what_is_set_beats_the_file() {
        let mut job = job();
        job.frames = Some(FrameList::parse("7,9").unwrap());
        job.settings = RenderSettings {
            engine: Some(Engine::Eevee),
            format: Some(Format::OpenExr),
            width: Some(333),
            percentage: Some(10),
            ..RenderSettings::default()
        };
        let planned = plan(&job, &facts()).unwrap();
        assert_eq!(planned.frames.as_slice(), [7, 9]);
        assert_eq!((planned.render.width, planned.render.height), (33, 108));
        assert_eq!(planned.render.format, Format::OpenExr);
    }

    #[test]
    fn a_video_is_rendered_as_pictures() {
        let mut facts = facts();
        facts.scenes[0].format = "FFMPEG".into();
        assert_eq!(plan(&job(), &facts).unwrap().render.format, Format::Png);
    }

    #[test]
    fn every_fault_is_named() {
        let mut facts = facts();
        facts.scenes[0].has_camera = false;
        facts.scenes[0].frame_end = -7;
        let mut job = job();
        job.settings.samples = Some(0);
        job.priority = Some(101);
        let fields: Vec<_> = plan(&job, &facts)
            .unwrap_err()
            .into_iter()
            .map(|f| f.field)
            .collect();
        assert_eq!(
            fields,
            ["settings.samples", "priority", "settings.camera", "frames"]
        );
    }

    #[test]
    fn a_scene_that_its_sequencer_makes_needs_no_camera() {
        let mut facts = facts();
        facts.scenes[0].has_camera = false;
        facts.scenes[0].renders_without_camera = true;
        assert!(plan(&job(), &facts).is_ok());
    }

    #[test]
    fn a_blender_older_than_the_file_is_refused() {
        let mut job = job();
        job.blender = BlenderWanted::Pinned(Series::new(4, 2));
        let faults = plan(&job, &facts()).unwrap_err();
        assert_eq!(faults[0].field, "blender");
        for series in [Series::new(4, 5), Series::new(5, 0), Series::new(9, 9)] {
            job.blender = BlenderWanted::Pinned(series);
            assert!(plan(&job, &facts()).is_ok(), "{series}");
        }
    }

    #[test]
    fn the_format_that_was_asked_for_has_to_take_the_views() {
        let mut facts = facts();
        facts.scenes[0].views = Views::OpenExr;
        facts.scenes[0].format = "OPEN_EXR".into();
        assert!(plan(&job(), &facts).is_ok());
        let mut job = job();
        job.settings.format = Some(Format::Png);
        let faults = plan(&job, &facts).unwrap_err();
        assert_eq!(faults[0].field, "settings.format");
    }

    #[test]
    fn the_engine_of_an_add_on_is_refused_unless_another_is_chosen() {
        let mut facts = facts();
        facts.scenes[0].engine = "LUXCORE".into();
        let mut job = job();
        let faults = plan(&job, &facts).unwrap_err();
        assert_eq!(faults[0].field, "settings.engine");
        job.settings.engine = Some(Engine::Cycles);
        assert!(plan(&job, &facts).is_ok());
    }

    #[test]
    fn a_scene_that_is_not_there_is_answered_with_those_that_are() {
        let mut job = job();
        job.settings.scene = Some("Shot".into());
        let faults = plan(&job, &facts()).unwrap_err();
        assert!(faults[0].message.contains("\"Scene\""), "{faults:?}");
    }

    fn job() -> NewJob {
        NewJob {
            scene: SceneId::new(Uuid::nil()),
            name: None,
            frames: None,
            settings: RenderSettings::default(),
            blender: BlenderWanted::Auto,
            priority: None,
            paused: false,
            spend_cap_micros: None,
        }
    }

    fn facts() -> SceneFacts {
        SceneFacts {
            blender: Series::new(4, 5),
            compressed: false,
            active_scene: "Scene".into(),
            scenes: vec![scene()],
            dependencies: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(super) fn scene() -> SceneInFile {
        SceneInFile {
            name: "Scene".into(),
            frame_start: 1,
            frame_end: 24,
            frame_step: 1,
            engine: "CYCLES".into(),
            width: 1920,
            height: 1080,
            percentage: 50,
            format: "PNG".into(),
            has_camera: true,
            renders_without_camera: false,
            border: None,
            views: Views::One,
        }
    }
}
