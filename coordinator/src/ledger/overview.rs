//! How somebody's points came about, and when what waits goes on.

use pictor_protocol::{Micros, UserId};

use super::{Book, EntryKind};
use crate::store::ledger::{self, DueRow, KindRow};
use crate::store::{Result, Tx};

/// A book of somebody's in a few numbers.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    /// What each kind of entry gave, the most first. What was taken is not among it.
    pub earned: Vec<Earned>,
    /// What kinds of entries took more than they gave, as positive amounts.
    pub taken: Vec<Earned>,
    /// Given since the moment that was asked for.
    pub lately: Micros,
    /// What settles by itself, by the hour in which it does, the first one first.
    pub due: Vec<Due>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earned {
    pub kind: EntryKind,
    pub amount: Micros,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Since 1970.
    pub hour: i64,
    pub amount: Micros,
}

pub async fn overview(tx: &mut Tx, book: Book, user: UserId, lately_us: i64) -> Result<Overview> {
    let kinds = ledger::by_kind(tx, book, user, lately_us).await?;
    let due = ledger::due_by_hour(tx, book, user).await?;
    Ok(of(&kinds, &due))
}

fn of(kinds: &[KindRow], due: &[DueRow]) -> Overview {
    let with = |sign: i64| {
        let mut found: Vec<_> = kinds
            .iter()
            .filter(|row| row.amount.signum() == sign)
            .map(|row| Earned {
                kind: row.kind,
                amount: Micros::new(row.amount.saturating_mul(sign)),
            })
            .collect();
        found.sort_by_key(|earned| (std::cmp::Reverse(earned.amount), earned.kind.as_str()));
        found
    };
    let lately = kinds.iter().map(|row| row.lately);
    let due = due.iter().map(|row| Due {
        hour: row.hour,
        amount: Micros::new(row.amount),
    });
    Overview {
        earned: with(1),
        taken: with(-1),
        lately: Micros::new(lately.fold(0, i64::saturating_add)),
        due: due.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gave_most_comes_first_and_what_only_moved_is_left_out() {
        let row = |kind, amount, lately| KindRow {
            kind,
            amount,
            lately,
        };
        let found = of(
            &[
                row(EntryKind::CheckIn, 2, 1),
                row(EntryKind::Settle, 0, 0),
                row(EntryKind::Forfeit, -3, 0),
                row(EntryKind::Render, 9, 4),
            ],
            &[],
        );
        let kinds = |of: &[Earned]| {
            of.iter()
                .map(|of| (of.kind, of.amount.get()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            kinds(&found.earned),
            [(EntryKind::Render, 9), (EntryKind::CheckIn, 2)]
        );
        assert_eq!(kinds(&found.taken), [(EntryKind::Forfeit, 3)]);
        assert_eq!(found.lately.get(), 5);
    }
}
