//! Retention: what is past goes for every reader at one moment, its rows follow in small steps, and totals go on to count it.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tidegate::{
    domain::{
        clock::{FakeClock, SystemClock},
        cursor::Cursor,
        settings::ProjectPatch,
    },
    ingest::Options,
    store::{
        Database, Pool, Role,
        audit::Actor,
        partitions, projects,
        purge::{self, Next},
        retention::{self, Removed},
        tally, timeline,
        tx::Tx,
    },
};
use tokio_postgres::{Client, Config};

use super::{
    station::{Station, append, append_to, contacts, count, events, numbered, one_lane, rows, until},
    tally::{both, project},
};
use crate::support::postgres::{TestDatabase, connect, migrate, private_server};

fn now() -> Timestamp {
    SystemClock::shared().now()
}

fn days_ago(days: i64) -> Timestamp {
    now() - SignedDuration::from_hours(24 * days)
}

/// A writer whose clock stands so many days ago.
async fn station_of(config: &Config, days: i64) -> Station {
    let options = Options { lot_items: 30, ..one_lane() };
    Station::with_clock(config, options, FakeClock::at(days_ago(days))).await
}

/// A second project, with datasource 5.
async fn another_project(client: &Client) {
    let make = "insert into project (organization_id, uid, name) values (1, 'proj_2', 'x');
                insert into datasource (project_id, uid, name) values (2, 'ds_5', 'x')";
    client.batch_execute(make).await.unwrap();
}

/// Sets the retention of a project as a request does.
async fn keep(client: &mut Client, uid: &str, days: Option<i32>) {
    let patch = ProjectPatch { retention: Some(days), ..Default::default() };
    assert!(projects::change(client, uid, &patch, Actor::local("test")).await.unwrap());
    retention::raise(client, Some(uid), now()).await.unwrap();
}

fn reads(config: &Config) -> Pool {
    Database::new(config.clone()).pool(Role::Read, 2).unwrap()
}

async fn floor(config: &Config, project: i64) -> Option<Cursor> {
    retention::floor(&reads(config), project).await.unwrap()
}

/// Steps until there is nothing to remove; answers what each step removed.
async fn work_off(config: &Config, project: i64) -> Vec<Removed> {
    let mut client = Database::new(config.clone()).connect(Role::Upkeep).await.unwrap();
    let mut steps = Vec::new();
    // Another test may hold the horizon, and with it the tally, for a moment.
    until("nothing is left to remove", async || {
        while let Some(removed) = retention::step(&mut client, project).await.unwrap() {
            steps.push(removed);
        }
        !retention::behind(&client).await.unwrap().contains(&project)
    })
    .await;
    steps
}

/// Drops what can be dropped; answers the names.
async fn drop_days(config: &Config) -> Vec<String> {
    let database = Database::new(config.clone());
    let mut dropped = Vec::new();
    while let Some(day) = retention::drop_one(&database, now()).await.unwrap() {
        dropped.push(day);
    }
    dropped
}

/// The events of a datasource by its totals.
async fn total(client: &mut Client, datasource: i64) -> i64 {
    both(client, datasource).await[0].0
}

