//! `pictor` against scripted coordinators: what it asks for, what it says, how it ends.
//!
//! The coordinator here is a script in each test, because what matters are faults that a real one
//! makes at the worst moment or never. The whole network is tested elsewhere.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod credentials;
mod download;
mod fake;
mod jobs;
mod pictor;
mod refusals;
mod server;
mod upload;
mod waiting;
