use std::io::Cursor;

use proptest::prelude::*;

use super::super::facts::{Border, DependencyKind, Location, Views, Warning};
use super::header::HeadForm;
use super::testing::{gzip, specimen, zstd};
use super::*;

const FORMS: [HeadForm; 3] = [HeadForm::Small4, HeadForm::Small8, HeadForm::Large8];

#[test]
fn every_generation_gives_the_same_facts() {
    for form in FORMS {
        let facts = read_bytes(&specimen(form)).unwrap();
        assert_eq!(facts.version.major, 4, "{form:?}");
        assert_eq!(facts.version.subversion, Some(90));
        assert_eq!(facts.active_scene.as_deref(), Some("Second"));
        let [first, second] = facts.scenes.as_slice() else {
            panic!("{form:?}: {:?}", facts.scenes);
        };
        assert_eq!(
            (first.name.as_str(), first.engine.as_str()),
            ("First", "CYCLES")
        );
        assert_eq!(
            (first.frame_start, first.frame_end, first.frame_step),
            (-5, 250, 2)
        );
        assert_eq!((first.resolution_x, first.resolution_y), (1920, 1080));
        assert_eq!(first.resolution_percentage, 50);
        assert_eq!((first.format.as_str(), first.is_video), ("PNG", false));
        assert_eq!((second.format.as_str(), second.is_video), ("FFMPEG", true));
        assert!(first.has_camera && !second.has_camera);
        assert!((first.fps.unwrap() - 29.97).abs() < 0.001);
    }
}

#[test]
fn what_follows_a_scene_decides_its_picture() {
    for form in FORMS {
        let facts = read_bytes(&specimen(form)).unwrap();
        let [first, second] = facts.scenes.as_slice() else {
            panic!("{form:?}: {:?}", facts.scenes);
        };
        let left_half = Border {
            min_x: 0.0,
            max_x: 0.5,
            min_y: 0.0,
            max_y: 1.0,
        };
        assert_eq!(first.border, Some(left_half), "{form:?}");
        assert_eq!(first.views, Views::TopBottom, "{form:?}");
        assert!(
            !first.renders_without_camera,
            "{form:?}: a node renders the scene"
        );
        assert_eq!((second.border, second.views), (None, Views::One));
        assert!(second.renders_without_camera, "{form:?}: a strip is shown");
    }
}

#[test]
fn only_files_outside_the_blend_are_dependencies() {
    let facts = read_bytes(&specimen(HeadForm::Large8)).unwrap();
    let found = facts.dependencies.iter();
    let found: Vec<_> = found
        .map(|of| (of.kind, of.path.as_str(), &of.location))
        .collect();
    let clip = Location::Beside("clips/a.mp4".to_owned());
    let library = Location::Beside("lib.blend".to_owned());
    let texture = Location::Beside("tex/a.png".to_owned());
    assert_eq!(
        found,
        [
            (DependencyKind::Movie, "//clips/a.mp4", &clip),
            (DependencyKind::Image, "//tex/a.png", &texture),
            (DependencyKind::Image, "/abs/b.png", &Location::Elsewhere),
            (DependencyKind::Library, "//lib.blend", &library),
        ]
    );
    let path = "/abs/b.png".to_owned();
    assert_eq!(facts.warnings, [Warning::AbsolutePath { path }]);
}

#[test]
fn compressed_files_give_the_same_facts() {
    let plain = specimen(HeadForm::Small8);
    let expected = read_bytes(&plain).unwrap();
    for (bytes, compression) in [
        (gzip(&plain), Compression::Gzip),
        (zstd(&plain), Compression::Zstd),
    ] {
        let facts = read_bytes(&bytes).unwrap();
        assert_eq!(facts.compression, compression);
        assert_eq!(facts.scenes, expected.scenes);
        assert_eq!(facts.dependencies, expected.dependencies);
    }
}

