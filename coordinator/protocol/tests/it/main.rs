//! The wire as it was and is.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod golden;
mod messages;
mod samples;
mod wire_types;
