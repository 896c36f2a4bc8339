//! Purges: what was there goes, what comes in stays, and everything adds up throughout.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tidegate::{
    domain::{
        claim::Digest,
        clock::{FakeClock, SystemClock},
    },
    ingest::{Handle, Options},
    store::{
        Database, Role,
        audit::Actor,
        purge::{self, Next},
        tally,
        tx::Tx,
    },
};
use tokio::time::Instant;
use tokio_postgres::{Client, Config};
use uuid::Uuid;

use super::{
    station::{Station, append, contacts, count, events, numbered, one_lane, until},
    tally::{both, project},
};
use crate::support::postgres::{TestDatabase, connect, migrate, private_server};

fn now() -> Timestamp {
    SystemClock::shared().now()
}

/// Past the time for which emptied lots stay.
fn later() -> Timestamp {
    now() + SignedDuration::from_mins(3)
}

async fn house(options: Options) -> (TestDatabase, Client, Station) {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    project(&client).await;
    let station = Station::start(&database.config, options).await;
    (database, client, station)
}

/// Steps until there is nothing to do for now; answers how much was removed and what comes next.
async fn work_off(config: &Config, datasource: i64, at: Timestamp) -> (i64, Next) {
    let mut client = Database::new(config.clone()).connect(Role::Upkeep).await.unwrap();
    let mut removed = 0;
    loop {
        // Another test may hold the horizon for a moment.
        let Some(step) = purge::step(&mut client, datasource, at).await.unwrap() else {
            return (removed, Next::Done);
        };
        removed += step.removed;
        if step.next != Next::More {
            return (removed, step.next);
        }
    }
}

/// As [`work_off`], until the data is gone.
async fn until_gone(config: &Config, datasource: i64) -> i64 {
    let client = connect(config).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut removed = 0;
    let open = "select count(*) from purge where datasource_id = $1 and phase <> 'rest'";
    while count(&client, open, &[&datasource]).await > 0 {
        removed += work_off(config, datasource, now()).await.0;
        assert!(Instant::now() < deadline, "it takes too long");
    }
    removed
}

/// Rows without a claim, and claims without a row.
async fn unpaired(client: &Client) -> (i64, i64) {
    let claim_of = "encode(substring(sha256(convert_to(e.event_id, 'UTF8')) for 16), 'hex')::uuid";
    let bare = format!(
        "select count(*) from event e where kind = 'e' and not exists
         (select from event_key k where k.datasource_id = e.datasource_id and k.claim = {claim_of})"
    );
    let orphans = format!(
        "select count(*) from event_key k where (k.datasource_id, k.claim) not in
         (select e.datasource_id, {claim_of} from event e where kind = 'e')"
    );
    (count(client, &bare, &[]).await, count(client, &orphans, &[]).await)
}

async fn held(client: &Client, datasource: i64) -> [i64; 4] {
    let mut held = [0; 4];
    for (at, table) in ["event", "event_key", "contact", "lot"].iter().enumerate() {
        held[at] =
            count(client, &format!("select count(*) from {table} where datasource_id = $1"), &[&datasource])
                .await;
    }
    held
}

#[tokio::test]
async fn sql_and_rust_make_the_same_claims() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let claim_of = "select encode(substring(sha256(convert_to($1, 'UTF8')) for 16), 'hex')::uuid";
    assert!(
        include_str!("../../src/store/sql/purge_rows.sql").contains("substring(sha256(convert_to(event_id")
    );
    for id in ["a", "ü 😀 \\ ' \u{1}", " ", &"x".repeat(255)] {
        let row = client.query_one(claim_of, &[&id]).await.unwrap();
        assert_eq!(row.get::<_, Uuid>(0), Uuid::from_bytes(Digest::of(id).claim()), "{id}");
    }
}

