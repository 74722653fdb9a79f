//! The thread that owns NVML, and the questions that others put to it.
//!
//! The thread sleeps until it is asked: a worker that has nothing to do does not wake it. Whoever asks waits
//! for a bounded time only, because a call into a driver in trouble may never come back; for the same reason
//! the thread is not waited for at the program's end. It holds nothing that would have to be written.
//!
//! A container may lose its devices (`systemctl daemon-reload` on the host) while this program, which has
//! them open, still reads them: only a new Blender finds them gone. So after a failure NVML is closed and
//! opened anew, which sees what a new program sees.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use pictor_protocol::agent::Telemetry;
use tokio::sync::oneshot;

use super::nvml::{Driver, Reading};
use super::{GpuError, Inventory, Library};

/// Readings and energy: they cost well below a millisecond each on a healthy driver, and nothing that
/// renders may wait for them for long.
const READ_WITHIN: Duration = Duration::from_secs(1);
/// Opening NVML anew takes up to seconds with many GPUs.
const CHECK_WITHIN: Duration = Duration::from_secs(10);
/// Questions that wait; more come only when the driver does not answer, and then they would get no answer
/// either.
const QUEUE: usize = 32;

/// Asks the GPUs of this worker's slots. The default one knows no GPU.
#[derive(Debug, Clone, Default)]
pub struct Watch(Option<Arc<Watched>>);

#[derive(Debug)]
struct Watched {
    questions: SyncSender<Question>,
    /// By slot; none for the CPU and for a GPU that NVML does not show.
    uuids: Vec<Option<String>>,
}

/// What the sensors say, and which slots have no GPU any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    pub telemetry: Vec<Telemetry>,
    pub losses: Vec<Loss>,
}

/// The GPU of a slot is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    pub slot: u16,
    pub error: GpuError,
}

#[derive(Debug)]
enum Question {
    Look {
        of: Vec<(u16, String)>,
        answer: oneshot::Sender<Look>,
    },
    Energy {
        of: String,
        answer: oneshot::Sender<Option<u64>>,
    },
    Check {
        of: String,
        answer: oneshot::Sender<Result<(), GpuError>>,
    },
}

/// NVML on its own thread, before the slots are known.
#[derive(Debug)]
pub struct Opened {
    pub inventory: Inventory,
    questions: SyncSender<Question>,
}

impl Opened {
    /// The GPUs that matter, by slot.
    pub fn watch(self, uuids: Vec<Option<String>>) -> Watch {
        let questions = self.questions;
        Watch(Some(Arc::new(Watched { questions, uuids })))
    }
}

impl Watch {
    /// Loads the library and takes the inventory, on the thread that keeps it.
    pub fn open(library: Library) -> Result<Opened, GpuError> {
        let (questions, asked) = sync_channel(QUEUE);
        let (answer, inventory) = sync_channel(1);
        let serve = move || {
            let opened =
                Driver::open(&library).and_then(|driver| Ok((driver.inventory()?, driver)));
            let (first, driver) = match opened {
                Ok((inventory, driver)) => (Ok(inventory), Some(driver)),
                Err(error) => (Err(error), None),
            };
            let is_open = first.is_ok();
            if answer.send(first).is_ok() && is_open {
                Keeper::new(library, driver).serve(&asked);
            }
        };
        let thread = std::thread::Builder::new().name("nvml".into());
        let started = thread
            .spawn(serve)
            .map_err(|error| GpuError::Other(error.to_string()));
        drop(started?);
        let inventory = inventory
            .recv()
            .map_err(|_| GpuError::Other("its library ended in the middle".into()))??;
        Ok(Opened {
            inventory,
            questions,
        })
    }

