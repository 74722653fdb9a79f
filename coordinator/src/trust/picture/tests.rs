use std::io::Cursor;

use std::sync::LazyLock;

use ::exr::prelude::Compression;
use image::ExtendedColorType;
use proptest::prelude::*;

use super::testing::{HEIGHT, WIDTH, exr_of, layered, pictures, png_of, ramp, rgb_exr};
use super::*;

#[test]
fn every_kind_of_png_is_measured() {
    let kinds = [
        (ExtendedColorType::L8, 1, false),
        (ExtendedColorType::La8, 2, false),
        (ExtendedColorType::Rgb8, 3, false),
        (ExtendedColorType::Rgba8, 4, false),
        (ExtendedColorType::L16, 1, true),
        (ExtendedColorType::Rgb16, 3, true),
        (ExtendedColorType::Rgba16, 4, true),
    ];
    for (kind, channels, is_wide) in kinds {
        let bytes = ramp(channels, is_wide);
        let inspected = look(&png_of(&bytes, kind)).unwrap();
        let picture = inspected.picture;
        assert_eq!(picture.format, PictureFormat::Png);
        assert_eq!((picture.width, picture.height), (WIDTH, HEIGHT));
        assert!(!picture.blank && picture.non_finite_pixels == 0);
        let expected = (0..WIDTH).map(|x| x as f32 / 64.0).sum::<f32>() / WIDTH as f32;
        assert!(
            (picture.mean[0] - expected).abs() < 0.005,
            "{kind:?}: {:?}",
            picture.mean
        );
    }
}

#[test]
fn every_compression_of_exr_is_measured() {
    let kinds = [
        Compression::Uncompressed,
        Compression::RLE,
        Compression::ZIP1,
        Compression::ZIP16,
        Compression::PIZ,
        Compression::PXR24,
        Compression::B44,
        Compression::B44A,
        Compression::DWAA(None),
        Compression::DWAB(None),
    ];
    for kind in kinds {
        let inspected = look(&exr_of(kind, Some((5, 7)))).unwrap();
        let picture = inspected.picture;
        assert_eq!(picture.format, PictureFormat::Exr);
        assert_eq!((picture.width, picture.height), (WIDTH, HEIGHT), "{kind:?}");
        assert_eq!(picture.non_finite_pixels, 0);
        assert!(!picture.blank);
        assert!(
            (picture.mean[1] - 0.5).abs() < 0.02,
            "{kind:?}: {:?}",
            picture.mean
        );
    }
}

#[test]
fn a_layered_exr_shows_its_combined_pass() {
    let picture = look(&layered(
        &["ViewLayer.Depth.V", "ViewLayer.Combined"],
        [0.25, 0.5, 0.75],
    ))
    .unwrap()
    .picture;
    assert!((picture.mean[0] - 0.25).abs() < 0.001, "{:?}", picture.mean);
    assert!((picture.mean[2] - 0.75).abs() < 0.001);
    let composite = look(&layered(
        &["ViewLayer.Combined", "Composite.Combined"],
        [0.25; 3],
    ))
    .unwrap();
    assert!(composite.picture.mean[0] > 0.2);
    let depth_alone = look(&layered(&["ViewLayer.Vector"], [0.0; 3]));
    assert!(
        matches!(depth_alone, Err(PictureError::NoColour)),
        "{depth_alone:?}"
    );
}

#[test]
fn numbers_that_are_none_are_counted_by_pixel() {
    let broken = |x: usize, y: usize| match (x, y) {
        (0, 0) => [f32::NAN, f32::NAN, 0.0],
        (1, 0) => [f32::INFINITY, 0.0, 0.0],
        _ => [x as f32, y as f32, 0.5],
    };
    let picture = look(&rgb_exr(broken)).unwrap().picture;
    assert_eq!(picture.non_finite_pixels, 2);
    assert!(picture.mean.iter().all(|mean| mean.is_finite()));
    assert!(look(&rgb_exr(|_, _| [f32::NAN; 3])).unwrap().picture.blank);
}

#[test]
fn a_picture_without_contrast_is_blank() {
    let dithered = |index: usize| if index.is_multiple_of(3) { 41 } else { 40 };
    let flat: Vec<u8> = (0..(WIDTH * HEIGHT * 3) as usize).map(dithered).collect();
    assert!(
        look(&png_of(&flat, ExtendedColorType::Rgb8))
            .unwrap()
            .picture
            .blank
    );
    let mut invisible = ramp(4, false);
    invisible.chunks_exact_mut(4).for_each(|pixel| pixel[3] = 0);
    assert!(
        look(&png_of(&invisible, ExtendedColorType::Rgba8))
            .unwrap()
            .picture
            .blank
    );
    let mut spark = flat;
    spark[0] = 60;
    assert!(
        !look(&png_of(&spark, ExtendedColorType::Rgb8))
            .unwrap()
            .picture
            .blank
    );
    assert!(look(&rgb_exr(|_, _| [0.0; 3])).unwrap().picture.blank);
    let faint = |x: usize, _| [x as f32 * 1e-4, 0.0, 0.0];
    assert!(!look(&rgb_exr(faint)).unwrap().picture.blank);
}

#[test]
fn a_picture_cut_anywhere_is_refused() {
    for whole in pictures() {
        for cut in 1..whole.len() {
            let result = look(&whole[..cut]);
            assert!(result.is_err(), "{cut} of {}", whole.len());
        }
        let almost = look(&whole[..whole.len() - 1]);
        assert!(matches!(almost, Err(PictureError::Truncated)), "{almost:?}");
    }
}

