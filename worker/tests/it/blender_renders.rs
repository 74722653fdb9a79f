//! What a live session renders, and what it says of scenes and frames.

use std::path::Path;

use pictor_worker::blender::talk::*;

use crate::blender_world::{SERIES, World, pixels, plain_animation, runtime, scene};

#[tokio::test]
async fn pixels_are_those_of_a_plain_animation_in_any_order() {
    let mut world = World::start().await;
    // `hair` and the first `light` also prove that what one scene left does not reach the next.
    for name in [
        "hair",
        "light",
        "heavy",
        "motion_blur",
        "denoise",
        "cameras",
        "frame_range_driver",
        "compositor",
    ] {
        let path = scene(name);
        let plain = plain_animation(&runtime(SERIES), &path);
        world.open(&path).await;
        for frame in [4, 1, 2, 5, 3] {
            let rendered = world.render(frame, &format!("{name}-{frame}.png")).await;
            let expected = plain.path().join(format!("f_{frame:04}.png"));
            assert!(
                pixels(&rendered) == pixels(&expected),
                "frame {frame} of {name} differs"
            );
        }
    }
}

#[tokio::test]
async fn a_scene_is_described_when_it_is_opened() {
    let mut world = World::start().await;
    let facts = world.open(scene("light")).await;
    assert_eq!(
        (
            facts.name.as_str(),
            facts.engine.as_str(),
            facts.format.as_str()
        ),
        ("Scene", "CYCLES", "PNG")
    );
    assert_eq!(
        (facts.width, facts.height, facts.samples),
        (96, 54, Some(4))
    );
    assert_eq!(
        (facts.frame_start, facts.frame_end, facts.frame_step),
        (1, 5, 1)
    );
    assert_eq!(
        (facts.camera.as_deref(), facts.device.as_str()),
        (Some("Camera"), "CPU")
    );
    assert_eq!(facts.saved_by, world.session.ready().version[..2]);
    assert!(
        facts.persistent && facts.missing_files.is_empty() && facts.warnings.is_empty(),
        "{facts:?}"
    );

    let facts = world.open(scene("missing_image")).await;
    assert_eq!(facts.missing_files.len(), 1);
    assert_eq!(facts.missing_files[0].kind, "image");
    assert!(facts.missing_files[0].path.ends_with("not-there.png"));

    let facts = world.open(scene("hair")).await;
    assert!(
        !facts.persistent && facts.warnings[0].contains("not kept"),
        "{facts:?}"
    );
}

#[tokio::test]
async fn settings_replace_those_of_the_file() {
    let mut world = World::start().await;
    let settings = Settings {
        format: Some(Format::Jpeg),
        width: Some(120),
        height: Some(80),
        percentage: Some(50),
        samples: Some(2),
        seed: Some(7),
        denoise: Some(true),
        device: Some(Device::Cpu),
        threads: Some(1),
        ..Settings::default()
    };
    let facts = world.open_with(scene("light"), settings).await;
    assert_eq!(
        (facts.width, facts.height, facts.samples),
        (60, 40, Some(2))
    );
    assert_eq!(facts.format, "JPEG");
    let picture = world.render(1, "picture.jpg").await;
    assert_eq!(&std::fs::read(&picture).unwrap()[..3], b"\xff\xd8\xff");
    assert_eq!(size(&picture), (60, 40));

    let seconds = Settings {
        scene: Some("Second".into()),
        ..Settings::default()
    };
    assert_eq!(
        world.open_with(scene("two_scenes"), seconds).await.width,
        64
    );

    let front = Settings {
        camera: Some("Front".into()),
        ..Settings::default()
    };
    assert_eq!(
        world
            .open_with(scene("cameras"), front)
            .await
            .camera
            .as_deref(),
        Some("Front")
    );
    let always_front = pixels(&world.render(1, "front.png").await);
    world.open(scene("cameras")).await;
    assert!(pixels(&world.render(1, "own.png").await) != always_front);
}

#[tokio::test]
async fn a_picture_is_exactly_where_it_was_wanted() {
    let mut world = World::start().await;
    world.open(scene("light")).await;
    for name in [
        "no extension",
        "frame_####.jpg",
        "{blend_name} 12.png",
        "ä.png",
    ] {
        world.render(3, name).await;
        assert_eq!(world.files(), [name]);
        std::fs::remove_file(world.path(name)).unwrap();
    }
    let facts = world.open(scene("crop")).await;
    let picture = world.render(1, "crop.png").await;
    assert_eq!(size(&picture), (facts.width, facts.height));
    assert!(facts.width < 96);
}

