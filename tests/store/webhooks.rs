//! Webhooks as the database has them: who holds one, what is written down, and secrets through a rotation of the secret key.

use std::time::Duration;

use secrecy::ExposeSecret;
use tidegate::{
    auth::{Vault, single},
    domain::{clock::SystemEntropy, cursor::Cursor},
    store::{
        Database, Pool, Role,
        audit::Actor,
        projects,
        sealed::Resealed,
        webhooks::{
            self, NewWebhook, WebhookPatch, record,
            work::{self, Pending, Progress},
        },
    },
    stream::webhooks::secrets,
};
use uuid::Uuid;

use crate::support::{folder::Folder, postgres::TestDatabase};

const ACTOR: Actor<'_> = Actor::local("test");
const HOLD: Duration = Duration::from_secs(30);

fn at(id: u64) -> Cursor {
    Cursor { epoch: 1, tx: 7, id }
}

/// A database with a project and an endpoint, whose secret this answers.
async fn laid(vault: &Vault) -> (TestDatabase, Pool, Uuid, String) {
    let database = TestDatabase::create().await;
    let mut client = database.client().await;
    projects::ensure_organization(&client, "org_test", Some("Test")).await.unwrap();
    projects::create(&mut client, "proj_0", "Project", ACTOR).await.unwrap();
    let new = NewWebhook {
        id: Uuid::from_u128(7),
        project: "proj_0",
        url: "https://hooks.invalid/",
        types: &[],
        datasources: None,
        description: "",
        enabled: true,
        parallel: 1,
        whole: true,
        position: at(1),
    };
    let secret = secrets::create(&mut client, vault, &new, &SystemEntropy, ACTOR).await.unwrap().unwrap();
    let pool = Database::new(database.config.clone()).pool(Role::Meta, 2).unwrap();
    (database, pool, new.id, secret.text())
}

