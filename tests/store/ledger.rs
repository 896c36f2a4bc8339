//! What was asked of a datasource, and what it had refused.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tidegate::{
    domain::{
        clock::{Clock, FakeClock},
        cursor::Cursor,
        rejection::{Fault, Rejection},
    },
    ingest::{
        Outcome, Receipt, Refused,
        fates::Kind,
        ledger::{Account, Asked, Call, Ledger, Settlement},
    },
    store::{Database, Role, rejected, usage::Usage},
};
use tokio_postgres::Client;

use super::station::{count, rows};
use crate::support::postgres::TestDatabase;

const START: &str = "2026-03-04T05:06:07Z";

async fn ledger() -> (TestDatabase, Client, Ledger, Arc<FakeClock>) {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let clock = FakeClock::at(START.parse().unwrap());
    let pool = Database::new(database.config.clone()).pool(Role::Meta, 2).unwrap();
    (database, client, Ledger::new(pool.clone(), pool, clock.clone()), clock)
}

fn events(good: usize, bad: usize) -> Call {
    Call { kind: Kind::Event, success: good > 0, good, bad }
}

fn contacts(good: usize, bad: usize) -> Call {
    Call { kind: Kind::Contact, success: good > 0, good, bad }
}

#[tokio::test]
async fn calls_are_read_before_they_are_written_and_counted_once_after() {
    let (_database, client, ledger, clock) = ledger().await;
    let start: Timestamp = START.parse().unwrap();
    ledger.call(1, events(3, 1));
    ledger.call(2, events(100, 0));
    assert_eq!(ledger.read(1).await.unwrap().events, 3, "nothing is written yet");
    ledger.flush().await.unwrap();
    clock.advance(Duration::from_secs(60));
    ledger.call(1, contacts(2, 0));
    ledger.call(1, events(0, 5));
    let cursor = Cursor { epoch: 1, tx: 1, id: 1 };
    let deleted = Receipt { outcomes: vec![Outcome::Deleted], cursor, received_at: clock.now() };
    let account = Account { kind: Kind::Contact, asked: Asked::Deletion, bad: 0 };
    ledger.settle([Settlement { datasource: 1, account: &account, items: 1, answer: &Ok(deleted) }]);
    let wanted = Usage {
        calls_success: 3,
        calls_failures: 1,
        entities_success: 6,
        entities_failures: 6,
        contacts: 2,
        events: 3,
        last_success_at: Some(clock.now()),
        last_failure_at: Some(clock.now()),
        last_contact_at: Some(clock.now()),
        last_event_at: Some(start),
    };
    assert_eq!(ledger.read(1).await.unwrap(), wanted, "half of it is written");
    for _ in 0..3 {
        ledger.flush().await.unwrap();
        assert_eq!(ledger.read(1).await.unwrap(), wanted);
    }
    assert_eq!(ledger.read(7).await.unwrap(), Usage::default());
    assert_eq!(rows(&client, "usage_minute").await, 3, "two datasources, one of them in two minutes");
    let minutes = "select count(*) from usage_minute where date_trunc('minute', minute) <> minute";
    assert_eq!(count(&client, minutes, &[]).await, 0);
    let sum = "select sum(calls_success + calls_failures)::bigint from usage_minute where datasource_id = 1";
    assert_eq!(count(&client, sum, &[]).await, 4);
}

/// Calls of a lot, each with its datasource: of many kinds and fates.
fn lot(received_at: Timestamp) -> Vec<(i64, Account, Result<Receipt, Refused>)> {
    use Outcome::{Absent, Conflict, Created, Deleted, Duplicate, Stored, TooLarge, Unchanged};
    let cursor = Cursor { epoch: 1, tx: 1, id: 1 };
    let receipt = |outcomes: &[Outcome]| Ok(Receipt { outcomes: outcomes.to_vec(), cursor, received_at });
    let events = |bad| Account { kind: Kind::Event, asked: Asked::Push, bad };
    let contacts = Account { kind: Kind::Contact, asked: Asked::Push, bad: 1 };
    let deletion = Account { kind: Kind::Contact, asked: Asked::Deletion, bad: 0 };
    vec![
        (1, events(0), receipt(&[Stored, Stored, Duplicate])),
        (1, events(2), receipt(&[Stored, Conflict])),
        (1, events(3), receipt(&[Conflict])),
        (2, contacts, receipt(&[Created, Unchanged, TooLarge])),
        (1, contacts, receipt(&[Created])),
        (2, deletion, receipt(&[Deleted])),
        (2, deletion, receipt(&[Absent])),
        (3, events(1), Err(Refused::Unstorable)),
        (3, events(0), receipt(&[Stored])),
    ]
}