#[tokio::test]
async fn what_was_there_goes_with_its_claims_and_its_usage() {
    let (database, mut client, station) = house(Options { lot_items: 30, ..one_lane() }).await;
    for batch in 0..30 {
        append(&station.handle, 1, events(numbered(&format!("{batch}-"), 7), 1)).await.unwrap();
        append(&station.handle, 1, contacts(numbered("c", 20), batch)).await.unwrap();
        append(&station.handle, 2, events(numbered(&format!("{batch}-"), 3), 1)).await.unwrap();
    }
    let counters = "insert into usage_total select n, 1, 1, 1, 1, 1, 1 from generate_series(1, 2) n;
        insert into usage_minute select d, date_trunc('minute', now()) - n * interval '1 minute', 1, 1, 1, 1, 1, 1
            from generate_series(1, 2) d, generate_series(0, 6000) n;
        insert into rejected_item (datasource_id, at, kind, pointer, rule, excerpt)
            select n, now(), 'event', '', '', '' from generate_series(1, 2) n";
    client.batch_execute(counters).await.unwrap();
    assert!(!purge::begin(&mut client, "ds_nobody", now()).await.unwrap());
    assert!(purge::begin(&mut client, "ds_1", now()).await.unwrap());
    assert_eq!(purge::open(&mut client, now()).await.unwrap(), [1]);
    assert_eq!(until_gone(&database.config, 1).await, 30 * 7 + 30 * 20 + 20);
    let [rows, claims, people, shells] = held(&client, 1).await;
    assert_eq!((rows, claims, people), (0, 0, 0));
    assert_eq!(shells, 60, "a lane may still look for its lot");
    assert_eq!(both(&mut client, 1).await, [(0, 0), (0, 0)]);
    assert_eq!(both(&mut client, 2).await, [(90, 0), (90, 0)]);
    assert_eq!(work_off(&database.config, 1, now()).await, (0, Next::Wait));
    assert_eq!(work_off(&database.config, 1, later()).await, (0, Next::Done));
    assert_eq!(held(&client, 1).await, [0; 4]);
    assert_eq!(held(&client, 2).await, [90, 90, 0, 30]);
    assert_eq!(purge::open(&mut client, now()).await.unwrap(), [] as [i64; 0]);
    for (table, left) in [("usage_total", 1), ("usage_minute", 6_001), ("rejected_item", 1)] {
        assert_eq!(count(&client, &format!("select count(*) from {table}"), &[]).await, left, "{table}");
    }
    // The ids are free again.
    append(&station.handle, 1, events(numbered("0-", 7), 2)).await.unwrap();
    assert_eq!(both(&mut client, 1).await, [(7, 0), (7, 0)]);
    station.stop().await;
}

#[tokio::test]
async fn a_datasource_is_closed_for_a_while_before_its_purge_and_open_after_it() {
    let (database, mut client, station) = house(one_lane()).await;
    append(&station.handle, 1, events(numbered("e", 7), 1)).await.unwrap();
    append(&station.handle, 1, contacts(numbered("c", 3), 1)).await.unwrap();
    assert!(!purge::close(&mut client, "ds_nobody", Actor::local("test")).await.unwrap());
    assert!(purge::close(&mut client, "ds_1", Actor::local("test")).await.unwrap());
    assert!(purge::close(&mut client, "ds_1", Actor::local("test")).await.unwrap(), "asked for again");
    assert!(purge::is_closed(&client, "ds_1").await.unwrap());
    assert!(!purge::is_closed(&client, "ds_2").await.unwrap());
    assert_eq!(purge::open(&mut client, now()).await.unwrap(), [] as [i64; 0], "a node may not know yet");
    let aged = "update datasource set closed_at = closed_at - interval '6 seconds' where uid = 'ds_1'";
    client.batch_execute(aged).await.unwrap();
    assert_eq!(purge::open(&mut client, now()).await.unwrap(), [1]);
    let begun = "select requested_at::text from purge";
    let requested: String = client.query_one(begun, &[]).await.unwrap().get(0);
    assert_eq!(purge::open(&mut client, now()).await.unwrap(), [1]);
    assert_eq!(client.query_one(begun, &[]).await.unwrap().get::<_, String>(0), requested, "it begins once");
    assert!(purge::is_closed(&client, "ds_1").await.unwrap());
    until_gone(&database.config, 1).await;
    assert!(!purge::is_closed(&client, "ds_1").await.unwrap(), "pushes are taken again");
    assert_eq!(held(&client, 1).await[..3], [0, 0, 0]);
    let audited = "select count(*) from audit where action = 'datasource.purge' and subject = 'ds_1' and actor = 'test'";
    assert_eq!(count(&client, audited, &[]).await, 2);
    station.stop().await;
}