#[tokio::test]
async fn a_rotation_of_the_secret_key_takes_the_secrets_along() {
    let folder = Folder::below(&std::env::temp_dir());
    let vault = Vault::in_folder(folder.path());
    let (database, _, id, first) = laid(&vault).await;
    let mut client = database.client().await;
    let place = ("proj_0", id);
    let second =
        secrets::rotate(&mut client, &vault, place, &SystemEntropy, ACTOR).await.unwrap().unwrap().text();
    let old = std::fs::read_to_string(folder.path().join("secret-key")).unwrap();
    let done = single::rotate(&mut database.client().await, &vault, &SystemEntropy, ACTOR).await.unwrap();
    assert_eq!(done, Resealed { resealed: 1, lost: 0 });
    let new = std::fs::read_to_string(folder.path().join("secret-key")).unwrap();
    assert!(new != old && new.lines().count() == 1);
    let keys = vault.read().await.unwrap().unwrap();
    let webhook = webhooks::find(&client, None, id).await.unwrap().unwrap();
    let opened = |sealed: &[u8]| keys.open_text(id, sealed).unwrap().expose_secret().to_owned();
    assert_eq!(opened(&webhook.sealed), second);
    assert_eq!(opened(&webhook.before.as_ref().unwrap().0), first);
    let stolen = old.parse::<tidegate::auth::seal::SecretKeys>().unwrap();
    assert!(stolen.open_text(id, &webhook.sealed).is_none(), "the old key opens nothing");
    // In the clear it is nowhere.
    let clear = format!("select count(*) from webhook w where position('{}' in w::text) > 0", &second[6..]);
    assert_eq!(client.query_one(&clear, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn one_node_holds_an_endpoint_until_its_time_is_up() {
    let vault = crate::support::house::vault("5a");
    let (_database, pool, id, _) = laid(&vault).await;
    let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for node in [one, two] {
        work::claim(&pool, node, HOLD, 8).await.unwrap();
    }
    assert_eq!(work::held(&pool, one, HOLD).await.unwrap(), [(id, 1)]);
    assert_eq!(work::held(&pool, two, HOLD).await.unwrap(), []);
    assert!(work::open(&pool, two, id).await.unwrap().is_none());
    let mut held = work::open(&pool, one, id).await.unwrap().unwrap();

    // What it did is written down while it holds the endpoint, also after a change, but not after somebody moved it.
    let mut client = pool.get().await.unwrap();
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    let waiting = Pending { cursor: at(3), attempts: 1, next_at: now, received_at: now, by_hand: false };
    let progress = Progress { waiting: vec![waiting], failure_at: Some(now), ..Progress::default() };
    assert!(work::keep(&mut client, &held, (at(3), 1), &progress).await.unwrap());
    let patch = WebhookPatch { description: Some("x".into()), ..WebhookPatch::default() };
    webhooks::change(&mut client, ("proj_0", id), &patch, ACTOR).await.unwrap().unwrap();
    assert_eq!(work::held(&pool, one, HOLD).await.unwrap(), [(id, 2)], "told of the change");
    assert!(work::keep(&mut client, &held, (at(5), 0), &Progress::default()).await.unwrap());
    let again = work::open(&pool, one, id).await.unwrap().unwrap();
    assert_eq!((again.position, again.pending.as_slice()), (at(5), [waiting].as_slice()));
    record::rewind(&mut client, ("proj_0", id), at(2), ACTOR).await.unwrap().unwrap();
    assert!(!work::keep(&mut client, &held, (at(9), 0), &Progress::default()).await.unwrap());
    held = work::open(&pool, one, id).await.unwrap().unwrap();
    assert_eq!((held.position, held.pending.len()), (at(2), 0), "what waited behind it comes again anyway");

    // Another node takes it once the first has not renewed for too long, and the first moves nothing any more.
    client.execute("update webhook set leased_until = now() - interval '1 second'", &[]).await.unwrap();
    work::claim(&pool, two, HOLD, 8).await.unwrap();
    assert_eq!(work::held(&pool, two, HOLD).await.unwrap().len(), 1);
    assert_eq!(work::held(&pool, one, HOLD).await.unwrap(), []);
    let progress = Progress { buried: vec![], settled: vec![at(3)], ..Progress::default() };
    assert!(!work::keep(&mut client, &held, (at(9), 0), &progress).await.unwrap());
    assert!(!work::disable(&pool, &held, "gone").await.unwrap());
    work::release(&pool, one, id).await.unwrap();
    assert_eq!(work::held(&pool, two, HOLD).await.unwrap().len(), 1, "it is not the first one's to give");
    work::release(&pool, two, id).await.unwrap();
    work::claim(&pool, one, HOLD, 8).await.unwrap();
    assert_eq!(work::held(&pool, one, HOLD).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_log_is_bounded_in_time_and_number() {
    let vault = crate::support::house::vault("5a");
    let (database, pool, id, _) = laid(&vault).await;
    let client = database.client().await;
    let fill = "insert into webhook_delivery (webhook_id, at, message, type, attempt, latency_ms)
                select $1, now() - n * interval '1 minute', 'm' || n, 't', 1, 1 from generate_series(21000, 1, -1) n";
    client.execute(fill, &[&id]).await.unwrap();
    record::expire(&pool, tidegate::domain::clock::SystemClock::shared().now()).await.unwrap();
    let left = async || {
        client.query_one("select count(*) from webhook_delivery", &[]).await.unwrap().get::<_, i64>(0)
    };
    assert!((10_079..=10_080).contains(&left().await), "those of a week: {}", left().await);
    record::trim(&pool, id).await.unwrap();
    assert_eq!(left().await, record::ATTEMPTS);
    let newest = &record::deliveries(&client, id, None, 1).await.unwrap()[0];
    assert_eq!(newest.1.message, "m1");

    let bury = "insert into webhook_dead_letter (webhook_id, at, epoch, tx, item, type, attempts)
                select $1, now(), 1, 7, n, 't', 1 from generate_series(1, 16000) n";
    client.execute(bury, &[&id]).await.unwrap();
    record::trim(&pool, id).await.unwrap();
    let dead = "select count(*), min(item) from webhook_dead_letter";
    let row = client.query_one(dead, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (record::DEAD_LETTERS, 6_001), "the latest");
}
