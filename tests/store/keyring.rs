//! What one node changes about keys, every other node knows within a second.

use std::time::Duration;

use tidegate::{
    auth::{
        Authority, Options, Presented, life,
        mint::{self, Minted},
        text::Kind,
    },
    domain::{
        clock::{SystemClock, SystemEntropy},
        overlap::Overlap,
    },
    store::{
        Database, Role,
        audit::Actor,
        key_list::{self, Filter, KeyState},
        keys::{self, End},
        projects,
    },
};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tokio_postgres::{Client, Config};

use super::station::{count, until};
use crate::support::{
    postgres::{TestDatabase, connect, migrate, private_server},
    proxy::{KIND, Mood, Proxy},
};

/// The contract's bound: twice the time between two polls.
const WITHIN: Duration = Duration::from_secs(1);

pub async fn organization(client: &Client) {
    projects::ensure_organization(client, "org_test", Some("Test")).await.unwrap();
}

async fn node(config: &Config) -> Authority {
    let pool = Database::new(config.clone()).pool(Role::Meta, 2).unwrap();
    Authority::load(pool, SystemClock::shared()).await.unwrap()
}

pub async fn mint(client: &mut Client) -> Minted {
    let request =
        mint::Request { kind: Kind::Product, name: "A key", project: None, datasource: None, scopes: &[] };
    mint::mint(client, &request, &SystemEntropy, Actor::local("test")).await.unwrap().unwrap()
}

fn admits(node: &Authority, key: &Minted) -> bool {
    node.authenticate(&Presented::Bearer(key.text.reveal().into())).is_ok()
}

/// Waits until the node admits the key, or no longer does, and answers how long that took.
async fn sees(node: &Authority, key: &Minted, admitted: bool) -> Duration {
    let since = Instant::now();
    while admits(node, key) != admitted {
        assert!(since.elapsed() < WITHIN, "not seen within a second (admitted: {admitted})");
        sleep(Duration::from_millis(2)).await;
    }
    since.elapsed()
}

#[tokio::test]
async fn changes_are_seen_elsewhere_within_a_second() {
    let database = TestDatabase::create().await;
    organization(&database.client().await).await;
    let (here, there) = (node(&database.config).await, node(&database.config).await);
    let (stop, stopped) = watch::channel(false);
    let polling = tokio::spawn(there.clone().run(Options::default(), stopped));
    let repetitions = (0..50u64).map(|repetition| {
        let (here, there, config) = (here.clone(), there.clone(), database.config.clone());
        async move {
            // Spread over a whole poll, so that some come right before one and some right after.
            sleep(Duration::from_millis(repetition * 10)).await;
            let mut client = connect(&config).await;
            let key = mint(&mut client).await;
            here.refresh().await.unwrap();
            assert!(admits(&here, &key), "the node that made it knows it at once");
            sees(&there, &key, true).await;
            let how = if repetition % 2 == 0 { End::Revoke } else { End::Delete };
            assert!(keys::end(&mut client, key.id, how, Actor::local("test")).await.unwrap());
            here.refresh().await.unwrap();
            assert!(!admits(&here, &key));
            sees(&there, &key, false).await;
        }
    });
    futures_util::future::join_all(repetitions).await;
    stop.send_replace(true);
    polling.await.unwrap();
}

