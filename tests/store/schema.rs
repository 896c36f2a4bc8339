//! The schema is applied once, never backwards, and only on a server that can keep the promise.

use tidegate::store::{Database, StoreError, managed::Durability, schema};
use tokio_postgres::Client;

use super::station::{count, rows, until};
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
    assert_eq!(schema::version(&client).await.unwrap(), schema::known_version());
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let migrated = TestDatabase::create().await;
    let client = migrated.client().await;
    let before = shape(&client).await;
    assert_eq!(schema::migrate(&Database::new(migrated.config.clone())).await.unwrap(), 0);
    assert_eq!(shape(&client).await, before);
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let migrated = TestDatabase::create().await;
    let client = migrated.client().await;
    let newer = "insert into refinery_schema_history select 9999, 'later', applied_on, checksum
                 from refinery_schema_history limit 1";
    client.batch_execute(newer).await.unwrap();
    let before = shape(&client).await;
    let error = schema::migrate(&Database::new(migrated.config.clone())).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 9999, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("9999") && text.contains("run a newer tidegate"), "{text}");
    assert_eq!(shape(&client).await, before);
    // The starter that was refused keeps nobody else waiting.
    let held = "select count(*) from pg_locks join pg_database d on d.oid = database
                where locktype = 'advisory' and datname = current_database()";
    until("the lock is free", async || count(&client, held, &[]).await == 0).await;
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