#[test]
fn a_file_cut_anywhere_is_truncated_and_nothing_else() {
    for form in FORMS {
        let file = specimen(form);
        for cut in 1..file.len() {
            let error = read_bytes(&file[..cut]).unwrap_err();
            assert!(
                matches!(error, SceneError::Truncated { .. }),
                "{cut}: {error}"
            );
        }
    }
}

#[test]
fn a_compressed_file_cut_short_is_truncated() {
    let plain = specimen(HeadForm::Large8);
    for file in [gzip(&plain), zstd(&plain)] {
        for cut in (60..file.len() - 80).step_by(7) {
            let error = read_bytes(&file[..cut]).unwrap_err();
            assert!(
                matches!(error, SceneError::Truncated { .. }),
                "{cut}: {error}"
            );
        }
    }
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let mut bomb = specimen(HeadForm::Small8);
    bomb.resize(64 << 20, 0);
    let head = bomb.len();
    // One block that claims everything up to the end of the file.
    bomb[12 + 4..12 + 8].copy_from_slice(&(head as i32 - 36).to_le_bytes());
    let limits = Limits {
        decompressed_bytes: 1 << 20,
        ..Limits::default()
    };
    for file in [gzip(&bomb), zstd(&bomb), bomb] {
        let error = read_limited(&file, &limits).unwrap_err();
        let bound = Bound::DecompressedBytes;
        assert!(
            matches!(error, SceneError::TooMuch { bound: found, .. } if found == bound),
            "{error}"
        );
    }
}

#[test]
fn each_amount_has_its_limit() {
    let file = specimen(HeadForm::Small8);
    let cases = [
        (
            Limits {
                blocks: 3,
                ..Limits::default()
            },
            Bound::Blocks,
        ),
        (
            Limits {
                dna_bytes: 30,
                ..Limits::default()
            },
            Bound::DnaBytes,
        ),
        (
            Limits {
                scenes: 1,
                ..Limits::default()
            },
            Bound::Scenes,
        ),
        (
            Limits {
                dependencies: 1,
                ..Limits::default()
            },
            Bound::Dependencies,
        ),
    ];
    for (limits, expected) in cases {
        let error = read_limited(&file, &limits).unwrap_err();
        assert!(
            matches!(error, SceneError::TooMuch { bound, .. } if bound == expected),
            "{error}"
        );
    }
}

#[test]
fn a_block_shorter_than_its_structure_is_damage() {
    let mut builder = testing::Builder::new(HeadForm::Small8, 405);
    builder
        .structure("Scene", "int a; int b")
        .raw(b"SC\0\0", 1, 1, 1, &[0; 4]);
    let error = read_bytes(&builder.build()).unwrap_err();
    assert!(matches!(error, SceneError::Damaged { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn damaged_bytes_never_make_it_panic(
        form in prop::sample::select(FORMS.to_vec()),
        packing in 0..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut file = specimen(form);
        if packing == 0 {
            damage(&mut file, &changes);
        }
        let mut file = match packing {
            1 => gzip(&file),
            2 => zstd(&file),
            _ => file,
        };
        if packing != 0 {
            damage(&mut file, &changes);
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        let _ = read_bytes(&file);
    }

    #[test]
    fn damaged_definitions_never_make_it_panic(
        form in prop::sample::select(FORMS.to_vec()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut file = specimen(form);
        let start = file.windows(4).position(|window| window == b"SDNA").unwrap();
        damage(&mut file[start..], &changes);
        let _ = read_bytes(&file);
    }
}

fn damage(bytes: &mut [u8], changes: &[(prop::sample::Index, u8)]) {
    for (index, byte) in changes {
        let index = index.index(bytes.len());
        bytes[index] = *byte;
    }
}

fn read_bytes(bytes: &[u8]) -> Result<SceneFacts, SceneError> {
    let limits = Limits {
        decompressed_bytes: 64 << 20,
        ..Limits::default()
    };
    read_limited(bytes, &limits)
}

fn read_limited(bytes: &[u8], limits: &Limits) -> Result<SceneFacts, SceneError> {
    read(&mut Cursor::new(bytes), limits)
}
