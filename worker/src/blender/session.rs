//! One Blender process, from its start to its end.
//!
//! ```text
//! start ──ready──▶ idle ──send(Open)──▶ opening ──Opened | Failed──▶ idle
//!                   idle ──send(Render)─▶ rendering ──Rendered | Failed──▶ idle      (several queued)
//! any ──died, silent, too much memory──▶ over: `next` answers why, and nothing is left running
//! any ──stop | drop──▶ over
//! ```
//!
//! A session runs no task of its own: it lives while [`Session::next`] is polled, which reads what
//! Blender says and prints and looks at what it uses. Whoever waits for anything while Blender owes an
//! answer has to wait for `next` too, or Blender stops at a full pipe.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::process::Child;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::launch::{Home, Launch};
use super::log::Log;
use super::processes::group_usage;
use super::talk::{Event, Ready, Request};
use super::watch::{Trouble, Watch};

/// How often memory and signs of life are looked at while Blender works; a look takes 2.4 ms on a machine
/// with 77 processes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The longest line: the facts of a scene with thousands of missing files.
const LONGEST_LINE: usize = 4 * 1024 * 1024;
/// From the end of the conversation to the end of the process that had it.
const DIES_WITHIN: Duration = Duration::from_millis(500);
/// What a killed process may still take to be gone; the kernel frees its memory first.
const GONE_WITHIN: Duration = Duration::from_secs(5);
/// For the last printed lines of a dead process.
const DRAINS_WITHIN: Duration = Duration::from_millis(100);
/// How much of the log an error carries.
const TAIL_BYTES: u64 = 4096;

/// Blender did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot prepare a directory for Blender")]
    Home(#[source] io::Error),
    #[error("cannot run {}", program.display())]
    Spawn {
        program: std::path::PathBuf,
        source: io::Error,
    },
    #[error("Blender was not ready within {} s", within.as_secs())]
    Late { within: Duration, log_tail: String },
    #[error("Blender did not start")]
    Ended(#[source] SessionError),
}

/// The session is over, and its processes are gone.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("Blender {}", describe(*status))]
    Died {
        status: Option<ExitStatus>,
        log_tail: String,
    },
    #[error("Blender used {used_bytes} bytes of memory where {limit_bytes} are allowed")]
    OutOfMemory { used_bytes: u64, limit_bytes: u64 },
    #[error("Blender was silent for {} s", silent.as_secs())]
    Silent { silent: Duration, log_tail: String },
    #[error("Blender said what nobody understands: {line:.200}")]
    Gibberish { line: String },
}

/// A live Blender.
#[derive(Debug)]
pub struct Session {
    child: Child,
    id: Pid,
    /// Until its group was killed.
    is_alive: bool,
    /// Why it had to be.
    condemned: Option<SessionError>,
    conversation: UnixStream,
    unread: Vec<u8>,
    output: pipe::Receiver,
    /// Until the other end of `output` is closed.
    prints: bool,
    log: Log,
    watch: Watch,
    looks: Interval,
    owed_answers: usize,
    memory_limit_bytes: Option<u64>,
    ready: Ready,
    /// Removed with the session.
    _home: Home,
}

impl Session {
    /// Starts Blender and waits until it is ready for its first scene: about a second.
    pub async fn start(launch: &Launch) -> Result<Self, StartError> {
        let mut session = Self::spawn(launch)?;
        match timeout(launch.patience.start, session.next()).await {
            Ok(Ok(Event::Ready(ready))) => {
                session.ready = ready;
                Ok(session)
            }
            Ok(Ok(event)) => Err(StartError::Ended(SessionError::Gibberish {
                line: format!("{event:?}"),
            })),
            Ok(Err(error)) => Err(StartError::Ended(error)),
            // Dropping the session ends the process.
            Err(_) => Err(StartError::Late {
                within: launch.patience.start,
                log_tail: session.log.tail(TAIL_BYTES),
            }),
        }
    }

    /// Version and devices of this Blender.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// What Blender printed.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The leader of the process group.
    pub fn process_id(&self) -> u32 {
        self.id.as_raw_nonzero().get().unsigned_abs()
    }

    /// Asks for something. Requests may be queued: Blender then goes on with the next without waiting.
    /// After an error `next` says what became of Blender.
    pub async fn send(&mut self, request: Request) -> io::Result<()> {
        let request = match request {
            Request::Open(mut open) => {
                open.memory_limit_bytes = open.memory_limit_bytes.or(self.memory_limit_bytes);
                Request::Open(open)
            }
            other @ (Request::OpenBuiltin { .. } | Request::Render(_)) => other,
        };
        if self.owed_answers == 0 {
            self.watch.hear(Instant::now());
        }
        let mut line = serde_json::to_vec(&request)?;
        line.push(b'\n');
        self.conversation.write_all(&line).await?;
        self.owed_answers += 1;
        Ok(())
    }

    /// The next thing Blender says. Nothing is lost when the future is dropped before it is done. An
    /// error is the end: Blender is gone then, and nothing more is to come.
    pub async fn next(&mut self) -> Result<Event, SessionError> {
        while self.is_alive {
            if let Some(event) = self.take_event() {
                return Ok(event);
            }
            // Printed lines first: at the end of a frame they belong to its log.
            let is_over = tokio::select! {
                biased;
                printed = read_some(&mut self.output), if self.prints => {
                    self.take_printed(&printed.unwrap_or_default());
                    false
                }
                said = self.conversation.read_buf(&mut self.unread) => {
                    self.watch.hear(Instant::now());
                    !said.is_ok_and(|bytes| bytes > 0)
                }
                _ = self.looks.tick(), if self.owed_answers > 0 => {
                    self.look();
                    false
                }
            };
            if is_over {
                // A crash is told by the status that Blender ends with by itself, not by our signal.
                timeout(DIES_WITHIN, self.child.wait()).await.ok();
                self.kill_group();
            }
        }
        Err(self.over().await)
    }

