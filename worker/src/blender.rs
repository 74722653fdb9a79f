//! Blender: which versions are installed, and one live process of it that renders frames.
//!
//! | part | owns |
//! |---|---|
//! | [`runtime`] | installing, adopting, listing and choosing Blender versions |
//! | [`Session`] | one Blender process: starting it, talking to it, watching it, ending it |
//! | [`talk`] | what is said between the two |
//! | `session*.py` | the other half, inside Blender |
//!
//! Must not know HTTP, the coordinator, jobs or leases: whoever holds a [`Session`] says what to open
//! and what to render, and decides what a failure means.

mod launch;
mod log;
mod processes;
mod progress;
pub mod runtime;
mod session;
pub mod talk;
mod watch;

pub use launch::Launch;
pub use log::{Log, LogChunk};
pub use session::{Session, SessionError, StartError};
pub use watch::Patience;
