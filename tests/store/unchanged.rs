//! A contact that is sent again as it is costs nothing: no WAL, no lock, no lot.

use tidegate::ingest::Outcome;
use tokio_postgres::Client;

use super::station::{Station, contacts, count, events, numbered, one_lane, rows};
use crate::support::postgres::{connect, migrate, private_server};

async fn wal(client: &Client) -> i64 {
    count(client, "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint", &[]).await
}

/// Every version of every contact and whoever locked it last.
async fn versions(client: &Client) -> String {
    let query = "select string_agg(concat_ws(':', user_id, xmin, xmax, ctid, updated_at), ' ' order by user_id) from contact";
    client.query_one(query, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn an_unchanged_contact_writes_nothing() {
    let (server, _folder) = private_server().await;
    migrate(&server.config()).await;
    let client = connect(&server.config()).await;
    let station = Station::start(&server.config(), one_lane()).await;
    let ids = numbered("u", 200);
    let made = station.append(contacts(ids.clone(), 1)).await.unwrap();
    assert!(made.outcomes.iter().all(|outcome| *outcome == Outcome::Created));
    let before = (versions(&client).await, rows(&client, "lot").await, rows(&client, "event").await);
    assert_eq!(count(&client, "select count(*) from contact where xmax <> '0'", &[]).await, 0);
    let mut written = Vec::new();
    for _ in 0..8 {
        let from = wal(&client).await;
        let again = station.append(contacts(ids.clone(), 1)).await.unwrap();
        written.push(wal(&client).await - from);
        assert!(again.outcomes.iter().all(|outcome| *outcome == Outcome::Unchanged));
        assert!(again.cursor >= made.cursor, "what is unchanged was stored before");
    }
    let after = (versions(&client).await, rows(&client, "lot").await, rows(&client, "event").await);
    assert_eq!(after, before);
    // The first read after a write may note on the page who committed, and housekeeping may write at any time.
    assert_eq!(written.iter().min(), Some(&0), "{written:?}");
    station.stop().await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn one_change_among_the_unchanged_touches_one_contact() {
    let database = crate::support::postgres::TestDatabase::create().await;
    let client = database.client().await;
    let station = Station::start(&database.config, one_lane()).await;
    let ids = numbered("u", 50);
    station.append(contacts(ids.clone(), 1)).await.unwrap();
    station.append(contacts(["u7"], 2)).await.unwrap();
    let untouched =
        "select count(*) from contact where xmin = (select min(xmin::text::bigint)::text::xid from contact)
                     and xmax = '0'";
    assert_eq!(count(&client, untouched, &[]).await, 49);
    let receipt = station.append(contacts(ids, 1)).await.unwrap();
    assert_eq!(receipt.outcomes.iter().filter(|outcome| **outcome == Outcome::Updated).count(), 1);
    assert_eq!(count(&client, untouched, &[]).await, 49);
    assert_eq!(rows(&client, "event").await, 52);
    station.stop().await;
}

/// A duplicate claims nothing, and the position it is given is not before the original.
#[tokio::test]
async fn a_duplicate_event_makes_no_lot() {
    let database = crate::support::postgres::TestDatabase::create().await;
    let client = database.client().await;
    let station = Station::start(&database.config, one_lane()).await;
    let first = station.append(events(["a"], 1)).await.unwrap();
    let again = station.append(events(["a"], 1)).await.unwrap();
    let other = station.append(events(["a"], 2)).await.unwrap();
    assert_eq!((again.outcomes, other.outcomes), (vec![Outcome::Duplicate], vec![Outcome::Conflict]));
    assert!(again.cursor >= first.cursor && other.cursor >= first.cursor);
    assert_eq!((rows(&client, "event").await, rows(&client, "lot").await), (1, 1));
    station.stop().await;
}
