//! What pages show and what their forms do, without scripts.

mod account;
mod bench;
mod every_route;
mod jobs;
mod operator;
mod people;
mod refusals;
mod uploads;
mod workers;
