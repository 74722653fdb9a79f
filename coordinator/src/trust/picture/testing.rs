//! Paints small pictures in every format, so that tests need no renderer.

use std::io::Cursor;

use ::exr::prelude as exr;
use ::exr::prelude::{WritableImage, f16};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

pub(super) const WIDTH: u32 = 37;
pub(super) const HEIGHT: u32 = 23;

/// One of each container: PNG, JPEG, OpenEXR in lines and in layers.
pub(super) fn pictures() -> Vec<Vec<u8>> {
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, 90);
    encoder
        .write_image(&ramp(3, false), WIDTH, HEIGHT, ExtendedColorType::Rgb8)
        .unwrap();
    vec![
        png_of(&ramp(3, false), ExtendedColorType::Rgb8),
        jpeg,
        exr_of(exr::Compression::ZIP16, None),
        exr_of(exr::Compression::PIZ, Some((8, 8))),
    ]
}

/// Grows by a 64th from column to column, in all channels.
pub(super) fn ramp(channels: usize, is_wide: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..HEIGHT {
        for x in 0..WIDTH {
            for _ in 0..channels {
                let value = x as f32 / 64.0;
                if is_wide {
                    bytes.extend(((value * 65_535.0) as u16).to_ne_bytes());
                } else {
                    bytes.push((value * 255.0) as u8);
                }
            }
        }
    }
    bytes
}

pub(super) fn png_of(bytes: &[u8], kind: ExtendedColorType) -> Vec<u8> {
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(bytes, WIDTH, HEIGHT, kind)
        .unwrap();
    png
}

/// Half-float colours, in lines or in tiles.
pub(super) fn exr_of(compression: exr::Compression, tile: Option<(usize, usize)>) -> Vec<u8> {
    let pixel = |position: exr::Vec2<usize>| {
        let value = f16::from_f32(position.x() as f32 / WIDTH as f32);
        (value, f16::from_f32(0.5), value, f16::from_f32(1.0))
    };
    let encoding = exr::Encoding {
        compression,
        blocks: tile.map_or(exr::Blocks::ScanLines, |(width, height)| {
            exr::Blocks::Tiles(exr::Vec2(width, height))
        }),
        line_order: exr::LineOrder::Increasing,
    };
    let size = (WIDTH as usize, HEIGHT as usize);
    let layer = exr::Layer::new(
        size,
        exr::LayerAttributes::named("main"),
        encoding,
        exr::SpecificChannels::rgba(pixel),
    );
    let mut bytes = Cursor::new(Vec::new());
    let image = exr::Image::from_layer(layer);
    image.write().to_buffered(&mut bytes).unwrap();
    bytes.into_inner()
}

pub(super) fn rgb_exr(pixel: impl Sync + Fn(usize, usize) -> [f32; 3]) -> Vec<u8> {
    let size = (WIDTH as usize, HEIGHT as usize);
    let channels = exr::SpecificChannels::rgb(|position: exr::Vec2<usize>| {
        let [red, green, blue] = pixel(position.x(), position.y());
        (red, green, blue)
    });
    let mut bytes = Cursor::new(Vec::new());
    let image = exr::Image::from_channels(size, channels);
    image.write().to_buffered(&mut bytes).unwrap();
    bytes.into_inner()
}

/// One part with passes as Blender names them, all of one colour. A pass with a channel of its own
/// gets that alone.
pub(super) fn layered(passes: &[&str], colour: [f32; 3]) -> Vec<u8> {
    let pixels = (WIDTH * HEIGHT) as usize;
    let mut channels = exr::SmallVec::new();
    for pass in passes {
        let is_colour = pass.ends_with("Combined");
        let kinds: &[&str] = if is_colour { &["R", "G", "B"] } else { &["X"] };
        for (kind, value) in kinds.iter().zip(colour) {
            let samples = exr::FlatSamples::F32(vec![value; pixels]);
            channels.push(exr::AnyChannel::new(
                format!("{pass}.{kind}").as_str(),
                samples,
            ));
        }
    }
    let size = (WIDTH as usize, HEIGHT as usize);
    let mut bytes = Cursor::new(Vec::new());
    let image = exr::Image::from_channels(size, exr::AnyChannels::sort(channels));
    image.write().to_buffered(&mut bytes).unwrap();
    bytes.into_inner()
}
