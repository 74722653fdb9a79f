//! `pictor pause`, `resume`, `cancel`, `retry` and `delete`.

use pictor_protocol::job::{Job, RetryFrames};
use serde_json::json;

use crate::api::{Api, Order};
use crate::cli::{Delete, OneJob, Retry};
use crate::failure::Failure;
use crate::job_ref;
use crate::ui::{Ui, words};

pub async fn order(api: &Api, args: OneJob, order: Order, ui: &Ui) -> Result<(), Failure> {
    let id = job_ref::resolve(api, &args.job).await?;
    let job = api.order(id, order).await?;
    ui.answer(&job, || told(&job))
}

pub async fn retry(api: &Api, args: Retry, ui: &Ui) -> Result<(), Failure> {
    let id = job_ref::resolve(api, &args.one.job).await?;
    let frames = args.frames;
    let job = api.retry(id, &RetryFrames { frames }).await?;
    ui.answer(&job, || told(&job))
}

pub async fn delete(api: &Api, args: Delete, ui: &Ui) -> Result<(), Failure> {
    let id = job_ref::resolve(api, &args.one.job).await?;
    if !args.yes {
        let job = api.job(id).await?;
        let name = words::one_line(&job.name);
        let done = job.counts.done;
        if !ui.confirms(&format!(
            "Remove job {name} and its {done} finished frames?"
        )) {
            return Err(Failure::Usage(
                "nothing was removed; --yes does not ask".into(),
            ));
        }
    }
    api.delete_job(id).await?;
    ui.answer(&json!({ "deleted": id }), || {
        format!("removed job {}", job_ref::short(id))
    })
}

fn told(job: &Job) -> String {
    format!(
        "job {} ({}) is {}",
        job_ref::short(job.id),
        words::one_line(&job.name),
        words::state_and_reason(job)
    )
}
