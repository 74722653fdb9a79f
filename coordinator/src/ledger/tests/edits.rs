//! Whoever goes around the ledger.

use super::*;

#[tokio::test]
async fn what_was_written_cannot_be_edited_and_who_does_it_anyway_is_found() {
    let books = Books::open().await;
    books.post(&mint("a", user(1), 100)).await.unwrap();
    books.store.close().await;
    let path = books._folder.path().join("books.db");
    let url = format!("sqlite://{}", path.display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    for edit in [
        "UPDATE ledger_entries SET at_us = 5",
        "DELETE FROM ledger_entries",
        "UPDATE ledger_postings SET amount = 5",
        "DELETE FROM ledger_postings",
    ] {
        let refused = sqlx::query(edit).execute(&pool).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    for (edit, found) in [
        (
            "UPDATE ledger_accounts SET balance = 90 WHERE kind = 'available'",
            "is 0.00009, its postings sum to 0.0001",
        ),
        (
            "INSERT INTO ledger_entries (key, book, kind, at_us, inputs) VALUES ('x', 'credits', 'sign-up', 1, '{}')",
            "has no postings",
        ),
        (
            "INSERT INTO ledger_postings (account, entry, line, amount) VALUES (1, 2, 0, 7)",
            "sum to 0.000007",
        ),
        (
            "INSERT INTO ledger_holds (key, book, owner, source, destination, status, amount, created_us) \
          VALUES ('h', 'credits', 'x', 'mint', 'available', 'held', 3, 1)",
            "the open holds have 0.000003 left",
        ),
    ] {
        sqlx::query(edit).execute(&pool).await.unwrap();
        let store = Store::open_sqlite(&path).await.unwrap();
        let audit = audit::audit(&mut store.read().await.unwrap())
            .await
            .unwrap();
        let faults: Vec<_> = audit.faults.iter().map(ToString::to_string).collect();
        assert!(
            faults.iter().any(|fault| fault.contains(found)),
            "{faults:?}"
        );
    }
}