/// Sends new events, new contacts and changes of old ones until told to end; answers how many batches of each were taken.
async fn pusher(handle: Handle, name: usize, end: Arc<AtomicBool>) -> usize {
    let mut batch = 0;
    while !end.load(Ordering::SeqCst) {
        append(&handle, 1, events(numbered(&format!("new {name} {batch} "), 3), 1)).await.unwrap();
        append(&handle, 1, contacts(numbered(&format!("new {name} {batch} "), 2), 1)).await.unwrap();
        append(&handle, 1, contacts([format!("old {}", batch * 4 + name)], 77)).await.unwrap();
        batch += 1;
    }
    batch
}

#[tokio::test]
async fn what_comes_in_meanwhile_stays_whole() {
    let (database, mut client, station) = house(Options { lot_items: 100, ..Options::default() }).await;
    for batch in 0..60 {
        append(&station.handle, 1, events(numbered(&format!("old {batch} "), 50), 1)).await.unwrap();
        append(
            &station.handle,
            1,
            contacts(numbered("old ", 5_000).into_iter().skip(batch * 80).take(80), 1),
        )
        .await
        .unwrap();
    }
    let people = 60 * 80;
    assert!(purge::begin(&mut client, "ds_1", now()).await.unwrap());
    let end = Arc::new(AtomicBool::new(false));
    let pushers: Vec<_> =
        (0..3).map(|name| tokio::spawn(pusher(station.handle.clone(), name, end.clone()))).collect();
    let workers: Vec<_> = (0..2)
        .map(|_| {
            let config = database.config.clone();
            tokio::spawn(async move { until_gone(&config, 1).await })
        })
        .collect();
    let mut looks = 0;
    while !workers.iter().all(tokio::task::JoinHandle::is_finished) {
        let [quick, slow] = both(&mut client, 1).await;
        assert_eq!(quick, slow, "at look {looks}");
        looks += 1;
    }
    let mut removed = 0;
    for worker in workers {
        removed += worker.await.unwrap();
    }
    end.store(true, Ordering::SeqCst);
    let mut batches = Vec::new();
    for pusher in pushers {
        batches.push(pusher.await.unwrap());
    }
    station.stop().await;
    assert!(looks > 3 && batches.iter().all(|batches| *batches > 0), "{looks} {batches:?}");
    let sent: usize = batches.iter().sum();
    let [quick, slow] = both(&mut client, 1).await;
    assert_eq!(quick, slow);
    assert_eq!(quick.0, 3 * sent as i64, "every new event, and no old one");
    let old = "select count(*) from event where event_id like 'old%'";
    assert_eq!(count(&client, old, &[]).await, 0);
    assert_eq!(unpaired(&client).await, (0, 0));
    let new = "select count(*) from contact where user_id like 'new%'";
    assert_eq!(count(&client, new, &[]).await, 2 * sent as i64);
    let untouched =
        "select count(*) from contact where user_id like 'old%' and attributes <> '{\"content\": 77}'";
    assert_eq!(count(&client, untouched, &[]).await, 0, "all that was left alone is gone");
    let touched = "select count(*) from contact where user_id like 'old%'";
    assert_eq!(count(&client, touched, &[]).await, sent as i64, "what was sent again is there");
    assert!(removed >= (60 * 50 + 2 * people - sent) as i64, "{removed}: the workers shared it");
}

#[tokio::test]
async fn a_contact_is_judged_by_its_transaction_and_not_by_a_clock() {
    let (database, mut client, station) = house(one_lane()).await;
    station.append(contacts(["old", "sent again"], 1)).await.unwrap();
    station.stop().await;
    let ahead = FakeClock::at(now() + SignedDuration::from_mins(10));
    let station = Station::with_clock(&database.config, one_lane(), ahead).await;
    station.append(contacts(["old, by a clock that is ahead"], 1)).await.unwrap();
    station.stop().await;
    assert!(purge::begin(&mut client, "ds_1", now()).await.unwrap());
    let behind = FakeClock::at(now() - SignedDuration::from_mins(10));
    let station = Station::with_clock(&database.config, one_lane(), behind).await;
    station.append(contacts(["new, by a clock that is behind", "sent again"], 2)).await.unwrap();
    station.stop().await;
    until_gone(&database.config, 1).await;
    let rows = client.query("select user_id from contact order by 1", &[]).await.unwrap();
    let left: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(left, ["new, by a clock that is behind", "sent again"]);
    assert_eq!(both(&mut client, 1).await, [(0, 2), (0, 2)]);
}

