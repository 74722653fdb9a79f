//! Presence challenges: a slot that has nothing to do shows that it renders.
//!
//! ```text
//! commands                          → challenge {id, slot}, to workers whose hello says that they answer
//! POST challenges/{id}/begin (held) → what to render, at the same moment for all who were asked together
//! PUT  challenges/{id}/answer       → the picture was received; what it proves is found out later
//! ```
//!
//! What is rendered is the benchmark's stage ([`crate::benchmark`]) with its things moved, turned and coloured
//! anew, and [`PATCHES`] patches of plain light across the top of the picture. All of it is drawn by the
//! coordinator when it asks and told when the challenge begins, so nothing can be rendered before.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Pixels of the picture, which is a PNG of 8 bits without an alpha channel.
pub const WIDTH: u32 = 256;
pub const HEIGHT: u32 = 144;

/// Side of a patch in pixels. They stand side by side from the left upper corner on.
pub const PATCH: u32 = 16;
/// As many as fill the two rows at the top.
pub const PATCHES: usize = (2 * WIDTH / PATCH) as usize;

/// `POST /agent/v1/challenges/{id}/begin`: the slot's Blender is ready. Held until the challenge begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BeginChallenge {
    pub instance: Uuid,
}

/// What to render now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Challenge {
    pub stage: Stage,
    /// Of each pixel.
    pub samples: u32,
    /// What is left; a later answer proves nothing.
    pub answer_within_ms: u32,
}

/// The stage of a challenge. All numbers are whole, so that nobody rounds them in another way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stage {
    /// What the picture shows in the middle of each patch, from left to right and from top to bottom.
    pub patches: Vec<Colour>,
    pub monkey: Thing,
    pub ball: Thing,
    pub drop: Thing,
    pub lamp: Thing,
    pub sky: Colour,
    /// What Cycles begins its random numbers with.
    pub noise: u32,
}

/// Something on the stage, as far as it differs from the benchmark's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Thing {
    /// Moved by so many thousandths of a unit.
    pub x: i32,
    pub y: i32,
    /// Turned around its upright axis, in thousandths of a radian.
    pub turn: i32,
    pub colour: Colour,
}

/// Red, green and blue as a screen gets them (sRGB, 8 bits).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Vec<u8>)]
pub struct Colour(pub [u8; 3]);

/// The answer to `PUT /agent/v1/challenges/{id}/answer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChallengeReceived {
    /// How long it took since the challenge began, by the coordinator's clock.
    pub took_ms: i64,
}
