//! The end of an account.
//!
//! Gone are the name, the ways to sign in, sessions, tokens, roles, jobs with their scenes and outputs, and what
//! workers were called. What stays is under the id alone: postings, the audit log, decisions, and which worker
//! rendered which frame of somebody else's job. Of whoever may not earn, the keyed hashes of identities and the names
//! of devices stay too, so that nobody comes back clean.

use pictor_protocol::people::{DeleteAccount, DeletedAccount};
use pictor_protocol::{Micros, UserId};
use serde_json::json;

use crate::app::App;
use crate::audit_log::{self, Act, By, Record, Subject};
use crate::fair_play::forfeit;
use crate::fair_play::standing::Standing;
use crate::fair_play::view;
use crate::jobs::JobError;
use crate::jobs::change;
use crate::ledger::{self, Book, PostError};
use crate::store::blobs::{self, Holder};
use crate::store::{StoreError, Tx, jobs, people, scenes, standing, workers};

#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    #[error("there is no such account")]
    NotFound,
    #[error("type the account's name, {0:?}, to delete it")]
    OtherName(String),
    #[error("{0} of your jobs are not over: cancel them, or wait")]
    JobsRun(i64),
    #[error("your reward is on its way: wait until it is paid")]
    RewardDue,
    #[error("an account without another operator beside it stays")]
    LastOperator,
    /// What would be lost, in words.
    #[error("this would forfeit {0}; say `forfeit` if that is what you want")]
    WouldForfeit(String),
    #[error(transparent)]
    Job(#[from] JobError),
    #[error(transparent)]
    Books(#[from] PostError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Deletes an account with all that is its person's.
pub async fn delete(
    app: &App,
    user: UserId,
    asked: &DeleteAccount,
) -> Result<DeletedAccount, DeleteError> {
    let mut tx = app.store.write().await?;
    let now_us = app.now_us();
    let books = may_go(&mut tx, user, asked).await?;
    let mut stopped = Vec::new();
    let mine = jobs::all_of(&mut tx, user).await?;
    for job in &mine {
        stopped.extend(change::remove(&mut tx, job, now_us).await?);
    }
    for scene in scenes::delete_all(&mut tx, user).await? {
        blobs::release(&mut tx, Holder::Scene(scene)).await?;
    }
    blobs::release(&mut tx, Holder::User(user)).await?;
    // After the jobs: what they had set aside is available again.
    let lost = forfeit::abandon(&mut tx, user, &books, now_us).await?;
    let is_barred = standing::of(&mut tx, user).await? >= Standing::Suspended;
    let retired = workers::forget_all(&mut tx, user, is_barred, now_us).await?;
    if !is_barred {
        standing::forget_traces(&mut tx, user).await?;
    }
    people::forget(&mut tx, user, now_us).await?;
    let done = DeletedAccount {
        id: user,
        jobs: mine.len() as u64,
        workers: retired.len() as u64,
        forfeited: lost.into_iter().map(view::amount).collect(),
    };
    let record = Record {
        by: By::Person(user),
        act: Act::AccountDeleted,
        subject: Subject::Person(user),
        reason: "",
        evidence: json!({ "jobs": done.jobs, "workers": done.workers, "forfeited": done.forfeited }),
    };
    audit_log::write(&mut tx, &record, now_us).await?;
    tx.commit().await?;
    tracing::info!(user.id = %user, jobs = done.jobs, workers = done.workers, "account deleted");
    mine.iter().for_each(|job| app.bells.jobs.ring(job.id));
    for worker in stopped.into_iter().chain(retired) {
        app.bells.commands.ring(worker);
    }
    Ok(done)
}

/// Whether an account may go now; answers the books in which it has something.
async fn may_go(
    tx: &mut Tx,
    user: UserId,
    asked: &DeleteAccount,
) -> Result<Vec<Book>, DeleteError> {
    let person = people::user(tx, user).await?;
    let person = person.ok_or(DeleteError::NotFound)?;
    if asked.name != person.name {
        return Err(DeleteError::OtherName(person.name));
    }
    if person.operator != 0 && people::operators(tx).await? < 2 {
        return Err(DeleteError::LastOperator);
    }
    let open = jobs::count_open(tx, user).await?;
    if open > 0 {
        return Err(DeleteError::JobsRun(open));
    }
    let (won, under_way) = standing::rewards_due(tx, user).await?;
    if under_way > 0 {
        return Err(DeleteError::RewardDue);
    }
    let mut amounts = Vec::new();
    if won > 0 {
        amounts.push("a reward that is not paid yet".to_owned());
    }
    let mut books = Vec::new();
    for book in crate::store::ledger::books_of(tx, user).await? {
        let balance = ledger::balance(tx, book, user).await?;
        let all = balance.available.get().saturating_add(balance.held.get());
        if all > 0 {
            amounts.push(in_words(book, Micros::new(all)));
            books.push(book);
        }
    }
    if !amounts.is_empty() && !asked.forfeit {
        return Err(DeleteError::WouldForfeit(amounts.join(" and ")));
    }
    Ok(books)
}

fn in_words(book: Book, amount: Micros) -> String {
    match book {
        Book::Credits => format!("{amount} credits"),
        Book::Points(campaign) => format!("{amount} points of campaign {campaign}"),
    }
}