async fn event_ids(client: &Client) -> Vec<String> {
    let ids = client.query("select event_id from event where kind = 'e' order by id", &[]).await.unwrap();
    ids.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_shorter_retention_counts_at_once_and_rows_follow_in_small_steps() {
    let database = TestDatabase::create().await;
    let (config, mut client) = (&database.config, database.client().await);
    project(&client).await;
    another_project(&client).await;
    let old = station_of(config, 40).await;
    let mut last = None;
    for batch in 0..150 {
        append(&old.handle, 1 + batch % 2, events(numbered(&format!("{batch}-"), 15), 1)).await.unwrap();
        last = Some(append(&old.handle, 1, contacts([format!("c{batch}")], 1)).await.unwrap().cursor);
    }
    append_to(&old.handle, tidegate::domain::ids::Inlet { project: 2, datasource: 5 }, events(["other"], 1))
        .await
        .unwrap();
    old.stop().await;
    let new = Station::start(config, one_lane()).await;
    append(&new.handle, 1, events(["new"], 1)).await.unwrap();
    let held = rows(&client, "event").await;

    keep(&mut client, "proj_1", Some(41)).await;
    assert_eq!(floor(config, 1).await, None, "nothing is older");
    assert_eq!(work_off(config, 1).await, []);
    until("it is settled", async || {
        keep(&mut client, "proj_1", Some(39)).await;
        floor(config, 1).await == last
    })
    .await;
    assert_eq!(rows(&client, "event").await, held, "the rows follow behind that");

    let steps = work_off(config, 1).await;
    assert!(steps.len() >= 3, "{steps:?}");
    assert!(steps.iter().all(|step| step.lots <= 100 && step.rows <= 1_000 + 30), "{steps:?}");
    assert_eq!(steps.iter().map(|step| step.rows).sum::<i64>(), 150 * 15 + 150);
    assert_eq!(steps.iter().map(|step| step.lots).sum::<usize>(), 300);
    assert_eq!(event_ids(&client).await, ["other", "new"]);
    assert_eq!(rows(&client, "lot").await, 2);
    assert_eq!(rows(&client, "event_key").await, 150 * 15 + 2, "claims stay");
    assert_eq!(rows(&client, "contact").await, 150, "contacts stay");
    assert_eq!((total(&mut client, 1).await, total(&mut client, 2).await), (75 * 15 + 1, 75 * 15));
    assert_eq!(count(&client, "select sum(expired)::bigint from tally", &[]).await, 150 * 15);

    append(&new.handle, 1, events(["0-0"], 1)).await.unwrap();
    assert_eq!(event_ids(&client).await, ["other", "new"], "what is sent again is a duplicate");
    for days in [Some(400), None] {
        keep(&mut client, "proj_1", days).await;
        assert_eq!(floor(config, 1).await, last, "what is gone is gone");
    }
    assert_eq!(floor(config, 2).await, None, "the other project keeps what it has");
    new.stop().await;
}

#[tokio::test]
async fn a_clock_that_runs_ahead_lets_nothing_go() {
    let database = TestDatabase::create().await;
    let mut client = database.client().await;
    project(&client).await;
    let station = Station::start(&database.config, one_lane()).await;
    station.append(events(["young"], 1)).await.unwrap();
    keep(&mut client, "proj_1", Some(1)).await;
    let ahead = now() + SignedDuration::from_hours(24 * 1_000);
    retention::raise(&mut client, None, ahead).await.unwrap();
    assert_eq!(floor(&database.config, 1).await, None);
    assert_eq!(retention::drop_one(&Database::new(database.config.clone()), ahead).await.unwrap(), None);
    station.stop().await;
}

#[tokio::test]
async fn what_is_not_settled_is_waited_for() {
    let (server, _folder) = private_server().await;
    migrate(&server.config()).await;
    let (mut client, slow) = (connect(&server.config()).await, connect(&server.config()).await);
    project(&client).await;
    let old = station_of(&server.config(), 3).await;
    let before = old.append(events(["before"], 1)).await.unwrap().cursor;
    slow.batch_execute("begin; select pg_current_xact_id()").await.unwrap();
    let after = old.append(events(["after"], 1)).await.unwrap().cursor;
    keep(&mut client, "proj_1", Some(1)).await;
    assert_eq!(
        floor(&server.config(), 1).await,
        Some(before),
        "an open transaction may still add to what follows"
    );
    slow.batch_execute("rollback").await.unwrap();
    retention::raise(&mut client, None, now()).await.unwrap();
    assert_eq!(floor(&server.config(), 1).await, Some(after), "it moves on by itself");
    old.stop().await;
    server.stop().await.unwrap();
}

/// Two projects with old events; answers the day of the oldest.
async fn two_projects(config: &Config, client: &Client) -> String {
    project(client).await;
    another_project(client).await;
    for days in [40, 20, 0] {
        let station = station_of(config, days).await;
        for (project, datasource) in [(1, 1), (2, 5)] {
            let inlet = tidegate::domain::ids::Inlet { project, datasource };
            append_to(&station.handle, inlet, events([format!("{project} {days}")], 1)).await.unwrap();
        }
        station.stop().await;
    }
    format!("event_{}", days_ago(40).strftime("%Y%m%d"))
}

#[tokio::test]
async fn days_are_dropped_whole_at_the_longest_retention() {
    let database = TestDatabase::create().await;
    let (config, mut client) = (&database.config, database.client().await);
    let oldest = two_projects(config, &client).await;
    let settled = async |client: &mut Client, floors: [Option<i32>; 2]| {
        until("all is settled", async || {
            keep(client, "proj_1", floors[0]).await;
            keep(client, "proj_2", floors[1]).await;
            let set = "select count(*) from retention_floor";
            count(client, set, &[]).await == floors.iter().flatten().count() as i64
        })
        .await;
    };
    settled(&mut client, [Some(30), None]).await;
    assert_eq!(drop_days(config).await, [] as [&str; 0], "one project keeps things for ever");
    assert_eq!(work_off(config, 1).await, [Removed { lots: 1, rows: 1 }]);

    client.batch_execute("delete from retention_floor where project_id = 1").await.unwrap();
    until("all is settled", async || {
        settled(&mut client, [Some(10), Some(30)]).await;
        keep(&mut client, "proj_1", Some(10)).await;
        let behind = "select count(*) from lot l join retention_floor f using (project_id) where (l.epoch, l.tx) <= (f.epoch, f.tx)";
        count(&client, behind, &[]).await == 2
    })
    .await;
    assert_eq!(event_ids(&client).await, ["2 40", "1 20", "2 20", "1 0", "2 0"]);
    assert_eq!(work_off(config, 2).await, [], "of the longest, rows go with their day");
    assert_eq!(work_off(config, 1).await, [Removed { lots: 1, rows: 1 }], "of the others, one by one");
    let dropped = drop_days(config).await;
    assert!(dropped.contains(&oldest), "{dropped:?}");
    assert!(
        dropped.iter().all(|day| *day < format!("event_{}", days_ago(30).strftime("%Y%m%d"))),
        "{dropped:?}"
    );
    assert_eq!(event_ids(&client).await, ["2 20", "1 0", "2 0"]);
    assert_eq!(rows(&client, "lot").await, 4, "the lot is still there");
    assert_eq!(work_off(config, 2).await, [Removed { lots: 1, rows: 0 }]);
    assert_eq!(rows(&client, "lot").await, 3);
    assert_eq!((total(&mut client, 1).await, total(&mut client, 5).await), (3, 3));
    let tables = "select count(*) from pg_class where relkind = 'r' and relname = $1";
    assert_eq!(count(&client, tables, &[&oldest]).await, 0);
    assert_eq!(partitions::days_ahead(&client, now()).await.unwrap(), 7);
}

#[tokio::test]
async fn a_day_that_a_stream_still_shows_is_not_dropped() {
    let database = TestDatabase::create().await;
    let (config, mut client) = (&database.config, database.client().await);
    project(&client).await;
    for days in [40, 20] {
        let station = station_of(config, days).await;
        station.append(events([format!("{days}")], 1)).await.unwrap();
        station.stop().await;
    }
    // The clock of this one stood still: it comes later in the order.
    let late = station_of(config, 40).await;
    late.append(events(["late"], 1)).await.unwrap();
    late.stop().await;
    until("all is settled", async || {
        keep(&mut client, "proj_1", Some(30)).await;
        floor(config, 1).await.is_some()
    })
    .await;
    drop_days(config).await;
    assert_eq!(event_ids(&client).await, ["40", "20", "late"]);
    until("its turn comes", async || {
        keep(&mut client, "proj_1", Some(19)).await;
        drop_days(config).await;
        event_ids(&client).await.is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_reader_in_the_way_delays_a_drop_and_nobody_else() {
    let database = TestDatabase::create().await;
    let (config, mut client) = (&database.config, database.client().await);
    let oldest = two_projects(config, &client).await;
    until("all is settled", async || {
        keep(&mut client, "proj_1", Some(30)).await;
        keep(&mut client, "proj_2", Some(30)).await;
        count(&client, "select count(*) from retention_floor", &[]).await == 2
    })
    .await;
    let reader = database.client().await;
    reader.batch_execute("begin isolation level repeatable read; select count(*) from event").await.unwrap();
    let store = Database::new(config.clone());
    assert!(retention::drop_one(&store, now()).await.unwrap_err().is_locked_out());

    assert_eq!(count(&reader, "select count(*) from event", &[]).await, 6, "it sees what it saw");
    let station = Station::start(config, one_lane()).await;
    station.append(events(["meanwhile"], 1)).await.unwrap();
    station.stop().await;
    let later = now() + SignedDuration::from_hours(24 * 30);
    let maker = database.client().await;
    maker.batch_execute("set lock_timeout = '500ms'").await.unwrap();
    assert_eq!(partitions::ensure(&maker, later).await.unwrap(), 9);
    reader.batch_execute("commit").await.unwrap();
    let dropped = drop_days(config).await;
    assert!(dropped.contains(&oldest), "{dropped:?}");
    let left =
        "select count(*) from pg_class where relkind = 'r' and relname like 'event\\_2%' and relname <= $1";
    assert_eq!(count(&client, left, &[&oldest]).await, 0, "what was begun is done");
    assert_eq!(event_ids(&client).await, ["1 20", "2 20", "1 0", "2 0", "meanwhile"]);
}

#[tokio::test]
async fn an_operators_own_detached_day_is_left_alone() {
    let database = TestDatabase::create().await;
    let (config, mut client) = (&database.config, database.client().await);
    let oldest = two_projects(config, &client).await;
    client.batch_execute(&format!("alter table event detach partition {oldest}")).await.unwrap();
    until("all is settled", async || {
        keep(&mut client, "proj_1", Some(30)).await;
        keep(&mut client, "proj_2", Some(30)).await;
        count(&client, "select count(*) from retention_floor", &[]).await == 2
    })
    .await;
    assert!(!drop_days(config).await.contains(&oldest));
    assert_eq!(rows(&client, &oldest).await, 2);
}

#[tokio::test]
async fn a_timeline_is_read_while_its_days_are_dropped() {
    let database = TestDatabase::create().await;
    let (config, mut client) = (&database.config, database.client().await);
    project(&client).await;
    for days in [41, 40, 39] {
        let station = station_of(config, days).await;
        station.append(events([format!("{days}")], 1)).await.unwrap();
        station.stop().await;
    }
    // Enough pages for each day to be judged by its newest ones.
    let padding = "insert into event
        select -n, 1, 1, e.received_at, e.occurred_at, 'e', 'visited', 'somebody', 'p' || n, json_build_object('x', repeat('x', 500))
        from event e, generate_series(1, 12000) n where e.event_id in ('39', '40', '41')";
    client.batch_execute(padding).await.unwrap();
    until("all is settled", async || {
        keep(&mut client, "proj_1", Some(30)).await;
        floor(config, 1).await.is_some()
    })
    .await;
    let pool = Arc::new(Database::new(config.clone()).pool(Role::Read, 4).unwrap());
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut pages = 0;
                loop {
                    let page = timeline::page(&pool, 1, 1, "somebody", None, 100).await.unwrap();
                    pages += 1;
                    if page.is_empty() {
                        return pages;
                    }
                }
            })
        })
        .collect();
    until("it was read", async || rows(&client, "event").await > 0).await;
    until("all days are dropped", async || {
        drop_days(config).await;
        rows(&client, "event").await == 0
    })
    .await;
    for reader in readers {
        let pages = tokio::time::timeout(Duration::from_secs(20), reader).await.unwrap().unwrap();
        assert!(pages > 1, "{pages}");
    }
}

