//! Pictor's coordinator: hands out frames, verifies them and keeps the books. `ARCHITECTURE.md` beside
//! this crate is the bird's-eye view.
//!
//! | room | what it owns |
//! |---|---|
//! | [`app`], [`config`] | wiring, one typed configuration |
//! | [`http`] | addresses, who may ask, status codes; never SQL |
//! | [`jobs`] | scene → job → frames |
//! | [`dispatch`] | leases: who renders what |
//! | [`trust`] | what an output must pass |
//! | [`workers`] | registry, config files, presence |
//! | [`presence`] | challenges: idle slots prove that they render |
//! | [`accounts`] | people, tokens, sessions |
//! | [`campaign`] | campaigns and the versions of their rules |
//! | [`fair_play`] | standings, appeals, what looks like cheating |
//! | [`audit_log`] | who decided what; only grows |
//! | [`campaign`] | what campaigns reward |
//! | [`network`], [`overview`] | what everybody sees of the network, and operators of all of it |
//! | [`blobs`] | content-addressed bytes |
//! | [`launcher`] | workers as containers on Docker hosts; a process of its own |
//! | [`store`] | all SQL; never HTTP |
//! | [`bells`], [`progress`], [`telemetry`], [`metrics`] | what is in memory only |

pub mod accounts;
pub mod app;
pub mod audit_log;
pub mod bells;
pub mod blobs;
pub mod campaign;
pub mod cli;
pub mod config;
pub mod dispatch;
pub mod fair_play;
pub mod http;
pub mod jobs;
pub mod launcher;
pub mod ledger;
pub mod metrics;
pub mod network;
pub mod overview;
pub mod presence;
pub mod progress;
pub mod store;
pub mod telemetry;
pub mod trust;
pub mod workers;
