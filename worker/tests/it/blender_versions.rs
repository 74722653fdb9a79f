//! The same on every Blender that is supported: `cargo test -- --ignored runtimes_`.

use pictor_worker::blender::Launch;
use pictor_worker::blender::runtime::{Kind, Runtime, Runtimes};
use pictor_worker::blender::talk::*;

use crate::blender_world::{World, pixels, plain_animation, runtime, scenes};

#[tokio::test]
#[ignore = "needs every Blender version: make test-runtimes"]
async fn runtimes_render_pixels_of_a_plain_animation() {
    for runtime in runtimes() {
        let scenes = scenes(&runtime);
        let mut world = World::start_with(Launch::new(runtime.clone())).await;
        for name in [
            "heavy",
            "motion_blur",
            "cameras",
            "frame_range_driver",
            "compositor",
            "light",
        ] {
            let path = scenes.join(name).with_extension("blend");
            let plain = plain_animation(&runtime, &path);
            world.open(&path).await;
            for frame in [4, 1, 5] {
                let rendered = world.render(frame, "picture.png").await;
                let expected = plain.path().join(format!("f_{frame:04}.png"));
                let version = &runtime.version;
                assert!(
                    pixels(&rendered) == pixels(&expected),
                    "frame {frame} of {name} in {version} differs"
                );
            }
        }
    }
}

#[tokio::test]
#[ignore = "needs every Blender version: make test-runtimes"]
async fn runtimes_know_all_engines_and_formats() {
    for runtime in runtimes() {
        let light = scenes(&runtime).join("light.blend");
        // Before 4.2 EEVEE needs a display.
        let is_displayless = (runtime.series.major, runtime.series.minor) >= (4, 2);
        let engines: &[_] = if is_displayless {
            &[Engine::Cycles, Engine::Eevee, Engine::Workbench]
        } else {
            &[Engine::Cycles]
        };
        let mut world = World::start_with(Launch::new(runtime.clone())).await;
        for &engine in engines {
            let formats = [
                Format::Png,
                Format::Jpeg,
                Format::OpenExr,
                Format::OpenExrMultilayer,
            ];
            for format in formats {
                let settings = Settings {
                    engine: Some(engine),
                    format: Some(format),
                    samples: Some(1),
                    width: Some(32),
                    height: Some(18),
                    ..Settings::default()
                };
                world.open_with(&light, settings).await;
                let path = world.render(1, "picture").await;
                let magic: &[u8] = match format {
                    Format::Png => b"\x89PNG",
                    Format::Jpeg => b"\xff\xd8\xff",
                    Format::OpenExr | Format::OpenExrMultilayer => b"v/1\x01",
                };
                let bytes = std::fs::read(path).unwrap();
                assert!(
                    bytes.starts_with(magic),
                    "{format:?} of {engine:?} in {}",
                    runtime.version
                );
            }
        }
    }
}

#[tokio::test]
#[ignore = "needs every Blender version: make test-runtimes"]
async fn runtimes_refuse_files_of_later_versions() {
    let all = runtimes();
    for (older, newer) in all.iter().zip(&all[1..]) {
        let mut world = World::start_with(Launch::new(older.clone())).await;
        let names: &[_] = match older.kind {
            Kind::Module => &["light.blend", "compressed.blend"],
            // Debian's Python cannot look into a compressed file.
            Kind::Executable => &["light.blend"],
        };
        for name in names {
            let answer = world
                .try_open(scenes(newer).join(name), Settings::default())
                .await;
            match answer {
                Event::Failed(failure) => {
                    assert_eq!(failure.kind, FailureKind::NewerThanRuntime, "{failure:?}")
                }
                other => panic!(
                    "{} opened a file of {}: {other:?}",
                    older.version, newer.version
                ),
            }
        }
        let mut world = World::start_with(Launch::new(newer.clone())).await;
        for name in ["light.blend", "compressed.blend"] {
            world.open(scenes(older).join(name)).await;
            world.render(1, name).await;
        }
    }
}

#[tokio::test]
#[ignore = "needs every Blender version: make test-runtimes"]
async fn runtimes_without_a_denoiser_say_so() {
    let debian = debian();
    let mut world = World::start_with(Launch::new(debian.clone())).await;
    world.open(scenes(&debian).join("denoise.blend")).await;
    assert_eq!(world.failure(1).await.kind, FailureKind::DenoiserMissing);
}

/// Oldest first.
fn runtimes() -> Vec<Runtime> {
    let mut all = vec![debian()];
    all.extend(["4.2", "4.5", "5.0"].map(runtime));
    all
}

/// Debian's `blender` 3.4, a program and without OpenImageDenoise.
fn debian() -> Runtime {
    let dir = tempfile::tempdir().unwrap();
    let adopted = Runtimes::at(dir.path()).adopt("blender".as_ref(), &mut |_| ());
    adopted
        .unwrap_or_else(|error| panic!("{error}; these tests need `apt-get install blender`"))
        .runtime()
        .clone()
}
