//! Running totals: exact at every moment, whoever moves them on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustix::process::{Signal, kill_process};
use tidegate::{
    ingest::Options,
    store::{
        Database, Role,
        tally::{self, Step},
        totals,
        tx::Tx,
    },
};
use tokio_postgres::{Client, Config};

use super::{
    managed_crash::postmaster,
    station::{Station, append, contacts, count, deletions, events, numbered, one_lane, until},
};
use crate::support::{
    folder::DATA_DIR,
    postgres::{TestDatabase, connect, migrate, private_server, try_connect},
};

/// Project 1, which the lots of these tests belong to.
pub async fn project(client: &Client) {
    let make = "insert into organization (uid, name) values ('org_x', 'x');
                insert into project (organization_id, uid, name) values (1, 'proj_1', 'x');
                insert into datasource (project_id, uid, name) select 1, 'ds_' || n, 'x' from generate_series(1, 4) n";
    client.batch_execute(make).await.unwrap();
}

/// Totals by the tally, and as the rows themselves say, both of one snapshot.
pub async fn both(client: &mut Client, datasource: i64) -> [(i64, i64); 2] {
    let snapshot = client
        .build_transaction()
        .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
        .start()
        .await
        .unwrap();
    let quick = include_str!("../../src/store/sql/datasource_totals.sql");
    let quick = snapshot.query_one(quick, &[&1_i64, &datasource]).await.unwrap();
    let slow = "select (select count(*) from event where datasource_id = $1 and kind = 'e'),
                       (select count(*) from contact where datasource_id = $1)";
    let slow = snapshot.query_one(slow, &[&datasource]).await.unwrap();
    [quick, slow].map(|row| (row.get(0), row.get(1)))
}

/// Moves the tally on until told to end; answers how many lots it has added.
async fn advancer(config: Config, end: Arc<AtomicBool>) -> i64 {
    let mut client = connect(&config).await;
    let mut added = 0;
    while !end.load(Ordering::SeqCst) {
        for project in tally::behind(&client, 0).await.unwrap() {
            added += tally::advance(&mut client, project, 7).await.unwrap().map_or(0, |step| step.lots);
        }
    }
    added
}

/// Pushes a little of everything to two datasources.
async fn pusher(handle: tidegate::ingest::Handle, name: i64, batches: u8) {
    for batch in 0..batches {
        let ids = numbered(&format!("{name}-{batch}-"), 3);
        let datasource = 1 + i64::from(batch % 2);
        append(&handle, datasource, events(ids.clone(), batch)).await.unwrap();
        append(&handle, datasource, contacts(numbered("someone ", 5), batch)).await.unwrap();
        append(&handle, datasource, contacts(ids, batch)).await.unwrap();
        append(&handle, datasource, deletions(numbered("someone ", 3))).await.unwrap();
    }
}

#[tokio::test]
async fn totals_are_exact_while_two_nodes_move_them_on() {
    let database = TestDatabase::create().await;
    let mut client = database.client().await;
    project(&client).await;
    let station = Station::start(&database.config, Options { lot_items: 20, ..Options::default() }).await;
    let end = Arc::new(AtomicBool::new(false));
    let advancers = [(); 2].map(|()| tokio::spawn(advancer(database.config.clone(), end.clone())));
    let pushers: Vec<_> = (0..4).map(|name| tokio::spawn(pusher(station.handle.clone(), name, 20))).collect();
    let mut looks = 0;
    while !pushers.iter().all(tokio::task::JoinHandle::is_finished) {
        for datasource in [1, 2] {
            let [quick, slow] = both(&mut client, datasource).await;
            assert_eq!(quick, slow, "of datasource {datasource} at look {looks}");
        }
        looks += 1;
    }
    assert!(looks > 5, "{looks}");
    for pusher in pushers {
        pusher.await.unwrap();
    }
    station.stop().await;
    let lots = count(&client, "select count(*) from lot", &[]).await;
    let tallied = "select count(*) from lot join tally_position p using (project_id) where (lot.epoch, lot.tx) < (p.epoch, p.tx)";
    until("everything is tallied", async || count(&client, tallied, &[]).await == lots).await;
    end.store(true, Ordering::SeqCst);
    let [one, other] = advancers;
    let (one, other) = (one.await.unwrap(), other.await.unwrap());
    assert_eq!(one + other, lots, "each lot once: {one} and {other}");
    let [quick, slow] = both(&mut client, 1).await;
    assert_eq!(quick, slow);
    assert_eq!(quick.0, 4 * 10 * 3);
    let pool = Database::new(database.config.clone()).pool(Role::Read, 1).unwrap();
    let read = totals::read(&pool, 1, 1).await.unwrap();
    assert_eq!((read.events, read.contacts), quick);
    let none = totals::read(&pool, 1, 4).await.unwrap();
    assert_eq!((none.events, none.contacts), (0, 0));
}

