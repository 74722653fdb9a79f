//! Blender's numbers for output formats (`R_IMF_IMTYPE_*`), by the names its interface uses.

/// The name for `RenderData.im_format.imtype`, and whether it makes a video.
pub(super) fn name(imtype: i64) -> (String, bool) {
    let (name, is_video) = match imtype {
        0 => ("TARGA", false),
        1 => ("IRIS", false),
        4 => ("JPEG", false),
        14 => ("TARGA_RAW", false),
        15 => ("AVI_RAW", true),
        16 => ("AVI_JPEG", true),
        17 => ("PNG", false),
        20 => ("BMP", false),
        21 => ("HDR", false),
        22 => ("TIFF", false),
        23 => ("OPEN_EXR", false),
        24 => ("FFMPEG", true),
        26 => ("CINEON", false),
        27 => ("DPX", false),
        28 => ("OPEN_EXR_MULTILAYER", false),
        29 => ("DDS", false),
        30 => ("JPEG2000", false),
        31 => ("H264", true),
        32 => ("XVID", true),
        33 => ("THEORA", true),
        34 => ("PSD", false),
        35 => ("WEBP", false),
        36 => ("AV1", true),
        other => return (format!("UNKNOWN_{other}"), false),
    };
    (name.to_owned(), is_video)
}
