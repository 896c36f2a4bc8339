//! When keys were last used, as it comes into the database.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tidegate::{
    auth::{Authority, Caller, Presented, Seen, Uses},
    domain::clock::{Clock, FakeClock},
    store::{Database, Pool, Role},
};
use tokio_postgres::{Client, Config};

use super::{
    keyring::{mint, organization},
    station::{count, until},
};
use crate::support::{
    postgres::TestDatabase,
    proxy::{KIND, Mood, Proxy},
};

const START: &str = "2026-03-04T05:06:07Z";

/// A node that reads its keys straight and writes their uses by a road of its own.
struct Node {
    clock: Arc<FakeClock>,
    authority: Authority,
    uses: Uses,
}

fn pool(config: &Config) -> Pool {
    Database::new(config.clone()).pool(Role::Meta, 1).unwrap()
}

impl Node {
    async fn new(database: &TestDatabase, road: &Config) -> Self {
        let clock = FakeClock::at(START.parse().unwrap());
        let authority = Authority::load(pool(&database.config), clock.clone()).await.unwrap();
        let uses = Uses::new(pool(road), clock.clone());
        Self { clock, authority, uses }
    }

    fn caller(&self, text: &str) -> Caller {
        self.authority.authenticate(&Presented::Bearer(text.into())).unwrap()
    }

    fn note(&self, text: &str, agent: &str) {
        let seen = || Seen { address: "192.0.2.0/24".into(), agent: agent.into() };
        self.uses.note(&self.caller(text), seen);
    }
}

/// A database with a key, in which every write to `key_use` is counted.
async fn counted() -> (TestDatabase, Client, String) {
    let database = TestDatabase::create().await;
    let mut client = database.client().await;
    organization(&client).await;
    let key = mint(&mut client).await.text.reveal().to_owned();
    client
        .batch_execute(
            "create table written ();
             create function count_it() returns trigger language plpgsql as
                 $$ begin insert into written default values; return new; end $$;
             create trigger count_it after insert or update on key_use for each row execute function count_it();",
        )
        .await
        .unwrap();
    (database, client, key)
}

async fn written(client: &Client) -> i64 {
    count(client, "select count(*) from written", &[]).await
}

async fn last(client: &Client) -> (Timestamp, String, String) {
    let row = client.query_one("select used_at, address, user_agent from key_use", &[]).await.unwrap();
    (row.get(0), row.get(1), row.get(2))
}

#[tokio::test]
async fn ten_thousand_requests_write_a_row_once_a_minute() {
    let (database, client, key) = counted().await;
    let node = Node::new(&database, &database.config).await;
    // Ten minutes of them.
    for _ in 0..10_000 {
        node.note(&key, "client/1.0");
        node.uses.flush_if_due().await.unwrap();
        node.clock.advance(Duration::from_millis(60));
    }
    assert_eq!(written(&client).await, 10, "one in each minute");
    node.uses.flush().await.unwrap();
    let (at, address, agent) = last(&client).await;
    assert!(node.clock.now().duration_since(at) <= SignedDuration::from_secs(60), "{at}");
    assert_eq!((address.as_str(), agent.as_str()), ("192.0.2.0/24", "client/1.0"));
    assert_eq!(written(&client).await, 11);
    node.uses.flush().await.unwrap();
    assert_eq!(written(&client).await, 11, "nothing was used since");
}

#[tokio::test]
async fn a_key_that_is_noted_asks_for_nothing_more() {
    let (database, client, key) = counted().await;
    let node = Node::new(&database, &database.config).await;
    node.note(&key, &"é".repeat(150));
    node.uses.note(&node.caller(&key), || panic!("it is noted already"));
    node.uses.flush_if_due().await.unwrap();
    assert_eq!(last(&client).await.2, "é".repeat(100), "200 bytes of it are kept");
    node.clock.advance(Duration::from_secs(59));
    node.note(&key, "later");
    node.uses.flush_if_due().await.unwrap();
    assert_eq!(written(&client).await, 1, "the minute is not over");
    node.clock.advance(Duration::from_secs(1));
    node.uses.flush_if_due().await.unwrap();
    assert_eq!((written(&client).await, last(&client).await.2.as_str()), (2, "later"));
}

#[tokio::test]
async fn the_later_use_stays_whichever_node_writes_last() {
    let (database, client, key) = counted().await;
    let (one, two) =
        (Node::new(&database, &database.config).await, Node::new(&database, &database.config).await);
    two.clock.advance(Duration::from_secs(5));
    one.note(&key, "one");
    two.note(&key, "two");
    two.uses.flush().await.unwrap();
    one.uses.flush().await.unwrap();
    assert_eq!(last(&client).await.2, "two");
}

#[tokio::test]
async fn what_cannot_be_written_stays_and_is_written_later() {
    let (database, client, key) = counted().await;
    let road = Proxy::before(&database.config).await;
    let node = Node::new(&database, &road.config).await;
    road.set(Mood { open: false, ..KIND });
    node.note(&key, "first");
    node.uses.flush_if_due().await.unwrap_err();
    node.uses.flush_if_due().await.unwrap();
    assert_eq!(written(&client).await, 0, "the next attempt is a minute later");
    road.set(KIND);
    node.clock.advance(Duration::from_secs(60));
    until("the road is open again", async || node.uses.flush_if_due().await.is_ok()).await;
    assert_eq!((written(&client).await, last(&client).await.2.as_str()), (1, "first"));
}

#[tokio::test]
async fn keys_that_are_gone_keep_nobody_else_from_being_written() {
    let (database, mut client, key) = counted().await;
    let gone = mint(&mut client).await;
    let node = Node::new(&database, &database.config).await;
    node.note(&key, "stays");
    node.note(gone.text.reveal(), "gone");
    client.execute("delete from key where id = $1", &[&gone.id]).await.unwrap();
    node.uses.flush().await.unwrap();
    assert_eq!((written(&client).await, last(&client).await.2.as_str()), (1, "stays"));
}
