//! What lags behind catches up by itself on a running server.

use jiff::SignedDuration;
use tidegate::{
    domain::clock::{FakeClock, SystemClock},
    ingest::upkeep,
    store::{Database, Role, purge},
};
use tokio::sync::watch;

use super::{
    station::{Station, append, count, events, numbered, one_lane, until},
    tally::{both, project},
};
use crate::support::postgres::{TestDatabase, connect, migrate, private_server};

#[tokio::test]
async fn upkeep_tallies_purges_summarizes_closes_and_forgets() {
    let database = TestDatabase::create().await;
    let mut client = database.client().await;
    project(&client).await;
    let station = Station::start(&database.config, one_lane()).await;
    for batch in 0..510 {
        append(&station.handle, 1, events(numbered(&format!("{batch}-"), 2), 1)).await.unwrap();
    }
    client
        .batch_execute(
            "with calling as (
                 insert into key (id, kind, hash, prefix, name, scopes, organization_id, created_by)
                 select gen_random_uuid(), 'product', sha256('key'), 'tgp_', 'Key', '{}', id, 'test' from organization
                 returning id
             )
             insert into idempotency (key_id, token, fingerprint, status, body)
             select id, 'one', sha256('request'), 201, '{}' from calling",
        )
        .await
        .unwrap();
    let own = Database::new(database.config.clone());
    // To its clock the day is over, and every lot is old.
    let clock = FakeClock::at(SystemClock::shared().now() + SignedDuration::from_hours(30));
    let (stop, stopped) = watch::channel(false);
    let pool = own.pool(Role::Meta, 1).unwrap();
    let running = tokio::spawn(upkeep::run(station.handle.clone(), own, pool, clock, stopped));

    until("lots are tallied", async || {
        count(&client, "select count(*) from tally where events > 500", &[]).await == 1
    })
    .await;
    let indexed = "select count(*) from pg_index x join pg_class c on c.oid = x.indexrelid
                   where x.indisvalid and c.relname = (select tableoid::regclass || '_by_person' from event limit 1)";
    until("the day has its index", async || count(&client, indexed, &[]).await == 1).await;
    assert_eq!(both(&mut client, 1).await, [(1_020, 0), (1_020, 0)]);

    let long_ago = SystemClock::shared().now();
    assert!(purge::begin(&mut client, "ds_1", long_ago).await.unwrap());
    until("the purge is complete", async || count(&client, "select count(*) from purge", &[]).await == 0)
        .await;
    assert_eq!(both(&mut client, 1).await, [(0, 0), (0, 0)]);
    for table in ["event", "event_key", "lot"] {
        assert_eq!(count(&client, &format!("select count(*) from {table}"), &[]).await, 0, "{table}");
    }
    until("old answers are forgotten", async || {
        count(&client, "select count(*) from idempotency", &[]).await == 0
    })
    .await;
    stop.send_replace(true);
    running.await.unwrap();
    station.stop().await;
}

#[tokio::test]
async fn upkeep_lets_go_of_what_is_past() {
    // A server of its own: what others leave open would put the only look of a minute off.
    let (server, _folder) = private_server().await;
    let config = server.config();
    migrate(&config).await;
    let mut client = connect(&config).await;
    project(&client).await;
    let long_ago = SystemClock::shared().now() - SignedDuration::from_hours(24 * 40);
    let old = Station::with_clock(&config, one_lane(), FakeClock::at(long_ago)).await;
    append(&old.handle, 1, events(numbered("old ", 7), 1)).await.unwrap();
    old.stop().await;
    let station = Station::start(&config, one_lane()).await;
    append(&station.handle, 1, events(numbered("new ", 3), 1)).await.unwrap();
    client.batch_execute("update project set retention_days = 30").await.unwrap();
    let day = format!("event_{}", long_ago.strftime("%Y%m%d"));
    assert_eq!(count(&client, &format!("select count(*) from {day}"), &[]).await, 7);

    let own = Database::new(config.clone());
    let (stop, stopped) = watch::channel(false);
    let pool = own.pool(Role::Meta, 1).unwrap();
    let running =
        tokio::spawn(upkeep::run(station.handle.clone(), own, pool, SystemClock::shared(), stopped));
    let gone = "select count(*) from pg_class where relname = $1";
    until("the day is dropped", async || count(&client, gone, &[&day]).await == 0).await;
    until("its lot follows", async || count(&client, "select count(*) from lot", &[]).await == 1).await;
    assert_eq!(count(&client, "select count(*) from event", &[]).await, 3);
    assert_eq!(both(&mut client, 1).await[0], (10, 0), "it was stored, and stays in the totals");
    stop.send_replace(true);
    running.await.unwrap();
    station.stop().await;
    server.stop().await.unwrap();
}
