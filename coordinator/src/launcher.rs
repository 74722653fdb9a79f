//! The launcher, `pictor-coordinator launch`: keeps workers running as containers on Docker hosts.
//!
//! Whoever can call a Docker engine is root on its machine. So the launcher is a process of its own that
//! listens to nobody; the coordinator, which everybody reaches, never has an engine's socket, and the
//! launcher knows the coordinator only as any worker owner does: by its public API, with an access token of
//! the scope `workers`.
//!
//! | room | what it owns |
//! |---|---|
//! | [`decide`] | what to do next; pure, with [`scale`] (how many), [`ending`] (what an exit code means), [`backoff`] |
//! | [`model`] | what is seen and what can be done: the words between deciding and doing |
//! | [`driver`] | looks, asks, lets decide, does; the only loop |
//! | [`hosts`], [`recipe`] | one Docker engine; how a container is made and hardened |
//! | [`coordinator`] | enrol, drain, retire, who is online, what waits |
//! | [`config`] | the command line |
//!
//! A *place* is where one worker container can stand: a GPU of a host, or a share of its CPU. What happens
//! at a place that a worker is wanted at, and at one where none is wanted any more:
//!
//! ```text
//!             enrol, create, hand over, start                         not wanted, or another image
//!  ┌───────┐ ───────────────────────────────► ┌─────────┐ ─────────────────────────────► ┌─────────┐
//!  │ empty │                                  │ running │                    drain, TERM │ leaving │
//!  └───────┘ ◄──────────────┐                 └─────────┘                                └─────────┘
//!      ▲                    │ remove, retire    │     ▲ start: 1 s … 5 min, full jitter       │ ended,
//!      │                    │              ends │     │                                       │ or KILL
//!      │                 ┌──┴────────────────┐  │   ┌─┴─────┐                                 │
//!      │                 │ of no use: 3 4 5 8│◄─┴──►│ ended │                                 │
//!      │                 └───────────────────┘      └───────┘                                 │
//!      └──────────────────────────────────────────────────────────── remove, retire ──────────┘
//! ```
//!
//! What is true is what Docker's labels and the coordinator say; nothing is written down here. A launcher
//! that was killed is started again and finds its containers by their labels, workers that it enrolled for
//! nothing by their names. Containers that it cannot place, it sees off.
//!
//! It must not know: jobs, frames, scenes, or anything of the coordinator's database.

pub mod backoff;
pub mod config;
pub mod coordinator;
pub mod decide;
pub mod driver;
pub mod ending;
pub mod hosts;
pub mod model;
pub mod recipe;
pub mod scale;
