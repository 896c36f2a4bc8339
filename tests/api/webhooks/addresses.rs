//! No forbidden address is dialled: not by any spelling, not by a name, and not by one that leads elsewhere when it counts.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tidegate::stream::webhooks::{
    Options,
    address::Gate,
    dial::{Dialer, Resolve, Resolving},
};

use super::{Scene, brisk};
use crate::{manage::pointers, support::receiver::Receiver};

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

#[tokio::test]
async fn a_name_that_leads_elsewhere_gains_nothing() {
    let receiver = Receiver::start().await;
    let resolver = Arc::new(Rebinding { asked: AtomicUsize::new(0), first: "93.184.215.14" });
    let dialer = Dialer::new(Gate::default(), resolver.clone(), Duration::from_secs(1));
    // It is judged by what it leads to now, and would be dialled by what it leads to then.
    assert_eq!(dialer.judge("https://rebinding.example/").await, Ok(()));
    let refused = dialer.judge("https://rebinding.example/").await.unwrap_err();
    assert!(refused.contains("loopback"), "{refused}");
    let url = format!("https://rebinding.example:{}/", receiver.address.port());
    assert!(dialer.judge(&url).await.is_err());
    assert_eq!(receiver.connections(), 0);
}