#[tokio::test]
async fn a_purge_takes_the_claims_and_totals_of_what_is_past_too() {
    let database = TestDatabase::create().await;
    let (config, mut client) = (&database.config, database.client().await);
    project(&client).await;
    let old = station_of(config, 3).await;
    for datasource in [1, 2] {
        append(&old.handle, datasource, events(numbered("old ", 20), 1)).await.unwrap();
    }
    old.stop().await;
    let new = Station::start(config, one_lane()).await;
    append(&new.handle, 1, events(numbered("new ", 5), 1)).await.unwrap();
    // One that keeps for ever, so that rows go one by one.
    another_project(&client).await;
    until("all is settled", async || {
        keep(&mut client, "proj_1", Some(1)).await;
        work_off(config, 1).await;
        rows(&client, "event").await == 5
    })
    .await;
    assert_eq!((total(&mut client, 1).await, total(&mut client, 2).await), (25, 20));
    assert!(purge::begin(&mut client, "ds_1", now()).await.unwrap());
    append(&new.handle, 1, events(["after"], 1)).await.unwrap();
    until("it is purged", async || {
        let step = purge::step(&mut client, 1, now()).await.unwrap();
        step.is_some_and(|step| step.next == Next::Wait)
            && count(&client, "select count(*) from purge where phase = 'rest'", &[]).await == 1
    })
    .await;
    assert_eq!(event_ids(&client).await, ["after"]);
    assert_eq!((total(&mut client, 1).await, total(&mut client, 2).await), (1, 20));
    let claims = "select count(*) from event_key where datasource_id = $1";
    let (own, other) = (count(&client, claims, &[&1_i64]).await, count(&client, claims, &[&2_i64]).await);
    assert_eq!((own, other), (1, 20));
    append(&new.handle, 1, events(["old 0"], 2)).await.unwrap();
    assert_eq!(event_ids(&client).await, ["after", "old 0"], "its id is free again");
    new.stop().await;
}

