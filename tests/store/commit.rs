//! What a commit promises, also when its answer never comes.

use std::{collections::HashSet, time::Duration};

use tidegate::{
    ingest::{Options, Outcome, Refused},
    store::{StoreError, tx::Tx},
};
use tokio_postgres::Client;

use super::station::{Station, contacts, events, one_lane, rows, until};
use crate::support::{
    postgres::TestDatabase,
    proxy::{KIND, Mood, OnCommit, Proxy},
};

/// `COMMIT` in a failed transaction is answered without an error.
#[tokio::test]
async fn a_failed_transaction_does_not_commit_whatever_became_of_the_error() {
    let database = TestDatabase::create().await;
    let mut client = database.client().await;
    client.batch_execute("create table kept (n int primary key)").await.unwrap();
    for statement in ["insert into kept values (1)", "select 1 / (n - 1) from kept"] {
        let tx = Tx::begin(&mut client, "test").await.unwrap();
        tx.execute("insert into kept values (1)", &[]).await.unwrap();
        let ignored = match statement.starts_with("select") {
            true => tx.query(statement, &[]).await.map(|_| ()),
            false => tx.execute(statement, &[]).await.map(|_| ()),
        };
        assert!(ignored.is_err());
        let error = tx.commit().await.unwrap_err();
        assert!(matches!(error, StoreError::RolledBack("test")), "{error}");
        assert_eq!(rows(&client, "kept").await, 0);
    }
}

/// A writer behind a proxy, and how long it looks for what became of a commit.
async fn behind_proxy(fate: Duration) -> (TestDatabase, Client, Proxy, Station) {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let proxy = Proxy::before(&database.config).await;
    let options = Options { fate, ..one_lane() };
    let station = Station::start(&proxy.config, options).await;
    (database, client, proxy, station)
}

const LONG: Duration = Duration::from_secs(15);

