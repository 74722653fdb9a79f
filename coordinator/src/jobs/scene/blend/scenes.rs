//! Render settings of one `Scene` structure.

use super::super::facts::{BlenderScene, Views};
use super::format;
use super::record::Record;

/// `None` where the structure lacks what every Blender version has stored.
pub(super) fn read(scene: &Record<'_>) -> Option<BlenderScene> {
    // Before 2.5 the format stood in the render settings themselves.
    let imtype = scene
        .int("r.im_format.imtype")
        .or_else(|| scene.int("r.imtype"));
    let (format, is_video) = format::name(imtype?);
    // Before 2.5 there was only Blender's own renderer, without a name.
    let engine = scene.text("r.engine").unwrap_or(b"BLENDER_RENDER");
    Some(BlenderScene {
        name: id_name(scene)?,
        frame_start: scene.int32("r.sfra")?,
        frame_end: scene.int32("r.efra")?,
        frame_step: scene.int32("r.frame_step").unwrap_or(1),
        engine: String::from_utf8_lossy(engine).into_owned(),
        resolution_x: scene.int32("r.xsch")?,
        resolution_y: scene.int32("r.ysch")?,
        resolution_percentage: scene.int32("r.size")?,
        fps: fps(scene),
        format,
        is_video,
        // Known only when all objects have been seen.
        has_camera: false,
        // Known only when the parts that follow the scene have been seen.
        renders_without_camera: false,
        border: None,
        views: Views::default(),
    })
}

/// A data-block's name without the two letters that tell its type.
fn id_name(record: &Record<'_>) -> Option<String> {
    let name = record.text("id.name")?.get(2..)?;
    Some(String::from_utf8_lossy(name).into_owned())
}

fn fps(scene: &Record<'_>) -> Option<f64> {
    let base = scene.float("r.frs_sec_base").unwrap_or(1.0);
    let fps = f64::from(scene.int32("r.frs_sec")?) / base;
    fps.is_finite().then_some(fps)
}
