//! Scenes made by a real Blender, once per build directory, and pictures as it would write them.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use image::{ImageBuffer, ImageFormat, Rgb};

use crate::runtimes;

/// Size of the sample scene's frames.
pub const WIDTH: u32 = 64;
pub const HEIGHT: u32 = 36;

const SCRIPT: &str = include_str!("scenes.py");

/// 240 light frames of a moving thing, saved by Blender 4.5.
pub fn sample() -> PathBuf {
    FOLDER.join("sample.blend")
}

pub fn no_camera() -> PathBuf {
    FOLDER.join("no_camera.blend")
}

/// A directory of runtimes with the one alone that saved the sample scene: a worker probes all that it finds.
pub fn runtimes_of_the_sample(dir: &Path) -> PathBuf {
    let runtimes = dir.join("runtimes");
    if !runtimes.exists() {
        std::fs::create_dir(&runtimes).unwrap();
        let installed = runtimes::folder().join("4.5");
        std::os::unix::fs::symlink(installed, runtimes.join("4.5")).unwrap();
    }
    runtimes
}

/// The Python of an installed runtime, `4.5` for one.
pub fn python(series: &str) -> PathBuf {
    let python = runtimes::python(&runtimes::folder().join(series));
    assert!(
        python.exists(),
        "{} is missing: run `pictor-worker runtime install {series}` (`make test` does)",
        python.display()
    );
    python
}

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let name = format!("scenes-{}", &blake3::hash(SCRIPT.as_bytes()).to_hex()[..16]);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if !folder.exists() {
        // Other test processes may be making it too: whoever is first gives it its name.
        let making = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let made = Command::new(python("4.5"))
            .args(["-c", SCRIPT])
            .arg(making.path())
            .output()
            .expect("Blender's Python starts");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        if std::fs::rename(making.path(), &folder).is_ok() {
            let _ = making.keep();
        }
    }
    folder
});

/// A PNG of the right size with something to see; another `seed` is another picture.
pub fn png(seed: u32) -> Vec<u8> {
    png_of(WIDTH, HEIGHT, |x, y| {
        let noise = (x.wrapping_mul(31) ^ y.wrapping_mul(17)).wrapping_add(seed.wrapping_mul(101));
        Rgb([
            (noise % 251) as u8,
            (x * 3 % 256) as u8,
            (y * 7 % 256) as u8,
        ])
    })
}

/// A PNG in which nothing is to be seen.
pub fn black_png() -> Vec<u8> {
    png_of(WIDTH, HEIGHT, |_, _| Rgb([0, 0, 0]))
}

pub fn png_of(width: u32, height: u32, pixel: impl Fn(u32, u32) -> Rgb<u8>) -> Vec<u8> {
    let picture = ImageBuffer::from_fn(width, height, pixel);
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}
