//! Everything that is kept about a person, for the person: no secrets, and no pictures, which have addresses of
//! their own.

use pictor_protocol::people::{AccountExport, ExportedLine, Token};
use pictor_protocol::{JobId, Micros, UserId};

use super::{acceptance, identities, sessions};
use crate::app::App;
use crate::fair_play::view::{self, Viewer};
use crate::jobs;
use crate::store::jobs::JobsWanted;
use crate::store::ledger::{EntryId, LineRow, lines_of};
use crate::store::sessions::SessionRow;
use crate::store::{
    self, Result, Tx, acceptances, identities as identity_rows, people, roles,
    sessions as session_rows,
};
use crate::workers;
use crate::workers::beside::Beside;

/// So many rows are read at a time.
const PAGE: i64 = 1_000;

/// What is kept about somebody now; `None` if there is nobody of that id. `asking` is the session that asks.
pub async fn export(
    app: &App,
    user: UserId,
    asking: Option<&SessionRow>,
) -> Result<Option<AccountExport>> {
    let mut tx = app.store.read().await?;
    let now_us = app.now_us();
    let Some(person) = people::person(&mut tx, user).await? else {
        return Ok(None);
    };
    let standing = store::standing::of(&mut tx, user).await?;
    let accepted = acceptances::of_user(&mut tx, user).await?;
    let identities = identity_rows::of_user(&mut tx, user).await?;
    let sessions = session_rows::of_user(&mut tx, user, now_us).await?;
    let workers = store::workers::all_of(&mut tx, user).await?;
    let ids: Vec<_> = workers.iter().map(|row| row.id).collect();
    let beside = Beside::of_owner(app, &mut tx, user, &ids).await?;
    Ok(Some(AccountExport {
        exported_ms: now_us / 1_000,
        id: user,
        name: person.name,
        created_ms: person.created_us / 1_000,
        operator: person.operator != 0,
        roles: roles::of_user(&mut tx, user).await?,
        standing: view::standing(standing),
        accepted_rules: accepted.into_iter().map(acceptance::view).collect(),
        identities: identities.into_iter().map(identities::view).collect(),
        sessions: sessions
            .into_iter()
            .map(|row| sessions::view(row, asking))
            .collect(),
        tokens: tokens(&mut tx, user, now_us).await?,
        workers: workers
            .into_iter()
            .map(|row| workers::view(app, row, &beside))
            .collect(),
        jobs: all_jobs(&mut tx, user, now_us).await?,
        ledger: lines(&mut tx, user).await?,
        decisions: view::decisions(&mut tx, user, Viewer::Oneself).await?,
        log: view::own_log(&mut tx, user).await?,
    }))
}

async fn tokens(tx: &mut Tx, user: UserId, now_us: i64) -> Result<Vec<Token>> {
    let rows = people::tokens_of(tx, user, now_us).await?;
    let tokens = rows.into_iter().map(|row| Token {
        id: row.id,
        name: row.name,
        scopes: row.scopes.0,
        created_ms: row.created_us / 1_000,
        expires_ms: row.expires_us.map(|us| us / 1_000),
    });
    Ok(tokens.collect())
}

async fn all_jobs(
    tx: &mut Tx,
    user: UserId,
    now_us: i64,
) -> Result<Vec<pictor_protocol::job::Job>> {
    let mut all = Vec::new();
    let mut before: Option<JobId> = None;
    loop {
        let wanted = JobsWanted {
            owner: user,
            before,
            states: &[],
            name_part: "",
            limit: PAGE,
        };
        let rows = store::jobs::page(tx, &wanted).await?;
        before = rows.last().map(|row| row.id);
        let is_last = (rows.len() as i64) < PAGE;
        for row in rows {
            all.push(jobs::view::job(tx, row, now_us).await?);
        }
        if is_last {
            return Ok(all);
        }
    }
}

async fn lines(tx: &mut Tx, user: UserId) -> Result<Vec<ExportedLine>> {
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let rows = lines_of(tx, user, None, before, PAGE).await?;
        before = rows.last().map(|row| EntryId(row.entry));
        let is_last = (rows.len() as i64) < PAGE;
        all.extend(rows.into_iter().map(line));
        if is_last {
            return Ok(all);
        }
    }
}

fn line(row: LineRow) -> ExportedLine {
    ExportedLine {
        entry: row.entry,
        key: row.key,
        book: row.book.to_string(),
        kind: row.kind.to_string(),
        account: row.account,
        amount_micros: Micros::new(row.amount),
        at_ms: row.at_us / 1_000,
        inputs: row.inputs.0,
    }
}
