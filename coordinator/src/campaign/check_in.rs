//! Daily check-ins: one a day and person, days of UTC by the coordinator's clock.
//!
//! A streak grows by a check-in on the day after the last one, and is 1 again after a day without. Its days earn
//! points by the rules; every seventh is a whole week, earns credits, and the next one is a first one again.

use pictor_protocol::community::{CheckIn, CheckInMonth, CheckedIn};
use pictor_protocol::settings::Fault;
use pictor_protocol::{Micros, UserId};
use serde_json::json;

use super::RulesCache;
use super::award::{Award, award, credit};
use super::calendar::{DAY_US, Month, day_of, day_text};
use super::current::{Current, CurrentError, current};
use super::rules::{Rules, STREAK_DAYS};
use super::running::{NotRunning, running};
use crate::app::App;
use crate::fair_play;
use crate::ledger::{EntryKind, PostError};
use crate::store::check_ins::{self, CheckInRow};
use crate::store::{StoreError, Tx};

#[derive(Debug, thiserror::Error)]
pub enum CheckInError {
    #[error("there was a check-in on {day} already; the next one is possible in {wait_s} s")]
    AlreadyDone { day: String, wait_s: u64 },
    #[error("{0:?} is no month such as 2026-11")]
    NoMonth(String),
    #[error(transparent)]
    NotRunning(#[from] NotRunning),
    #[error(transparent)]
    Post(#[from] PostError),
    #[error(transparent)]
    Current(#[from] CurrentError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CheckInError {
    pub fn fault(&self) -> Fault {
        Fault {
            field: "month".into(),
            message: self.to_string(),
        }
    }
}

/// The check-in that somebody makes now, whose last one that was; else from when the next one is possible. A
/// clock that was put back finds the days after it taken: nobody checks in for a day before their last one.
pub fn next(latest: Option<CheckInRow>, now_us: i64) -> Result<CheckInRow, i64> {
    let day = day_of(now_us);
    let streak = match latest {
        Some(last) if last.day >= day => return Err(next_us(Some(last))),
        Some(last) if last.day == day - 1 => last.streak + 1,
        Some(_) | None => 1,
    };
    Ok(CheckInRow {
        day,
        at_us: now_us,
        streak,
    })
}

/// From when somebody can check in whose last one that was.
fn next_us(latest: Option<CheckInRow>) -> i64 {
    latest.map_or(0, |last| (last.day + 1) * DAY_US)
}

/// What a check-in earns, in points and credits, on that day of a streak, counted from 1.
pub fn worth(rules: &Rules, streak: i64) -> (Micros, Micros) {
    let week = STREAK_DAYS as i64;
    let day = (streak - 1).rem_euclid(week);
    let points = rules.points.check_in_of(day as usize);
    let credits = if day == week - 1 {
        rules.credits.streak_week
    } else {
        Micros::ZERO
    };
    (points, credits)
}

/// Checks somebody in.
pub async fn check_in(app: &App, user: UserId) -> Result<CheckedIn, CheckInError> {
    let mut tx = app.store.write().await?;
    let checked_in = enter(&app.rules, &mut tx, user, app.now_us()).await?;
    tx.commit().await?;
    Ok(checked_in)
}

pub(super) async fn enter(
    known: &RulesCache,
    tx: &mut Tx,
    user: UserId,
    now_us: i64,
) -> Result<CheckedIn, CheckInError> {
    let campaign = running(current(known, tx, now_us).await?, now_us)?;
    let latest = check_ins::latest(tx, user).await?;
    let row = next(latest, now_us).map_err(|next_us| too_soon(next_us, now_us))?;
    if !check_ins::insert(tx, user, row).await? {
        return Err(too_soon((row.day + 1) * DAY_US, now_us));
    }
    let worth = match fair_play::may_earn(tx, user).await? {
        true => worth(&campaign.rules, row.streak),
        // The streak goes on all the same.
        false => (Micros::ZERO, Micros::ZERO),
    };
    let (points, credits) = worth;
    pay(tx, &campaign, user, row, worth, now_us).await?;
    Ok(CheckedIn {
        check_in: view(&row),
        points_micros: points,
        credits_micros: credits,
        next_ms: next_us(Some(row)) / 1_000,
    })
}

async fn pay(
    tx: &mut Tx,
    campaign: &Current,
    user: UserId,
    row: CheckInRow,
    (points, credits): (Micros, Micros),
    now_us: i64,
) -> Result<(), PostError> {
    let CheckInRow { day, streak, .. } = row;
    let inputs = json!({ "day": day_text(day), "streak_days": streak });
    let daily = Award {
        key: format!("check-in/{user}/{day}"),
        kind: EntryKind::CheckIn,
        user,
        amount: points,
        inputs: inputs.clone(),
    };
    award(tx, campaign, daily, now_us).await?;
    let weekly = Award {
        key: format!("streak-week/{user}/{day}"),
        kind: EntryKind::StreakWeek,
        user,
        amount: credits,
        inputs,
    };
    credit(tx, campaign, weekly, now_us).await
}

fn too_soon(next_us: i64, now_us: i64) -> CheckInError {
    CheckInError::AlreadyDone {
        day: day_text(day_of(next_us - 1)),
        wait_s: ((next_us - now_us).max(0) as u64).div_ceil(1_000_000),
    }
}

/// Somebody's check-ins of a month; of this one if none is named.
pub async fn month(
    app: &App,
    user: UserId,
    asked: Option<&str>,
) -> Result<CheckInMonth, CheckInError> {
    let now_us = app.now_us();
    let month = asked.map_or_else(|| Month::of(now_us), Month::read);
    let month = month.ok_or_else(|| CheckInError::NoMonth(asked.unwrap_or_default().into()))?;
    let mut tx = app.store.read().await?;
    let rows = check_ins::between(&mut tx, user, month.first_day, month.end_day).await?;
    let latest = check_ins::latest(&mut tx, user).await?;
    Ok(CheckInMonth {
        month: month.name,
        check_ins: rows.iter().map(view).collect(),
        streak_days: streak_at(latest, now_us) as u32,
        next_ms: next_us(latest) / 1_000,
    })
}

/// The days in a row until now, whose last check-in that was; today may still be missing.
fn streak_at(latest: Option<CheckInRow>, now_us: i64) -> i64 {
    let unbroken = latest.filter(|last| last.day >= day_of(now_us) - 1);
    unbroken.map_or(0, |last| last.streak)
}

fn view(row: &CheckInRow) -> CheckIn {
    CheckIn {
        day: day_text(row.day),
        at_ms: row.at_us / 1_000,
        streak_days: row.streak as u32,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campaign::rules::DEFAULT;

    #[test]
    fn a_streak_goes_on_over_midnight_and_a_months_end() {
        // 30 November 2026, 23:59:59.999999 UTC, and a microsecond later.
        let last_of_november = Month::read("2026-12").unwrap().first_day * DAY_US - 1;
        let first = next(None, last_of_november).unwrap();
        let second = next(Some(first), last_of_november + 1).unwrap();
        assert_eq!((first.streak, second.streak), (1, 2));
        assert_eq!(second.day, first.day + 1);
    }

    #[test]
    fn a_missed_day_begins_anew() {
        let first = next(None, 100 * DAY_US).unwrap();
        let second = next(Some(first), 101 * DAY_US + 5).unwrap();
        assert_eq!(streak_at(Some(second), 102 * DAY_US + 7), 2);
        assert_eq!(streak_at(Some(second), 103 * DAY_US), 0);
        assert_eq!(next(Some(second), 103 * DAY_US).unwrap().streak, 1);
    }

    #[test]
    fn there_is_one_a_day_and_it_says_when_the_next_one_is_possible() {
        let first = next(None, 100 * DAY_US).unwrap();
        assert_eq!(next(Some(first), 101 * DAY_US - 1), Err(101 * DAY_US));
        let yesterday = next(Some(first), 99 * DAY_US);
        assert_eq!(yesterday, Err(101 * DAY_US), "with a clock put back");
    }

    #[test]
    fn the_eighth_day_is_a_first_one_and_each_seventh_gives_credits() {
        let rules = Rules::read(DEFAULT).unwrap();
        let points = (1..=14).map(|day| worth(&rules, day).0.get() / 1_000_000);
        assert_eq!(
            points.collect::<Vec<_>>(),
            [1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2]
        );
        let with_credits = (1..=21).filter(|day| worth(&rules, *day).1 != Micros::ZERO);
        assert_eq!(with_credits.collect::<Vec<_>>(), [7, 14, 21]);
    }

    proptest! {
        #[test]
        fn whatever_the_clocks_order_there_is_one_a_day_and_never_more_than_the_rules_give(
            moments in prop::collection::vec(0..40 * DAY_US, 1..80),
        ) {
            let rules = Rules::read(DEFAULT).unwrap();
            let (mut latest, mut days, mut points) = (None, Vec::new(), Micros::ZERO);
            for now_us in moments {
                let Ok(row) = next(latest, now_us) else {
                    continue;
                };
                prop_assert_eq!(row.day, day_of(now_us));
                points = points.checked_add(worth(&rules, row.streak).0).unwrap();
                days.push(row.day);
                latest = Some(row);
            }
            // Each day once, and in order.
            prop_assert!(days.is_sorted_by(|a, b| a < b));
            // Of any seven check-ins in a row at most one is a seventh.
            let days = days.len() as i64;
            prop_assert!(points.get() <= (days + days / 7) * 1_000_000);
            prop_assert!(points.get() >= days * 1_000_000);
        }
    }
}