#[tokio::test]
async fn what_is_not_settled_waits() {
    let (server, _folder) = private_server().await;
    migrate(&server.config()).await;
    let mut client = connect(&server.config()).await;
    let slow = connect(&server.config()).await;
    project(&client).await;
    let station = Station::start(&server.config(), one_lane()).await;
    station.append(events(["before"], 1)).await.unwrap();
    // A lot whose transaction is older than the next ones and commits after them.
    slow.batch_execute(
        "begin;
         insert into event values (-5, 1, 1, now(), now(), 'e', 't', 'u', 'slow', '{}');
         insert into lot (project_id, epoch, first_id, last_id, datasource_id, events, contacts, contacts_net, id_sum,
                          contact_sum, received_at) values (1, 1, -5, -5, 1, 1, 0, 0, 0, 0, now())",
    )
    .await
    .unwrap();
    station.append(events(["after"], 1)).await.unwrap();
    assert_eq!(tally::advance(&mut client, 1, 100).await.unwrap(), Some(Step { lots: 1, more: false }));
    assert_eq!(both(&mut client, 1).await, [(2, 0), (2, 0)]);
    slow.batch_execute("commit").await.unwrap();
    assert_eq!(both(&mut client, 1).await, [(3, 0), (3, 0)]);
    assert_eq!(tally::advance(&mut client, 1, 1).await.unwrap(), Some(Step { lots: 1, more: true }));
    assert_eq!(tally::advance(&mut client, 1, 1).await.unwrap(), Some(Step { lots: 1, more: false }));
    assert_eq!(both(&mut client, 1).await, [(3, 0), (3, 0)]);
    assert_eq!(tally::behind(&client, 0).await.unwrap(), [] as [i64; 0]);
    station.stop().await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_restore_that_moves_epochs_moves_positions_too() {
    let database = TestDatabase::create().await;
    let mut client = database.client().await;
    project(&client).await;
    let station = Station::start(&database.config, one_lane()).await;
    for id in numbered("e", 4) {
        station.append(events([id], 1)).await.unwrap();
    }
    station.stop().await;
    until("two are tallied", async || {
        let mut other = database.client().await;
        tally::advance(&mut other, 1, 2).await.unwrap().is_some_and(|step| step.lots == 2)
    })
    .await;
    let tx = Tx::begin(&mut client, "restore").await.unwrap();
    tx.execute("update lot set epoch = epoch + 7", &[]).await.unwrap();
    tx.execute("update epoch set n = n + 7, system_identifier = 1", &[]).await.unwrap();
    tally::shift(&tx, 7).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(both(&mut client, 1).await, [(4, 0), (4, 0)]);
    let station = Station::start(&database.config, one_lane()).await;
    station.append(events(["another epoch"], 1)).await.unwrap();
    station.stop().await;
    assert_eq!(both(&mut client, 1).await, [(5, 0), (5, 0)]);
    let all = "select count(*) from lot join tally_position p using (project_id) where (lot.epoch, lot.tx) >= (p.epoch, p.tx)";
    assert!((2..5).contains(&count(&client, all, &[]).await), "the position stands between them");
    until("all is tallied", async || {
        let mut other = database.client().await;
        tally::advance(&mut other, 1, 100).await.unwrap();
        count(&other, all, &[]).await == 0
    })
    .await;
    assert_eq!(both(&mut client, 1).await, [(5, 0), (5, 0)]);
}

#[tokio::test]
async fn a_crash_in_between_loses_and_doubles_nothing() {
    let (server, folder) = private_server().await;
    migrate(&server.config()).await;
    let mut client = connect(&server.config()).await;
    project(&client).await;
    let station = Station::start(&server.config(), one_lane()).await;
    for round in 0..3 {
        let end = Arc::new(AtomicBool::new(false));
        let config = server.config();
        let pushing = tokio::spawn(pusher_until_down(station.handle.clone(), round, end.clone()));
        let advancing = tokio::spawn(async move {
            let mut client = connect(&config).await;
            while tally::advance(&mut client, 1, 3).await.is_ok() {}
        });
        let there = count(&client, "select count(*) from lot", &[]).await;
        until("it moves", async || count(&client, "select count(*) from lot", &[]).await > there + 20).await;
        kill_process(postmaster(&folder.path().join(DATA_DIR)), Signal::QUIT).unwrap();
        until("the server is gone", async || client.is_closed()).await;
        end.store(true, Ordering::SeqCst);
        until("the server is back", async || try_connect(&server.config()).await.is_ok()).await;
        advancing.await.unwrap();
        pushing.await.unwrap();
        client = connect(&server.config()).await;
        let [quick, slow] = both(&mut client, 1).await;
        assert_eq!(quick, slow);
        while tally::advance(&mut client, 1, 50).await.unwrap().is_some_and(|step| step.more) {}
        let [quick, slow] = both(&mut client, 1).await;
        assert_eq!(quick, slow);
    }
    station.stop().await;
    server.stop().await.unwrap();
}

async fn pusher_until_down(handle: tidegate::ingest::Handle, round: usize, end: Arc<AtomicBool>) {
    let mut batch = 0;
    while !end.load(Ordering::SeqCst) {
        let ids = numbered(&format!("{round}-{batch}-"), 2);
        if append(&handle, 1, events(ids, 1)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        batch += 1;
    }
}
