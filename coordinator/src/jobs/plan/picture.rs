//! What an output of a scene will be: how many pixels, and whether it is one picture at all.
//!
//! The rules are Blender's own, found by rendering with 4.2, 4.5 and 5.0; `tests/it/real_sizes.rs` asks
//! all three again.

use pictor_protocol::scene::{Border, SceneInFile, Views};
use pictor_protocol::settings::{Fault, Format, RenderSettings};

use super::fault;

/// Largest output in pixels: 32768 × 16384, beyond every camera and below what a decoder may be asked
/// to hold.
const PIXELS_MAX: u64 = 1 << 29;

/// Width and height of the output.
pub(super) fn size(settings: &RenderSettings, scene: &SceneInFile) -> (u32, u32) {
    let percentage = u64::from(settings.percentage.unwrap_or(scene.percentage));
    // Blender drops the fraction (`BKE_render_resolution`).
    let scaled =
        |pixels: u32| u32::try_from(u64::from(pixels) * percentage / 100).unwrap_or(u32::MAX);
    let (mut width, mut height) = (
        scaled(settings.width.unwrap_or(scene.width)),
        scaled(settings.height.unwrap_or(scene.height)),
    );
    if let Some(border) = &scene.border {
        (width, height) = cropped(border, width, height);
    }
    match scene.views {
        Views::SideBySide => (width.saturating_mul(2), height),
        Views::TopBottom => (width, height.saturating_mul(2)),
        Views::One
        | Views::Merged
        | Views::OpenExr
        | Views::FileEach
        | Views::HalfStereo
        | Views::Unknown => (width, height),
    }
}

/// Each edge of the border is rounded towards the lower left, in single precision
/// (`render_init_from_main`).
fn cropped(border: &Border, width: u32, height: u32) -> (u32, u32) {
    let edge = |share: f32, pixels: u32| (share * pixels as f32) as u32;
    let between =
        |min: f32, max: f32, pixels: u32| edge(max, pixels).saturating_sub(edge(min, pixels));
    (
        between(border.min_x, border.max_x, width),
        between(border.min_y, border.max_y, height),
    )
}

/// What is wrong with the size, if anything.
pub(super) fn size_fault(scene: &SceneInFile, width: u32, height: u32) -> Option<Fault> {
    if width == 0 || height == 0 {
        let border = match scene.border {
            Some(_) => " inside the render border",
            None => "",
        };
        let message = format!("{width} × {height} pixels{border} is nothing to render");
        return Some(fault("settings.width", message));
    }
    (u64::from(width) * u64::from(height) > PIXELS_MAX).then(|| {
        let message = format!("{width} × {height} is more than {PIXELS_MAX} pixels");
        fault("settings.width", message)
    })
}

