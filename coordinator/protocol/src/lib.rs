//! What crosses the wire between coordinator, workers and clients: requests, answers, ids, problems.
//!
//! This crate is the only thing that the three programs share. It holds data and its parsing, never
//! behaviour: no clock, no network, no files.
//!
//! How the wire grows: a reader ignores fields it does not know, a new field is optional for the
//! reader (`#[serde(default)]`), an enum that an older reader may meet has an `Unknown` variant.
//! `tests/golden` keeps what earlier versions wrote, and every version must still read it.
//!
//! | who talks | module | addresses |
//! |---|---|---|
//! | worker → coordinator | [`agent`], [`challenge`] | `/agent/v1/…` |
//! | people and scripts → coordinator | [`job`], [`scene`], [`people`], [`sign_in`], [`worker`], [`campaign`], [`fair_play`] | `/api/v1/…` |
//! | people and scripts → coordinator | [`job`], [`scene`], [`people`], [`sign_in`], [`worker`], [`campaign`] | `/api/v1/…` |
//! | people and scripts → coordinator | [`job`], [`scene`], [`people`], [`sign_in`], [`worker`] | `/api/v1/…` |
//! | everybody, and operators → coordinator | [`network`] | `/api/v1/network`, `/api/v1/operator/…` |
//! | owners of workers → coordinator | [`schedule`], [`worker_history`] | `/api/v1/workers/{id}/…` |
//! | people and scripts → coordinator | [`job`], [`job_workers`], [`review`] | `/api/v1/jobs/…` |
//! | operators → coordinator | [`payout`] | `/api/v1/operator/…` |
//! | people and scripts → coordinator | [`job`], [`scene`], [`people`], [`sign_in`], [`worker`], [`campaign`], [`community`] | `/api/v1/…` |
//! | people and scripts → coordinator | [`job`], [`scene`], [`people`], [`sign_in`], [`worker`], [`campaign`], [`ledger`], [`leaderboard`], [`snapshot`] | `/api/v1/…` |
//! | coordinator → anybody, when it refuses | [`problem`] | every address |
//! | coordinator → worker, as a file | [`worker_config`] | `worker-config.json` |
//!
//! [`health`] is what a worker says of its machine. [`gpus`] and [`benchmark`] are facts that both sides go by; [`amount`] is how value is counted.
//!
//! Points in time are Unix milliseconds (`…_ms` on an absolute field means UTC), durations are
//! milliseconds too; sizes are bytes.

pub mod agent;
pub mod amount;
pub mod benchmark;
pub mod blender;
pub mod blob;
pub mod campaign;
pub mod challenge;
pub mod community;
pub mod fair_play;
pub mod frames;
pub mod gpus;
pub mod health;
pub mod ids;
pub mod job;
pub mod job_workers;
pub mod leaderboard;
pub mod ledger;
pub mod network;
pub mod payout;
pub mod people;
pub mod problem;
pub mod review;
pub mod scene;
pub mod schedule;
pub mod settings;
pub mod sign_in;
pub mod snapshot;
pub mod worker;
pub mod worker_config;
pub mod worker_history;

pub use amount::{Cents, Micros};
pub use blob::BlobHash;
pub use ids::{
    AppealId, CampaignId, ChallengeId, ClaimId, DecisionId, IdentityId, JobId, LeaseId, PayoutId,
    SceneId, SessionId, TaskId, TokenId, UserId, WorkerId,
};
