//! The worker: renders frames for a Pictor network with Blender.
//!
//! | room | owns |
//! |---|---|
//! | [`cli`] | the command line and its exit codes |
//! | [`start`] | wiring: config, machine and runtimes become a driver |
//! | [`agent`] | the decisions: pure, no clock, no files, no network |
//! | [`driver`] | the tasks that carry out what the agent decides |
//! | [`coordinator`] | the requests to the coordinator |
//! | [`probe`] | what a Blender can render on a slot, found out by rendering, and how fast |
//! | [`renderer`] | the driver's orders in the words of Blender's session |
//! | [`blender`] | installed Blenders, and one live process of it |
//! | [`verify`] | asking the coordinator about this worker, for installers |
//! | [`heartbeat`] | the sign that the worker works, for health checks |
//! | [`scenes`] | the cache of scenes |
//! | [`journal`] | pictures until the coordinator has given its word on them |
//! | [`config`] | `worker-config.json` and its defaults |
//! | [`gpu`] | NVML: the GPUs, their sensors, and whether they are still there |
//! | [`doctor`] | what is wrong with this machine, and what to do about it |
//! | [`machine`] | GPUs, CPU and memory, and which of them are slots |

pub mod agent;
pub mod backoff;
pub mod blender;
pub mod cli;
pub mod config;
pub mod coordinator;
pub mod doctor;
pub mod driver;
pub mod errors;
pub mod gpu;
pub mod heartbeat;
pub mod journal;
pub mod machine;
pub mod probe;
pub mod renderer;
pub mod scenes;
pub mod start;
pub mod verify;
