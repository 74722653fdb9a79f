//! What Blender writes is taken, in every format and codec, and what it left half-written is not.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use pictor_coordinator::trust::picture::{self, Expected, PictureFormat, PictureLimits};
use serde::Deserialize;

use crate::runtimes;

#[test]
fn every_picture_that_blender_writes_is_read() {
    for painted in paint_all() {
        let file = painted.file.display();
        let inspected = picture::inspect(&painted.file, 32, &PictureLimits::default());
        let inspected = inspected.unwrap_or_else(|error| panic!("{file}: {error}"));
        let expected = Expected {
            format: painted.format,
            width: 48,
            height: 27,
        };
        assert_eq!(
            picture::check(&inspected.picture, &expected),
            Ok(()),
            "{file}"
        );
        assert!(!inspected.picture.blank, "{file}");
        assert_eq!(inspected.picture.non_finite_pixels, 0, "{file}");
        let means = painted
            .mean
            .into_iter()
            .flat_map(|mean| mean.into_iter().zip(inspected.picture.mean));
        for (blender, ours) in means {
            assert!(
                (blender - ours).abs() < 0.002,
                "{file}: {blender} is not {ours}"
            );
        }
        refuse_halves(&std::fs::read(&painted.file).unwrap(), &painted.file);
    }
}

fn refuse_halves(whole: &[u8], file: &Path) {
    for missing in [1, 2, 9, 100, whole.len() / 2] {
        let half = &whole[..whole.len() - missing];
        let inspected = picture::inspect_from(Cursor::new(half), 32, &PictureLimits::default());
        assert!(
            inspected.is_err(),
            "{} without its last {missing} bytes",
            file.display()
        );
    }
}

#[derive(Debug, Deserialize)]
struct Painted {
    file: PathBuf,
    format: PictureFormat,
    mean: Option<[f32; 4]>,
}

fn paint_all() -> Vec<Painted> {
    let runtimes = runtimes::installed();
    runtimes.iter().flat_map(|runtime| paint(runtime)).collect()
}

fn paint(runtime: &Path) -> Vec<Painted> {
    let work = runtimes::work_folder("real-pictures", &runtimes::name(runtime));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/painter.py");
    let output = Command::new(runtimes::python(runtime))
        .arg(script)
        .arg(&work)
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let lines = stdout
        .lines()
        .filter_map(|line| line.strip_prefix("painted "));
    let painted: Vec<Painted> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && painted.len() > 40,
        "{}: {errors}",
        runtime.display()
    );
    painted
}
