//! The public API, `/api/v1/…`: for people's programs and scripts.

pub mod blobs;
pub mod campaign;
pub mod events;
pub mod fair_play;
pub mod frames;
pub mod jobs;
pub mod operator;
pub mod people;
pub mod scenes;
pub mod sessions;
pub mod sign_in;
pub mod system;
pub mod worker_history;
pub mod workers;