#[tokio::test]
async fn layers_of_an_exr_are_kept() {
    let mut world = World::start().await;
    let settings = Settings {
        format: Some(Format::OpenExrMultilayer),
        ..Settings::default()
    };
    world.open_with(scene("light"), settings).await;
    let picture = world.render(1, "picture.exr").await;
    let image = exr::meta::MetaData::read_from_file(&picture, true).unwrap();
    let channels = &image.headers[0].channels.list;
    let names: Vec<String> = channels
        .iter()
        .map(|channel| channel.name.to_string())
        .collect();
    assert!(
        names.iter().any(|name| name.contains("ViewLayer.Combined")),
        "{names:?}"
    );
    assert_eq!(image.headers[0].layer_size.width(), 96);
}

#[tokio::test]
async fn a_video_becomes_pictures() {
    let mut world = World::start().await;
    let facts = world.open(scene("video")).await;
    assert_eq!(facts.format, "PNG");
    assert!(facts.warnings[0].contains("FFMPEG"), "{facts:?}");
    world.render(1, "picture.png").await;
}

#[tokio::test]
async fn eevee_and_workbench_render_without_a_display() {
    let mut world = World::start().await;
    for engine in [Engine::Workbench, Engine::Eevee] {
        let settings = Settings {
            engine: Some(engine),
            samples: Some(1),
            width: Some(32),
            height: Some(18),
            ..Settings::default()
        };
        world.open_with(scene("light"), settings).await;
        let picture = world.render(1, "picture.png").await;
        assert_eq!(size(&picture), (32, 18));
    }
}

#[tokio::test]
async fn progress_and_log_arrive_while_a_frame_renders() {
    let mut world = World::start().await;
    let settings = Settings {
        samples: Some(400),
        ..Settings::default()
    };
    world.open_with(scene("light"), settings).await;
    let begin = world.session.log().end();
    world.ask(1, &world.path("a.png")).await;
    let (answer, before) = world.answer().await.unwrap();
    let Event::Rendered(rendered) = answer else {
        panic!("{answer:?}")
    };
    assert!(rendered.render_ms > 0 && rendered.peak_memory_bytes >= rendered.memory_bytes);
    let fractions: Vec<f32> = before
        .iter()
        .filter_map(|event| match event {
            Event::Progress(progress) => progress.fraction,
            _ => None,
        })
        .collect();
    assert!(!fractions.is_empty() && fractions.is_sorted(), "{before:?}");
    let log = world.session.log().since(begin).text;
    assert!(log.contains("Saved:"), "{log}");
}

#[tokio::test]
async fn queued_frames_come_in_order() {
    let mut world = World::start().await;
    world.open(scene("light")).await;
    for frame in [2, 1, 3] {
        world.ask(frame, &world.path(&format!("{frame}.png"))).await;
    }
    for frame in [2, 1, 3] {
        let (answer, _) = world.answer().await.unwrap();
        assert!(
            matches!(&answer, Event::Rendered(rendered) if rendered.id == frame),
            "{answer:?}"
        );
    }
    assert_eq!(world.files(), ["1.png", "2.png", "3.png"]);
}

#[tokio::test]
async fn what_a_file_would_run_or_write_beside_the_frame_is_not() {
    let mut world = World::start().await;
    let facts = world.open(scene("compositor")).await;
    assert!(facts.warnings[0].contains("File Output"), "{facts:?}");
    world.render(1, "composited.png").await;
    world.open(scene("scripts")).await;
    world.render(1, "scripts.png").await;
    let dir = scene("light").parent().unwrap().to_owned();
    for name in ["script-ran", "driver-ran"] {
        assert!(!dir.join(name).exists(), "{name}");
    }
    // The plain animation in another test does write there, so only this session's directory is looked at.
    assert_eq!(world.files(), ["composited.png", "scripts.png"]);
}

#[tokio::test]
async fn short_memory_gives_up_kept_geometry_and_says_so() {
    let mut world = World::start().await;
    let open = Open {
        memory_limit_bytes: Some(1024 * 1024),
        ..Open::new(scene("light"))
    };
    world.session.send(Request::Open(open)).await.unwrap();
    world.answer().await.unwrap();
    world.render(1, "a.png").await;
    world.ask(2, &world.path("b.png")).await;
    let (_, before) = world.answer().await.unwrap();
    let is_notice = |event: &Event| matches!(event, Event::Notice { message } if message.contains("memory is short"));
    assert!(before.iter().any(is_notice), "{before:?}");
}

fn size(picture: &Path) -> (u32, u32) {
    let image = pixels(picture);
    (image.width(), image.height())
}
