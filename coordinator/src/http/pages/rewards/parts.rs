//! What changes on the page while one looks: a check-in in another tab, an operator who decides on a claim, a newcomer
//! who came by one's link.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use pictor_protocol::campaign::QuestKind;
use pictor_protocol::community::{CheckInMonth, MyQuest, QuestState, Referral};
use pictor_protocol::{Micros, UserId};
use tokio::sync::Mutex;

use super::calendar::Calendar;
use super::{Asked, Campaign, Streak, campaign_of, streak};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::campaign::{self, check_in, quests, referral, rules};
use crate::http::extract::Query;
use crate::http::pages::layout::{Viewer, part};
use crate::http::pages::live::{self, Look, Watch};
use crate::http::pages::{draw, show};
use crate::http::problem::Result;
use crate::ledger::{Book, balance};

/// Nothing rings for one person's claims and books; a look is a dozen reads by index.
const EVERY: Duration = Duration::from_secs(5);

/// Each as it is sent when it changes.
pub struct Parts {
    pub check_in: String,
    pub quests: String,
    pub calendar: String,
    pub referral: String,
    /// Nothing without a campaign.
    pub credits: String,
}

/// As long as these are the same, the page looks the same, times aside.
#[derive(PartialEq)]
pub struct Facts {
    pub(super) campaign: Option<Campaign>,
    pub month: CheckInMonth,
    streak: Streak,
    quests: Vec<MyQuest>,
    referral: Referral,
    /// Credits.
    available: Micros,
    now_day: i64,
}

#[derive(Template)]
#[template(path = "rewards/check-in.html")]
struct CheckInPart<'a> {
    streak: &'a Streak,
    now_ms: i64,
}

#[derive(Template)]
#[template(path = "rewards/quests.html")]
struct QuestsPart<'a> {
    quests: &'a [MyQuest],
    now_ms: i64,
}

#[derive(Template)]
#[template(path = "rewards/calendar.html")]
struct CalendarPart {
    calendar: Calendar,
}

#[derive(Template)]
#[template(path = "rewards/referral.html")]
struct ReferralPart<'a> {
    referral: &'a Referral,
    now_ms: i64,
}

#[derive(Template)]
#[template(path = "rewards/credits.html")]
struct CreditsPart<'a> {
    credits: &'a rules::Credits,
    available: Micros,
}

pub async fn facts(app: &App, user: UserId, month: Option<&str>) -> Result<Facts> {
    let now_us = app.now_us();
    let mut tx = app.store.read().await?;
    let current = campaign::current(&app.rules, &mut tx, now_us).await?;
    let available = balance(&mut tx, Book::Credits, user).await?.available;
    drop(tx);
    let month = check_in::month(app, user, month).await?;
    Ok(Facts {
        streak: streak(current.as_ref(), &month, now_us),
        campaign: current.map(campaign_of),
        month,
        quests: quests::list(app, user).await?.quests,
        referral: referral::of(app, user).await?,
        available,
        now_day: campaign::calendar::day_of(now_us),
    })
}

impl Facts {
    /// Times are written for that moment.
    pub fn parts(&self, now_ms: i64) -> Result<Parts> {
        let credits = self.campaign.as_ref().map(|campaign| CreditsPart {
            credits: &campaign.credits,
            available: self.available,
        });
        Ok(Parts {
            check_in: part(&CheckInPart {
                streak: &self.streak,
                now_ms,
            })?,
            quests: part(&QuestsPart {
                quests: &self.quests,
                now_ms,
            })?,
            calendar: part(&CalendarPart {
                calendar: Calendar::of(&self.month, self.now_day * campaign::calendar::DAY_US),
            })?,
            referral: part(&ReferralPart {
                referral: &self.referral,
                now_ms,
            })?,
            credits: credits.as_ref().map(part).transpose()?.unwrap_or_default(),
        })
    }
}

impl Parts {
    fn all(self) -> Vec<String> {
        vec![
            self.check_in,
            self.quests,
            self.calendar,
            self.referral,
            self.credits,
        ]
    }
}

pub async fn changes(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let user = viewer.with(Right::Community)?;
    let when = Watch {
        ear: None,
        every: Some(EVERY),
    };
    let now_ms = app.now_us() / 1_000;
    let seen: Arc<Mutex<Option<Facts>>> = Arc::default();
    let of = Arc::clone(&app);
    Ok(live::stream(&app, when, move || {
        let (app, seen, month) = (Arc::clone(&of), Arc::clone(&seen), asked.month.clone());
        async move {
            let facts = facts(&app, user, month.as_deref()).await?;
            if facts.campaign.is_none() {
                return Ok(Look::Over);
            }
            let mut seen = seen.lock().await;
            if seen.as_ref() == Some(&facts) {
                return Ok(Look::Same);
            }
            let parts = facts.parts(now_ms)?.all();
            *seen = Some(facts);
            Ok(Look::of(parts))
        }
    }))
}
