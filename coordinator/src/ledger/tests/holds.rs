//! A hold gives what it has, once.

use super::*;

#[tokio::test]
async fn a_hold_gives_no_more_than_it_has_although_its_owner_has_another() {
    let books = Books::open().await;
    books.post(&mint("a", user(1), 100)).await.unwrap();
    let mut tx = books.store.write().await.unwrap();
    hold::begin(&mut tx, &reserve("one", user(1), 30), 1)
        .await
        .unwrap();
    hold::begin(&mut tx, &reserve("two", user(1), 70), 1)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut tx = books.store.write().await.unwrap();
    let refused = hold::capture(&mut tx, "one", &part("c", 31), 1).await;
    assert!(matches!(refused, Err(PostError::Overdrawn { .. })));
    drop(tx);
    let mut tx = books.store.write().await.unwrap();
    hold::capture(&mut tx, "one", &part("c", 29), 1)
        .await
        .unwrap();
    let back = hold::release(&mut tx, "one", json!("over"), 1)
        .await
        .unwrap();
    assert_eq!(back, Some(Micros::new(1)));
    assert_eq!(
        hold::release(&mut tx, "one", json!("over"), 1)
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        hold::settle(&mut tx, "two", 1).await.unwrap(),
        Some(Micros::new(70))
    );
    let late = hold::capture(&mut tx, "two", &part("d", 1), 1)
        .await
        .unwrap();
    assert_eq!(late, Posted::Repeated);
    tx.commit().await.unwrap();
    assert_eq!(books.balance(user(1)).await, (1, 0));
    assert_eq!(books.faults().await, [""; 0]);
}
