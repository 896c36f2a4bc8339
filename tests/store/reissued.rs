//! A crash gives transaction ids out again, so that an id alone proves no commit.

use std::time::Duration;

use rustix::process::{Signal, kill_process};
use tidegate::ingest::{Options, Outcome};

use super::{
    managed_crash::postmaster,
    station::{Station, count, events, one_lane, rows, until},
};
use crate::support::{
    folder::DATA_DIR,
    postgres::{connect, migrate, private_server, try_connect},
    proxy::{KIND, Mood, OnCommit, Proxy},
};

/// Lets the write-ahead log wait for a commit before it goes to disk, as it may on a busy machine at any moment.
const LAZY: [&str; 3] = [
    "alter system set wal_writer_delay = '10s'",
    "alter system set bgwriter_lru_maxpages = 0",
    "select pg_reload_conf()",
];

#[tokio::test]
async fn a_stranger_under_the_same_transaction_id_is_not_our_commit() {
    let (server, folder) = private_server().await;
    migrate(&server.config()).await;
    let client = connect(&server.config()).await;
    for statement in LAZY {
        client.batch_execute(statement).await.unwrap();
    }
    let proxy = Proxy::before(&server.config()).await;
    let options = Options { fate: Duration::from_secs(30), ..one_lane() };
    let station = Station::start(&proxy.config, options).await;
    station.append(events(["before"], 1)).await.unwrap();

    // The commit never arrives, the server crashes, and others write on.
    proxy.set(Mood { on_commit: OnCommit::Hold, open_afterwards: false, ..KIND });
    let answer = station.enqueue(1, events(["lost"], 1)).await;
    until("the commit is held", async || proxy.cuts() == 1).await;
    let writing =
        "select backend_xid::text::bigint from pg_stat_activity where application_name = 'tidegate-lane'
                   and backend_xid is not null";
    let xid = count(&client, writing, &[]).await;
    kill_process(postmaster(&folder.path().join(DATA_DIR)), Signal::QUIT).unwrap();
    until("the server is gone", async || client.is_closed()).await;
    until("the server is back", async || try_connect(&server.config()).await.is_ok()).await;
    let client = connect(&server.config()).await;
    client.batch_execute("create table stranger (n int)").await.unwrap();
    let write = "with row as (insert into stranger values (1)) select pg_current_xact_id()::text::bigint";
    until("the id was given out", async || count(&client, write, &[]).await >= xid).await;

    proxy.set(KIND);
    assert_eq!(answer.await.unwrap().unwrap().outcomes, [Outcome::Stored]);
    assert_eq!(rows(&client, "event").await, 2, "it was not believed, but written again");
    assert_eq!(station.append(events(["lost"], 1)).await.unwrap().outcomes, [Outcome::Duplicate]);
    station.stop().await;
    server.stop().await.unwrap();
}