#[tokio::test]
async fn what_is_under_way_is_waited_for_and_goes() {
    let (server, _folder) = private_server().await;
    migrate(&server.config()).await;
    let (mut client, slow) = (connect(&server.config()).await, connect(&server.config()).await);
    project(&client).await;
    let station = Station::start(&server.config(), one_lane()).await;
    station.append(events(["before"], 1)).await.unwrap();
    slow.batch_execute(
        "begin;
         insert into event values (-5, 1, 1, now(), now(), 'e', 't', 'u', 'slow', '{}');
         insert into lot (project_id, epoch, first_id, last_id, datasource_id, events, contacts, contacts_net, id_sum,
                          contact_sum, received_at) values (1, 1, -5, -5, 1, 1, 0, 0, 0, 0, now())",
    )
    .await
    .unwrap();
    station.append(events(["also before"], 1)).await.unwrap();
    assert!(purge::begin(&mut client, "ds_1", now()).await.unwrap());
    station.append(events(["after"], 1)).await.unwrap();
    assert_eq!(work_off(&server.config(), 1, now()).await, (1, Next::Wait), "what is settled goes at once");
    slow.batch_execute("commit").await.unwrap();
    assert_eq!(both(&mut client, 1).await, [(3, 0), (3, 0)]);
    assert_eq!(work_off(&server.config(), 1, now()).await, (2, Next::Wait), "the rest follows; shells stay");
    assert_eq!(work_off(&server.config(), 1, later()).await, (0, Next::Done));
    let rows = client.query("select event_id from event", &[]).await.unwrap();
    let left: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(left, ["after"]);
    station.stop().await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_purge_goes_on_where_another_left_it_even_after_a_restore() {
    let (database, mut client, station) = house(Options { lot_items: 10, ..one_lane() }).await;
    for batch in 0..600 {
        let handle = station.handle.clone();
        append(&handle, 1, events(numbered(&format!("{batch}-"), 10), 1)).await.unwrap();
    }
    station.append(contacts(numbered("c", 10), 1)).await.unwrap();
    assert!(purge::begin(&mut client, "ds_1", now()).await.unwrap());
    until("a step was taken", async || {
        let mut worker = database.client().await;
        purge::step(&mut worker, 1, now()).await.unwrap().unwrap().removed > 0
    })
    .await;
    let [quick, slow] = both(&mut client, 1).await;
    assert_eq!(quick, slow);
    assert!((1..6_000).contains(&quick.0), "{quick:?}");
    station.stop().await;
    // As after a restore into another cluster: epochs were shifted, transaction ids of contacts say nothing.
    let tx = Tx::begin(&mut client, "restore").await.unwrap();
    tx.execute("update lot set epoch = epoch + 3", &[]).await.unwrap();
    tx.execute("update epoch set n = n + 3, system_identifier = 1", &[]).await.unwrap();
    tally::shift(&tx, 3).await.unwrap();
    purge::shift(&tx, 3).await.unwrap();
    tx.commit().await.unwrap();
    let station = Station::start(&database.config, one_lane()).await;
    append(&station.handle, 1, events(["new"], 1)).await.unwrap();
    append(&station.handle, 1, contacts(["new"], 1)).await.unwrap();
    station.stop().await;
    until_gone(&database.config, 1).await;
    assert_eq!(both(&mut client, 1).await, [(1, 1), (1, 1)]);
    assert_eq!(unpaired(&client).await, (0, 0));
}

#[tokio::test]
async fn what_was_deleted_is_purged_and_leaves_a_tombstone() {
    let (database, mut client, station) = house(one_lane()).await;
    for datasource in 1..=3 {
        append(&station.handle, datasource, events(numbered("e", 5), 1)).await.unwrap();
        append(&station.handle, datasource, contacts(numbered("c", 5), 1)).await.unwrap();
    }
    station.stop().await;
    let traces = "insert into usage_total select n, 1, 1, 1, 1, 1, 1 from generate_series(1, 3) n;
        insert into usage_minute select n, now() - interval '1 day', 1, 1, 1, 1, 1, 1 from generate_series(1, 3) n;
        insert into rejected_item (datasource_id, at, kind, pointer, rule, excerpt)
            select n, now(), 'event', '', '', '' from generate_series(1, 3) n;
        update datasource set deleted_at = now() where id = 2";
    client.batch_execute(traces).await.unwrap();
    assert_eq!(purge::open(&mut client, now()).await.unwrap(), [] as [i64; 0], "a node may not know yet");
    assert!(!purge::begin(&mut client, "ds_2", now()).await.unwrap(), "the server does it by itself");
    let end = later() + SignedDuration::from_mins(3);
    assert_eq!(purge::open(&mut client, later()).await.unwrap(), [2]);
    until("it is purged", async || {
        work_off(&database.config, 2, end).await;
        purge::open(&mut client, end).await.unwrap().is_empty()
    })
    .await;
    assert_eq!(held(&client, 2).await, [0; 4]);
    assert_eq!(held(&client, 3).await, [10, 5, 5, 2]);
    let tombs =
        "select count(*) from datasource where id = 2 and deleted_at is not null and purged_at is not null";
    assert_eq!(count(&client, tombs, &[]).await, 1);

    client.batch_execute("update project set deleted_at = now() where id = 1").await.unwrap();
    until("all of the project is purged", async || {
        for datasource in purge::open(&mut client, later()).await.unwrap() {
            work_off(&database.config, datasource, end).await;
        }
        count(&client, "select count(*) from datasource where purged_at is null", &[]).await == 0
    })
    .await;
    for table in [
        "event",
        "event_key",
        "contact",
        "lot",
        "tally",
        "usage_total",
        "usage_minute",
        "rejected_item",
        "purge",
    ] {
        assert_eq!(count(&client, &format!("select count(*) from {table}"), &[]).await, 0, "{table}");
    }
    assert_eq!(count(&client, "select count(*) from datasource", &[]).await, 4);
    assert_eq!(both(&mut client, 3).await, [(0, 0), (0, 0)]);
}

#[tokio::test]
async fn a_restored_cluster_is_purged_before_any_lane_has_been() {
    let (database, mut client, station) = house(one_lane()).await;
    station.append(events(numbered("e", 5), 1)).await.unwrap();
    station.append(contacts(numbered("c", 5), 1)).await.unwrap();
    station.stop().await;
    // As a restore leaves it: transaction ids of another cluster, far ahead of this one's.
    let restored = "update lot set tx = (tx::text::bigint + 1000000000)::text::xid8, epoch = 8;
        update epoch set n = 8, system_identifier = 1;
        update datasource set deleted_at = now() where id = 2";
    client.batch_execute(restored).await.unwrap();
    assert_eq!(purge::open(&mut client, later()).await.unwrap(), [] as [i64; 0], "a lane has to come first");
    assert!(purge::begin(&mut client, "ds_1", now()).await.unwrap());
    assert_eq!(count(&client, "select max(n)::bigint from epoch", &[]).await, 9);
    assert_eq!(purge::open(&mut client, later()).await.unwrap(), [1, 2]);
    until_gone(&database.config, 1).await;
    assert_eq!(held(&client, 1).await[..3], [0; 3]);
    assert_eq!(both(&mut client, 1).await, [(0, 0), (0, 0)]);
}

#[tokio::test]
async fn a_purge_that_was_restored_trusts_no_transaction_ids_of_contacts() {
    let (database, mut client, station) = house(one_lane()).await;
    station.append(contacts(["before"], 1)).await.unwrap();
    assert!(purge::begin(&mut client, "ds_1", now()).await.unwrap());
    station.append(contacts(["after"], 1)).await.unwrap();
    station.stop().await;
    let restored =
        "update purge set tx = (tx::text::bigint + 1000000000)::text::xid8, epoch = 8, at_epoch = 8;
        update lot set tx = (tx::text::bigint + 1000000000)::text::xid8, epoch = 8;
        update epoch set n = 8, system_identifier = 1;
        update purge set phase = 'contacts'";
    client.batch_execute(restored).await.unwrap();
    until_gone(&database.config, 1).await;
    let rows = client.query("select user_id from contact", &[]).await.unwrap();
    let left: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(left, ["after"]);
}
