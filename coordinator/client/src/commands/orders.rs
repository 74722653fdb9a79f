//! `pictor pause`, `resume`, `cancel`, `retry`, `approve`, `send-back` and `delete`.

use pictor_protocol::Micros;
use pictor_protocol::job::{Job, RetryFrames};
use pictor_protocol::review::{ApproveFrames, SendBackFrames, SentBackFrames};
use serde_json::json;

use crate::api::{Api, Order};
use crate::cli::{Approve, Delete, OneJob, Retry, SendBack};
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

pub async fn approve(api: &Api, args: Approve, ui: &Ui) -> Result<(), Failure> {
    let id = job_ref::resolve(api, &args.one.job).await?;
    let frames = args.frames;
    let all = frames.is_none();
    let job = api.approve(id, &ApproveFrames { frames }).await?;
    ui.answer(&job, || {
        let name = words::one_line(&job.name);
        let which = if all {
            "every finished frame"
        } else {
            "the frames"
        };
        format!("approved {which} of job {} ({name})", job_ref::short(id))
    })
}

pub async fn send_back(api: &Api, args: SendBack, ui: &Ui) -> Result<(), Failure> {
    let id = job_ref::resolve(api, &args.one.job).await?;
    let asked = SendBackFrames {
        frames: args.frames,
        reason: args.reason,
    };
    let done = api.send_back(id, &asked).await?;
    ui.answer(&done, || told_of_sent_back(&done))
}

fn told_of_sent_back(done: &SentBackFrames) -> String {
    let frames = match done.frames {
        0 => "nothing to send back: these frames are made again already".into(),
        1 => "1 frame is made again".into(),
        frames => format!("{frames} frames are made again"),
    };
    let refund = match done.refundable_micros {
        Micros::ZERO => String::new(),
        credits => format!("; {credits} credits come back when other pictures take their places"),
    };
    let settled = match done.settled_frames {
        0 => "",
        _ => "; what was paid for longer than the time for objections stays paid",
    };
    format!("{frames}{refund}{settled}\n{}", told(&done.job))
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
