//! `kill -9` under load: every acknowledged event is there, once.

use std::{collections::HashMap, time::Duration};

use rustix::process::{Signal, kill_process};
use serde_json::json;
use tidegate::domain::claim::Digest;
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    folder::random_hex,
    home::{Home, PATIENCE, until},
    inlet::{Inlet, event},
    pushers::Pushers,
    serve::Serve,
};

const ROUNDS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_event_is_there_once_after_a_kill() {
    let home = Home::new();
    let mut serve = Serve::start(&home).await;
    let demo = Inlet::wide(&home, &serve).await;
    let on = home.client().await.query_one("select current_setting('fsync')", &[]).await.unwrap();
    assert_eq!(on.get::<_, &str>(0), "on", "a test of durability needs a durable server");
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let inlet = demo.on(&serve);
        let pushers = Pushers::start(&inlet, 6, &format!("r{round}"));
        pushers.acknowledged(400).await;
        sleep(random_moment()).await;
        let postmaster = home.postmaster().unwrap();
        serve.signal(Signal::KILL);
        // The second round takes PostgreSQL down as well, as a machine does that loses its power.
        let both = round == 1;
        if both {
            kill_process(postmaster, Signal::KILL).unwrap();
        }
        serve.ended().await;
        let seen = pushers.stop().await;
        assert!(seen.statuses.is_empty(), "{:?}", seen.statuses);
        acknowledged.extend(seen.acknowledged);
        if !both {
            assert_eq!(home.postmaster(), Some(postmaster), "PostgreSQL outlives its parent");
        }
        serve = Serve::start(&home).await;
        assert_eq!(home.postmaster() == Some(postmaster), !both, "an orphan is adopted, a dead one replaced");
        settled(&home).await;
        check(&home, &acknowledged).await;
        retry(&demo.on(&serve), &acknowledged).await;
    }
    serve.stop().await;
    assert!(home.postmaster().is_none(), "an adopted server is stopped like one's own");
}

/// Up to 300 ms, so that the blow falls into any part of a lot.
fn random_moment() -> Duration {
    Duration::from_millis(u64::from_str_radix(&random_hex()[..4], 16).unwrap() % 300)
}

/// Waits until no session of the killed server is left, as its last commits may still be on their way.
async fn settled(home: &Home) {
    let client = home.client().await;
    until("old transactions end", PATIENCE, async || {
        let open =
            "select count(*) from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid()";
        client.query_one(open, &[]).await.unwrap().get::<_, i64>(0) == 0
    })
    .await;
}

/// The log, the claims and the order agree with each other and with what was acknowledged.
async fn check(home: &Home, acknowledged: &[String]) {
    let client = home.client().await;
    let rows = client.query("select datasource_id, event_id from event where kind = 'e'", &[]).await.unwrap();
    let mut found: HashMap<String, usize> = HashMap::new();
    let mut claims = Vec::new();
    let (mut sum, mut datasource) = (0u64, 0i64);
    for row in &rows {
        let id: String = row.get(1);
        datasource = row.get(0);
        claims.push(Uuid::from_bytes(Digest::of(&id).claim()));
        sum = sum.wrapping_add(Digest::of(&id).audit_word());
        *found.entry(id).or_default() += 1;
    }
    let twice: Vec<_> = found.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "stored more than once: {twice:?}");
    let lost: Vec<_> = acknowledged.iter().filter(|id| !found.contains_key(*id)).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), acknowledged.len());

    let mut stored: Vec<Uuid> = Vec::new();
    for row in
        client.query("select claim from event_key where datasource_id = $1", &[&datasource]).await.unwrap()
    {
        stored.push(row.get(0));
    }
    claims.sort_unstable();
    stored.sort_unstable();
    assert!(claims == stored, "{} rows and {} claims are not the same", claims.len(), stored.len());

    let lots = "select coalesce(sum(events), 0)::bigint, coalesce(mod(sum(id_sum::numeric), 18446744073709551616), 0)::text from lot";
    let row = client.query_one(lots, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), i64::try_from(rows.len()).unwrap(), "lots count what is there");
    let total: i128 = row.get::<_, &str>(1).parse().unwrap();
    assert_eq!(total.rem_euclid(1 << 64), i128::from(sum), "lots sum what is there");
    let outside = "select count(*) from event e where not exists (select 1 from lot l where l.datasource_id = \
                   e.datasource_id and e.id between l.first_id and l.last_id)";
    assert_eq!(client.query_one(outside, &[]).await.unwrap().get::<_, i64>(0), 0, "a row is in no lot");
}

/// A retry of what was acknowledged is a duplicate, on the restarted server too.
async fn retry(inlet: &Inlet, acknowledged: &[String]) {
    let id = acknowledged.last().unwrap();
    let answer = inlet.push(&json!([event(id)])).await.unwrap();
    assert_eq!(answer.status().as_u16(), 202);
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(answer["entity"]["items"][0]["outcome"], "duplicate", "{answer}");
}
