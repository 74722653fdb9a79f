//! An entry is there once, and takes no more than there is.

use pictor_protocol::CampaignId;

use super::*;

#[tokio::test]
async fn an_entry_is_made_once() {
    let books = Books::open().await;
    let entry = mint("sign-up/1", user(1), 100);
    assert!(matches!(books.post(&entry).await.unwrap(), Posted::New(_)));
    assert_eq!(books.post(&entry).await.unwrap(), Posted::Repeated);
    assert_eq!(books.balance(user(1)).await, (100, 0));
    assert_eq!(books.faults().await, [""; 0]);
}

#[tokio::test]
async fn nobody_spends_what_they_do_not_have() {
    let books = Books::open().await;
    books.post(&mint("a", user(1), 100)).await.unwrap();
    for micros in [101, i64::MAX] {
        let refused = books.post(&pay("b", user(1), micros)).await.unwrap_err();
        assert!(matches!(refused, PostError::Overdrawn { .. }), "{refused}");
    }
    for micros in [0, -1, i64::MIN] {
        let refused = books.post(&pay("b", user(1), micros)).await.unwrap_err();
        assert!(matches!(refused, PostError::NotPositive(_)), "{refused}");
    }
    // The key of what was refused is free.
    assert!(matches!(
        books.post(&pay("b", user(1), 100)).await.unwrap(),
        Posted::New(_)
    ));
    assert_eq!(books.balance(user(1)).await, (0, 0));
    assert_eq!(books.faults().await, [""; 0]);
}

#[tokio::test]
async fn no_number_is_too_large_to_be_refused() {
    let books = Books::open().await;
    let huge = i64::MAX - 1;
    books.post(&mint("a", user(1), huge)).await.unwrap();
    let refused = books.post(&mint("b", user(2), 1)).await.unwrap_err();
    assert!(matches!(refused, PostError::TooLarge), "{refused}");
    assert_eq!(books.balance(user(1)).await, (huge, 0));
}

#[tokio::test]
async fn sixty_four_who_spend_one_balance_at_once_spend_it_once() {
    let books = Books::open().await;
    books.post(&mint("a", user(1), 1_000)).await.unwrap();
    let mut spending = tokio::task::JoinSet::new();
    for number in 0..64 {
        let store = books.store.clone();
        spending.spawn(async move {
            let mut tx = store.write().await.unwrap();
            let spent = post(&mut tx, &pay(&format!("spend/{number}"), user(1), 100), 1).await;
            if spent.is_ok() {
                tx.commit().await.unwrap();
            }
            spent.is_ok()
        });
    }
    let spent = spending.join_all().await;
    assert_eq!(spent.iter().filter(|&&spent| spent).count(), 10);
    assert_eq!(books.balance(user(1)).await, (0, 0));
    assert_eq!(books.faults().await, [""; 0]);
}

#[tokio::test]
async fn books_never_meet() {
    let books = Books::open().await;
    books.post(&mint("a", user(1), 100)).await.unwrap();
    let campaign = CampaignId::new(Uuid::from_u128(9));
    let mut elsewhere = pay("b", user(1), 1);
    elsewhere.book = Book::Points(campaign);
    let refused = books.post(&elsewhere).await.unwrap_err();
    assert!(matches!(refused, PostError::Overdrawn { .. }));
}

#[tokio::test]
async fn the_table_has_every_posting_of_a_person_and_nobody_elses() {
    let books = Books::open().await;
    for number in 0..1_100 {
        books
            .post(&mint(&format!("a/{number}"), user(1), 5))
            .await
            .unwrap();
    }
    books.post(&mint("b", user(2), 5)).await.unwrap();
    let mut tx = books.store.read().await.unwrap();
    let table = export::csv(&mut tx, user(1)).await.unwrap();
    let mut rows = csv::Reader::from_reader(table.as_slice());
    let amounts: Vec<String> = rows
        .records()
        .map(|row| row.unwrap()[5].to_owned())
        .collect();
    assert_eq!(amounts, vec!["0.000005"; 1_100]);
}
