//! The launcher (module doc follows).
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
