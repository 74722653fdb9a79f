//! Tests against real things: Blender runtimes, databases, sockets, processes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod account;
mod bad_input;
mod browser;
mod campaign;
mod cli;
mod community;
mod credits;
mod dispatch;
mod end_to_end;
mod fair_play;
mod harness;
mod hearing;
mod jobs;
mod launcher;
mod leaderboard;
mod ledger;
mod machines;
mod my_workers;
mod network;
mod openapi;
mod pages;
mod payouts;
mod people;
mod presence;
mod real_pictures;
mod real_scenes;
mod real_sizes;
mod reviews;
mod rights;
mod roles;
mod runtimes;
mod sessions;
mod sign_in_oidc;
mod sign_in_wallet;
mod slow_peers;
mod snapshot;
mod whole_campaign;
