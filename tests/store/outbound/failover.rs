//! A fail-over to an asynchronous standby: transaction ids are given out a second time, by a cluster on another timeline.

use tidegate::store::{
    Database, Role,
    epochs::{self, Position},
    lane::Lane,
};

use super::{AT_ONCE, ids, numbered, projects, read, write};
use crate::{station::until, support::postgres::TestDatabase};

#[tokio::test]
async fn after_a_fail_over_the_order_goes_on_behind_what_there_was() {
    let test = TestDatabase::create().await;
    let database = Database::new(test.config.clone());
    projects(&database).await;
    let pool = database.pool(Role::Read, 1).unwrap();
    let client = test.client().await;
    let mut old = Lane::open(&database).await.unwrap();
    for lot in 0..6 {
        write(&mut old, 1, &[(1, numbered(&format!("old-{lot}-"), 0..3))], AT_ONCE).await.unwrap();
    }
    drop(old);
    // The primary that is gone was on another timeline, and further ahead than its standby had heard.
    client
        .batch_execute(
            "update lot set tx = (tx::text::bigint + 1000000000)::text::xid8;
             update epoch set timeline = timeline + 1",
        )
        .await
        .unwrap();
    // Until the first lane has come, what was written lies above the horizon: late, and not lost.
    let mut new = Lane::open(&database).await.unwrap();
    let (before, place) = read(&pool, None, 4).await;
    assert_eq!(before.len(), 18, "earlier epochs are read whole, at once");
    let cursors: Vec<_> = before.iter().map(|item| item.cursor).collect();
    for lot in 0..6 {
        write(&mut new, 1, &[(2, numbered(&format!("new-{lot}-"), 0..2))], AT_ONCE).await.unwrap();
    }
    until("it is settled", async || read(&pool, None, 1_000).await.0.len() == 30).await;
    let (all, _) = read(&pool, None, 5).await;
    assert!(all[..18] == before, "the same order");
    let expected: Vec<String> = (0..12).map(|at| format!("new-{}-{}", at / 2, at % 2)).collect();
    assert_eq!(ids(&all[18..]), expected.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(all[17].cursor.tx > all[18].cursor.tx, "without epochs this would be wrong");
    for (at, cursor) in cursors.into_iter().enumerate() {
        assert_eq!(epochs::standing_of(&pool, cursor).await.unwrap(), Position::Current);
        assert!(read(&pool, Some(cursor), 7).await.0 == all[at + 1..], "behind item {at}");
    }
    assert!(read(&pool, Some(place), 7).await.0 == all[18..]);
}

/// What the standby had not heard of is gone, and its ids are given out again: a reader that was ahead of the standby goes on
/// with what is new.
#[tokio::test]
async fn a_reader_that_was_ahead_of_the_standby_misses_nothing_of_what_comes() {
    let test = TestDatabase::create().await;
    let database = Database::new(test.config.clone());
    projects(&database).await;
    let pool = database.pool(Role::Read, 1).unwrap();
    let client = test.client().await;
    let mut old = Lane::open(&database).await.unwrap();
    write(&mut old, 1, &[(1, numbered("kept-", 0..3))], AT_ONCE).await.unwrap();
    let lost = write(&mut old, 1, &[(1, numbered("lost-", 0..3))], AT_ONCE).await.unwrap();
    drop(old);
    client.execute("delete from lot where tx = $1::text::xid8", &[&lost.tx.to_string()]).await.unwrap();
    client.batch_execute("update epoch set timeline = timeline + 1").await.unwrap();
    let mut new = Lane::open(&database).await.unwrap();
    write(&mut new, 1, &[(1, numbered("new-", 0..3))], AT_ONCE).await.unwrap();
    // As it is when the ids are given out again: lower than those that the reader has seen.
    client.batch_execute("update lot set tx = '5' where epoch = 2").await.unwrap();
    let (items, _) = read(&pool, Some(lost), 2).await;
    assert_eq!(ids(&items), ["new-0", "new-1", "new-2"]);
    assert_eq!(ids(&read(&pool, None, 2).await.0[..3]), ["kept-0", "kept-1", "kept-2"]);
}
