//! The launcher (module doc follows).
pub mod backoff;
pub mod decide;
pub mod ending;
pub mod model;
pub mod scale;
