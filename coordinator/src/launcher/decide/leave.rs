//! Containers that should go: told to finish, in the end killed, then removed.

use std::time::Duration;

use super::Fleet;
use crate::launcher::model::{Action, Container, ContainerState, HostId};

/// A kill takes effect within moments; one that did not is repeated.
const KILL_AGAIN: Duration = Duration::from_secs(10);

/// Somebody who should leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaving {
    patience: Duration,
    told: Option<Duration>,
    killed: Option<Duration>,
}

impl Leaving {
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            told: None,
            killed: None,
        }
    }

    pub(super) fn told(&mut self, now: Duration) {
        self.told.get_or_insert(now);
    }

    pub(super) fn was_not_told(&mut self) {
        self.told = None;
    }

    pub(super) fn killed(&mut self, now: Duration) {
        self.killed = Some(now);
    }

    pub(super) fn hurry(&mut self) {
        self.patience = Duration::ZERO;
    }

    fn is_overdue(&self, told: Duration, now: Duration) -> bool {
        let is_again = |killed: Duration| now >= killed + KILL_AGAIN;
        now >= told + self.patience && self.killed.is_none_or(is_again)
    }
}

impl Fleet {
    /// The next step towards the end of a container.
    pub(super) fn see_off(
        &self,
        host: HostId,
        container: &Container,
        now: Duration,
    ) -> Option<Action> {
        let worker = container.worker;
        let id = || container.id.clone();
        match &container.state {
            ContainerState::Created | ContainerState::Ended(_) => Some(Action::Remove {
                host,
                container: id(),
                worker,
            }),
            ContainerState::Running => {
                let leaving = self.leaving.get(&container.id);
                let told = leaving.and_then(|leaving| Some((leaving, leaving.told?)));
                match told {
                    None => Some(Action::Drain {
                        host,
                        container: id(),
                        worker,
                    }),
                    Some((leaving, told)) => leaving.is_overdue(told, now).then(|| Action::Kill {
                        host,
                        container: id(),
                    }),
                }
            }
            ContainerState::Going => None,
        }
    }
}
