//! Whether two pictures show the same. Pure.
//!
//! Asked of two thumbnails that were made here in the same way. A scene that is rendered twice on one kind of machine
//! gives the same pixels; another kind rounds otherwise, which a thumbnail's pixel, the mean of many, hardly shows.

use image::ImageFormat;

/// How far a pixel may be apart in one colour, in 255ths.
const PIXEL: u8 = 8;
/// How far all of them may be apart in the mean.
const MEAN: u64 = 1;

/// Whether two JPEGs show the same; `None` if one of them cannot be read.
pub fn show_the_same(one: &[u8], other: &[u8]) -> Option<bool> {
    let decode = |bytes| image::load_from_memory_with_format(bytes, ImageFormat::Jpeg);
    let (one, other) = (decode(one).ok()?.to_rgb8(), decode(other).ok()?.to_rgb8());
    if one.dimensions() != other.dimensions() {
        return Some(false);
    }
    let pairs = one.as_raw().iter().zip(other.as_raw());
    let apart = pairs.map(|(one, other)| one.abs_diff(*other));
    let mut sum = 0;
    for apart in apart {
        if apart > PIXEL {
            return Some(false);
        }
        sum += u64::from(apart);
    }
    Some(sum <= MEAN * one.as_raw().len() as u64)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{Rgb, RgbImage};

    use super::*;

    fn jpeg(pixel: impl Fn(u32, u32) -> u8) -> Vec<u8> {
        let image = RgbImage::from_fn(96, 64, |x, y| Rgb([pixel(x, y), 90, 30]));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn what_is_rounded_otherwise_is_the_same_and_a_small_thing_that_is_missing_is_not() {
        let scene = |x: u32, y: u32| (x * 2 + y) as u8;
        let whole = jpeg(scene);
        assert_eq!(show_the_same(&whole, &whole), Some(true));
        let rounded = jpeg(|x, y| scene(x, y) + ((x ^ y) % 11 == 0) as u8);
        assert_eq!(show_the_same(&whole, &rounded), Some(true));
        let hole = |x, y| (40..46).contains(&x) && (20..26).contains(&y);
        let with_hole = jpeg(|x, y| if hole(x, y) { 0 } else { scene(x, y) });
        assert_eq!(show_the_same(&whole, &with_hole), Some(false));
        let darker = jpeg(|x, y| scene(x, y).saturating_sub(5));
        assert_eq!(show_the_same(&whole, &darker), Some(false), "all of it");
        assert_eq!(show_the_same(&whole, b"no JPEG"), None);
    }
}
