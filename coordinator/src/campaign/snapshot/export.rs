//! The campaign's book as it is published: every movement, without names and without the reasons, which may
//! concern others. Who has a rank finds themselves by their [`Participant`].

use pictor_protocol::{CampaignId, UserId};

use crate::app::App;
use crate::campaign::participant::Participant;
use crate::store::Result;
use crate::store::leaderboard::{MovementRow, movements};

/// The columns of the table. Of a moment it shows the day, in UTC.
pub const HEAD: &str = "entry,day,kind,account,user,amount_micros\n";

/// So many entries are read at a time.
const ENTRIES: i64 = 1_000;

/// A part of the table.
pub struct Part {
    pub rows: String,
    /// The last entry in it, which the next part comes after; none at the end.
    pub last: Option<i64>,
}

/// What moved after an entry, up to the last one that counts; a part of it.
pub async fn part(app: &App, campaign: CampaignId, after: i64, last: i64) -> Result<Part> {
    let mut tx = app.store.read().await?;
    let found = movements(&mut tx, campaign, after, last, ENTRIES).await?;
    Ok(Part {
        last: found.last().map(|movement| movement.entry),
        rows: found
            .iter()
            .map(|movement| row(campaign, movement))
            .collect(),
    })
}

fn row(campaign: CampaignId, movement: &MovementRow) -> String {
    let time = chrono::DateTime::from_timestamp_micros(movement.at_us);
    let day = time
        .map(|time| time.date_naive().to_string())
        .unwrap_or_default();
    // The network's own accounts have no owner.
    let user = movement.owner.parse::<UserId>().ok();
    let user = user
        .map(|user| Participant::of(campaign, user).to_string())
        .unwrap_or_default();
    let MovementRow {
        entry,
        kind,
        account,
        amount,
        ..
    } = movement;
    format!("{entry},{day},{kind},{account},{user},{amount}\n")
}
