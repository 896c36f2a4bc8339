//! The schema is applied once, never backwards, and only on a server that can keep the promise.

use tidegate::store::{
    Database, StoreError,
    managed::Durability,
    schema::{self, Standing},
};
use tokio_postgres::Client;

use super::station::{Station, count, events, one_lane, rows, until};
use crate::support::postgres::{TestDatabase, connect};

/// Everything that a migration could touch, as one text.
async fn shape(client: &Client) -> String {
    let query = "select coalesce(string_agg(concat_ws(':', c.relname, c.relkind, c.relfilenode, c.relnatts), ',' order by c.oid), '')
                 from pg_class c where c.relnamespace = 'public'::regnamespace";
    client.query_one(query, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn starters_that_come_at_once_migrate_once() {
    let empty = TestDatabase::empty().await;
    let database = Database::new(empty.config.clone());
    let results = tokio::join!(
        schema::migrate(&database),
        schema::migrate(&database),
        schema::migrate(&database),
        schema::migrate(&database)
    );
    let applied = [results.0, results.1, results.2, results.3].map(Result::unwrap);
    let client = empty.client().await;
    let history = usize::try_from(rows(&client, "refinery_schema_history").await).unwrap();
    assert_eq!(applied.iter().sum::<usize>(), history, "{applied:?}");
    assert_eq!(applied.iter().filter(|applied| **applied > 0).count(), 1, "{applied:?}");
    assert_eq!(schema::version(&client).await.unwrap(), Some(schema::known_version()));
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let migrated = TestDatabase::create().await;
    let client = migrated.client().await;
    let before = shape(&client).await;
    assert_eq!(schema::migrate(&Database::new(migrated.config.clone())).await.unwrap(), 0);
    assert_eq!(shape(&client).await, before);
}

/// What a newer binary leaves behind.
const NEWER: &str = "insert into refinery_schema_history select 9999, 'later', applied_on, checksum
                     from refinery_schema_history limit 1";

#[tokio::test]
async fn a_schema_that_was_taken_further_is_refused_and_left_alone() {
    let migrated = TestDatabase::create().await;
    let client = migrated.client().await;
    client.batch_execute(NEWER).await.unwrap();
    client.batch_execute("update schema_floor set version = 9999").await.unwrap();
    let before = shape(&client).await;
    let database = Database::new(migrated.config.clone());
    for error in
        [schema::migrate(&database).await.unwrap_err(), schema::prepare(&database).await.unwrap_err()]
    {
        assert!(matches!(error, StoreError::NewerSchema { found: 9999, .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("9999") && text.contains("run a newer tidegate"), "{text}");
    }
    assert_eq!(shape(&client).await, before);
    // The starter that was refused keeps nobody else waiting.
    let held = "select count(*) from pg_locks join pg_database d on d.oid = database
                where locktype = 'advisory' and datname = current_database()";
    until("the lock is free", async || count(&client, held, &[]).await == 0).await;
}

#[tokio::test]
async fn a_newer_schema_that_only_adds_is_worked_on_and_left_alone() {
    let migrated = TestDatabase::create().await;
    let client = migrated.client().await;
    client.batch_execute(NEWER).await.unwrap();
    client.batch_execute("alter table lot add column later int").await.unwrap();
    let before = shape(&client).await;
    let database = Database::new(migrated.config.clone());
    assert_eq!(schema::migrate(&database).await.unwrap(), 0);
    assert_eq!(schema::prepare(&database).await.unwrap(), 0);
    assert_eq!(schema::standing(&client).await.unwrap(), Standing::Newer { found: 9999 });
    assert_eq!(shape(&client).await, before);
    let station = Station::start(&migrated.config, one_lane()).await;
    station.append(events(["a"], 1)).await.unwrap();
    station.stop().await;
    assert_eq!(rows(&client, "event").await, 1);
}

#[tokio::test]
async fn a_command_prepares_an_empty_database_and_leaves_an_older_one_to_others() {
    let empty = TestDatabase::empty().await;
    let database = Database::new(empty.config.clone());
    assert!(schema::prepare(&database).await.unwrap() > 0);
    let client = empty.client().await;
    client.batch_execute("delete from refinery_schema_history where version > 1; update refinery_schema_history set version = 0").await.unwrap();
    let before = shape(&client).await;
    let error = schema::prepare(&database).await.unwrap_err();
    assert!(matches!(error, StoreError::OlderSchema { found: 0, .. }), "{error}");
    assert!(error.to_string().contains("tidegate migrate"), "{error}");
    assert_eq!(shape(&client).await, before);
}

/// Every column that holds ids of transactions means something else in a restored cluster: a restore has to know it.
#[tokio::test]
async fn a_restore_knows_every_transaction_id_and_epoch() {
    let migrated = TestDatabase::create().await;
    let rows = migrated
        .client()
        .await
        .query(
            "select c.relname || '.' || a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid
             where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
               and a.attnum > 0 and not a.attisdropped and a.attname <> 'changed'
               and (a.atttypid in ('xid8'::regtype, 'xid'::regtype) or a.attname in ('epoch', 'tx', 'xid'))
             order by 1",
            &[],
        )
        .await
        .unwrap();
    let found: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    // `changed` is stamped anew in every table (restore_stamp.sql), the epochs of lots and of the positions between them move
    // (epoch_shift_lots.sql, tally_shift.sql, purge_shift.sql, retention_shift.sql, webhook_shift*.sql).
    let mended = [
        "lot.epoch",
        "lot.tx",
        "purge.at_tx",
        "purge.epoch",
        "purge.shell_tx",
        "purge.tx",
        "retention_floor.at_tx",
        "retention_floor.epoch",
        "retention_floor.tx",
        "tally_position.epoch",
        "tally_position.tx",
        "webhook.epoch",
        "webhook.tx",
        "webhook_dead_letter.epoch",
        "webhook_dead_letter.tx",
        "webhook_pending.epoch",
        "webhook_pending.tx",
    ];
    assert_eq!(found, mended, "store/dump/restore.rs does not mend all of these");
}

#[tokio::test]
async fn a_server_that_forgets_is_refused() {
    let empty = TestDatabase::empty().await;
    let database = Database::new(empty.config.clone());
    let error = database.check(Durability::Full).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unfit(text) if text.contains("set fsync=on")), "{error}");
    let facts = database.check(Durability::ForTests).await.unwrap();
    assert!(facts.major >= 15);
}

#[tokio::test]
async fn a_database_that_is_not_utf_8_is_refused() {
    let other = TestDatabase::empty().await;
    let client = other.client().await;
    let name = format!("{}_ascii", other.name);
    let create = format!("create database {name} encoding 'SQL_ASCII' locale 'C' template template0");
    client.batch_execute(&create).await.unwrap();
    let mut config = other.config.clone();
    config.dbname(&name);
    connect(&config).await.query_one("select 1", &[]).await.unwrap();
    let error = Database::new(config).check(Durability::ForTests).await.unwrap_err();
    client.batch_execute(&format!("drop database {name} with (force)")).await.unwrap();
    assert!(matches!(&error, StoreError::Unfit(text) if text.contains("SQL_ASCII")), "{error}");
}