    /// Reads every slot's sensors; nothing when the driver takes too long.
    pub async fn look(&self) -> Look {
        let Some(watched) = &self.0 else {
            return Look::default();
        };
        let of: Vec<_> = (0..)
            .zip(&watched.uuids)
            .filter_map(|(slot, uuid)| Some((slot, uuid.clone()?)))
            .collect();
        if of.is_empty() {
            return Look::default();
        }
        let asked = watched.ask(READ_WITHIN, |answer| Question::Look { of, answer });
        asked.await.unwrap_or_default()
    }

    /// What the slot's GPU has used since its driver was loaded.
    pub async fn energy_millijoules(&self, slot: u16) -> Option<u64> {
        let (watched, of) = self.gpu(slot)?;
        let asked = watched.ask(READ_WITHIN, |answer| Question::Energy { of, answer });
        asked.await.flatten()
    }

    /// Opens NVML anew, as the next Blender will, and answers whether the slot's GPU is lost to it.
    pub async fn is_lost(&self, slot: u16) -> Option<Loss> {
        let (watched, of) = self.gpu(slot)?;
        let asked = watched.ask(CHECK_WITHIN, |answer| Question::Check { of, answer });
        let error = asked.await?.err().filter(|error| !error.leaves_cuda())?;
        Some(Loss { slot, error })
    }

    fn gpu(&self, slot: u16) -> Option<(&Watched, String)> {
        let watched = self.0.as_ref()?;
        let uuid = watched.uuids.get(usize::from(slot))?.clone()?;
        Some((watched, uuid))
    }
}

impl Watched {
    async fn ask<T>(
        &self,
        within: Duration,
        question: impl FnOnce(oneshot::Sender<T>) -> Question,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.questions.try_send(question(answer)).ok()?;
        tokio::time::timeout(within, answered).await.ok()?.ok()
    }
}

/// What the thread keeps.
struct Keeper {
    library: Library,
    /// None after it could not be opened anew.
    driver: Option<Driver>,
    /// GPUs that never say anything, and were looked at closely because of that.
    silent: HashSet<String>,
}

impl Keeper {
    fn new(library: Library, driver: Option<Driver>) -> Self {
        Self {
            library,
            driver,
            silent: HashSet::new(),
        }
    }

    /// Until nobody can ask any more. Who no longer waits for the answer does not get one.
    fn serve(mut self, asked: &Receiver<Question>) {
        for question in asked {
            match question {
                Question::Look { of, answer } => answer.send(self.look(of)).ok(),
                Question::Energy { of, answer } => answer.send(self.energy(&of)).ok(),
                Question::Check { of, answer } => answer.send(self.check(&of)).ok(),
            };
        }
    }

    fn energy(&self, uuid: &str) -> Option<u64> {
        self.driver.as_ref()?.energy_millijoules(uuid)
    }

    fn look(&mut self, of: Vec<(u16, String)>) -> Look {
        let mut look = Look::default();
        for (slot, uuid) in of {
            match self.read(slot, &uuid) {
                Ok(readings) => look.telemetry.extend(readings),
                Err(error) if error.leaves_cuda() => {}
                Err(error) => look.losses.push(Loss { slot, error }),
            }
        }
        look
    }

    fn read(&mut self, slot: u16, uuid: &str) -> Result<Option<Telemetry>, GpuError> {
        let Some(driver) = &self.driver else {
            return self.check(uuid).map(|()| None);
        };
        match driver.reading(slot, uuid) {
            Reading::Read(telemetry) => {
                self.silent.remove(uuid);
                Ok(Some(telemetry))
            }
            Reading::Lost(error) => Err(error),
            Reading::Suspicious if self.silent.contains(uuid) => Ok(None),
            Reading::Suspicious => {
                self.check(uuid)?;
                self.silent.insert(uuid.to_owned());
                Ok(None)
            }
        }
    }

    fn check(&mut self, uuid: &str) -> Result<(), GpuError> {
        // The old one first: NVML counts its users, and a second one would only join the first.
        self.driver = None;
        let driver = Driver::open(&self.library)?;
        let found = driver.find(uuid);
        self.driver = Some(driver);
        found
    }
}
