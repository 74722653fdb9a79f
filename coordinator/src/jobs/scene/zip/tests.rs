use std::fs;
use std::io::{Cursor, Write};

use proptest::prelude::*;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::*;

#[test]
fn a_scene_with_its_textures_comes_out() {
    let zip = zip_of(&[
        ("proj/shot.blend", b"BLENDER"),
        ("proj/tex/a.png", b"png"),
        ("proj/lib/x.blend", b"lib"),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let unpacked = unpack_in(&zip, folder.path(), &ZipLimits::default()).unwrap();
    assert_eq!(unpacked.main, "proj/shot.blend");
    assert_eq!(unpacked.files[1], file("proj/tex/a.png", 3));
    assert_eq!(
        fs::read(folder.path().join("proj/tex/a.png")).unwrap(),
        b"png"
    );
}

#[test]
fn what_systems_leave_behind_is_left_out() {
    let litter = [
        "__MACOSX/._a.blend",
        "__MACOSX/b.blend",
        ".DS_Store",
        "a.blend1",
        "a.blend32",
        "tex/Thumbs.db",
    ];
    let mut entries: Vec<(&str, &[u8])> = litter.iter().map(|name| (*name, &b"x"[..])).collect();
    entries.push(("a.blend", b"BLENDER"));
    assert_eq!(unpack_all(&entries).unwrap().files, [file("a.blend", 7)]);
}

#[test]
fn one_scene_is_expected_at_the_shallowest_level() {
    let several = unpack_all(&[("x/a.blend", b""), ("x/B.BLEND", b""), ("x/y/c.blend", b"")]);
    let expected = ["x/a.blend", "x/B.BLEND"];
    assert!(
        matches!(several, Err(ZipError::SeveralScenes { candidates }) if candidates == expected)
    );
    assert!(matches!(
        unpack_all(&[("a.png", b"")]),
        Err(ZipError::NoScene)
    ));
    assert!(matches!(unpack_all(&[]), Err(ZipError::NoScene)));
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    let cases = [
        ("../a.blend", BadName::Climbs),
        ("a/../../b", BadName::Climbs),
        (r"a\..\b", BadName::Climbs),
        ("/etc/passwd", BadName::Absolute),
        (r"\\server\share", BadName::Absolute),
        (r"C:\a.blend", BadName::Drive),
        ("c:a", BadName::Drive),
        ("./C:/a", BadName::Drive),
        ("a\nb", BadName::Unprintable),
        ("a\0b", BadName::Unprintable),
        ("./.", BadName::Empty),
    ];
    for (stored, expected) in cases {
        assert_eq!(
            name::tidy(stored, &ZipLimits::default()),
            Err(expected),
            "{stored:?}"
        );
    }
    let long = "x".repeat(256);
    assert_eq!(
        name::tidy(&long, &ZipLimits::default()),
        Err(BadName::TooLong)
    );
    assert_eq!(
        name::tidy(&"a/".repeat(33), &ZipLimits::default()),
        Err(BadName::TooDeep)
    );
    let refused = unpack_all(&[("a.blend", b""), ("../../outside", b"")]);
    assert!(matches!(
        refused,
        Err(ZipError::Name {
            why: BadName::Climbs,
            ..
        })
    ));
}

#[test]
fn backslashes_separate_and_dots_vanish() {
    let tidy = |stored| name::tidy(stored, &ZipLimits::default()).unwrap();
    assert_eq!(tidy(r"proj\tex\a.png"), "proj/tex/a.png");
    assert_eq!(tidy("./proj//a..png"), "proj/a..png");
}

#[test]
fn files_that_would_be_one_are_refused() {
    let cases: [&[(&str, &[u8])]; 3] = [
        &[("a.blend", b""), ("tex/A.png", b""), ("tex/a.PNG", b"")],
        &[("a.blend", b""), (r"tex\a.png", b""), ("tex/a.png", b"")],
        &[("a.blend", b""), ("tex", b""), ("Tex/a.png", b"")],
    ];
    for entries in cases {
        let refused = unpack_all(entries);
        assert!(
            matches!(refused, Err(ZipError::Collision { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn links_are_refused() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .add_symlink("a.blend", "/etc/passwd", SimpleFileOptions::default())
        .unwrap();
    let zip = writer.finish().unwrap().into_inner();
    let refused = unpack_bytes(&zip, &ZipLimits::default());
    assert!(matches!(refused, Err(ZipError::NotAFile { path }) if path == "a.blend"));
}

#[test]
fn encrypted_files_are_refused() {
    let mut zip = zip_of(&[("a.blend", b"BLENDER")]);
    // The flag stands in the local header and in the directory.
    for signature in [b"PK\x03\x04", b"PK\x01\x02"] {
        let at = zip
            .windows(4)
            .position(|window| window == signature)
            .unwrap();
        zip[at + if signature[2] == 3 { 6 } else { 8 }] |= 1;
    }
    let refused = unpack_bytes(&zip, &ZipLimits::default());
    assert!(
        matches!(refused, Err(ZipError::Encrypted { .. })),
        "{refused:?}"
    );
}

#[test]
fn bombs_stop_at_each_limit() {
    let zeros = vec![0; 40 << 20];
    let zip = zip_of(&[("a.blend", b""), ("zeros", &zeros)]);
    let limits = ZipLimits::default();
    let cases = [
        (
            ZipLimits {
                file_bytes: 1 << 20,
                ..limits
            },
            "FileTooLarge",
        ),
        (
            ZipLimits {
                total_bytes: 1 << 20,
                ..limits
            },
            "TooLarge",
        ),
        (
            ZipLimits {
                ratio: 100,
                ..limits
            },
            "Bomb",
        ),
        (
            ZipLimits {
                total_ratio: 100,
                bomb_bytes: 1 << 20,
                ..limits
            },
            "TotalBomb",
        ),
        (
            ZipLimits {
                entries: 1,
                ..limits
            },
            "TooManyEntries",
        ),
    ];
    for (limits, expected) in cases {
        let refused = unpack_bytes(&zip, &limits).unwrap_err();
        assert!(format!("{refused:?}").starts_with(expected), "{refused:?}");
    }
}

#[test]
fn many_small_files_are_a_bomb_together() {
    let zeros = vec![0; 2 << 20];
    let names: Vec<String> = (0..8).map(|number| number.to_string()).collect();
    let mut entries: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), &zeros[..]))
        .collect();
    entries.push(("a.blend", b""));
    let limits = ZipLimits {
        bomb_bytes: 8 << 20,
        ..ZipLimits::default()
    };
    let refused = unpack_bytes(&zip_of(&entries), &limits);
    assert!(
        matches!(refused, Err(ZipError::TotalBomb { ratio: 200 })),
        "{refused:?}"
    );
    assert!(unpack_bytes(&zip_of(&entries[5..]), &limits).is_ok());
}

#[test]
fn a_declared_size_is_not_believed() {
    let mut zip = zip_of(&[("a.blend", &[7; 5000])]);
    for (signature, offset) in [(b"PK\x03\x04", 22), (b"PK\x01\x02", 24)] {
        let at = zip
            .windows(4)
            .position(|window| window == signature)
            .unwrap();
        zip[at + offset..at + offset + 4].copy_from_slice(&3u32.to_le_bytes());
    }
    let refused = unpack_bytes(&zip, &ZipLimits::default());
    assert!(
        matches!(refused, Err(ZipError::Damaged { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_long_directory_is_not_read_to_its_end() {
    let names: Vec<String> = (0..40_000).map(|number| format!("{number:060}")).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let zip = zip_of(&entries);
    let limits = ZipLimits {
        entries: 10,
        ..ZipLimits::default()
    };
    let refused = unpack_bytes(&zip, &limits);
    assert!(
        matches!(refused, Err(ZipError::TooManyEntries { allowed: 10 })),
        "{refused:?}"
    );
}

#[test]
fn other_files_and_cut_ones_are_no_zips() {
    let zip = zip_of(&[("a.blend", b"BLENDER")]);
    for bytes in [&b""[..], b"BLENDER-v405", &zip[..zip.len() - 5], &zip[..20]] {
        assert!(matches!(
            unpack_bytes(bytes, &ZipLimits::default()),
            Err(ZipError::NotAZip)
        ));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..Default::default() })]

    #[test]
    fn damaged_zips_never_make_it_panic_or_leave_the_folder(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut zip = zip_of(&[("a.blend", &[1; 300]), ("tex/b.png", b"png"), ("tex/c/d.png", b"png")]);
        for (index, byte) in changes {
            let index = index.index(zip.len());
            zip[index] = byte;
        }
        if let Some(cut) = cut {
            zip.truncate(cut.index(zip.len()));
        }
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let _ = unpack_in(&zip, &inner, &ZipLimits::default());
        prop_assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_tidy_name_is_relative_and_stays_tidy(stored in "[a./\\\\:\u{e9} ]{0,20}") {
        if let Ok(path) = name::tidy(&stored, &ZipLimits::default()) {
            prop_assert!(!path.starts_with('/') && !path.split('/').any(|part| part == ".."));
            prop_assert_eq!(name::tidy(&path, &ZipLimits::default()), Ok(path));
        }
    }
}

fn file(path: &str, bytes: u64) -> UnpackedFile {
    let path = path.to_owned();
    UnpackedFile { path, bytes }
}

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn unpack_all(entries: &[(&str, &[u8])]) -> Result<Unpacked, ZipError> {
    unpack_bytes(&zip_of(entries), &ZipLimits::default())
}

fn unpack_bytes(zip: &[u8], limits: &ZipLimits) -> Result<Unpacked, ZipError> {
    let folder = tempfile::tempdir().unwrap();
    unpack_in(zip, folder.path(), limits)
}

fn unpack_in(zip: &[u8], folder: &Path, limits: &ZipLimits) -> Result<Unpacked, ZipError> {
    unpack(Cursor::new(zip), folder, limits)
}
