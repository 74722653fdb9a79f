//! Whether what Blender wrote is a picture: a broken driver leaves none, an empty one, or one colour.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

#[derive(Debug, thiserror::Error)]
pub(super) enum NoPicture {
    #[error("there is no picture: {0}")]
    Missing(#[from] io::Error),
    #[error("the picture cannot be read: {0}")]
    Unreadable(#[from] png::DecodingError),
    #[error("the picture is of {width}×{height} pixels")]
    Size { width: u32, height: u32 },
    #[error("the picture is of one colour")]
    Constant,
}

/// A PNG of this size, where one is given, with more than one colour in it.
pub(super) fn check(path: &Path, size: (Option<u32>, Option<u32>)) -> Result<(), NoPicture> {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path)?)).read_info()?;
    let (width, height) = reader.info().size();
    let is_wrong = |wanted: Option<u32>, is| wanted.is_some_and(|wanted| wanted != is);
    if is_wrong(size.0, width) || is_wrong(size.1, height) {
        return Err(NoPicture::Size { width, height });
    }
    let pixel = reader.info().bytes_per_pixel();
    let bytes = reader
        .output_buffer_size()
        .ok_or(io::ErrorKind::FileTooLarge);
    let mut pixels = vec![0; bytes.map_err(io::Error::from)?];
    reader.next_frame(&mut pixels)?;
    let mut pixels = pixels.chunks(pixel);
    let first = pixels.next();
    if pixels.all(|pixel| Some(pixel) == first) {
        return Err(NoPicture::Constant);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_the_right_size_with_two_colours_is_one() {
        let file = picture(|x| [x as u8, 0, 0]);
        assert!(check(file.path(), (Some(4), Some(2))).is_ok());
        let wrong = check(file.path(), (Some(8), Some(2)));
        assert!(matches!(
            wrong,
            Err(NoPicture::Size {
                width: 4,
                height: 2
            })
        ));
    }

    #[test]
    fn one_colour_is_no_picture_whatever_its_channels_are() {
        let file = picture(|_| [10, 20, 30]);
        assert!(matches!(
            check(file.path(), (None, None)),
            Err(NoPicture::Constant)
        ));
    }

    #[test]
    fn what_is_cut_short_or_missing_is_no_picture() {
        let file = picture(|x| [x as u8, 0, 0]);
        let whole = std::fs::read(file.path()).unwrap();
        std::fs::write(file.path(), &whole[..whole.len() / 2]).unwrap();
        assert!(matches!(
            check(file.path(), (None, None)),
            Err(NoPicture::Unreadable(_))
        ));
        let missing = check(Path::new("/does/not/exist.png"), (None, None));
        assert!(matches!(missing, Err(NoPicture::Missing(_))));
    }

    fn picture(color: impl Fn(u32) -> [u8; 3]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::with_suffix(".png").unwrap();
        let picture = image::RgbImage::from_fn(4, 2, |x, _| image::Rgb(color(x)));
        picture.save(file.path()).unwrap();
        file
    }
}