#[tokio::test]
async fn purges_and_retention_take_each_lot_once() {
    let database = TestDatabase::create().await;
    let (config, mut client) = (&database.config, database.client().await);
    project(&client).await;
    another_project(&client).await;
    let old = station_of(config, 3).await;
    for batch in 0..300 {
        append(&old.handle, 1 + batch % 2, events(numbered(&format!("{batch}-"), 5), 1)).await.unwrap();
    }
    old.stop().await;
    assert!(purge::begin(&mut client, "ds_1", now()).await.unwrap());
    until("all is settled", async || {
        keep(&mut client, "proj_1", Some(1)).await;
        floor(config, 1).await.is_some()
    })
    .await;
    let mut worker = Database::new(config.clone()).connect(Role::Upkeep).await.unwrap();
    let looker = database.client().await;
    let purged = until("it is purged", async || {
        purge::step(&mut worker, 1, now()).await.unwrap();
        rows(&looker, "purge").await == 0
    });
    let expired = until("all rows are gone", async || {
        keep(&mut client, "proj_1", Some(1)).await;
        work_off(config, 1).await;
        rows(&client, "event").await == 0
    });
    tokio::join!(purged, expired);
    assert_eq!((total(&mut client, 1).await, total(&mut client, 2).await), (0, 750));
    let claims = "select count(*) from event_key where datasource_id = 1";
    assert_eq!(count(&client, claims, &[]).await, 0);
}

