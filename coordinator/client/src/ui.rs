//! What people and scripts see: answers on stdout, everything else on stderr.

mod progress;
mod table;
pub mod words;

use std::error::Error;
use std::io::{self, IsTerminal, Write};

use pictor_protocol::problem::ProblemKind;
use pictor_protocol::settings::Fault;
use serde::Serialize;

pub use self::progress::{JobProgress, UploadProgress};
pub use self::table::Table;
use crate::failure::Failure;

/// How this process talks.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    json: bool,
    /// Somebody watches stderr: bars instead of lines.
    watched: bool,
}

impl Ui {
    pub fn for_this_process(json: bool) -> Self {
        Self {
            json,
            watched: io::stderr().is_terminal(),
        }
    }

    /// The answer of a command: the value itself for scripts, its text for people.
    pub fn answer(
        &self,
        value: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if self.json {
            self.json_line(value)
        } else {
            self.text(&text())
        }
    }

    /// The answer of a command that is text by nature.
    pub fn text(&self, text: &str) -> Result<(), Failure> {
        let end = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        print(format!("{text}{end}").as_bytes())
    }

    /// One object of a stream, for scripts only.
    pub fn event(&self, value: &impl Serialize) -> Result<(), Failure> {
        if self.json {
            self.json_line(value)
        } else {
            Ok(())
        }
    }

    pub const fn is_json(&self) -> bool {
        self.json
    }

    /// Something worth knowing beside the answer. A terminal that went away is nobody's loss.
    pub fn note(&self, text: &str) {
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// What somebody who sits here may want to type next.
    pub fn hint(&self, text: &str) {
        if self.watched && !self.json {
            self.note(text);
        }
    }

    /// Why the command failed, down to the cause that the system named.
    pub fn failure(&self, failure: &Failure, exit_code: u8) {
        // Whoever does not take our answer does not take this one either.
        if matches!(failure, Failure::Print { .. }) {
            return;
        }
        let message = format!("{failure}{}", cause(failure));
        self.note(&format!("pictor: {message}"));
        let problem = failure.problem();
        let _ = self.event(&Failed {
            event: "failed",
            exit_code,
            message,
            problem: problem.map(|problem| problem.kind),
            faults: failure.faults(),
        });
    }

    /// Asks a yes-or-no question; no where nobody can answer.
    pub fn confirms(&self, question: &str) -> bool {
        if !(self.watched && io::stdin().is_terminal()) {
            return false;
        }
        let _ = write!(io::stderr(), "{question} [y/N] ");
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
    }

    fn json_line(&self, value: &impl Serialize) -> Result<(), Failure> {
        let mut line = serde_json::to_vec(value).map_err(|error| Failure::Print {
            source: error.into(),
        })?;
        line.push(b'\n');
        print(&line)
    }
}

/// What a script reads when a command did not do what it was asked for.
#[derive(Serialize)]
struct Failed<'a> {
    event: &'static str,
    exit_code: u8,
    message: String,
    /// What the coordinator calls its refusal, if it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ProblemKind>,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    faults: &'a [Fault],
}

/// Flushed every time: a script waits for the line.
fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|source| Failure::Print { source })
}

/// The last error in the chain, which says most: `Connection refused`, `No space left on device`.
fn cause(failure: &Failure) -> String {
    let mut deepest = None;
    let mut next = failure.source();
    while let Some(error) = next {
        deepest = Some(error);
        next = error.source();
    }
    deepest
        .map(ToString::to_string)
        .filter(|cause| !failure.to_string().contains(cause.as_str()))
        .map(|cause| format!("\n  {cause}"))
        .unwrap_or_default()
}
