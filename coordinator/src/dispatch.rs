//! Leases: who renders what, until when, and what becomes of what they report.
//!
//! | file | what |
//! |---|---|
//! | [`ability`] | who can render what (pure) |
//! | [`decide`] | which job a slot works on and how much of it (pure) |
//! | [`missing`] | which Blender is missing, and who installs it (pure) |
//! | [`pace`] | how long frames should take (pure) |
//! | [`task`] | the life of a task and its attempts (pure) |
//! | [`trouble`] | when a job as a whole is at fault (pure) |
//! | [`hand_out`] | `work`: a slot asks, and waits |
//! | [`report`] | `report`: renewals, and an outcome for each attempt |
//! | [`output`], [`failure`] | what becomes of a picture, and of none |
//! | [`installs`] | tells workers what [`missing`] decided |
//! | [`record`] | writes what [`task`] decided |
//! | [`sweep`] | the loop: expired leases, unneeded blobs |

pub mod ability;
pub mod decide;
pub mod failure;
pub mod hand_out;
pub mod installs;
pub mod missing;
pub mod output;
pub mod pace;
pub mod record;
pub mod report;
pub mod sweep;
pub mod task;
pub mod trouble;
