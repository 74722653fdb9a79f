//! Blender versions that the coordinator wants here: installed beside the work, told of in every hello.

use std::collections::BTreeMap;
use std::time::Duration;

use pictor_protocol::blender::Series;

use super::effect::{Effect, Notice};
use super::{Agent, Mode};

/// A command that was on its way while a failure was told is no new one. The coordinator waits longer.
const SETTLED_AFTER: Duration = Duration::from_secs(60);

/// What can be installed and what becomes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installs {
    /// What the owner lets the coordinator ask for, as far as it is not installed.
    pub installable: Vec<Series>,
    /// What was asked for and is not there.
    pub begun: BTreeMap<Series, Progress>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    Running,
    Failed {
        /// After the worker's start.
        at: Duration,
        message: String,
    },
}

impl Agent {
    pub(super) fn install(&mut self, now: Duration, series: Series) {
        let is_new = match self.installs.begun.get(&series) {
            None => true,
            Some(Progress::Running) => false,
            Some(Progress::Failed { at, .. }) => now >= *at + SETTLED_AFTER,
        };
        let may = self.mode == Mode::Working && self.installs.installable.contains(&series);
        if !is_new || !may {
            return;
        }
        self.installs.begun.insert(series, Progress::Running);
        self.effects.push(Effect::Install { series });
        self.tell(Notice::Installing { series });
        self.has_news = true;
    }

    /// An installation is over.
    pub(super) fn installed(&mut self, now: Duration, series: Series, result: Result<(), String>) {
        self.has_news = true;
        if let Err(message) = result {
            let (at, why) = (now, message.clone());
            let failed = Progress::Failed { at, message };
            self.installs.begun.insert(series, failed);
            return self.tell(Notice::InstallFailed {
                series,
                message: why,
            });
        }
        self.installs.begun.remove(&series);
        self.installs.installable.retain(|it| *it != series);
        for slot in &mut self.slots {
            slot.ability.add(series);
        }
        self.tell(Notice::Installed { series });
    }
}
