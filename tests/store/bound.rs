//! Keys end with the project or the datasource that they are bound to, also those that are being made meanwhile.

use std::time::Duration;

use tidegate::{
    auth::{
        mint::{self, Minted},
        scope::Scope,
        text::Kind,
    },
    domain::clock::{SystemClock, SystemEntropy},
    store::{
        StoreError,
        audit::Actor,
        datasources,
        keys::{self, End, Rotation, Successor},
        projects,
    },
};
use tokio_postgres::Client;
use uuid::Uuid;

use super::station::until;
use crate::{
    keyring,
    support::postgres::{TestDatabase, connect},
};

const TEST: Actor<'_> = Actor::local("test");

const WAITING: &str =
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";

const LIVE: &str = "select count(*) from key where deleted_at is null";

async fn number(client: &Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.unwrap().get(0)
}

async fn field() -> (TestDatabase, Client) {
    let database = TestDatabase::create().await;
    let client = connect(&database.config).await;
    keyring::organization(&client).await;
    client
        .batch_execute(
            "insert into project (organization_id, uid, name) select id, 'proj_1', 'One' from organization;
             insert into datasource (project_id, uid, name) select id, 'ds_1', 'One' from project",
        )
        .await
        .unwrap();
    (database, client)
}

async fn token(client: &mut Client, actor: Actor<'_>) -> Result<Option<Minted>, StoreError> {
    let request = mint::Request {
        kind: Kind::Datasource,
        name: "Token",
        project: Some("proj_1"),
        datasource: Some("ds_1"),
        scopes: &[Scope::ProjectIngestRead],
    };
    mint::mint(client, &request, &SystemEntropy, actor).await
}

/// Rotates a key while what it is bound to is deleted, and counts the keys that are left.
async fn left_after(delete: impl AsyncFnOnce(&mut Client)) -> i64 {
    let (database, mut client) = field().await;
    let key = token(&mut client, TEST).await.unwrap().unwrap();
    let slow = connect(&database.config).await;
    slow.batch_execute("begin; select id from key for update").await.unwrap();
    let mut other = connect(&database.config).await;
    let rotation = async {
        let successor = Successor { id: Uuid::from_u128(7), hash: [7; 32], prefix: "tgd_7777" };
        let now = SystemClock::shared().now();
        keys::rotate(&mut other, key.id, &successor, now, now + Duration::from_hours(1), TEST).await.unwrap()
    };
    let deletion = async {
        until("the rotation waits", async || number(&slow, WAITING).await == 1).await;
        delete(&mut client).await;
    };
    let release = async {
        until("both wait", async || number(&slow, WAITING).await == 2).await;
        slow.batch_execute("commit").await.unwrap();
    };
    let (rotated, (), ()) = tokio::join!(rotation, deletion, release);
    assert!(matches!(rotated, Rotation::Done(_)), "{rotated:?}");
    number(&slow, LIVE).await
}

#[tokio::test]
async fn a_successor_ends_with_its_project() {
    let delete = async |client: &mut Client| assert!(projects::delete(client, "proj_1", TEST).await.unwrap());
    assert_eq!(left_after(delete).await, 0);
}

#[tokio::test]
async fn a_successor_ends_with_its_datasource() {
    let delete =
        async |client: &mut Client| assert!(datasources::delete(client, "ds_1", TEST).await.unwrap());
    assert_eq!(left_after(delete).await, 0);
}

/// One who deletes a datasource and has not committed: whoever makes a key waits, and makes none.
#[tokio::test]
async fn no_key_is_made_for_what_is_being_deleted() {
    let (database, mut client) = field().await;
    let slow = connect(&database.config).await;
    slow.batch_execute("begin; update datasource set deleted_at = now()").await.unwrap();
    let release = async {
        until("the maker waits", async || number(&slow, WAITING).await == 1).await;
        slow.batch_execute("commit").await.unwrap();
    };
    let (made, ()) = tokio::join!(token(&mut client, TEST), release);
    assert!(made.unwrap().is_none());
    assert_eq!(number(&client, LIVE).await, 0);
}

#[tokio::test]
async fn what_ends_with_a_project_is_in_the_audit() {
    let (_database, mut client) = field().await;
    let key = token(&mut client, TEST).await.unwrap().unwrap();
    assert!(projects::delete(&mut client, "proj_1", TEST).await.unwrap());
    let lines = client.query("select subject from audit where action = 'key.delete'", &[]).await.unwrap();
    let lines: Vec<&str> = lines.iter().map(|row| row.get(0)).collect();
    assert_eq!(lines, [key.id.to_string()]);
}

/// Every way in which the key that asks may have ended since it was looked at.
#[tokio::test]
async fn a_key_that_was_ended_makes_none() {
    let (_database, mut client) = field().await;
    let caller = token(&mut client, TEST).await.unwrap().unwrap();
    let target = token(&mut client, TEST).await.unwrap().unwrap();
    let actor = Actor { who: "a key", from: "", key: Some(caller.id) };
    assert!(token(&mut client, actor).await.unwrap().is_some(), "it holds");
    assert!(keys::end(&mut client, caller.id, End::Revoke, TEST).await.unwrap());
    let before = number(&client, LIVE).await;
    let made = token(&mut client, actor).await;
    assert!(matches!(made, Err(StoreError::CallerEnded)), "{made:?}");
    let successor = Successor { id: Uuid::from_u128(7), hash: [7; 32], prefix: "tgd_7777" };
    let now = SystemClock::shared().now();
    let rotated =
        keys::rotate(&mut client, target.id, &successor, now, now + Duration::from_hours(1), actor).await;
    assert!(matches!(rotated, Err(StoreError::CallerEnded)), "{rotated:?}");
    assert_eq!(number(&client, LIVE).await, before);
}
