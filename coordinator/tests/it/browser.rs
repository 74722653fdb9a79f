//! The pages as people have them: in a real Chromium, which asks a real coordinator.

mod account;
mod chromium;
mod every_page;
mod gallery;
mod journeys;
mod lighthouse;
mod sign_in;
mod states;
mod uploads;
