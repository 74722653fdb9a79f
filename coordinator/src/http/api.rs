//! The public API, `/api/v1/…`: for people's programs and scripts.

pub mod archive;
pub mod blobs;
pub mod campaign;
pub mod community;
pub mod events;
pub mod fair_play;
pub mod frames;
pub mod hearing;
pub mod jobs;
pub mod leaderboard;
pub mod ledger;
pub mod network;
pub mod operator;
pub mod payouts;
pub mod people;
pub mod quests;
pub mod reviews;
pub mod scenes;
pub mod sessions;
pub mod sign_in;
pub mod snapshots;
pub mod system;
pub mod worker_history;
pub mod workers;