/// What [`lot`] comes to, by datasource.
fn usage_of_the_lot(now: Timestamp) -> [(i64, Usage); 3] {
    let (now, none) = (Some(now), Usage::default());
    let first = Usage {
        calls_success: 3,
        calls_failures: 1,
        entities_success: 3 + 1 + 1,
        entities_failures: 3 + 4 + 1,
        contacts: 1,
        events: 4,
        last_success_at: now,
        last_failure_at: now,
        last_contact_at: now,
        last_event_at: now,
    };
    let second = Usage { calls_success: 3, entities_success: 2 + 1, entities_failures: 2, ..none };
    let second = Usage { contacts: 2, last_success_at: now, last_contact_at: now, ..second };
    let third = Usage { calls_success: 1, calls_failures: 1, entities_success: 1, events: 1, ..none };
    let third = Usage { last_success_at: now, last_failure_at: now, last_event_at: now, ..third };
    [(1, first), (2, second), (3, third)]
}

#[tokio::test]
async fn a_lot_counts_as_its_calls_do_one_by_one() {
    let (_database, _client, together, clock) = ledger().await;
    let (_other, _client, apart, _) = ledger().await;
    let lot = lot(clock.now());
    let settlements = lot.iter().map(|(datasource, account, answer)| {
        let items = answer.as_ref().map_or(4, |receipt| receipt.outcomes.len());
        Settlement { datasource: *datasource, account, items, answer }
    });
    settlements.clone().for_each(|settlement| apart.settle([settlement]));
    together.settle(settlements);
    for ledger in [together, apart] {
        for (datasource, wanted) in usage_of_the_lot(clock.now()) {
            assert_eq!(ledger.read(datasource).await.unwrap(), wanted, "datasource {datasource}");
            ledger.flush().await.unwrap();
            assert_eq!(ledger.read(datasource).await.unwrap(), wanted, "written: datasource {datasource}");
        }
    }
}

#[tokio::test]
async fn two_nodes_add_up() {
    let (database, _client, one, clock) = ledger().await;
    let pool = Database::new(database.config.clone()).pool(Role::Meta, 2).unwrap();
    let two = Ledger::new(pool.clone(), pool, clock);
    for _ in 0..20 {
        for datasource in 1..=5 {
            one.call(datasource, events(1, 0));
            two.call(datasource, events(2, 0));
        }
        let (first, second) = tokio::join!(one.flush(), two.flush());
        first.and(second).unwrap();
    }
    assert_eq!(one.read(3).await.unwrap(), two.read(3).await.unwrap());
    assert_eq!(one.read(3).await.unwrap().events, 60);
}

#[tokio::test]
async fn what_cannot_be_written_stays() {
    let (_database, client, ledger, _clock) = ledger().await;
    ledger.call(1, events(3, 0));
    client.batch_execute("alter table usage_total rename to elsewhere").await.unwrap();
    ledger.flush().await.unwrap_err();
    ledger.call(1, events(4, 0));
    ledger.flush().await.unwrap_err();
    assert_eq!(rows(&client, "usage_minute").await, 0, "all or nothing");
    client.batch_execute("alter table elsewhere rename to usage_total").await.unwrap();
    assert_eq!(ledger.read(1).await.unwrap().events, 7);
    ledger.flush().await.unwrap();
    assert_eq!(ledger.read(1).await.unwrap().events, 7);
    assert_eq!(count(&client, "select events from usage_total", &[]).await, 7);
}

fn reject(ledger: &Ledger, datasource: i64, items: std::ops::Range<usize>) {
    for item in items {
        let rejection = Rejection::of(Fault::at(["_email"], format!("is number {item}")));
        ledger.reject(datasource, Kind::Contact, &rejection, Some("{}"));
    }
}

async fn kept(client: &Client, datasource: i64) -> Vec<String> {
    let query = "select rule from rejected_item where datasource_id = $1 order by id";
    client.query(query, &[&datasource]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn the_last_fifty_refused_items_of_a_week_are_kept() {
    let (database, client, ledger, clock) = ledger().await;
    reject(&ledger, 2, 0..3);
    for from in [0, 30, 60] {
        reject(&ledger, 1, from..from + 30);
        ledger.flush().await.unwrap();
    }
    let rules = kept(&client, 1).await;
    assert_eq!(rules.len(), 50);
    assert!(rules[0].contains("number 40") && rules[49].contains("number 89"), "{rules:?}");
    reject(&ledger, 1, 90..1_000);
    ledger.flush().await.unwrap();
    let rules = kept(&client, 1).await;
    assert!(rules.len() == 50 && rules[0].contains("number 950"), "{rules:?}");
    assert_eq!(kept(&client, 2).await.len(), 3, "each has a window of its own");
    clock.advance(Duration::from_secs(7 * 24 * 3_600 + 1));
    reject(&ledger, 1, 0..1);
    ledger.flush().await.unwrap();
    let pool = Database::new(database.config.clone()).pool(Role::Meta, 1).unwrap();
    rejected::expire(&pool, clock.now()).await.unwrap();
    assert_eq!((kept(&client, 1).await.len(), kept(&client, 2).await.len()), (1, 0), "a week is over");
}

#[tokio::test]
async fn refused_items_do_not_fill_the_memory() {
    let (_database, client, ledger, _clock) = ledger().await;
    for datasource in 1..=300 {
        reject(&ledger, datasource, 0..60);
    }
    ledger.flush().await.unwrap();
    let held = rows(&client, "rejected_item").await;
    assert!((1..=5_000).contains(&held), "{held}");
}
