//! `pictor jobs`

use pictor_protocol::job::{Job, JobCounts, JobPage};

use crate::api::Api;
use crate::cli::Jobs;
use crate::failure::Failure;
use crate::job_ref;
use crate::ui::{Table, Ui, words};

pub async fn jobs(api: &Api, args: Jobs, ui: &Ui) -> Result<(), Failure> {
    let state = args.state.map(|state| state.as_wire());
    let limit = args.limit as usize;
    let mut all = JobPage {
        jobs: Vec::new(),
        next: None,
        counts: JobCounts::default(),
    };
    loop {
        let rest = (limit - all.jobs.len()) as u32;
        let page = api.jobs(rest, all.next, state).await?;
        all.jobs.extend(page.jobs);
        all.next = page.next;
        all.counts = page.counts;
        if all.next.is_none() || all.jobs.len() >= limit {
            break;
        }
    }
    ui.answer(&all, || {
        if all.jobs.is_empty() {
            "no jobs".into()
        } else {
            table(&all.jobs).to_string()
        }
    })
}

fn table(jobs: &[Job]) -> Table {
    let now = words::now_ms();
    let mut table = Table::new(&["JOB", "NAME", "FRAMES", "SUBMITTED", "STATE"]);
    for job in jobs {
        table.row([
            job_ref::short(job.id),
            job.name.clone(),
            format!("{}/{}", job.counts.done, job.counts.total),
            words::ago(job.created_ms, now),
            words::state_and_reason(job),
        ]);
    }
    table
}
