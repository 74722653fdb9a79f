//! Whether points can be earned now. Pure.

use super::current::Current;
use super::life::State;

/// Why nothing can be earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRunning {
    #[error("there is no campaign here, so there is nothing to earn")]
    NoCampaign,
    #[error("the campaign has not begun: points are earned in {wait_s} s")]
    NotYet { wait_s: u64 },
    #[error("the campaign is over")]
    Over,
}

/// The campaign by which points are earned at this moment.
pub fn running(current: Option<Current>, now_us: i64) -> Result<Current, NotRunning> {
    let campaign = current.ok_or(NotRunning::NoCampaign)?;
    match campaign.state {
        State::Running => Ok(campaign),
        State::Upcoming | State::Open => Err(NotRunning::NotYet {
            wait_s: ((campaign.life.starts_us - now_us).max(0) as u64).div_ceil(1_000_000),
        }),
        State::Closed => Err(NotRunning::Over),
    }
}