#[test]
fn a_picture_with_something_behind_it_is_refused() {
    for mut whole in pictures() {
        whole.push(0);
        let result = look(&whole);
        assert!(matches!(result, Err(PictureError::Trailing)), "{result:?}");
    }
}

#[test]
fn a_flipped_bit_in_a_png_is_found() {
    let whole = png_of(&ramp(3, false), ExtendedColorType::Rgb8);
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        assert!(look(&flipped).is_err(), "{at}");
    }
}

#[test]
fn a_block_that_announces_exabytes_is_refused() {
    let mut dwa = exr_of(Compression::DWAB(None), None);
    // The eleven counters start with the version, which is 2 here.
    let counters = dwa
        .windows(8)
        .rposition(|window| window == 2u64.to_le_bytes())
        .unwrap();
    assert!(look(&dwa).is_ok());
    for counter in [1, 6, 7, 8, 9] {
        let at = counters + 8 * counter;
        let before = dwa[at..at + 8].to_vec();
        dwa[at..at + 8].copy_from_slice(&(1u64 << 60).to_le_bytes());
        let refused = look(&dwa);
        assert!(
            matches!(refused, Err(PictureError::Damaged { .. })),
            "{refused:?}"
        );
        dwa[at..at + 8].copy_from_slice(&before);
    }
}

#[test]
fn other_files_are_no_pictures() {
    for bytes in [&b""[..], b"GIF89a", b"BLENDER-v405", b"\xff\xd8"] {
        assert!(matches!(look(bytes), Err(PictureError::NotAPicture)));
    }
}

#[test]
fn each_amount_has_its_limit() {
    let limits = PictureLimits::default();
    let cases = [
        PictureLimits { side: 36, ..limits },
        PictureLimits {
            pixels: 850,
            ..limits
        },
        PictureLimits {
            decoded_bytes: 800,
            ..limits
        },
    ];
    for whole in pictures() {
        for limits in cases {
            let refused = inspect_from(Cursor::new(&whole), 8, &limits);
            assert!(
                matches!(refused, Err(PictureError::TooLarge { .. })),
                "{refused:?}"
            );
        }
    }
    let tight = PictureLimits {
        file_bytes: 10,
        block_bytes: 10,
        ..limits
    };
    for whole in pictures() {
        let refused = inspect_from(Cursor::new(&whole), 8, &tight);
        assert!(
            matches!(refused, Err(PictureError::TooLarge { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn a_thumbnail_keeps_the_proportions_and_never_grows() {
    for (max_side, expected) in [(16, (16, 9)), (1, (1, 1)), (0, (1, 1)), (4000, (37, 23))] {
        let inspected = inspect_from(
            Cursor::new(&pictures()[0]),
            max_side,
            &PictureLimits::default(),
        )
        .unwrap();
        let small = image::load_from_memory(&inspected.thumbnail).unwrap();
        assert_eq!((small.width(), small.height()), expected);
    }
}

#[test]
fn a_thumbnail_shows_light_as_screens_do() {
    // Half of the light is 188 of 255 on a screen.
    let inspected = look(&rgb_exr(|_, _| [0.5, 0.5, 7.0])).unwrap();
    let small = image::load_from_memory(&inspected.thumbnail)
        .unwrap()
        .to_rgb8();
    let pixel = small.get_pixel(4, 2).0;
    assert!(pixel[0].abs_diff(188) < 6 && pixel[2] > 249, "{pixel:?}");
    let clear = vec![0; (WIDTH * HEIGHT * 4) as usize];
    let inspected = look(&png_of(&clear, ExtendedColorType::Rgba8)).unwrap();
    let small = image::load_from_memory(&inspected.thumbnail)
        .unwrap()
        .to_rgb8();
    assert!(small.get_pixel(4, 2).0[0].abs_diff(41) < 3);
}

#[test]
fn only_what_was_asked_for_passes() {
    let picture = look(&pictures()[0]).unwrap().picture;
    let asked = Expected {
        format: PictureFormat::Png,
        width: WIDTH,
        height: HEIGHT,
    };
    assert_eq!(check(&picture, &asked), Ok(()));
    let enough = inspect_from(
        Cursor::new(&pictures()[0]),
        8,
        &PictureLimits::expecting(&asked),
    );
    assert!(enough.is_ok());
    let other_format = Expected {
        format: PictureFormat::Exr,
        ..asked
    };
    assert!(matches!(
        check(&picture, &other_format),
        Err(Refusal::Format { .. })
    ));
    let other_size = Expected {
        height: WIDTH,
        width: HEIGHT,
        ..asked
    };
    assert!(matches!(
        check(&picture, &other_size),
        Err(Refusal::Size { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn damaged_pictures_give_errors_or_pictures(
        which in 0..SPECIMENS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        near_start in any::<bool>(),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut bytes = SPECIMENS[which].clone();
        let reach = if near_start { bytes.len().min(400) } else { bytes.len() };
        for (index, byte) in changes {
            bytes[index.index(reach)] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let limits = PictureLimits { side: 4096, pixels: 1 << 20, block_bytes: 1 << 24, ..PictureLimits::default() };
        if let Ok(inspected) = inspect_from(Cursor::new(&bytes), 16, &limits) {
            prop_assert!(inspected.picture.width <= 4096);
        }
    }
}

/// Each container and each decoder behind it.
static SPECIMENS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let kinds = [
        Compression::RLE,
        Compression::PXR24,
        Compression::B44A,
        Compression::DWAA(None),
    ];
    let mut specimens = pictures();
    specimens.extend(kinds.map(|kind| exr_of(kind, None)));
    specimens
});

fn look(bytes: &[u8]) -> Result<Inspected, PictureError> {
    inspect_from(Cursor::new(bytes), 16, &PictureLimits::default())
}
