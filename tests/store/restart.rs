//! PostgreSQL goes away under a writer, and comes back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustix::process::{Signal, kill_process};
use tidegate::ingest::{Handle, Options, Outcome, Refused};
use tokio::time::{Instant, sleep};

use super::{
    managed_crash::postmaster,
    station::{Station, append, count, events, numbered, rows, until},
};
use crate::support::{
    folder::DATA_DIR,
    postgres::{connect, migrate, private_server, try_connect},
};

/// A sender that sends every batch until it is taken, and answers how many it has got rid of.
async fn sender(handle: Handle, name: usize, end: Arc<AtomicBool>) -> usize {
    let mut batch = 0;
    while !end.load(Ordering::SeqCst) {
        let ids = numbered(&format!("{name}-{batch}-"), 5);
        match append(&handle, name as i64, events(ids, 1)).await {
            Ok(receipt) => {
                let there = |outcome: &Outcome| matches!(outcome, Outcome::Stored | Outcome::Duplicate);
                assert!(receipt.outcomes.iter().all(there), "{receipt:?}");
                batch += 1;
            }
            Err(Refused::Unavailable | Refused::OutcomeUnknown | Refused::Overloaded) => {
                sleep(Duration::from_millis(5)).await;
            }
            Err(refused) => panic!("{refused:?}"),
        }
    }
    batch
}

#[tokio::test]
async fn the_writer_outlives_the_server_and_loses_nothing() {
    let (server, folder) = private_server().await;
    migrate(&server.config()).await;
    let data_dir = folder.path().join(DATA_DIR);
    let station = Station::start(&server.config(), Options::default()).await;
    let end = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> =
        (1..=4).map(|name| tokio::spawn(sender(station.handle.clone(), name, end.clone()))).collect();

    // In order, at once, and by a crash of a backend, which takes all others with it.
    for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
        let client = connect(&server.config()).await;
        let before = rows(&client, "lot").await;
        until("it writes", async || rows(&client, "lot").await > before + 5).await;
        let old = postmaster(&data_dir);
        if signal == Signal::KILL {
            let lane =
                "select pid::bigint from pg_stat_activity where application_name = 'tidegate-lane' limit 1";
            let lane = i32::try_from(count(&client, lane, &[]).await).unwrap();
            kill_process(rustix::process::Pid::from_raw(lane).unwrap(), signal).unwrap();
        } else {
            kill_process(old, signal).unwrap();
        }
        until("the server is gone", async || client.is_closed()).await;
        until("the server is back", async || {
            try_connect(&server.config()).await.is_ok_and(|client| !client.is_closed())
        })
        .await;
        let back = Instant::now();
        until("it is written again", async || {
            append(&station.handle, 9, events([format!("{signal:?}")], 1)).await.is_ok()
        })
        .await;
        assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
    }
    end.store(true, Ordering::SeqCst);
    let mut acknowledged = 3;
    for (sender, name) in senders.into_iter().zip(1..) {
        let batches: usize = sender.await.unwrap();
        acknowledged += batches * 5;
        let client = connect(&server.config()).await;
        let missing = "select count(*) from unnest($2::text[]) as sent where not exists
                       (select from event where datasource_id = $1 and event_id = sent)";
        let ids: Vec<String> =
            (0..batches).flat_map(|batch| numbered(&format!("{name}-{batch}-"), 5)).collect();
        assert_eq!(count(&client, missing, &[&i64::from(name), &ids]).await, 0);
    }
    station.stop().await;
    let client = connect(&server.config()).await;
    let twice =
        "select count(*) from (select from event group by datasource_id, event_id having count(*) > 1) t";
    assert_eq!(count(&client, twice, &[]).await, 0);
    assert_eq!(rows(&client, "event").await, acknowledged as i64);
    assert_eq!(rows(&client, "event_key").await, acknowledged as i64);
    server.stop().await.unwrap();
}
