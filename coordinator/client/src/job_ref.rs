//! Which job is meant: ids are long, people type the end of one, or `latest`.

use pictor_protocol::JobId;
use pictor_protocol::job::Job;

use crate::api::Api;
use crate::failure::Failure;

/// Fewer characters would soon mean another job than they did yesterday.
const CHARACTERS_MIN: usize = 4;
/// Parts of an id are looked for among this many newest jobs.
const JOBS_MAX: usize = 1000;
const PAGE: u32 = 200;

/// The job that `text` means.
pub async fn resolve(api: &Api, text: &str) -> Result<JobId, Failure> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    if text == "latest" {
        let page = api.jobs(1, None, None).await?;
        return Ok(page.jobs.first().ok_or(Failure::NoJobs)?.id);
    }
    let part = text.to_ascii_lowercase();
    if part.len() < CHARACTERS_MIN || !part.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return Err(Failure::Usage(format!(
            "{text:?} is not a job: give an id, {CHARACTERS_MIN} or more characters of its beginning or end, or latest"
        )));
    }
    let newest = newest_jobs(api).await?;
    only(
        &part,
        newest
            .iter()
            .filter(|job| is_meant(&part, job.id))
            .collect(),
    )
}

/// The end of an id, as people see it: the beginning is a date that many jobs share.
pub fn short(id: JobId) -> String {
    let id = id.to_string();
    id[id.len() - 8..].to_owned()
}

async fn newest_jobs(api: &Api) -> Result<Vec<Job>, Failure> {
    let mut jobs = Vec::new();
    let mut before = None;
    while jobs.len() < JOBS_MAX {
        let page = api.jobs(PAGE, before, None).await?;
        jobs.extend(page.jobs);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    Ok(jobs)
}

fn is_meant(part: &str, id: JobId) -> bool {
    let id = id.to_string();
    id.starts_with(part) || id.ends_with(part)
}

fn only(part: &str, meant: Vec<&Job>) -> Result<JobId, Failure> {
    match meant.as_slice() {
        [] => Err(Failure::NoSuchJob(part.into())),
        [job] => Ok(job.id),
        several => {
            let list: String = several
                .iter()
                .take(10)
                .map(|job| format!("\n  {}  {}", job.id, job.name))
                .collect();
            Err(Failure::Usage(format!(
                "{part:?} means {} jobs:{list}",
                several.len()
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0198c0de-0000-7000-8000-00000abcdef1";

    #[test]
    fn a_job_is_known_by_either_end_of_its_id() {
        let id = ID.parse().unwrap();
        assert!(is_meant("0198c0de-00", id));
        assert!(is_meant("cdef1", id));
        assert!(is_meant(&short(id), id));
        assert!(!is_meant("c0de", id));
    }
}