/// Why a frame would not be one picture whose size is known, if so.
///
/// The creator chose what happens to the views in the file. Choosing otherwise here would give them
/// pictures that they did not ask for, so the file has to change.
pub(super) fn views_fault(scene: &SceneInFile, format: Format) -> Option<Fault> {
    let name = &scene.name;
    let is_exr = matches!(format, Format::OpenExr | Format::OpenExrMultilayer);
    match scene.views {
        Views::FileEach => {
            let message = format!(
                "scene {name:?} saves each of its views in a file of its own, but a frame is one file here: \
                 set its Views Format to Stereo 3D, or to Multi-View with OpenEXR, or turn Stereoscopy off"
            );
            Some(fault("settings.scene", message))
        }
        Views::HalfStereo => {
            let message = format!(
                "scene {name:?} puts two views into one picture, but has only one enabled: enable the other, \
                 or turn Stereoscopy off"
            );
            Some(fault("settings.scene", message))
        }
        Views::OpenExr if !is_exr => {
            let message = format!(
                "scene {name:?} saves all its views in one OpenEXR file, which another format cannot hold: \
                 render as OPEN_EXR or OPEN_EXR_MULTILAYER, or turn Stereoscopy off in the file"
            );
            Some(fault("settings.format", message))
        }
        Views::Merged | Views::SideBySide | Views::TopBottom
            if format == Format::OpenExrMultilayer =>
        {
            let message = format!(
                "scene {name:?} puts its views into one picture, which Blender cannot save as \
                 OPEN_EXR_MULTILAYER: choose another format"
            );
            Some(fault("settings.format", message))
        }
        Views::One
        | Views::Merged
        | Views::SideBySide
        | Views::TopBottom
        | Views::OpenExr
        | Views::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::scene;
    use super::*;

    #[test]
    fn a_cropped_border_decides_the_size() {
        // As Blender rendered them.
        let cases = [
            ((100, 100, 100), (0.25, 0.75, 0.25, 0.75), (50, 50)),
            ((101, 99, 100), (0.25, 0.75, 0.25, 0.75), (50, 50)),
            ((64, 64, 100), (0.999, 1.0, 0.999, 1.0), (1, 1)),
            (
                (1920, 1080, 33),
                (0.1, 0.9, 0.333_333, 0.666_667),
                (506, 119),
            ),
            ((64, 64, 100), (0.5, 0.505, 0.0, 1.0), (0, 64)),
            ((64, 64, 100), (0.7, 0.2, 0.0, 1.0), (0, 64)),
        ];
        for ((width, height, percentage), (min_x, max_x, min_y, max_y), expected) in cases {
            let border = Border {
                min_x,
                max_x,
                min_y,
                max_y,
            };
            let scene = SceneInFile {
                width,
                height,
                percentage,
                border: Some(border),
                ..scene()
            };
            let settings = RenderSettings::default();
            assert_eq!(size(&settings, &scene), expected, "{border:?}");
        }
    }

    #[test]
    fn a_border_is_a_share_of_the_size_that_was_asked_for() {
        let border = Border {
            min_x: 0.0,
            max_x: 0.5,
            min_y: 0.5,
            max_y: 0.75,
        };
        let scene = SceneInFile {
            border: Some(border),
            ..scene()
        };
        let settings = RenderSettings {
            width: Some(200),
            height: Some(100),
            percentage: Some(50),
            ..RenderSettings::default()
        };
        assert_eq!(size(&settings, &scene), (50, 12));
    }

    #[test]
    fn a_border_without_a_pixel_is_nothing_to_render() {
        let border = Border {
            min_x: 0.5,
            max_x: 0.5,
            min_y: 0.0,
            max_y: 1.0,
        };
        let scene = SceneInFile {
            border: Some(border),
            ..scene()
        };
        let (width, height) = size(&RenderSettings::default(), &scene);
        let fault = size_fault(&scene, width, height).unwrap();
        assert!(fault.message.contains("render border"), "{fault:?}");
    }

    #[test]
    fn eyes_beside_each_other_double_the_picture() {
        let with = |views| SceneInFile { views, ..scene() };
        let settings = RenderSettings::default();
        assert_eq!(size(&settings, &with(Views::SideBySide)), (1920, 540));
        assert_eq!(size(&settings, &with(Views::TopBottom)), (960, 1080));
        assert_eq!(size(&settings, &with(Views::Merged)), (960, 540));
    }

    #[test]
    fn views_that_are_no_single_picture_are_refused() {
        let fault = |views, format| {
            let scene = SceneInFile { views, ..scene() };
            views_fault(&scene, format).map(|fault| fault.field)
        };
        let (scene, format) = (
            Some("settings.scene".to_owned()),
            Some("settings.format".to_owned()),
        );
        assert_eq!(fault(Views::FileEach, Format::OpenExr), scene);
        assert_eq!(fault(Views::HalfStereo, Format::Png), scene);
        assert_eq!(fault(Views::OpenExr, Format::Png), format);
        assert_eq!(fault(Views::OpenExr, Format::OpenExrMultilayer), None);
        assert_eq!(fault(Views::Merged, Format::OpenExrMultilayer), format);
        assert_eq!(fault(Views::SideBySide, Format::OpenExr), None);
        assert_eq!(fault(Views::One, Format::Jpeg), None);
    }
}