#[tokio::test]
async fn a_restore_moves_the_beginning_with_the_lots() {
    let database = TestDatabase::create().await;
    let (config, mut client) = (&database.config, database.client().await);
    project(&client).await;
    another_project(&client).await;
    let old = station_of(config, 3).await;
    for batch in 0..120 {
        old.append(events([format!("{batch}")], 1)).await.unwrap();
    }
    old.stop().await;
    until("all is settled", async || {
        keep(&mut client, "proj_1", Some(1)).await;
        retention::step(&mut client, 1).await.unwrap();
        floor(config, 1).await.is_some() && rows(&client, "lot").await < 120
    })
    .await;
    let before = floor(config, 1).await.unwrap();
    let tx = Tx::begin(&mut client, "restore").await.unwrap();
    tx.execute("update lot set epoch = epoch + 3", &[]).await.unwrap();
    tx.execute("update epoch set n = n + 3, system_identifier = 1", &[]).await.unwrap();
    tally::shift(&tx, 3).await.unwrap();
    retention::shift(&tx, 3).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(floor(config, 1).await, Some(Cursor { epoch: before.epoch + 3, ..before }));
    let station = Station::start(config, one_lane()).await;
    station.append(events(["new"], 1)).await.unwrap();
    station.stop().await;
    until("all of it is settled", async || {
        retention::raise(&mut client, None, now()).await.unwrap();
        work_off(config, 1).await;
        rows(&client, "lot").await == 1
    })
    .await;
    assert_eq!(event_ids(&client).await, ["new"]);
    assert_eq!(total(&mut client, 1).await, 121);
}