async fn stored(client: &Client) -> (i64, i64, i64) {
    (rows(client, "event").await, rows(client, "event_key").await, rows(client, "lot").await)
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_a_success() {
    let (_database, client, proxy, station) = behind_proxy(LONG).await;
    proxy.set(Mood { on_commit: OnCommit::CutAnswer, ..KIND });
    let receipt = station.append(events(["a", "b"], 1)).await.unwrap();
    assert_eq!(proxy.cuts(), 1);
    assert_eq!(receipt.outcomes, [Outcome::Stored, Outcome::Stored]);
    assert_eq!(stored(&client).await, (2, 2, 1));
    let position = client.query_one("select epoch, tx::text::bigint, last_id from lot", &[]).await.unwrap();
    let cursor = (receipt.cursor.epoch, receipt.cursor.tx, receipt.cursor.id);
    let wanted: (i32, i64, i64) = (position.get(0), position.get(1), position.get(2));
    assert_eq!(cursor, (wanted.0 as u32, wanted.1 as u64, wanted.2 as u64));
    let again = station.append(events(["a", "b"], 1)).await.unwrap();
    assert_eq!(again.outcomes, [Outcome::Duplicate, Outcome::Duplicate]);
    assert_eq!(stored(&client).await, (2, 2, 1));
    station.stop().await;
}

#[tokio::test]
async fn a_commit_that_never_arrived_is_written_again() {
    let (_database, client, proxy, station) = behind_proxy(LONG).await;
    proxy.set(Mood { on_commit: OnCommit::CutBefore, ..KIND });
    assert_eq!(station.append(events(["a"], 1)).await.unwrap().outcomes, [Outcome::Stored]);
    assert_eq!(proxy.cuts(), 1);
    assert_eq!(stored(&client).await, (1, 1, 1));
    assert_eq!(station.append(events(["a"], 1)).await.unwrap().outcomes, [Outcome::Duplicate]);
    station.stop().await;
}

#[tokio::test]
async fn a_commit_that_never_arrives_twice_stored_nothing_and_can_be_sent_again() {
    let (_database, client, proxy, station) = behind_proxy(LONG).await;
    proxy.set(Mood { on_commit: OnCommit::CutBefore, open_afterwards: false, ..KIND });
    let answer = station.enqueue(1, events(["a"], 1)).await;
    until("the commit is cut", async || proxy.cuts() == 1).await;
    proxy.set(Mood { on_commit: OnCommit::CutBefore, ..KIND });
    assert_eq!(answer.await.unwrap().unwrap_err(), Refused::Unavailable);
    assert_eq!(proxy.cuts(), 2);
    assert_eq!(stored(&client).await, (0, 0, 0));
    assert_eq!(station.append(events(["a"], 1)).await.unwrap().outcomes, [Outcome::Stored]);
    assert_eq!(stored(&client).await, (1, 1, 1));
    station.stop().await;
}

#[tokio::test]
async fn a_commit_that_still_runs_is_waited_for() {
    let (_database, client, proxy, station) = behind_proxy(LONG).await;
    proxy.set(Mood { on_commit: OnCommit::Hold, ..KIND });
    let answer = station.enqueue(1, events(["a"], 1)).await;
    // The lane prepares the same statement when it connects: so what counts is that it comes again.
    let asked = "select query_start::text from pg_stat_activity where datname = current_database()
                 and application_name = 'tidegate-lane' and state = 'idle' and query like '-- fate.rs::fate%'";
    let mut times = HashSet::new();
    until("the fate is asked for again", async || {
        for row in client.query(asked, &[]).await.unwrap() {
            times.insert(row.get::<_, String>(0));
        }
        times.len() > 2
    })
    .await;
    assert!(!answer.is_finished(), "the transaction runs, so nothing can be said yet");
    assert_eq!(stored(&client).await, (0, 0, 0));
    proxy.set(KIND);
    assert_eq!(answer.await.unwrap().unwrap().outcomes, [Outcome::Stored], "written again once it is over");
    assert_eq!(stored(&client).await, (1, 1, 1));
    station.stop().await;
}

#[tokio::test]
async fn a_commit_nobody_can_be_asked_about_is_unknown() {
    let (_database, client, proxy, station) = behind_proxy(Duration::from_millis(300)).await;
    proxy.set(Mood { on_commit: OnCommit::CutAnswer, open_afterwards: false, ..KIND });
    assert_eq!(station.append(events(["a"], 1)).await.unwrap_err(), Refused::OutcomeUnknown);
    assert_eq!(stored(&client).await, (1, 1, 1), "it may well be there");
    proxy.set(KIND);
    station.handle.connected().await;
    assert_eq!(station.append(events(["a"], 1)).await.unwrap().outcomes, [Outcome::Duplicate]);
    station.stop().await;
}

/// A purge may have been there before the question, and leaves the place of a lot that somebody may still ask for.
#[tokio::test]
async fn a_lot_that_was_emptied_meanwhile_was_committed_all_the_same() {
    let (_database, client, proxy, station) = behind_proxy(LONG).await;
    proxy.set(Mood { on_commit: OnCommit::CutAnswer, open_afterwards: false, ..KIND });
    let answer = station.enqueue(1, events(["a"], 1)).await;
    until("the answer is cut", async || proxy.cuts() == 1).await;
    let emptied = "update lot set events = 0, contacts = 0, contacts_net = 0, id_sum = 0, contact_sum = 0";
    assert_eq!(client.execute(emptied, &[]).await.unwrap(), 1);
    proxy.set(KIND);
    assert_eq!(answer.await.unwrap().unwrap().outcomes, [Outcome::Stored]);
    station.stop().await;
}

/// Ids that a crash forgot may be given out again: another lot under the same ones is not ours.
#[tokio::test]
async fn another_lot_under_the_same_ids_is_not_believed() {
    let (_database, client, proxy, station) = behind_proxy(LONG).await;
    proxy.set(Mood { on_commit: OnCommit::CutAnswer, open_afterwards: false, ..KIND });
    let answer = station.enqueue(1, events(["a"], 1)).await;
    until("the answer is cut", async || proxy.cuts() == 1).await;
    assert_eq!(client.execute("update lot set id_sum = id_sum + 1", &[]).await.unwrap(), 1);
    proxy.set(KIND);
    // It counts as lost and is written again, by which its claims are met.
    assert_eq!(answer.await.unwrap().unwrap().outcomes, [Outcome::Duplicate]);
    station.stop().await;
}

/// Another cluster has another transaction under the same number.
#[tokio::test]
async fn another_cluster_is_not_believed() {
    let (_database, client, proxy, station) = behind_proxy(LONG).await;
    proxy.set(Mood { on_commit: OnCommit::CutAnswer, open_afterwards: false, ..KIND });
    let answer = station.enqueue(1, events(["a"], 1)).await;
    until("the answer is cut", async || proxy.cuts() == 1).await;
    client.batch_execute("update epoch set system_identifier = system_identifier - 1").await.unwrap();
    proxy.set(KIND);
    assert_eq!(answer.await.unwrap().unwrap_err(), Refused::OutcomeUnknown);
    let receipt = station.append(events(["b"], 1)).await.unwrap();
    assert_eq!(receipt.cursor.epoch, 2);
    station.stop().await;
}

/// Nothing was to be written, so there is nothing to be in doubt about, and nobody is asked.
#[tokio::test]
async fn a_lot_that_changes_nothing_can_only_be_sent_again() {
    let (_database, client, proxy, station) = behind_proxy(LONG).await;
    station.append(contacts(["u"], 1)).await.unwrap();
    proxy.set(Mood { on_commit: OnCommit::CutBefore, ..KIND });
    assert_eq!(station.append(contacts(["u"], 1)).await.unwrap_err(), Refused::Unavailable);
    assert_eq!(proxy.cuts(), 1);
    station.handle.connected().await;
    assert_eq!(station.append(contacts(["u"], 1)).await.unwrap().outcomes, [Outcome::Unchanged]);
    assert_eq!(rows(&client, "lot").await, 1);
    station.stop().await;
}
