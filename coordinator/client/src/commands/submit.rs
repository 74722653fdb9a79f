//! `pictor submit`: check, upload, create the job, and follow it when asked to.

use std::path::Path;
use std::time::Instant;

use pictor_protocol::job::{Job, NewJob};
use pictor_protocol::scene::NewScene;
use serde::Serialize;

use crate::api::backoff::Patience;
use crate::api::{Api, ApiError};
use crate::cli::Submit;
use crate::download::Downloads;
use crate::failure::Failure;
use crate::follow::{Fetching, Followed, Stay, follow};
use crate::job_ref;
use crate::scene_file::SceneFile;
use crate::ui::{JobProgress, Ui, UploadProgress, words};
use crate::upload::upload;

/// About a minute of failures in a row.
const PATIENCE: Patience = Patience::Failures(12);
/// A job that was just created is among so many newest.
const NEWEST: u32 = 100;

/// The first line of the stream for scripts.
#[derive(Serialize)]
#[serde(tag = "event", rename = "submitted")]
struct Submitted<'a> {
    job: &'a Job,
}

pub async fn submit(
    args: Submit,
    connect: impl FnOnce() -> Result<Api, Failure>,
    ui: &Ui,
) -> Result<(), Failure> {
    let started = Instant::now();
    let settings = args.settings.to_settings();
    let faults = settings.faults();
    if !faults.is_empty() {
        return Err(Failure::Settings(faults));
    }
    let (scene, progress) = read_scene(&args.file, ui).await?;
    let api = connect()?;
    upload(&api, &scene, &progress).await?;
    let scene = NewScene {
        name: scene.name,
        blob: scene.hash,
    };
    // A scene that is created twice harms nobody.
    let scene = PATIENCE
        .repeat(async |_| api.create_scene(&scene).await)
        .await?;
    for warning in &scene.facts.warnings {
        ui.note(&format!("note: {}", words::one_line(warning)));
    }
    let new = NewJob {
        scene: scene.id,
        name: args.name,
        frames: args.frames,
        settings,
        blender: args.blender,
        priority: args.priority,
        paused: args.paused,
        spend_cap_micros: args.spend_cap,
    };
    let job = create_job(&api, &new).await?;
    if args.wait || args.download.is_some() {
        wait(&api, job, args.download.as_deref(), started, ui).await
    } else {
        ui.answer(&job, || told_submitted(&job))?;
        let short = job_ref::short(job.id);
        ui.hint(&format!("follow it:  pictor status {short} --watch"));
        Ok(())
    }
}

/// Reads the file on a thread of its own, so that a terminal sees how far it is.
async fn read_scene(path: &Path, ui: &Ui) -> Result<(SceneFile, UploadProgress), Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let size_bytes = std::fs::metadata(path).map_or(0, |facts| facts.len());
    let progress = UploadProgress::new(*ui, &name, size_bytes);
    let (path, told) = (path.to_owned(), progress.clone());
    let reading = move || SceneFile::read(&path, |count| told.checked(count));
    match tokio::task::spawn_blocking(reading).await {
        Ok(scene) => Ok((scene?, progress)),
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// Creates one job, even when the answer is lost on the way: the scene was made for this job alone,
/// so a job that uses it is the one.
async fn create_job(api: &Api, new: &NewJob) -> Result<Job, ApiError> {
    let create = async |again: bool| {
        if again {
            let page = api.jobs(NEWEST, None, None).await?;
            if let Some(job) = page.jobs.into_iter().find(|job| job.scene == new.scene) {
                return Ok(job);
            }
        }
        api.create_job(new).await
    };
    PATIENCE.repeat(create).await
}

async fn wait(
    api: &Api,
    job: Job,
    download: Option<&Path>,
    started: Instant,
    ui: &Ui,
) -> Result<(), Failure> {
    ui.event(&Submitted { job: &job })?;
    ui.note(&told_submitted(&job));
    let fetching = match download {
        Some(directory) => Some(Fetching {
            downloads: Downloads::into_directory(
                api.clone(),
                job.id,
                directory,
                Patience::Endless,
            )?,
            frames: None,
        }),
        None => None,
    };
    let id = job.id;
    let followed = follow(
        api,
        job,
        Stay::UntilItIsOver,
        fetching,
        &mut JobProgress::new(*ui),
    )
    .await;
    if let Err(Failure::Interrupted) = followed {
        ui.note(&told_interrupted(&job_ref::short(id), download));
    }
    let Followed { job, downloaded } = followed?;
    if !ui.is_json() {
        ui.text(&told_done(
            &job,
            download.map(|to| (downloaded.len(), to)),
            started,
        ))?;
    }
    Failure::unless_done(job)
}

fn told_submitted(job: &Job) -> String {
    let frames = match job.counts.total {
        1 => format!("frame {}", job.frames),
        total => format!("{total} frames ({})", job.frames),
    };
    format!(
        "submitted {} as job {}: {frames}",
        words::one_line(&job.name),
        job.id
    )
}

fn told_interrupted(job: &str, download: Option<&Path>) -> String {
    let fetch = match download {
        Some(to) => format!("pictor download {job} --wait --out {}", to.display()),
        None => format!("pictor download {job}"),
    };
    format!(
        "\nThe job goes on without you.\n  follow it:         pictor status {job} --watch\n  fetch its frames:  {fetch}\n  stop it:           pictor cancel {job}"
    )
}

/// `24 of 24 frames in 21 s (68.6 frames/min), in demo-output`
fn told_done(job: &Job, fetched: Option<(usize, &Path)>, started: Instant) -> String {
    let took = started.elapsed();
    let done = job.counts.done;
    let pace = f64::from(done) * 60.0 / took.as_secs_f64().max(0.001);
    let place = match fetched {
        Some((count, to)) if count == done as usize => format!(", in {}", to.display()),
        Some((count, to)) => format!(", {count} of them in {}", to.display()),
        None => String::new(),
    };
    format!(
        "{done} of {} frames in {} ({}){place}",
        job.counts.total,
        words::span(took.as_millis() as i64),
        words::frames_per_minute(pace),
    )
}
