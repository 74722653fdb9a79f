//! One's own postings, as a table for a spreadsheet.

use pictor_protocol::{Micros, UserId};

use crate::store::ledger::{self, EntryId, LineRow};
use crate::store::{Result, Tx};

/// So many postings are read at a time.
const PAGE: i64 = 1_000;

/// The columns of the table.
const HEAD: [&str; 8] = [
    "entry", "time", "book", "kind", "account", "amount", "key", "inputs",
];

/// Everything that ever happened to somebody's accounts, the latest first, as CSV (RFC 4180, UTF-8). Amounts are
/// decimal numbers, times RFC 3339 in UTC.
pub async fn csv(tx: &mut Tx, user: UserId) -> Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    // A table in memory takes everything.
    let _always = table.write_record(HEAD);
    let mut before = None;
    loop {
        let lines = ledger::lines_of(tx, user, None, before, PAGE).await?;
        for line in &lines {
            let _always = table.write_record(record(line));
        }
        before = lines.last().map(|line| EntryId(line.entry));
        if (lines.len() as i64) < PAGE {
            return Ok(table.into_inner().unwrap_or_default());
        }
    }
}

fn record(line: &LineRow) -> [String; 8] {
    let time = chrono::DateTime::from_timestamp_micros(line.at_us);
    [
        line.entry.to_string(),
        time.map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true))
            .unwrap_or_default(),
        line.book.to_string(),
        line.kind.to_string(),
        line.account.clone(),
        Micros::new(line.amount).to_string(),
        line.key.clone(),
        line.inputs.0.to_string(),
    ]
}
