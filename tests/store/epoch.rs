//! Which cluster a transaction id belongs to.

use tidegate::{
    domain::cursor::Cursor,
    store::{
        Database, Role,
        epochs::{self, Position},
        lane::Lane,
    },
};
use tokio_postgres::Client;

use super::station::{Station, count, events, one_lane};
use crate::support::postgres::TestDatabase;

async fn epochs_of(client: &Client) -> Vec<i32> {
    let rows = client.query("select n from epoch order by n", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Project 1, which the lots of these tests belong to.
async fn project(client: &Client) {
    client
        .batch_execute(
            "insert into organization (uid, name) values ('org_x', 'x');
             insert into project (organization_id, uid, name) select id, 'proj_x', 'x' from organization",
        )
        .await
        .unwrap();
    assert_eq!(count(client, "select id from project", &[]).await, 1);
}

#[tokio::test]
async fn the_same_cluster_stays_in_its_epoch() {
    let database = TestDatabase::create().await;
    let mut client = database.client().await;
    assert_eq!(epochs_of(&client).await, [] as [i32; 0]);
    for _ in 0..3 {
        assert_eq!(Lane::open(&Database::new(database.config.clone())).await.unwrap().epoch(), 1);
        assert_eq!(epochs::current(&mut client).await.unwrap(), 1);
    }
    assert_eq!(epochs_of(&client).await, [1]);
    let same =
        "select count(*) from epoch e, pg_control_system() c where e.system_identifier = c.system_identifier
                and e.timeline = 1";
    assert_eq!(count(&client, same, &[]).await, 1);
}

#[tokio::test]
async fn another_cluster_or_timeline_opens_the_next() {
    let database = TestDatabase::create().await;
    let mut client = database.client().await;
    epochs::current(&mut client).await.unwrap();
    client.batch_execute("update epoch set system_identifier = system_identifier + 1").await.unwrap();
    assert_eq!(epochs::current(&mut client).await.unwrap(), 2);
    client.batch_execute("update epoch set timeline = timeline + 1 where n = 2").await.unwrap();
    assert_eq!(epochs::current(&mut client).await.unwrap(), 3);
    assert_eq!(epochs::current(&mut client).await.unwrap(), 3);
    assert_eq!(epochs_of(&client).await, [1, 2, 3]);
}

#[tokio::test]
async fn lanes_that_come_at_once_open_one() {
    let database = TestDatabase::create().await;
    let config = Database::new(database.config.clone());
    for expected in 1..=4 {
        let lanes = (0..6).map(|_| {
            let config = config.clone();
            tokio::spawn(async move { Lane::open(&config).await.unwrap().epoch() })
        });
        for lane in lanes.collect::<Vec<_>>() {
            assert_eq!(lane.await.unwrap(), expected);
        }
        let moved = "update epoch set system_identifier = system_identifier + 1";
        database.client().await.batch_execute(moved).await.unwrap();
    }
}

/// A restored cluster counts from a lower number on: new lots would sort before the old, and the old lie above the horizon.
#[tokio::test]
async fn ids_that_start_anew_are_ordered_behind_the_old() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    project(&client).await;
    let station = Station::start(&database.config, one_lane()).await;
    let mut cursors = Vec::new();
    for id in ["a", "b"] {
        cursors.push(station.append(events([id], 1)).await.unwrap().cursor);
    }
    station.stop().await;
    client.batch_execute("update lot set tx = (tx::text::bigint + 1000000000)::text::xid8").await.unwrap();

    let station = Station::start(&database.config, one_lane()).await;
    for id in ["c", "d"] {
        cursors.push(station.append(events([id], 1)).await.unwrap().cursor);
    }
    station.stop().await;
    assert_eq!(epochs_of(&client).await, [1, 2]);
    let order = "select event_id from lot join event on event.id between first_id and last_id
                 order by epoch, tx, first_id, event.id";
    let rows = client.query(order, &[]).await.unwrap();
    let stored: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(stored, ["a", "b", "c", "d"]);
    cursors[0].tx += 1_000_000_000;
    cursors[1].tx += 1_000_000_000;
    assert!(cursors.is_sorted(), "{cursors:?}");
    assert!(cursors[1].tx > cursors[2].tx, "without epochs this would be wrong");
}

#[tokio::test]
async fn a_cursor_is_judged_by_the_history_of_its_epoch() {
    let database = TestDatabase::create().await;
    let mut client = database.client().await;
    let pool = Database::new(database.config.clone()).pool(Role::Read, 1).unwrap();
    let cursor = |epoch: u32, tx: u64| Cursor { epoch, tx, id: 7 };
    let judged = async |cursor| epochs::standing_of(&pool, cursor).await.unwrap();
    assert_eq!(judged(cursor(1, 1)).await, Position::Unknown, "no epoch was ever opened");

    let current = u32::try_from(epochs::current(&mut client).await.unwrap()).unwrap();
    let next = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
    let next = u64::try_from(count(&client, next, &[]).await).unwrap();
    assert_eq!(judged(cursor(current, 1)).await, Position::Current);
    assert_eq!(judged(cursor(current, next - 1)).await, Position::Current);
    // Others use the same cluster, so the next id may be given out meanwhile; one far ahead is not.
    for tx in [next + 1_000_000_000, i64::MAX as u64 + 1, u64::MAX] {
        assert_eq!(judged(cursor(current, tx)).await, Position::Unknown, "{tx} was not given out yet");
    }
    for epoch in [0, current + 1, i32::MAX as u32, u32::MAX] {
        assert_eq!(judged(cursor(epoch, 1)).await, Position::Unknown, "epoch {epoch}");
    }

    let history = "update epoch set n = 30;
                   insert into epoch (n, system_identifier, timeline, moved_to) values (1, 1, 1, 20), (2, 2, 1, 21);
                   insert into epoch (n, system_identifier, timeline) values (20, 1, 1), (21, 2, 1)";
    client.batch_execute(history).await.unwrap();
    assert_eq!(epochs::current(&mut client).await.unwrap(), 30);
    assert_eq!(judged(cursor(1, 5)).await, Position::Moved { restart: cursor(20, 5) });
    assert_eq!(judged(cursor(2, u64::MAX)).await, Position::Moved { restart: cursor(21, u64::MAX) });
    assert_eq!(judged(cursor(20, 5)).await, Position::Current);
    assert_eq!(
        judged(cursor(21, u64::MAX >> 1)).await,
        Position::Current,
        "ids of another cluster are not ours to judge"
    );
    assert_eq!(judged(cursor(3, 5)).await, Position::Lost);
    assert_eq!(judged(cursor(25, 5)).await, Position::Lost);
    assert_eq!(judged(cursor(31, 5)).await, Position::Unknown);

    // As a restore leaves it before the first lane has come: the newest epoch is another cluster's.
    client
        .batch_execute("update epoch set system_identifier = system_identifier + 1 where n = 30")
        .await
        .unwrap();
    assert_eq!(judged(cursor(30, u64::MAX >> 1)).await, Position::Current);
}
