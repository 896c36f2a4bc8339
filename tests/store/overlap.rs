//! Two lanes that meet the same ids: in one order, so that they never deadlock, and the loser learns the truth.

use std::collections::HashMap;

use tidegate::ingest::{Options, Outcome, Work};
use tokio_postgres::Client;

use super::station::{Answer, Station, contacts, count, deletions, events, numbered, rows, until};
use crate::support::postgres::TestDatabase;

const ROUNDS: usize = 60;
const IDS: usize = 100;

/// Each batch is a lot of its own, and two are written at a time.
fn two_lanes() -> Options {
    Options { lanes: 2, lot_items: IDS, ..Options::default() }
}

/// Sends the same ids four times at once: forth and back, with one content and with another.
async fn collide(
    station: &Station,
    ids: &[String],
    work: fn(Vec<String>, u8) -> Work,
) -> Vec<(Vec<String>, u8, Answer)> {
    let backwards: Vec<String> = ids.iter().rev().cloned().collect();
    let orders = [(ids.to_vec(), 1), (backwards.clone(), 1), (ids.to_vec(), 2), (backwards, 2)];
    let sending = orders.map(|(ids, content)| async move {
        let answer = station.append(work(ids.clone(), content)).await;
        (ids, content, answer)
    });
    futures_util::future::join_all(sending).await
}

/// What PostgreSQL counted, once the lanes have reported it at their end.
async fn deadlocks(client: &Client) -> i64 {
    let lanes = "select count(*) from pg_stat_activity where datname = current_database()
                 and application_name = 'tidegate-lane'";
    until("the lanes are gone", async || count(client, lanes, &[]).await == 0).await;
    count(client, "select deadlocks from pg_stat_database where datname = current_database()", &[]).await
}

#[tokio::test]
async fn events_with_the_same_ids_have_one_winner() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let station = Station::start(&database.config, two_lanes()).await;
    for round in 0..ROUNDS {
        let ids = numbered(&format!("{round}-"), IDS);
        let answers = collide(&station, &ids, events).await;
        let mut winner = HashMap::new();
        for (ids, content, answer) in &answers {
            for (id, outcome) in ids.iter().zip(&answer.as_ref().unwrap().outcomes) {
                if *outcome == Outcome::Stored {
                    assert_eq!(winner.insert(id, *content), None, "{id} was stored twice");
                }
            }
        }
        assert_eq!(winner.len(), IDS);
        for (ids, content, answer) in &answers {
            for (id, outcome) in ids.iter().zip(&answer.as_ref().unwrap().outcomes) {
                let lost = if winner[id] == *content { Outcome::Duplicate } else { Outcome::Conflict };
                assert!(*outcome == Outcome::Stored || *outcome == lost, "{id}: {outcome:?}");
            }
        }
    }
    station.stop().await;
    assert_eq!(rows(&client, "event").await, (ROUNDS * IDS) as i64);
    assert_eq!(deadlocks(&client).await, 0);
}

#[tokio::test]
async fn contacts_with_the_same_ids_are_made_once() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let station = Station::start(&database.config, two_lanes()).await;
    for round in 0..ROUNDS {
        // Every second round changes contacts that are there.
        let ids = numbered(&format!("{}-", round / 2), IDS);
        let answers = collide(&station, &ids, contacts).await;
        let outcomes: Vec<Outcome> =
            answers.into_iter().flat_map(|(_, _, answer)| answer.unwrap().outcomes).collect();
        let made = outcomes.iter().filter(|outcome| **outcome == Outcome::Created).count();
        assert_eq!(made, if round % 2 == 0 { IDS } else { 0 }, "round {round}");
    }
    station.stop().await;
    assert_eq!(rows(&client, "contact").await, (ROUNDS / 2 * IDS) as i64);
    let created = "select count(*) from event where type = 'contact.created'";
    assert_eq!(count(&client, created, &[]).await, (ROUNDS / 2 * IDS) as i64);
    assert_eq!(deadlocks(&client).await, 0);
}

/// A contact may go between being read and being locked.
#[tokio::test]
async fn contacts_that_come_and_go_are_counted_right() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let station = Station::start(&database.config, two_lanes()).await;
    let ids = numbered("u", IDS);
    for round in 0..ROUNDS as u8 {
        let works = [
            contacts(ids.clone(), round),
            deletions(ids.iter().rev().cloned()),
            contacts(ids.iter().rev().cloned(), round + 100),
            deletions(ids.clone()),
        ];
        let answers = works.map(|work| station.append(work));
        for answer in futures_util::future::join_all(answers).await {
            answer.unwrap();
        }
    }
    station.stop().await;
    let net = "select (select sum(contacts_net) from lot)::bigint - (select count(*) from contact)";
    assert_eq!(count(&client, net, &[]).await, 0);
    let log = "select count(*) filter (where type = 'contact.created') - count(*) filter (where type = 'contact.deleted')
               - (select count(*) from contact) from event";
    assert_eq!(count(&client, log, &[]).await, 0);
    assert_eq!(deadlocks(&client).await, 0);
}

/// The log of a contact is a chain: what one change leaves is what the next one finds.
#[tokio::test]
async fn changes_of_one_contact_follow_from_each_other() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let station = Station::start(&database.config, two_lanes()).await;
    station.append(contacts(["u"], 0)).await.unwrap();
    let sending = (1..=60).map(|content| station.append(contacts(["u"], content)));
    for answer in futures_util::future::join_all(sending).await {
        assert_eq!(answer.unwrap().outcomes, [Outcome::Updated]);
    }
    station.stop().await;
    let breaks = "with log as (
        select parameters->'content'->>'from' as before,
               lag(parameters->'content'->>'to') over (order by tx, id) as left_by
        from event join lot on id between first_id and last_id)
        select count(*) from log where before is distinct from left_by";
    assert_eq!(count(&client, breaks, &[]).await, 0);
    assert_eq!(rows(&client, "event").await, 61);
}
