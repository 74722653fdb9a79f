//! What members of the community do: check in, do quests, bring others along.

mod calendar;
mod parts;
mod quests;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use pictor_protocol::Micros;
use pictor_protocol::community::CheckInMonth;
use serde::Deserialize;

use super::layout::{Page, Section, Viewer, done, html};
use super::{draw, show};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::campaign::check_in::{self, CheckInError};
use crate::campaign::life::State as LifeState;
use crate::campaign::rules::{self, STREAK_DAYS};
use crate::campaign::{Current, referral};
use crate::http::auth::Community;
use crate::http::browser::Browser;
use crate::http::extract::{Form, Query};
use crate::http::problem::Result;
use parts::Parts;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/rewards", get(rewards))
        .route("/rewards/live", get(parts::changes))
        .route("/rewards/check-in", post(check_in))
        .route("/rewards/referral", post(enter_referral))
        .merge(quests::routes())
}

#[derive(Template)]
#[template(path = "rewards/page.html")]
struct Rewards {
    page: Page,
    campaign: Option<Campaign>,
    parts: Parts,
}

/// What the page says of the campaign.
#[derive(PartialEq)]
struct Campaign {
    name: String,
    state: LifeState,
    starts_ms: i64,
    thank_you: String,
    credits: rules::Credits,
}

/// The seven days of a streak, and what comes next.
#[derive(PartialEq)]
struct Streak {
    days: Vec<StreakDay>,
    /// In a row.
    length: u32,
    next_ms: i64,
    /// A check-in counts now.
    is_open: bool,
    was_today: bool,
    next: Worth,
}

#[derive(PartialEq)]
struct StreakDay {
    number: usize,
    worth: Worth,
    is_done: bool,
    is_next: bool,
}

#[derive(Clone, Copy, PartialEq)]
struct Worth {
    points: Micros,
    credits: Micros,
}

#[derive(Deserialize)]
struct Asked {
    month: Option<String>,
}

async fn rewards(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let user = viewer.with(Right::Community)?;
    let facts = parts::facts(&app, user, asked.month.as_deref()).await?;
    let page = viewer.page(&app, Section::Rewards, "Rewards").await?;
    let live = match &asked.month {
        Some(_) => format!("/rewards/live?month={}", facts.month.month),
        None => "/rewards/live".into(),
    };
    html(&Rewards {
        parts: facts.parts(page.now_ms)?,
        page: if facts.campaign.is_some() {
            page.live(live)
        } else {
            page
        },
        campaign: facts.campaign,
    })
}

fn campaign_of(current: Current) -> Campaign {
    Campaign {
        name: current.rules.campaign.name.clone(),
        state: current.state,
        starts_ms: current.life.starts_us / 1_000,
        thank_you: current.rules.campaign.thank_you.clone(),
        credits: current.rules.credits.clone(),
    }
}

/// The week of check-ins that goes on, or that a check-in now would begin.
fn streak(current: Option<&Current>, month: &CheckInMonth, now_us: i64) -> Streak {
    let length = month.streak_days;
    let was_today = month.next_ms > now_us / 1_000;
    let worth = |day: u32| {
        let worth = current.map(|current| check_in::worth(&current.rules, i64::from(day)));
        let (points, credits) = worth.unwrap_or_default();
        Worth { points, credits }
    };
    let week = STREAK_DAYS as u32;
    // After a seventh day the week that is whole is shown until the next one begins.
    let shown = if was_today {
        length.saturating_sub(1)
    } else {
        length
    };
    let first = shown - shown % week + 1;
    let day = |at: u32| {
        let number = first + at;
        StreakDay {
            number: number as usize,
            worth: worth(number),
            is_done: number <= length,
            is_next: number == length + 1,
        }
    };
    Streak {
        days: (0..week).map(day).collect(),
        length,
        next_ms: month.next_ms,
        is_open: current.is_some_and(Current::mints_points) && !was_today,
        was_today,
        next: worth(length + 1),
    }
}

async fn check_in(State(app): State<Arc<App>>, Community(user): Community) -> Result<Response> {
    let said = match check_in::check_in(&app, user).await {
        Ok(checked_in) => {
            let day = show::counted(checked_in.check_in.streak_days, "day", "days");
            let credits = match checked_in.credits_micros {
                Micros::ZERO => String::new(),
                credits => format!(" and {} credits for the whole week", show::moved(credits)),
            };
            let points = show::moved(checked_in.points_micros);
            format!("Checked in: {day} in a row. {points} points{credits}.")
        }
        // In another tab, perhaps.
        Err(CheckInError::AlreadyDone { .. }) => "You have checked in today already.".into(),
        Err(error) => return Err(error.into()),
    };
    Ok(done("/rewards", said))
}

#[derive(Deserialize)]
struct Entered {
    code: String,
}

async fn enter_referral(
    State(app): State<Arc<App>>,
    Browser(of): Browser,
    Form(entered): Form<Entered>,
) -> Result<Response> {
    app.sign_in.limits.by_account(of.user_id, app.now_us())?;
    referral::enter(&app, of.user_id, &entered.code).await?;
    Ok(done(
        "/rewards#referral",
        "It is written down who brought you.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::calendar::DAY_US;

    fn month(streak_days: u32, last_day: i64) -> CheckInMonth {
        CheckInMonth {
            month: "2026-11".into(),
            check_ins: Vec::new(),
            streak_days,
            next_ms: (last_day + 1) * DAY_US / 1_000,
        }
    }

    fn shown(of: &Streak) -> (Vec<usize>, Vec<usize>) {
        let numbers = |wanted: fn(&StreakDay) -> bool| {
            let days = of.days.iter().filter(|day| wanted(day));
            days.map(|day| day.number).collect()
        };
        (numbers(|day| day.is_done), numbers(|day| day.is_next))
    }

    #[test]
    fn a_whole_week_is_shown_on_its_last_day_and_a_new_one_on_the_next() {
        let on_the_day = streak(None, &month(7, 100), 100 * DAY_US + 5);
        assert_eq!(shown(&on_the_day), ((1..=7).collect(), vec![]));
        assert!(on_the_day.was_today);
        let the_day_after = streak(None, &month(7, 100), 101 * DAY_US + 5);
        assert_eq!(shown(&the_day_after), (vec![], vec![8]));
        assert_eq!(the_day_after.days.first().map(|day| day.number), Some(8));
    }

    #[test]
    fn nobody_checks_in_where_nothing_is_earned() {
        assert!(!streak(None, &month(0, -1), DAY_US).is_open);
    }
}
