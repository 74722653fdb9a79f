//! How a job wants its scene rendered. Whatever is unset is taken from the file.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What renders. The ids that Blender uses inside differ by version; the worker maps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Engine {
    Cycles,
    Eevee,
    Workbench,
}

impl Engine {
    /// The engine behind an id of Blender, `None` for an add-on's.
    pub fn from_blender_id(id: &str) -> Option<Self> {
        match id {
            "CYCLES" => Some(Self::Cycles),
            "BLENDER_EEVEE" | "BLENDER_EEVEE_NEXT" => Some(Self::Eevee),
            "BLENDER_WORKBENCH" => Some(Self::Workbench),
            _ => None,
        }
    }
}

/// The file format of every output of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Format {
    Png,
    Jpeg,
    OpenExr,
    OpenExrMultilayer,
}

impl Format {
    /// File name extension without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::OpenExr | Self::OpenExrMultilayer => "exr",
        }
    }

    /// Media type of a file in this format.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::OpenExr | Self::OpenExrMultilayer => "image/x-exr",
        }
    }
}

/// What a creator sets for a job; every unset field is the file's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RenderSettings {
    /// Name of the scene inside the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene: Option<String>,
    /// Name of the camera object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Pixels before `percentage` is applied, 4 to 65536.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels before `percentage` is applied, 4 to 65536.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Scale of the resolution in percent, 1 to 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentage: Option<u32>,
    /// Samples per pixel, 1 to 65536.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denoise: Option<bool>,
    /// Cycles' seed, 0 to 2³¹ − 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
}

/// One thing wrong with what was sent: where, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// The field, as a path with dots.
    pub field: String,
    pub message: String,
}

impl RenderSettings {
    /// Everything that no Blender would accept, all at once.
    pub fn faults(&self) -> Vec<Fault> {
        let bounds = [
            ("width", self.width, 4, 65_536),
            ("height", self.height, 4, 65_536),
            ("percentage", self.percentage, 1, 1_000),
            ("samples", self.samples, 1, 65_536),
            ("seed", self.seed, 0, i32::MAX as u32),
        ];
        let numbers = bounds
            .into_iter()
            .filter_map(|(field, value, least, most)| {
                let value = value?;
                (value < least || value > most).then(|| Fault {
                    field: format!("settings.{field}"),
                    message: format!("{value} is not between {least} and {most}"),
                })
            });
        // Blender's names are at most 63 bytes (MAX_ID_NAME − 2), 255 from 5.0 on.
        let names = [("scene", &self.scene), ("camera", &self.camera)];
        let names = names.into_iter().filter_map(|(field, name)| {
            let name = name.as_ref()?;
            (name.is_empty() || name.len() > 255 || name.contains('\0')).then(|| Fault {
                field: format!("settings.{field}"),
                message: "a name has 1 to 255 bytes".into(),
            })
        });
        numbers.chain(names).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_reported_at_once() {
        let settings = RenderSettings {
            width: Some(1),
            samples: Some(0),
            camera: Some(String::new()),
            ..Default::default()
        };
        let fields: Vec<_> = settings
            .faults()
            .into_iter()
            .map(|fault| fault.field)
            .collect();
        assert_eq!(
            fields,
            ["settings.width", "settings.samples", "settings.camera"]
        );
    }

    #[test]
    fn names_on_the_wire_are_those_of_blender() {
        let json = serde_json::to_string(&(Engine::Cycles, Format::OpenExrMultilayer)).unwrap();
        assert_eq!(json, r#"["CYCLES","OPEN_EXR_MULTILAYER"]"#);
    }
}
