//! `pictor download`

use std::path::{Path, PathBuf};

use pictor_protocol::job::Job;
use serde_json::json;

use crate::api::Api;
use crate::api::backoff::Patience;
use crate::cli::Download;
use crate::download::{Downloads, archive};
use crate::failure::Failure;
use crate::follow::{Fetching, Followed, Stay, follow};
use crate::job_ref;
use crate::ui::{JobProgress, Ui, words};

/// About half a minute of failures in a row.
const PATIENCE: Patience = Patience::Failures(8);

pub async fn download(api: &Api, args: Download, ui: &Ui) -> Result<(), Failure> {
    let id = job_ref::resolve(api, &args.one.job).await?;
    if let Some(path) = args.zip {
        return zip(api, id, &path, ui).await;
    }
    let job = api.job(id).await?;
    let directory = args.out.unwrap_or_else(|| default_directory(&job));
    let (stay, patience) = if args.wait {
        (Stay::UntilItIsOver, Patience::Endless)
    } else {
        (Stay::No, PATIENCE)
    };
    let fetching = Fetching {
        downloads: Downloads::into_directory(api.clone(), id, &directory, patience)?,
        frames: args.frames,
    };
    let mut progress = JobProgress::new(*ui);
    let followed = follow(api, job, stay, Some(fetching), &mut progress).await;
    let Followed { job, downloaded } = followed?;
    if !args.wait {
        let frames: Vec<_> = downloaded.iter().map(|one| one.frame).collect();
        let document = json!({ "job": job.id, "directory": directory, "frames": frames });
        return ui.answer(&document, || told(&job, &downloaded, &directory));
    }
    if !ui.is_json() {
        ui.text(&told(&job, &downloaded, &directory))?;
    }
    Failure::unless_done(job)
}

async fn zip(api: &Api, id: pictor_protocol::JobId, path: &Path, ui: &Ui) -> Result<(), Failure> {
    let progress = JobProgress::new(*ui);
    let written = archive(api, id, path, |bytes| progress.show_archive(bytes)).await;
    progress.finish();
    let bytes = written?;
    let document = json!({ "job": id, "file": path, "size_bytes": bytes });
    ui.answer(&document, || {
        format!("{}: {}", path.display(), words::bytes(bytes))
    })
}

/// Named after the job, with the end of its id: frames of two jobs never mix.
fn default_directory(job: &Job) -> PathBuf {
    let stem = Path::new(&job.name).file_stem().unwrap_or_default();
    let stem = stem.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let name: String = stem
        .chars()
        .take(60)
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    PathBuf::from(format!("{name}-{}", job_ref::short(job.id)))
}

fn told(job: &Job, downloaded: &[crate::download::Downloaded], directory: &Path) -> String {
    let new = downloaded.iter().filter(|one| one.fetched_bytes > 0);
    let bytes: u64 = new.clone().map(|one| one.fetched_bytes).sum();
    let there = match downloaded.len() - new.clone().count() {
        0 => String::new(),
        there => format!(" ({there} were there already)"),
    };
    let missing = match job.counts.total as usize - downloaded.len() {
        0 => String::new(),
        _ if job.state.is_over() => String::new(),
        missing => format!("; {missing} are not done yet, --wait stays for them"),
    };
    format!(
        "{} frames in {}{there}, {} fetched{missing}",
        downloaded.len(),
        directory.display(),
        words::bytes(bytes)
    )
}
