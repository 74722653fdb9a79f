//! Points that a decision takes, and that come back when it is lifted.
//!
//! What was available goes to the forfeited account, what waited goes back to the mint; each entry names the
//! decision, and so do the keys, so that neither happens twice. What comes back waits again if its time for
//! objections is not over.

use pictor_protocol::{CampaignId, DecisionId, Micros, UserId};
use serde_json::json;

use crate::ledger::hold::{self, Destination, NewHold, Source};
use crate::ledger::{self, Account, Book, Entry, EntryKind, PostError, post};
use crate::store::ledger::holds_of;
use crate::store::standing::{self, ForfeitureRow};
use crate::store::{StoreError, Tx};
use crate::workers::earnings;

/// Takes what somebody has of a campaign's points. Answers how much that was.
pub async fn forfeit(
    tx: &mut Tx,
    user: UserId,
    decision: DecisionId,
    campaign: CampaignId,
    now_us: i64,
) -> Result<Micros, PostError> {
    let book = Book::Points(campaign);
    let mut waited = 0_i64;
    for row in holds_of(tx, book, user).await? {
        let why = json!({ "decision": decision });
        let Some(amount) = hold::release(tx, &row.key, why, now_us).await? else {
            continue;
        };
        // What goes back to its owner is taken below, with the rest of what is available.
        if amount > Micros::ZERO && row.source == Source::Mint {
            let taken = ForfeitureRow {
                decision_id: decision,
                book,
                hold: row.key,
                amount: amount.get(),
                due_us: row.due_us,
            };
            standing::insert_forfeiture(tx, user, &taken).await?;
            waited = waited.saturating_add(amount.get());
        }
    }
    let available = ledger::balance(tx, book, user).await?.available;
    if available > Micros::ZERO {
        let inputs = json!({ "decision": decision });
        let entry = Entry::new(
            format!("forfeit/{decision}"),
            book,
            EntryKind::Forfeit,
            inputs,
        )
        .transfer(Account::Available(user), Account::Forfeited, available);
        post(tx, &entry, now_us).await?;
        let taken = ForfeitureRow {
            decision_id: decision,
            book,
            hold: String::new(),
            amount: available.get(),
            due_us: None,
        };
        standing::insert_forfeiture(tx, user, &taken).await?;
    }
    Ok(Micros::new(waited.saturating_add(available.get())))
}

/// Gives back everything that was taken from somebody and not given back yet. `lifted_by` is the decision that
/// says so.
pub async fn restore(
    tx: &mut Tx,
    user: UserId,
    lifted_by: DecisionId,
    now_us: i64,
) -> Result<(), PostError> {
    for taken in standing::take_forfeitures(tx, user, now_us).await? {
        let amount = Micros::new(taken.amount);
        let decision = taken.decision_id;
        let inputs = json!({ "decision": decision, "lifted_by": lifted_by, "hold": taken.hold });
        if taken.hold.is_empty() {
            let entry = Entry::new(
                format!("restore/{decision}"),
                taken.book,
                EntryKind::Restore,
                inputs,
            )
            .transfer(Account::Forfeited, Account::Available(user), amount);
            post(tx, &entry, now_us).await?;
        } else {
            let new = NewHold {
                key: format!("restore/{decision}/{}", taken.hold),
                book: taken.book,
                kind: EntryKind::Restore,
                owner: user,
                source: Source::Mint,
                destination: Destination::Available,
                amount,
                due_us: taken.due_us.map(|due| due.max(now_us)),
                inputs,
            };
            let posted = hold::begin(tx, &new, now_us).await?;
            earnings::note_again(tx, &taken.hold, &new, posted, now_us).await?;
        }
    }
    Ok(())
}

/// Takes everything that is left in all of somebody's books when they give up their account. Nothing of it comes
/// back, so no decision remembers it.
pub async fn abandon(
    tx: &mut Tx,
    user: UserId,
    books: &[Book],
    now_us: i64,
) -> Result<Vec<(Book, Micros)>, PostError> {
    let mut lost = Vec::new();
    for book in books {
        let before = ledger::balance(tx, *book, user).await?;
        let why = json!("the account was deleted");
        for row in holds_of(tx, *book, user).await? {
            hold::release(tx, &row.key, why.clone(), now_us).await?;
        }
        let available = ledger::balance(tx, *book, user).await?.available;
        if available > Micros::ZERO {
            let key = format!("forfeit/deleted/{user}/{book}");
            let inputs = json!({ "why": why });
            let entry = Entry::new(key, *book, EntryKind::Forfeit, inputs).transfer(
                Account::Available(user),
                Account::Forfeited,
                available,
            );
            post(tx, &entry, now_us).await?;
        }
        let all = before.available.get().saturating_add(before.held.get());
        if all > 0 {
            lost.push((*book, Micros::new(all)));
        }
    }
    Ok(lost)
}

/// What a decision took, for whoever looks at it.
pub async fn taken_by(
    tx: &mut Tx,
    decision: DecisionId,
) -> Result<Vec<(Book, Micros)>, StoreError> {
    standing::forfeited_by(tx, decision).await
}
