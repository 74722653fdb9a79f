//! Scene → job → frames: what creators submit, see and change.
//!
//! | file | what |
//! |---|---|
//! | [`scene`] | reads a .blend or a .zip with bounded code, without Blender |
//! | [`intake`] | an uploaded blob becomes a scene |
//! | [`plan`] | a request and a scene become what will be rendered (pure) |
//! | [`state`] | where a job stands, and which wishes it allows (pure) |
//! | [`submit`], [`change`], [`view`] | the operations |

pub mod change;
pub mod intake;
pub mod plan;
pub mod scene;
pub mod state;
pub mod submit;
pub mod view;

use pictor_protocol::settings::Fault;

use crate::blobs::BlobError;
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
    #[error(transparent)]
    Blobs(#[from] BlobError),
    #[error(transparent)]
    Store(#[from] StoreError),
}
