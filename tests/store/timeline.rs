//! One contact's events: in order, page by page, from open days and closed ones.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use deadpool_postgres::Pool;
use tidegate::{
    domain::{
        clock::{Clock, FakeClock, SystemClock},
        cursor::Cursor,
    },
    ingest::{Options, Work},
    store::{
        Database, Role, closed,
        summaries::Summaries,
        timeline::{self, TimelineRow, is_place},
    },
};
use tokio_postgres::Client;

use super::station::{Station, append, contacts, count, deletions, events, numbered, one_lane};
use crate::support::postgres::TestDatabase;

/// The user of [`events`].
const WHO: &str = "somebody";

fn reader(database: &TestDatabase) -> Pool {
    Database::new(database.config.clone()).pool(Role::Read, 2).unwrap()
}

/// Every page from the first to the last, which is the one that is not full.
async fn walk(pool: &Pool, datasource: i64, user: &str, limit: usize) -> Vec<TimelineRow> {
    let mut rows: Vec<TimelineRow> = Vec::new();
    loop {
        let after = rows.last().map(|row| row.cursor);
        let page = timeline::page(pool, 1, datasource, user, after, limit).await.unwrap();
        let last = page.len() < limit;
        rows.extend(page);
        if last {
            return rows;
        }
    }
}

fn ids(rows: &[TimelineRow]) -> Vec<String> {
    rows.iter().map(|row| row.event_id.clone()).collect()
}

