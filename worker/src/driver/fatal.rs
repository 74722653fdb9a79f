//! What ends a worker although its owner did not ask for it.

use std::io;

use crate::agent::SlotId;
use crate::coordinator::{self, CallError};

#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    #[error(
        "the coordinator does not accept this worker's token ({0}): it is wrong or was revoked; get a new worker config from the coordinator"
    )]
    Unauthorized(CallError),
    #[error("this worker is too old for its coordinator ({0}): update the worker")]
    TooOld(CallError),
    #[error("the GPU of slot {slot} was lost ({message}); the container has to be recreated")]
    GpuLost { slot: SlotId, message: String },
    #[error("the cache directory cannot be used")]
    Cache(#[source] io::Error),
    #[error("the journal of finished pictures cannot be read")]
    Journal(#[source] io::Error),
    #[error("a part of the worker failed: {0}")]
    Panicked(String),
}

impl Fatal {
    pub(super) fn from_refusal(why: coordinator::Fatal, refusal: CallError) -> Self {
        match why {
            coordinator::Fatal::Unauthorized => Self::Unauthorized(refusal),
            coordinator::Fatal::TooOld => Self::TooOld(refusal),
        }
    }
}
