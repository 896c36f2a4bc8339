//! `GET /metrics`, on an address of its own. Metrics belong to the process, so other tests count into them as well.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::json;
use tidegate::http::problem::Code;

use crate::{
    problem::check,
    stream::{contacts, event, events, house},
    support::{
        house::{Reply, TestHouse},
        manual,
        socket::Socket,
    },
};

async fn page(house: &TestHouse) -> String {
    let reply = Reply::of(house.http.get(&house.metrics_url)).await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("content-type").starts_with("text/plain; version=0.0.4"));
    reply.text
}

/// Items by metric and kind, all fates together.
fn items(page: &str) -> HashMap<(&str, &str), u64> {
    let mut sums = HashMap::new();
    for line in page.lines().filter(|line| line.starts_with("tidegate_items")) {
        let (name, rest) = line.split_once('{').unwrap();
        let kind = if rest.contains("kind=\"event\"") { "event" } else { "contact" };
        let count: u64 = rest.rsplit_once(' ').unwrap().1.parse().unwrap();
        *sums.entry((name, kind)).or_default() += count;
    }
    sums
}

#[tokio::test]
async fn fates_add_up_to_what_was_received() {
    let (_database, house, inlet) = house().await;
    let batch =
        json!([event("a", &json!({})), event("a", &json!({})), event("a", &json!({"amount": 1})), {}, 5]);
    events(&house, &inlet, &batch).await;
    house.post(&inlet.token, &inlet.path("/stream/events?_dryRun"), &batch).await;
    let people = json!([{"_user_id": "u"}, {"_user_id": "u"}, {"_user_id": "u", "x": 1}, {}]);
    contacts(&house, &inlet, &people).await;
    for id in ["u", "u"] {
        house.delete(&inlet.token, &inlet.path(&format!("/stream/contacts/{id}"))).await;
    }
    settled(&house).await;
    house.stop().await;
}

#[tokio::test]
async fn items_of_a_client_that_went_away_end_as_well() {
    let (database, house, inlet) = house().await;
    let mut blocker = database.client().await;
    let lock = blocker.transaction().await.unwrap();
    lock.batch_execute("lock table event_key in exclusive mode").await.unwrap();
    let mut socket = Socket::open(&house).await;
    let body = json!([event("a", &json!({})), {}]).to_string();
    let key = format!("Authorization: Bearer {}", inlet.token);
    let length = format!("Content-Length: {}", body.len());
    let lines = [key.as_str(), "Content-Type: application/json", &length];
    socket.head("POST", &inlet.path("/stream/events"), &lines).await;
    socket.send(&body).await;
    until(async || house.state.ingest.depth().0 == 1).await;
    assert_eq!(house.state.traffic.in_flight(), 1);
    socket.reset();
    // The request ends with its connection, its work does not.
    until(async || house.state.traffic.in_flight() == 0).await;
    lock.rollback().await.unwrap();
    until(async || house.number("select count(*) from event").await == 1).await;
    until(async || {
        let stream = house.get(&inlet.token, &inlet.path("/stream")).await.json()["stream"].clone();
        stream["processedEntitiesSuccess"] == 1 && stream["processedEntitiesFailures"] == 1
    })
    .await;
    settled(&house).await;
    house.stop().await;
}

/// Waits for something to become true.
pub async fn until(mut what: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    while !what().await {
        assert!(tokio::time::Instant::now() < deadline, "it does not become true");
        tokio::task::yield_now().await;
    }
}

/// Waits for the fates of all items of this process to add up.
async fn settled(house: &TestHouse) {
    // Items of other tests that are in flight right now have come in and not ended yet; at rest the sums are equal.
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let text = page(house).await;
        let sums = items(&text);
        let balanced = ["event", "contact"].iter().all(|kind| {
            sums[&("tidegate_items_received_total", *kind)] == sums[&("tidegate_items_total", *kind)]
        });
        if balanced {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{sums:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_address_of_the_metrics_speaks_like_the_other() {
    let (_database, house, _) = house().await;
    let url = |path: &str| house.metrics_url.replace("/metrics", path);
    let page = Reply::of(house.http.get(url("/metrics"))).await;
    assert!(!page.header("x-request-id").is_empty());
    check(&Reply::of(house.http.get(url("/nothing"))).await, Code::NotFound);
    check(&Reply::of(house.http.get(url("/v1/nothing"))).await, Code::NotFound);
    check(&Reply::of(house.http.post(url("/metrics"))).await, Code::MethodNotAllowed);
    house.stop().await;
}

#[tokio::test]
async fn no_label_is_of_a_clients_making() {
    let (_database, house, inlet) = house().await;
    contacts(&house, &inlet, &json!([{"_user_id": "secret-person"}])).await;
    house.get(&inlet.token, &inlet.path("/stream/contacts/secret-person")).await;
    house.get(&inlet.token, "/v1/secret-path").await;
    Reply::of(house.request("SECRET", "/")).await;
    let text = page(&house).await;
    for word in ["secret-", "SECRET", inlet.token.as_str(), inlet.project.as_str(), inlet.datasource.as_str()]
    {
        assert!(!text.contains(word), "{word}");
    }
    for name in
        ["tidegate_http_requests_total", "tidegate_lots_total", "tidegate_lanes_connected", "tidegate_ready"]
    {
        assert!(text.contains(&format!("# TYPE {name} ")), "{name}");
    }
    assert_eq!(
        Reply::of(house.request("GET", "/metrics")).await.status,
        404,
        "not on the address of the API"
    );
    house.stop().await;
}

/// The name of a series and its labels with their values.
fn series(line: &str) -> (&str, BTreeMap<&str, &str>) {
    let (series, _) = line.rsplit_once(' ').unwrap();
    let Some((name, labels)) = series.split_once('{') else { return (series, BTreeMap::new()) };
    let labels = labels.strip_suffix("\"}").unwrap().split("\",");
    (name, labels.map(|label| label.split_once("=\"").unwrap()).collect())
}

#[tokio::test]
async fn the_manual_tells_every_label_and_the_values_of_those_with_few() {
    let (_database, house, inlet) = house().await;
    events(&house, &inlet, &json!([event("a", &json!({}))])).await;
    let (told, values) = (manual::metrics(), manual::values());
    // Levels come with the first look of the house at itself.
    until(async || {
        let text = page(&house).await;
        told.keys().all(|name| text.contains(&format!("# TYPE {name} ")))
    })
    .await;
    let text = page(&house).await;
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, mut labels) = series(line);
        let stem = ["_bucket", "_sum", "_count"].iter().find_map(|ending| name.strip_suffix(ending));
        let metric = stem.filter(|stem| told.contains_key(*stem)).unwrap_or(name);
        let manual =
            told.get(metric).unwrap_or_else(|| panic!("docs/operations.md says nothing of {metric}"));
        assert_eq!(labels.remove("le").is_some(), name.ends_with("_bucket"), "{line}");
        let wanted: BTreeSet<&str> = manual.labels.iter().map(String::as_str).collect();
        assert_eq!(labels.keys().copied().collect::<BTreeSet<_>>(), wanted, "docs/operations.md: {metric}");
        for (label, value) in labels {
            seen.entry(label).or_default().insert(value);
        }
    }
    for (label, values) in &values {
        let values: BTreeSet<&str> = values.iter().map(String::as_str).collect();
        assert_eq!(seen[label.as_str()], values, "docs/operations.md, Metrics: {label}");
    }
    house.stop().await;
}
