//! The pages as people have them: in a real Chromium, which asks a real coordinator.

mod account;
mod chromium;
mod community;
mod every_page;
mod gallery;
mod install;
mod journeys;
mod lighthouse;
mod sign_in;
mod states;
mod thumbnails;
mod uploads;
