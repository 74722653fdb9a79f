//! `pictor-worker doctor`: looks at everything that a worker needs, and says for each thing whether it is
//! good, and if not, why and what to do.
//!
//! ```text
//! gather, reach, render ──► Facts ──► network, gpus, host: one function a check ──► Checks ──► lines or JSON
//!       (effects)                                 (pure)
//! ```
//!
//! Changes nothing on the machine, and is no sign of life of the worker to its coordinator.

mod facts;
mod gather;
mod gpus;
mod host;
mod libraries;
mod network;
mod reach;
mod render;

use std::path::{Path, PathBuf};

use pictor_protocol::health::{CheckOutcome, DoctorCheck};
use serde::Serialize;

use crate::gpu::Library;
use facts::Facts;

/// What is looked at.
#[derive(Debug, Clone)]
pub struct Options {
    /// Without one, what depends on it does not apply.
    pub config: Option<PathBuf>,
    /// Whatever the config says.
    pub allow_cpu: bool,
    pub nvml: Library,
    /// Every slot renders with every runtime.
    pub render: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    pub check: String,
    pub outcome: Outcome,
    /// What was found; of what is not good, the cause.
    pub detail: String,
    pub remedy: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Ok,
    /// The worker works, but not as well as it could.
    Warning,
    Failed,
    NotApplicable,
}

/// Everything that is to be said of this machine.
pub async fn examine(options: &Options) -> Vec<Check> {
    let facts = gather::facts(options).await;
    judge(&facts)
}

/// What keeps Blender from the rest of this machine, outermost first: what the worker itself is kept in, for
/// every program that it starts inherits it.
pub fn sandbox() -> Vec<String> {
    let is_container = gather::is_container(Path::new("/"));
    host::layers(&gather::process(), is_container)
}

fn judge(facts: &Facts) -> Vec<Check> {
    let mut checks = network::checks(facts);
    checks.extend(gpus::checks(facts));
    checks.extend(host::checks(facts));
    checks.extend(render::checks(facts.renders.as_ref()));
    checks
}

/// One line for each check.
pub fn lines(checks: &[Check]) -> String {
    let names = checks.iter().map(|check| check.check.chars().count());
    let width = names.max().unwrap_or(0);
    let line = |check: &Check| {
        let remedy = check.remedy.as_ref();
        let remedy = remedy.map_or_else(String::new, |remedy| format!("; remedy: {remedy}"));
        let Check {
            check,
            outcome,
            detail,
            ..
        } = check;
        let outcome = outcome.in_words();
        format!("{outcome:<14}  {check:<width$}  {detail}{remedy}\n")
    };
    checks.iter().map(line).collect()
}

/// Whether a worker would work here.
pub fn is_well(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.outcome != Outcome::Failed)
}

impl Outcome {
    fn in_words(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::NotApplicable => "not applicable",
        }
    }
}

impl From<Check> for DoctorCheck {
    fn from(check: Check) -> Self {
        Self {
            name: check.check,
            outcome: match check.outcome {
                Outcome::Ok => CheckOutcome::Ok,
                Outcome::Warning => CheckOutcome::Warn,
                Outcome::Failed => CheckOutcome::Fail,
                Outcome::NotApplicable => CheckOutcome::NotApplicable,
            },
            text: check.detail,
            advice: check.remedy,
        }
    }
}

impl Check {
    fn ok(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(check, Outcome::Ok, detail, None)
    }

    fn warning(
        check: impl Into<String>,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(check, Outcome::Warning, detail, Some(remedy.into()))
    }

    fn failed(
        check: impl Into<String>,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(check, Outcome::Failed, detail, Some(remedy.into()))
    }

    fn not_applicable(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(check, Outcome::NotApplicable, detail, None)
    }

    fn new(
        check: impl Into<String>,
        outcome: Outcome,
        detail: impl Into<String>,
        remedy: Option<String>,
    ) -> Self {
        Self {
            check: check.into(),
            outcome,
            detail: detail.into(),
            remedy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_well_enough_and_a_failure_is_not() {
        let mut checks = vec![Check::ok("a", "b"), Check::warning("disk", "full", "tidy")];
        assert!(is_well(&checks));
        checks.push(Check::failed("c", "d", "e"));
        assert!(!is_well(&checks));
        let lines = lines(&checks);
        assert!(
            lines.contains("warning         disk  full; remedy: tidy\n"),
            "{lines}"
        );
    }

    #[test]
    fn every_check_of_a_bare_machine_that_is_not_good_has_a_remedy() {
        for check in judge(&Facts::default()) {
            let is_bad = matches!(check.outcome, Outcome::Warning | Outcome::Failed);
            assert_eq!(is_bad, check.remedy.is_some(), "{check:?}");
        }
    }
}
