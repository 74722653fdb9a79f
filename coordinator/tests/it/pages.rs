//! What pages show and what their forms do, without scripts.

mod jobs;
mod operator;
