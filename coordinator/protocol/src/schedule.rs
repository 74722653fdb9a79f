//! The hours of the week in which a worker takes frames.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `PUT /api/v1/workers/{id}/schedule`: outside of these hours a worker finishes what it has and is given nothing
/// more. Times are the owner's, by a fixed offset from UTC; a daylight saving time is not followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Schedule {
    /// What has to be added to UTC, -720 to 840: 120 for UTC+2.
    #[serde(default)]
    pub utc_offset_minutes: i32,
    /// 1 to 21, none of which overlap.
    pub spans: Vec<WeekSpan>,
}

/// A part of a day. What goes on over midnight is two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WeekSpan {
    /// 0 for Monday to 6 for Sunday.
    pub day: u8,
    /// Of the day, 0 to 1439.
    pub from_minute: u16,
    /// Of the day, after `from_minute`; 1440 is the end of the day.
    pub to_minute: u16,
}