    /// Ends Blender at once, whatever it does, and waits until it is gone.
    ///
    /// No request to end comes first: Blender has nothing to save, and takes up to a second for its own
    /// way out.
    pub async fn stop(mut self) {
        self.kill_group();
        timeout(GONE_WITHIN, self.child.wait()).await.ok();
    }

    fn spawn(launch: &Launch) -> Result<Self, StartError> {
        let home = Home::new(launch.work_dir.as_deref()).map_err(StartError::Home)?;
        let (child, id, conversation, output) =
            spawn(launch, &home).map_err(|source| StartError::Spawn {
                program: launch.runtime.program().to_owned(),
                source,
            })?;
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            child,
            id,
            is_alive: true,
            condemned: None,
            conversation,
            unread: Vec::new(),
            output,
            prints: true,
            log: Log::default(),
            watch: Watch::new(launch.patience, launch.memory_limit_bytes, Instant::now()),
            looks,
            owed_answers: 1, // that it is ready
            memory_limit_bytes: launch.memory_limit_bytes,
            ready: Ready::default(),
            _home: home,
        })
    }

    fn take_event(&mut self) -> Option<Event> {
        let Some(end) = self.unread.iter().position(|&byte| byte == b'\n') else {
            if self.unread.len() > LONGEST_LINE {
                self.condemn(gibberish(&self.unread));
            }
            return None;
        };
        let line: Vec<u8> = self.unread.drain(..=end).collect();
        let Ok(event) = serde_json::from_slice(&line) else {
            self.condemn(gibberish(&line));
            return None;
        };
        match &event {
            Event::Ready(_) | Event::Opened { .. } | Event::Rendered(_) | Event::Failed(_) => {
                self.owed_answers = self.owed_answers.saturating_sub(1);
            }
            Event::Notice { .. } | Event::Progress(_) => {}
        }
        Some(event)
    }

    fn take_printed(&mut self, bytes: &[u8]) {
        self.log.push(bytes);
        self.prints = !bytes.is_empty();
        self.watch.hear(Instant::now());
    }

    fn look(&mut self) {
        let usage = group_usage(self.id.as_raw_nonzero().get());
        let trouble = match self.watch.look(usage, Instant::now()) {
            Ok(()) => return,
            Err(trouble) => trouble,
        };
        self.condemn(match trouble {
            Trouble::Memory {
                used_bytes,
                limit_bytes,
            } => SessionError::OutOfMemory {
                used_bytes,
                limit_bytes,
            },
            Trouble::Silent(silent) => SessionError::Silent {
                silent,
                log_tail: self.log.tail(TAIL_BYTES),
            },
        });
    }

    fn condemn(&mut self, reason: SessionError) {
        self.condemned = Some(reason);
        self.kill_group();
    }

    /// What became of Blender, once nothing of it is left and its last words are read.
    async fn over(&mut self) -> SessionError {
        let status = timeout(GONE_WITHIN, self.child.wait()).await;
        while self.prints
            && let Ok(printed) = timeout(DRAINS_WITHIN, read_some(&mut self.output)).await
        {
            self.take_printed(&printed.unwrap_or_default());
        }
        self.condemned.take().unwrap_or_else(|| SessionError::Died {
            status: status.ok().and_then(Result::ok),
            log_tail: self.log.tail(TAIL_BYTES),
        })
    }

    /// Once only: a number that nobody waits for any more may be given to another process.
    fn kill_group(&mut self) {
        if std::mem::take(&mut self.is_alive) {
            // It fails where the group is gone already, which is what was wanted.
            kill_process_group(self.id, Signal::KILL).ok();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.kill_group();
    }
}

fn spawn(launch: &Launch, home: &Home) -> io::Result<(Child, Pid, UnixStream, pipe::Receiver)> {
    // Neither end of these is inherited by anything but this one child.
    let (ours, blenders) = std::os::unix::net::UnixStream::pair()?;
    let (printed, output) = io::pipe()?;
    ours.set_nonblocking(true)?;
    let child = tokio::process::Command::from(launch.command(home, blenders, output)?)
        .kill_on_drop(true)
        .spawn()?;
    let id = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let id = id.ok_or(io::ErrorKind::NotFound)?;
    let printed = pipe::Receiver::from_owned_fd(printed.into())?;
    Ok((child, id, UnixStream::from_std(ours)?, printed))
}

async fn read_some(output: &mut pipe::Receiver) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(16 * 1024);
    output.read_buf(&mut bytes).await?;
    Ok(bytes)
}

fn gibberish(bytes: &[u8]) -> SessionError {
    let line = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    SessionError::Gibberish { line }
}

fn describe(status: Option<ExitStatus>) -> String {
    let Some(status) = status else {
        return "does not end, though it was killed".into();
    };
    match status.signal() {
        Some(9) => "was killed, as the kernel does when memory runs out".into(),
        Some(signal) => format!("crashed with signal {signal}"),
        None => format!("ended by itself with {status}"),
    }
}
