//! Leases, reports, and what happens when somebody dies, seen from a worker.

mod commands;
mod failures;
mod installs;
mod leases;
mod outputs;
mod proof;
mod silence;

use pictor_protocol::agent::{Outcome, Refusal};

const NOT_WANTED: Outcome = Outcome::Refused {
    why: Refusal::NotWanted,
    detail: None,
};

fn rejected(why: &str) -> Outcome {
    Outcome::Refused {
        why: Refusal::OutputRejected,
        detail: Some(why.into()),
    }
}
