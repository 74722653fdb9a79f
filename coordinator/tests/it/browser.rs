//! The pages as people have them: in a real Chromium, which asks a real coordinator.

mod chromium;
mod sign_in;
mod uploads;
