//! When failures say that the job is at fault, and nobody should try further.

/// What is known about a job's failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// Frames that were accepted.
    pub done: u32,
    /// Attempts that failed.
    pub failed: u32,
    /// Workers that say the scene or the settings are at fault.
    pub faulting_workers: u32,
    /// Workers online that could render the job and have not failed it.
    pub untried_workers: u32,
}

/// Failures without a single success after which trying on would only waste work.
const HOPELESS: u32 = 10;

/// Whether the job needs its creator's attention before anything more of it is rendered.
///
/// One worker's word is enough only if there is nobody else to ask: a stranger must not be able to
/// stop a job by claiming that it is broken.
pub fn needs_attention(failures: Failures) -> bool {
    let agreed = failures.faulting_workers >= 2
        || (failures.faulting_workers == 1 && failures.untried_workers == 0);
    let hopeless = failures.done == 0 && failures.failed >= HOPELESS;
    (agreed && failures.done == 0) || hopeless
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Failures = Failures {
        done: 0,
        failed: 0,
        faulting_workers: 0,
        untried_workers: 0,
    };

    #[test]
    fn one_worker_cannot_condemn_a_scene_while_another_could_try() {
        let claim = Failures {
            failed: 1,
            faulting_workers: 1,
            ..NONE
        };
        assert!(!needs_attention(Failures {
            untried_workers: 1,
            ..claim
        }));
        assert!(needs_attention(claim));
        assert!(needs_attention(Failures {
            faulting_workers: 2,
            untried_workers: 5,
            ..claim
        }));
    }

    #[test]
    fn a_job_that_has_succeeded_once_is_not_broken() {
        assert!(!needs_attention(Failures {
            done: 1,
            failed: 50,
            faulting_workers: 3,
            ..NONE
        }));
    }

    #[test]
    fn ten_failures_without_a_success_are_enough() {
        assert!(!needs_attention(Failures {
            failed: HOPELESS - 1,
            ..NONE
        }));
        assert!(needs_attention(Failures {
            failed: HOPELESS,
            untried_workers: 9,
            ..NONE
        }));
    }
}
