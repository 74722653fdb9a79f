//! A job's settings as somebody typed them, read as far as they can be. Pure.

use pictor_protocol::blender::{BlenderWanted, Series};
use pictor_protocol::frames::FrameList;
use pictor_protocol::job::NewJob;
use pictor_protocol::settings::{Engine, Fault, Format, RenderSettings};
use pictor_protocol::{Micros, SceneId};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

/// The fields of the form. What is empty is the file's own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct JobForm {
    pub name: String,
    pub scene: String,
    pub camera: String,
    pub frames: String,
    pub engine: String,
    pub format: String,
    pub width: String,
    pub height: String,
    pub percentage: String,
    pub samples: String,
    pub denoise: String,
    pub seed: String,
    pub blender: String,
    pub priority: String,
    pub spend_cap: String,
    pub paused: String,
    /// The button that was pressed: `submit`, or anything else for another look.
    pub what: String,
}

/// What is wrong, by the fields of the form.
#[derive(Debug, Clone, Default)]
pub struct Faults(Vec<Fault>);

const FIELDS: &[&str] = &[
    "name",
    "frames",
    "priority",
    "blender",
    "spend_cap_micros",
    "settings.scene",
    "settings.camera",
    "settings.engine",
    "settings.format",
    "settings.width",
    "settings.height",
    "settings.percentage",
    "settings.samples",
    "settings.denoise",
    "settings.seed",
];

