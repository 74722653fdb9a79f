//! The worker's integration tests, one binary.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on panics, and looks only at what it is about"
)]

mod agent_network;
mod agent_process;
mod blender_commands;
mod blender_ends;
mod blender_refuses;
mod blender_renders;
mod blender_versions;
mod blender_world;
mod challenges;
mod doctor;
mod fake_blender;
mod fake_coordinator;
mod gpu_worker;
mod gpus;
mod probes;
mod probes_of_a_worker;
mod program;
mod worker_here;
