//! No forbidden address is dialled: not by any spelling, not by a name, and not by one that leads elsewhere when it counts.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::json;
use tidegate::{
    store::Role,
    stream::webhooks::{
        Means, Options, Station, Tester,
        dial::{Resolve, Resolving},
    },
};
use uuid::Uuid;

use super::{Scene, brisk};
use crate::{
    manage::pointers,
    support::{house::TestHouse, receiver::Receiver},
};

/// Spellings of loopback, with the port of a listener to be put behind.
const LOOPBACK: &[&str] = &[
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0x0.0x0.0x1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "0.0.0.0",
    "localhost",
    "localhost.",
    "a.localhost",
];

#[tokio::test]
async fn a_forbidden_url_is_refused_when_an_endpoint_is_made_and_changed() {
    let scene = Scene::with(Options { allowed: Default::default(), ..brisk() }).await;
    let receiver = Receiver::start().await;
    let port = receiver.address.port();
    let (id, _) = scene.hook(json!({ "url": "https://hooks.invalid/" })).await;
    for host in LOOPBACK {
        for url in
            [format!("https://{host}/"), format!("http://{host}:{port}/"), format!("https://{host}:{port}/")]
        {
            let refused = scene.ask("POST", "", json!({ "url": url })).await;
            assert_eq!(pointers(&refused), ["/url"], "{url}");
            let refused = scene.ask("PATCH", &format!("/{id}"), json!({ "url": url })).await;
            assert_eq!(pointers(&refused), ["/url"], "{url}");
        }
    }
    for url in [
        "http://hooks.invalid/",
        "https://hooks.invalid:8443/",
        "https://a:b@hooks.invalid/",
        "ftp://hooks.invalid/",
    ] {
        assert_eq!(pointers(&scene.ask("POST", "", json!({ "url": url })).await), ["/url"], "{url}");
    }
    assert_eq!(receiver.connections(), 0);
    scene.house.stop().await;
}

#[tokio::test]
async fn one_that_is_stored_all_the_same_is_not_dialled() {
    // As an endpoint stands there that was made when the server allowed more.
    let scene =
        Scene::with(Options { allowed: Default::default(), schedule: "10ms".parse().unwrap(), ..brisk() })
            .await;
    let receiver = Receiver::start().await;
    let port = receiver.address.port();
    let (id, _) = scene.hook(json!({ "url": "https://hooks.invalid/" })).await;
    for (number, host) in LOOPBACK.iter().enumerate() {
        scene
            .house
            .sql(&format!("update webhook set url = 'http://{host}:{port}/', generation = generation + 1"))
            .await;
        let tested = scene.ask("POST", &format!("/{id}/test"), serde_json::Value::Null).await.json();
        assert_eq!(tested["entity"]["status"], serde_json::Value::Null, "{host}");
        scene.push(number..number + 1).await;
        let wanted = json!(number + 1);
        scene.until(&id, host, |webhook| webhook["deadLetters"].as_i64() >= wanted.as_i64()).await;
    }
    assert_eq!(receiver.connections(), 0);
    scene.house.stop().await;
}

/// Answers with a public address first, and with loopback from then on.
#[derive(Debug)]
struct Rebinding {
    asked: AtomicUsize,
    first: &'static str,
}

impl Resolve for Rebinding {
    fn resolve<'a>(&'a self, _name: &'a str) -> Resolving<'a> {
        let first = self.asked.fetch_add(1, Ordering::SeqCst) == 0;
        let address: IpAddr = if first { self.first } else { "127.0.0.1" }.parse().unwrap();
        Box::pin(async move { Ok(vec![address]) })
    }
}

/// Its name among nodes.
const NODE: Uuid = Uuid::from_u128(7);

/// A second station on the database of a house, by this resolver.
fn station(house: &TestHouse, options: Options, resolver: Arc<Rebinding>) -> (Station, Tester) {
    let state = &house.state;
    let pool = |role| house.database.pool(role, 2).unwrap();
    let means = Means {
        pages: pool(Role::Read),
        rows: pool(Role::Meta),
        tail: state.tail.clone(),
        authority: state.authority.clone(),
        vault: state.vault.clone(),
        clock: state.clock.clone(),
        entropy: state.entropy.clone(),
    };
    Station::resolving(options, means, NODE, resolver)
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_gains_nothing() {
    let scene = Scene::set().await;
    let receiver = Receiver::start().await;
    // Any port is open where the name leads first, so that nothing but the address is in the way.
    let resolver = Arc::new(Rebinding { asked: AtomicUsize::new(0), first: "192.0.2.1" });
    let allowed = "192.0.2.0/24".parse().unwrap();
    let options = Options { allowed, schedule: "10ms".parse().unwrap(), ..brisk() };
    let (station, tester) = station(&scene.house, options, resolver.clone());
    let url = format!("http://rebinding.example:{}/", receiver.address.port());
    assert_eq!(tester.judge(&url).await, Ok(()), "it is judged by what it leads to now");
    let (id, _) = scene.hook(json!({ "url": url, "enabled": false })).await;
    let held = format!(
        "update webhook set enabled = true, node = '{NODE}', leased_until = now() + interval '1 hour'"
    );
    scene.house.sql(&held).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(station.run(stopped));
    scene.push(0..1).await;
    scene.until(&id, "given up", |webhook| webhook["deadLetters"] == 1).await;
    let letter = &scene.list(&format!("/{id}/dead-letters")).await[0];
    assert!(letter["error"].as_str().unwrap().contains("loopback"), "{letter}");
    assert_eq!((&letter["attempts"], resolver.asked.load(Ordering::SeqCst)), (&json!(2), 3));
    assert_eq!(receiver.connections(), 0);
    stop.send_replace(true);
    running.await.unwrap();
    scene.house.stop().await;
}