impl Faults {
    pub fn add(&mut self, more: Vec<Fault>) {
        for fault in more {
            // What could not be read is missing, and that is not another fault.
            if !self.0.iter().any(|known| known.field == fault.field) {
                self.0.push(fault);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn all(&self) -> &[Fault] {
        &self.0
    }

    /// Of one field.
    pub fn of(&self, field: &str) -> Option<&str> {
        let fault = self.0.iter().find(|fault| fault.field == field)?;
        Some(&fault.message)
    }

    /// What stands beside no field.
    pub fn elsewhere(&self) -> impl Iterator<Item = &Fault> {
        self.0
            .iter()
            .filter(|fault| !FIELDS.contains(&fault.field.as_str()))
    }
}

impl JobForm {
    /// The job that is meant, without what cannot be read, and what that was.
    pub fn read(&self, scene: SceneId) -> (NewJob, Faults) {
        let mut reading = Reading(Vec::new());
        let settings = RenderSettings {
            scene: text(&self.scene),
            camera: text(&self.camera),
            engine: reading.word("settings.engine", &self.engine),
            format: reading.word("settings.format", &self.format),
            width: reading.whole("settings.width", &self.width),
            height: reading.whole("settings.height", &self.height),
            percentage: reading.whole("settings.percentage", &self.percentage),
            samples: reading.whole("settings.samples", &self.samples),
            denoise: reading.yes_or_no("settings.denoise", &self.denoise),
            seed: reading.whole("settings.seed", &self.seed),
        };
        let new = NewJob {
            scene,
            name: text(&self.name),
            frames: reading.read("frames", &self.frames, FrameList::parse),
            settings,
            blender: reading.blender(&self.blender),
            priority: reading.whole("priority", &self.priority),
            paused: !self.paused.is_empty(),
            spend_cap_micros: reading.read(
                "spend_cap_micros",
                &self.spend_cap,
                str::parse::<Micros>,
            ),
        };
        (new, Faults(reading.0))
    }

    pub fn wants_submit(&self) -> bool {
        self.what == "submit"
    }
}

fn text(of: &str) -> Option<String> {
    let of = of.trim();
    (!of.is_empty()).then(|| of.to_owned())
}

/// Reads fields, and remembers what is wrong with them.
struct Reading(Vec<Fault>);

impl Reading {
    fn read<T, E: std::fmt::Display>(
        &mut self,
        field: &str,
        text: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let wrong = |error: E| {
            self.0.push(Fault {
                field: field.into(),
                message: error.to_string(),
            });
        };
        read(text).map_err(wrong).ok()
    }

    fn whole<T: std::str::FromStr>(&mut self, field: &str, text: &str) -> Option<T> {
        let read = |text: &str| {
            let shown: String = text.chars().take(40).collect();
            text.parse::<T>()
                .map_err(|_| format!("{shown:?} is not a whole number that is possible here"))
        };
        self.read(field, text, read)
    }

    /// A word as programs spell it.
    fn word<'a, T: Deserialize<'a>>(&mut self, field: &str, text: &'a str) -> Option<T> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let text: StrDeserializer<'a, Error> = text.into_deserializer();
        let word = T::deserialize(text);
        word.map_err(|_| self.unknown(field)).ok()
    }

    fn yes_or_no(&mut self, field: &str, text: &str) -> Option<bool> {
        match text.trim() {
            "" => None,
            "yes" => Some(true),
            "no" => Some(false),
            _ => {
                self.unknown(field);
                None
            }
        }
    }

    fn blender(&mut self, text: &str) -> BlenderWanted {
        let series = self.read("blender", text, |text| match text {
            "auto" => Ok(BlenderWanted::Auto),
            text => text.parse::<Series>().map(BlenderWanted::Pinned),
        });
        series.unwrap_or_default()
    }

    fn unknown(&mut self, field: &str) {
        self.0.push(Fault {
            field: field.into(),
            message: "this is not known here".into(),
        });
    }
}

/// The engines that can be asked for, as programs and as people spell them.
pub const ENGINES: [(&str, &str); 3] = [
    ("CYCLES", "Cycles"),
    ("EEVEE", "EEVEE"),
    ("WORKBENCH", "Workbench"),
];

/// The formats that can be asked for, in the same way.
pub const FORMATS: [(&str, &str); 4] = [
    ("PNG", "PNG"),
    ("JPEG", "JPEG"),
    ("OPEN_EXR", "OpenEXR"),
    ("OPEN_EXR_MULTILAYER", "OpenEXR multilayer"),
];

pub fn engine_name(engine: Option<Engine>) -> &'static str {
    match engine {
        Some(Engine::Cycles) => "Cycles",
        Some(Engine::Eevee) => "EEVEE",
        Some(Engine::Workbench) => "Workbench",
        None => "the file’s engine",
    }
}

/// The engine that a file names, as Blender's menu has it.
pub fn engine_of_file(name: impl AsRef<str>) -> String {
    match name.as_ref() {
        "CYCLES" => "Cycles".into(),
        "BLENDER_EEVEE" | "BLENDER_EEVEE_NEXT" => "EEVEE".into(),
        "BLENDER_WORKBENCH" => "Workbench".into(),
        other => other.into(),
    }
}

pub fn format_name(format: Format) -> &'static str {
    match format {
        Format::Png => "PNG",
        Format::Jpeg => "JPEG",
        Format::OpenExr => "OpenEXR",
        Format::OpenExrMultilayer => "OpenEXR multilayer",
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const SCENE: SceneId = SceneId::new(Uuid::nil());

    #[test]
    fn an_empty_form_asks_for_the_files_own_settings() {
        let (new, faults) = JobForm::default().read(SCENE);
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(new.settings, RenderSettings::default());
        assert_eq!((new.frames, new.spend_cap_micros), (None, None));
    }

    #[test]
    fn what_is_typed_is_read_as_people_write_it() {
        let form = JobForm {
            frames: " 1-10x3, 20 ".into(),
            engine: "CYCLES".into(),
            format: "OPEN_EXR".into(),
            samples: " 64".into(),
            denoise: "no".into(),
            blender: "4.5".into(),
            spend_cap: "12.5".into(),
            ..JobForm::default()
        };
        let (new, faults) = form.read(SCENE);
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(new.frames.unwrap().to_string(), "1-10x3,20");
        assert_eq!(new.settings.engine, Some(Engine::Cycles));
        assert_eq!(new.settings.format, Some(Format::OpenExr));
        assert_eq!(
            (new.settings.samples, new.settings.denoise),
            (Some(64), Some(false))
        );
        assert_eq!(new.blender, BlenderWanted::Pinned(Series::new(4, 5)));
        assert_eq!(new.spend_cap_micros, Some(Micros::new(12_500_000)));
    }

    #[test]
    fn everything_that_cannot_be_read_is_said_beside_its_field() {
        let form = JobForm {
            frames: "9-1".into(),
            width: "wide".into(),
            priority: "-3".into(),
            engine: "<script>".into(),
            denoise: "perhaps".into(),
            blender: "newest".into(),
            spend_cap: "1,5".into(),
            ..JobForm::default()
        };
        let (_, faults) = form.read(SCENE);
        assert_eq!(faults.all().len(), 7, "{faults:?}");
        assert_eq!(faults.elsewhere().count(), 0);
        assert!(
            faults
                .of("frames")
                .is_some_and(|why| why.contains("ends before"))
        );
    }
}
