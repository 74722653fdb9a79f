//! What an operator hears.

use crate::launcher::model::{Action, Notice, Place};

type NameOf<'a> = &'a dyn Fn(Place) -> String;

pub(super) fn tell(notice: &Notice, name_of: NameOf<'_>) {
    match notice {
        Notice::Ended {
            place,
            code,
            again_in,
        } => tracing::warn!(
            place = name_of(*place),
            code,
            ?again_in,
            "the worker ended; it is started again"
        ),
        Notice::GaveUp {
            place,
            code,
            again_in,
        } => tracing::error!(
            place = name_of(*place),
            code,
            ?again_in,
            "the worker refuses to run with a new config too: see the container's log; 3 is a wrong config, \
             4 a refused token, 5 a worker too old for its coordinator"
        ),
        Notice::Wanted { workers } => tracing::info!(workers, "so many workers are wanted now"),
        Notice::Rolling { place, image } => {
            tracing::info!(place = name_of(*place), %image, "the worker gives way to a new image");
        }
        Notice::RolledOut { place, image } => {
            tracing::info!(place = name_of(*place), %image, "the new image is online");
        }
        Notice::RolledBack {
            place,
            bad,
            good,
            why,
        } => {
            tracing::error!(place = name_of(*place), %bad, %good, why, "the new image is no good; back to the old one")
        }
    }
}

pub(super) fn describe(action: &Action, name_of: NameOf<'_>) -> String {
    match action {
        Action::Create { place, image } => format!("create {} from {image}", name_of(*place)),
        Action::Start { place, container } => format!("start {container} as {}", name_of(*place)),
        Action::Drain { container, .. } => format!("drain {container}"),
        Action::Kill { container, .. } => format!("kill {container}"),
        Action::Remove { container, .. } => format!("remove {container}"),
        Action::Retire { worker } => format!("retire {worker}"),
    }
}

/// An error and what caused it, on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}