/// Rotated on one node: elsewhere the old one never stops to hold before its deadline, and the new one holds within a second.
#[tokio::test]
async fn a_rotation_is_seen_elsewhere_without_a_gap() {
    let database = TestDatabase::create().await;
    let mut client = connect(&database.config).await;
    organization(&client).await;
    let there = node(&database.config).await;
    let (stop, stopped) = watch::channel(false);
    let polling = tokio::spawn(there.clone().run(Options::default(), stopped));
    let overlaps = ["1h", "0s"];
    for overlap in overlaps {
        let old = mint(&mut client).await;
        sees(&there, &old, true).await;
        let listing = key_list::find(&client, &Filter::default(), old.id).await.unwrap().unwrap();
        let (now, overlap) = (SystemClock::shared().now(), overlap.parse::<Overlap>().unwrap());
        let actor = Actor::local("test");
        let rotated = life::rotate(&mut client, &listing, now, overlap, &SystemEntropy, actor).await;
        let rotated = rotated.unwrap().unwrap();
        sees(&there, &rotated.minted, true).await;
        // One poll sees both.
        assert_eq!(admits(&there, &old), overlap.duration().is_positive());
        let rows = key_list::list(&client, &Filter::default(), Some(old.id), None).await.unwrap();
        assert_eq!(rows.iter().map(|key| key.replaces).collect::<Vec<_>>(), [Some(old.id)]);
        let state = key_list::find(&client, &Filter::default(), old.id).await.unwrap().unwrap().state(now);
        let wanted = if overlap.duration().is_positive() { KeyState::Rotated } else { KeyState::Expired };
        assert_eq!(state, wanted);
    }
    stop.send_replace(true);
    polling.await.unwrap();
}

/// Others commit, and are polled, while a change is still on its way.
#[tokio::test]
async fn a_change_that_commits_slowly_is_not_overlooked() {
    let (server, _folder) = private_server().await;
    migrate(&server.config()).await;
    let mut client = connect(&server.config()).await;
    organization(&client).await;
    let slow = connect(&server.config()).await;
    let node = node(&server.config()).await;
    for round in 0..20 {
        let (dies, rises) = (mint(&mut client).await, mint(&mut client).await);
        keys::end(&mut client, rises.id, End::Revoke, Actor::local("test")).await.unwrap();
        node.refresh().await.unwrap();
        assert!(admits(&node, &dies) && !admits(&node, &rises));
        slow.batch_execute(&format!(
            "begin; update key set revoked_at = now() where id = '{}'; update key set revoked_at = null where id = '{}'",
            dies.id, rises.id
        ))
        .await
        .unwrap();
        for _ in 0..3 {
            let quick = mint(&mut client).await;
            node.refresh().await.unwrap();
            assert!(admits(&node, &quick), "a slow one keeps nobody else waiting");
        }
        assert!(admits(&node, &dies) && !admits(&node, &rises), "not committed yet");
        slow.batch_execute("commit").await.unwrap();
        if round % 2 == 0 {
            mint(&mut client).await;
        }
        node.refresh().await.unwrap();
        assert!(!admits(&node, &dies), "round {round}");
        assert!(admits(&node, &rises), "round {round}");
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn polls_go_on_when_their_connections_are_killed() {
    let database = TestDatabase::create().await;
    let mut client = database.client().await;
    organization(&client).await;
    let there = node(&database.config).await;
    let (stop, stopped) = watch::channel(false);
    let options = Options { poll_every: Duration::from_millis(100) };
    let polling = tokio::spawn(there.clone().run(options, stopped));
    for _ in 0..15 {
        let key = mint(&mut client).await;
        let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                    where datname = current_database() and application_name = 'tidegate-meta'";
        count(&client, kill, &[]).await;
        sees(&there, &key, true).await;
        keys::end(&mut client, key.id, End::Revoke, Actor::local("test")).await.unwrap();
        count(&client, kill, &[]).await;
        sees(&there, &key, false).await;
    }
    stop.send_replace(true);
    polling.await.unwrap();
}

#[tokio::test]
async fn known_keys_hold_while_the_database_is_away() {
    let database = TestDatabase::create().await;
    let mut client = database.client().await;
    organization(&client).await;
    let proxy = Proxy::before(&database.config).await;
    let node = node(&proxy.config).await;
    let key = mint(&mut client).await;
    node.refresh().await.unwrap();
    let then = node.age();
    proxy.set(Mood { open: false, ..KIND });
    for _ in 0..3 {
        node.refresh().await.unwrap_err();
        assert!(admits(&node, &key));
    }
    assert!(node.age() > then, "it tells for how long it knows nothing new");
    let later = mint(&mut client).await;
    keys::end(&mut client, key.id, End::Delete, Actor::local("test")).await.unwrap();
    proxy.set(KIND);
    until("it is back", async || node.refresh().await.is_ok()).await;
    assert!(!admits(&node, &key) && admits(&node, &later), "what happened meanwhile is learned");
}
