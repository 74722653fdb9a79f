//! Scene → job → frames: what creators submit, see and change.
//!
//! | file | what |
//! |---|---|
//! | [`scene`] | reads a .blend or a .zip with bounded code, without Blender |
//! | [`intake`] | an uploaded blob becomes a scene |
//! | [`plan`] | a request and a scene become what will be rendered (pure) |
//! | [`state`] | where a job stands, and which wishes it allows (pure) |
//! | [`cost`] | prices, guesses, estimates, reserves (pure) |
//! | [`charge`] | a job is paid for, in the transaction of the fact |
//! | [`review`] | what a creator may say of a frame (pure) |
//! | [`waits`] | why frames wait, worker by worker (loading aside, pure) |
//! | [`list`], [`at_work`] | the jobs of somebody; who works on one |
//! | [`overview`] | a job and its frames at a glance |
//! | [`submit`], [`change`], [`approve`], [`send_back`], [`view`] | the operations |

pub mod approve;
pub mod at_work;
pub mod change;
pub mod charge;
pub mod cost;
pub mod intake;
pub mod list;
pub mod overview;
pub mod plan;
pub mod redo;
pub mod review;
pub mod scene;
pub mod send_back;
pub mod state;
pub mod submit;
pub mod view;
pub mod waits;

use pictor_protocol::settings::Fault;

use crate::blobs::BlobError;
use crate::campaign::CurrentError;
use crate::campaign::earn::EarnError;
use crate::store::StoreError;
use state::NotNow;

/// Why an operation on scenes and jobs was refused.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error("there is no such {0}, or it is not yours")]
    NotFound(&'static str),
    #[error("the request cannot be carried out")]
    Invalid(Vec<Fault>),
    #[error("{0}")]
    BadScene(String),
    #[error("{0}")]
    NewerThanEveryRuntime(String),
    #[error(transparent)]
    NotNow(#[from] NotNow),
    /// Frames of which this cannot be said; nothing was changed.
    #[error("this cannot be said of every frame")]
    Review(Vec<(i32, review::Why)>),
    #[error(transparent)]
    Charge(#[from] charge::ChargeError),
    #[error(transparent)]
    Earn(#[from] EarnError),
    #[error(transparent)]
    Rules(#[from] CurrentError),
    #[error(transparent)]
    Blobs(#[from] BlobError),
    #[error(transparent)]
    Store(#[from] StoreError),
}
