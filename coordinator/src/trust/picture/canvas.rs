//! Takes pixels row by row, measures them and keeps them small: never the whole picture.

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

use super::{Inspected, Picture, PictureError, PictureFormat};

/// What the numbers of a picture mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Light {
    /// As they go to a screen; colour is not multiplied by alpha (PNG, JPEG).
    Display,
    /// Proportional to light; colour is multiplied by alpha (OpenEXR).
    Linear,
}

/// Two steps of 8 bits: Blender dithers by less than one, which rounding can double.
const NOISE: f32 = 2.0 / 255.0;
/// What transparent parts of a thumbnail lie on, as shown on a screen.
const GROUND: f32 = 0.16;
const THUMBNAIL_QUALITY: u8 = 82;

pub(super) struct Canvas {
    width: u32,
    height: u32,
    light: Light,
    /// Red, green, blue and alpha.
    spans: [Span; 4],
    finite: u64,
    non_finite: u64,
    small: Small,
}

/// What one channel has held.
#[derive(Clone, Copy)]
struct Span {
    least: f32,
    most: f32,
    sum: f64,
}

/// The thumbnail in the making: what fell on each of its pixels, and how often.
struct Small {
    width: usize,
    height: usize,
    /// The column of the thumbnail for each column of the picture.
    columns: Vec<u32>,
    sums: Vec<[f32; 4]>,
    counts: Vec<u32>,
}

impl Canvas {
    /// `width` and `height` must be more than zero and already limited.
    pub(super) fn new(width: u32, height: u32, light: Light, max_side: u32) -> Self {
        Canvas {
            width,
            height,
            light,
            spans: [Span {
                least: f32::INFINITY,
                most: f32::NEG_INFINITY,
                sum: 0.0,
            }; 4],
            finite: 0,
            non_finite: 0,
            small: Small::new(width, height, max_side),
        }
    }

    /// Takes a part of row `y` that starts at column `x`. What lies outside is ignored.
    pub(super) fn row(&mut self, x: usize, y: usize, pixels: &[[f32; 4]]) {
        let Some(target) = self.small.row(y, self.height) else {
            return;
        };
        let columns = self.small.columns.get(x..).unwrap_or_default();
        for (pixel, column) in pixels.iter().zip(columns) {
            if pixel.iter().any(|sample| !sample.is_finite()) {
                self.non_finite += 1;
                continue;
            }
            self.finite += 1;
            for (span, sample) in self.spans.iter_mut().zip(pixel) {
                span.least = span.least.min(*sample);
                span.most = span.most.max(*sample);
                span.sum += f64::from(*sample);
            }
            let [red, green, blue, alpha] = pixel.map(|sample| sample.clamp(0.0, 1.0));
            let over = if self.light == Light::Display {
                alpha
            } else {
                1.0
            };
            let index = target + *column as usize;
            let sums = &mut self.small.sums[index];
            for (sum, sample) in sums
                .iter_mut()
                .zip([red * over, green * over, blue * over, alpha])
            {
                *sum += sample;
            }
            self.small.counts[index] += 1;
        }
    }

    pub(super) fn finish(self, format: PictureFormat) -> Result<Inspected, PictureError> {
        let picture = Picture {
            format,
            width: self.width,
            height: self.height,
            blank: self.is_blank(),
            non_finite_pixels: self.non_finite,
            mean: self
                .spans
                .map(|span| (span.sum / self.finite.max(1) as f64) as f32),
        };
        let thumbnail = self.small.encode(self.light)?;
        Ok(Inspected { picture, thumbnail })
    }

    fn is_blank(&self) -> bool {
        if self.finite == 0 {
            return true;
        }
        // Linear values have no upper end, so there the noise is in proportion.
        let floor = match self.light {
            Light::Display => 1.0,
            Light::Linear => 0.01,
        };
        let is_flat = |span: &Span| span.most - span.least <= NOISE * span.most.abs().max(floor);
        // In linear light a pixel without coverage can still shine.
        let is_invisible = self.light == Light::Display && self.spans[3].most <= NOISE;
        is_invisible || self.spans.iter().all(is_flat)
    }
}

impl Small {
    fn new(width: u32, height: u32, max_side: u32) -> Self {
        let longer = u64::from(width.max(height));
        let max_side = u64::from(max_side.max(1)).min(longer);
        let scaled = |side: u32| (u64::from(side) * max_side / longer.max(1)).max(1);
        let (small_width, small_height) = (scaled(width), scaled(height));
        let column =
            |x: u32| u32::try_from(u64::from(x) * small_width / u64::from(width)).unwrap_or(0);
        let pixels = (small_width * small_height) as usize;
        Small {
            width: small_width as usize,
            height: small_height as usize,
            columns: (0..width).map(column).collect(),
            sums: vec![[0.0; 4]; pixels],
            counts: vec![0; pixels],
        }
    }

    /// Where the row of the thumbnail that takes the picture's row `y` starts.
    fn row(&self, y: usize, height: u32) -> Option<usize> {
        let height = height as usize;
        (y < height).then(|| y * self.height / height * self.width)
    }

    fn encode(&self, light: Light) -> Result<Vec<u8>, PictureError> {
        let ground = match light {
            Light::Display => GROUND,
            Light::Linear => to_linear(GROUND),
        };
        let mut pixels = Vec::with_capacity(self.sums.len() * 3);
        for (sums, count) in self.sums.iter().zip(&self.counts) {
            let [red, green, blue, alpha] = sums.map(|sum| sum / (*count).max(1) as f32);
            for sample in [red, green, blue] {
                let over = sample + (1.0 - alpha) * ground;
                let shown = match light {
                    Light::Display => over,
                    Light::Linear => to_display(over),
                };
                // The cast drops the fraction; `round` is a call into the C library for each sample.
                pixels.push((shown.clamp(0.0, 1.0) * 255.0 + 0.5) as u8);
            }
        }
        let mut jpeg = Vec::new();
        let too_large = |_| PictureError::TooLarge {
            what: "pixels on one side of its thumbnail",
            allowed: u64::from(u16::MAX),
        };
        let width = u32::try_from(self.width).map_err(too_large)?;
        let height = u32::try_from(self.height).map_err(too_large)?;
        JpegEncoder::new_with_quality(&mut jpeg, THUMBNAIL_QUALITY)
            .encode(&pixels, width, height, ExtendedColorType::Rgb8)
            .map_err(|error| super::image_failed(&error))?;
        Ok(jpeg)
    }
}

/// IEC 61966-2-1.
fn to_display(linear: f32) -> f32 {
    if linear <= 0.003_130_8 {
        linear * 12.92
    } else {
        1.055 * linear.powf(1.0 / 2.4) - 0.055
    }
}

fn to_linear(display: f32) -> f32 {
    if display <= 0.040_45 {
        display / 12.92
    } else {
        ((display + 0.055) / 1.055).powf(2.4)
    }
}