/// What a walk must give, from the log itself.
async fn truth(client: &Client, datasource: i64, user: &str) -> Vec<String> {
    let query = "select event_id from event where datasource_id = $1 and user_id = $2 and kind = 'e'
                 order by received_at desc, id desc";
    client.query(query, &[&datasource, &user]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn events_come_newest_first_and_nothing_else_does() {
    let database = TestDatabase::create().await;
    let (client, pool) = (database.client().await, reader(&database));
    assert_eq!(timeline::page(&pool, 1, 1, WHO, None, 10).await.unwrap(), []);
    let station = Station::start(&database.config, one_lane()).await;
    for batch in 0..5 {
        station.append(events(numbered(&format!("{batch}-"), 4), 1)).await.unwrap();
        append(&station.handle, 2, events(numbered(&format!("{batch}-"), 3), 2)).await.unwrap();
        append(&station.handle, 1, contacts([WHO], batch)).await.unwrap();
    }
    append(&station.handle, 1, deletions([WHO])).await.unwrap();
    station.stop().await;

    let wanted = truth(&client, 1, WHO).await;
    assert_eq!(wanted.len(), 20);
    assert_eq!(wanted[0], "4-3", "the last of the last");
    for limit in [1, 3, 20, 21, 1_000] {
        assert_eq!(ids(&walk(&pool, 1, WHO, limit).await), wanted, "{limit} a page");
    }
    assert_eq!(ids(&walk(&pool, 2, WHO, 4).await), truth(&client, 2, WHO).await);
    for (project, datasource, user) in [(1, 1, "somebod"), (1, 3, WHO), (2, 1, WHO)] {
        assert_eq!(timeline::page(&pool, project, datasource, user, None, 10).await.unwrap(), []);
    }
    let row = &timeline::page(&pool, 1, 1, WHO, None, 0).await.unwrap()[0];
    assert_eq!((row.event_type.as_str(), row.parameters.as_str()), ("visited", "{\"content\":1}"));
    assert_eq!(row.occurred_at, "2026-01-02T03:04:05Z".parse().unwrap());
    assert_eq!(Cursor::decode(&row.cursor.encode()).unwrap(), row.cursor);
    assert!(is_place(&row.cursor));
    let stream = Cursor { epoch: 1, tx: 7_000, id: row.cursor.id };
    assert!(!is_place(&stream));
    assert_eq!(timeline::page(&pool, 1, 1, WHO, Some(stream), 10).await.unwrap(), []);
}

#[tokio::test]
async fn days_follow_one_another_open_or_closed() {
    let database = TestDatabase::create().await;
    let (client, pool) = (database.client().await, reader(&database));
    let clock = FakeClock::at(SystemClock::shared().now());
    let station = Station::with_clock(&database.config, one_lane(), clock.clone()).await;
    for day in 0..6 {
        station.append(events(numbered(&format!("{day}-"), 5), 1)).await.unwrap();
        append(&station.handle, 1, contacts([WHO], day)).await.unwrap();
        clock.advance(Duration::from_secs(24 * 3_600));
    }
    let wanted = truth(&client, 1, WHO).await;
    assert_eq!((wanted.len(), wanted[0].as_str()), (30, "5-4"));
    assert_eq!(ids(&walk(&pool, 1, WHO, 4).await), wanted);

    let own = Database::new(database.config.clone());
    let mut indexed = BTreeSet::new();
    while let Some(day) = closed::index_one(&own, clock.now()).await.unwrap() {
        assert!(indexed.insert(day), "each day once");
        assert_eq!(ids(&walk(&pool, 1, WHO, 4).await), wanted, "{indexed:?}");
    }
    assert!(indexed.len() >= 5, "{indexed:?}");
    // A late lot still goes to a closed day.
    let late = "insert into event select 1, project_id, datasource_id, received_at, occurred_at, kind, type, user_id, 'late',
                parameters from event where event_id = '1-0'";
    client.batch_execute(late).await.unwrap();
    let with_late = truth(&client, 1, WHO).await;
    assert_eq!(with_late.len(), 31);
    for limit in [1, 7, 1_000] {
        assert_eq!(ids(&walk(&pool, 1, WHO, limit).await), with_late);
    }
    station.stop().await;
}

#[tokio::test]
async fn an_index_that_broke_while_it_was_built_is_built_anew() {
    let database = TestDatabase::create().await;
    let (client, own) = (database.client().await, Database::new(database.config.clone()));
    let clock = FakeClock::at(SystemClock::shared().now());
    clock.advance(Duration::from_secs(3 * 24 * 3_600));
    let day = closed::index_one(&own, clock.now()).await.unwrap().unwrap();
    let valid = format!(
        "select count(*) from pg_index where indexrelid = '{day}_by_person'::regclass and indisvalid"
    );
    assert_eq!(count(&client, &valid, &[]).await, 1);
    let broken =
        format!("update pg_index set indisvalid = false where indexrelid = '{day}_by_person'::regclass");
    client.batch_execute(&broken).await.unwrap();
    assert_eq!(closed::index_one(&own, clock.now()).await.unwrap(), Some(day));
    assert_eq!(count(&client, &valid, &[]).await, 1);

    client.execute("select pg_advisory_lock($1)", &[&0x7469_6465_636c_6f73_i64]).await.unwrap();
    assert_eq!(closed::index_one(&own, clock.now()).await.unwrap(), None, "another node is at it");
}

/// Fills the day with rows of many contacts: `heavy` in each 50th, `rare` in three, nobody in none.
async fn a_full_day(client: &Client, rows: i64) {
    let fill = "insert into event
        select n, 1, 1, date_trunc('day', now()) + n * interval '100 microseconds', now(), 'e', 't',
               case when n % 50 = 0 then 'heavy' when n % ($1::bigint / 3) = 7 then 'rare' else 'user ' || n % 9973 end,
               'e' || n, ('{\"n\":\"' || repeat('x', 150) || '\"}')::json
        from generate_series(1, $1::bigint) n";
    client.execute(fill, &[&rows]).await.unwrap();
}

#[tokio::test]
async fn a_full_day_is_read_in_stretches() {
    let database = TestDatabase::create().await;
    let (client, pool) = (database.client().await, reader(&database));
    a_full_day(&client, 90_000).await;
    let pages = "select pg_relation_size(tableoid) / 8192 from event limit 1";
    assert!(count(&client, pages, &[]).await > 2_500, "more than the first stretch and the second");
    for round in ["without summaries", "with"] {
        for (user, there) in [("heavy", 1_800), ("rare", 3), ("nobody", 0)] {
            let wanted = truth(&client, 1, user).await;
            assert_eq!(wanted.len(), there);
            for limit in [100, 1_000] {
                assert_eq!(ids(&walk(&pool, 1, user, limit).await), wanted, "{user} {round}");
            }
        }
        Summaries::default().advance(&client, SystemClock::shared().now()).await.unwrap();
    }
    // Rows that were moved to the end of the table are still found where they belong.
    client
        .batch_execute("update event set parameters = '{}' where user_id in ('heavy', 'rare')")
        .await
        .unwrap();
    for user in ["heavy", "rare"] {
        assert_eq!(ids(&walk(&pool, 1, user, 100).await), truth(&client, 1, user).await);
    }
}

/// The plan of a statement, with the values known to the planner or not.
async fn plan(read: &Client, statement: &str, values: &str, generic: bool) -> String {
    let mode = if generic { "force_generic_plan" } else { "force_custom_plan" };
    read.batch_execute(&format!("deallocate all; set plan_cache_mode = {mode}; prepare s as {statement}"))
        .await
        .unwrap();
    let rows = read.simple_query(&format!("explain execute s({values})")).await.unwrap();
    let line = |row: &tokio_postgres::SimpleQueryMessage| match row {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    };
    rows.iter().filter_map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_planner_takes_the_filters() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    a_full_day(&client, 30_000).await;
    Summaries::default().advance(&client, SystemClock::shared().now()).await.unwrap();
    let read = Database::new(database.config.clone()).connect(Role::Read).await.unwrap();
    let page = include_str!("../../src/store/sql/timeline_page.sql");
    let sample = include_str!("../../src/store/sql/pages_sample.sql");
    let stretch = "1, 1, 'rare', date_trunc('day', now()), date_trunc('day', now()) + '2 s', 9000000000, 100";
    let place = "date_trunc('day', now()), date_trunc('day', now()) + '1 day', '{\"(100,1)\",\"(100,2)\"}'";
    for analyzed in [false, true] {
        for generic in [false, true] {
            let plan_of_page = plan(&read, page, stretch, generic).await;
            let by_contact = plan_of_page
                .lines()
                .any(|line| line.contains("Bitmap Index Scan on event_") && line.contains("_by_range"));
            assert!(by_contact, "analyzed: {analyzed}, generic: {generic}\n{plan_of_page}");
            let plan_of_sample = plan(&read, sample, place, generic).await;
            assert!(plan_of_sample.contains("Tid Scan on event_"), "{plan_of_sample}");
            assert!(!plan_of_sample.contains("Bitmap"), "{plan_of_sample}");
        }
        client.batch_execute("analyze event").await.unwrap();
    }
}

#[tokio::test]
async fn what_was_there_is_on_one_page_whatever_comes_in() {
    let database = TestDatabase::create().await;
    let (client, pool) = (database.client().await, reader(&database));
    let station =
        Arc::new(Station::start(&database.config, Options { lot_items: 40, ..Options::default() }).await);
    let writers: Vec<_> = (0..4)
        .map(|writer: i64| {
            let handle = station.handle.clone();
            tokio::spawn(async move {
                for batch in 0..60 {
                    let work: Work = events(numbered(&format!("{writer}-{batch}-"), 5), 1);
                    append(&handle, 1 + writer % 2, work).await.unwrap();
                }
            })
        })
        .collect();
    let mut walks = 0;
    loop {
        let ending = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let before: BTreeSet<String> = truth(&client, 1, WHO).await.into_iter().collect();
        let rows = walk(&pool, 1, WHO, 7).await;
        let strictly = rows
            .windows(2)
            .all(|pair| (pair[0].received_at, pair[0].cursor.id) > (pair[1].received_at, pair[1].cursor.id));
        assert!(strictly, "older and older");
        let seen: BTreeSet<String> = ids(&rows).into_iter().collect();
        assert_eq!(seen.len(), rows.len(), "none twice");
        assert!(seen.is_superset(&before), "{:?}", before.difference(&seen));
        walks += 1;
        if ending {
            assert_eq!(rows.len(), 2 * 60 * 5);
            break;
        }
    }
    assert!(walks > 1);
    for writer in writers {
        writer.await.unwrap();
    }
    Arc::into_inner(station).unwrap().stop().await;
}
