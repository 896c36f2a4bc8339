//! Pushing events while something is wrong: what is tried again, how long, and that nothing is stored twice.

use std::time::Duration;

use rstest::rstest;
use tidegate::{domain::clock::SystemClock, store::Database};

use crate::{
    events::{events, stored},
    gateway::{Gateway, Turn},
    home::{PATIENCE, until},
    script::{Access, Input, Language, told},
    support::{
        house::{Inlet, TestHouse, stations},
        postgres::TestDatabase,
        proxy::{KIND, Mood, OnCommit, Proxy},
    },
};

const TASK: &str = "push-events";

/// Spends a budget of so many requests a minute.
async fn spend(house: &TestHouse, inlet: &Inlet, per_minute: u32) {
    house.limit(&inlet.datasource, "events.write", per_minute).await;
    let (path, batch) = (inlet.path("/stream/events?_dryRun"), events(0..1).into());
    while house.post(&inlet.token, &path, &batch).await.status != 429 {}
}

/// A budget that grows by one request in two seconds. A client that waits as it is asked to is refused at most once for
/// each batch; one that relied on its own back-off, which begins below a second, would be refused again.
#[rstest]
#[tokio::test]
async fn a_spent_budget_is_waited_for_as_long_as_it_says(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
    #[values(false, true)] dates: bool,
) {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let gateway =
        if dates { Gateway::with_dates(&house.base).await } else { Gateway::before(&house.base, &[]).await };
    let input = Input::of_lines(&events(0..150)).await;
    spend(&house, &inlet, 30).await;
    let ran = Access::to(&house, &inlet).by(&gateway.url).run(language, TASK, Some(input.path())).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(told(&ran).iter().filter(|line| line[0] == "stored").count(), 150);
    assert_eq!(stored(&house).await, 150);
    let statuses = gateway.statuses();
    assert_eq!(statuses[..2], [429, 202], "{statuses:?}");
    assert!(statuses[2..] == [202] || statuses[2..] == [429, 202], "{statuses:?}");
    assert!(ran.err.contains("429 rate_limited: "), "{ran:?}");
    house.stop().await;
}

/// The database goes away in the middle of a commit and stays away: first nobody knows what was stored, then nothing
/// can be stored, then the same batch is sent once more.
#[rstest]
#[tokio::test]
async fn an_outage_is_survived_and_an_unknown_outcome_is_settled_by_the_same_ids(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let database = TestDatabase::create().await;
    let road = Proxy::before(&database.config).await;
    let mut options = stations();
    (options.ingest.fate, options.ingest.lanes) = (Duration::from_millis(300), 1);
    let house = TestHouse::with(Database::new(road.config.clone()), options, SystemClock::shared()).await;
    let inlet = house.inlet().await;
    let gateway = Gateway::before(&house.base, &[]).await;
    let access = Access::to(&house, &inlet).by(&gateway.url);
    let input = Input::of_lines(&events(0..50)).await;
    road.set(Mood { on_commit: OnCommit::CutAnswer, open_afterwards: false, ..KIND });
    let running = tokio::spawn(async move { access.run(language, TASK, Some(input.path())).await });
    until("two refusals", PATIENCE, async || gateway.exchanges().len() >= 2).await;
    road.reopen();
    let ran = running.await.unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let exchanges = gateway.exchanges();
    let (last, refused) = exchanges.split_last().unwrap();
    assert!(last.status == 202 && refused.iter().all(|one| one.status == 503), "{exchanges:?}");
    assert!(refused[0].got.contains("\"outcome_unknown\""), "{exchanges:?}");
    assert!(refused[1].got.contains("\"store_unavailable\""), "{exchanges:?}");
    assert!(exchanges.iter().all(|one| one.sent == last.sent), "every attempt sends the same body");
    assert!(told(&ran).iter().all(|line| line[0] == "duplicate"), "it had been stored: {ran:?}");
    assert_eq!(stored(&house).await, 50);
    house.stop().await;
}

#[rstest]
#[tokio::test]
async fn lost_answers_and_pages_of_a_gateway_are_tried_again(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let turns = [Turn::CutRequest, Turn::CutAnswer, Turn::Page(502), Turn::Page(504)];
    let gateway = Gateway::before(&house.base, &turns).await;
    let input = Input::of_lines(&events(0..100)).await;
    let ran = Access::to(&house, &inlet).by(&gateway.url).run(language, TASK, Some(input.path())).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(gateway.statuses(), [0, 0, 502, 504, 202]);
    let exchanges = gateway.exchanges();
    assert!(exchanges.iter().all(|one| one.sent == exchanges[0].sent), "every attempt sends the same body");
    assert!(told(&ran).iter().all(|line| line[0] == "duplicate"), "the second attempt stored it: {ran:?}");
    assert_eq!(stored(&house).await, 100);
    house.stop().await;
}

#[rstest]
#[tokio::test]
async fn other_refusals_are_told_and_never_tried_again(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let gateway = Gateway::before(&house.base, &[]).await;
    let access = Access::to(&house, &inlet).by(&gateway.url);
    let input = Input::of_lines(&events(0..150)).await;
    let stranger = Access { token: "tgd_unknown".into(), ..access.clone() };
    let elsewhere = Access { datasource: "ds_unknown".into(), ..access.clone() };
    for (access, code) in [(stranger, "401 invalid_token"), (elsewhere, "404 not_found")] {
        let before = gateway.exchanges().len();
        let ran = access.run(language, TASK, Some(input.path())).await;
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
        let exchanges = gateway.exchanges();
        assert_eq!(exchanges.len(), before + 1, "{ran:?}");
        let problem: serde_json::Value = serde_json::from_str(&exchanges[before].got).unwrap();
        assert!(ran.err.starts_with(code), "{ran:?}");
        assert!(ran.err.contains(problem["request_id"].as_str().unwrap()), "{ran:?}");
        assert!(ran.err.contains(problem["detail"].as_str().unwrap()), "{ran:?}");
    }
    assert_eq!(stored(&house).await, 0);
    house.stop().await;
}

#[rstest]
#[tokio::test]
async fn it_gives_up_when_its_time_is_over_and_says_why(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let gateway = Gateway::before(&house.base, &[]).await;
    let access = Access::to(&house, &inlet).by(&gateway.url).with("TIDEGATE_RETRY_FOR", 2);
    let input = Input::of_lines(&events(0..150)).await;
    spend(&house, &inlet, 1).await;
    let ran = access.run(language, TASK, Some(input.path())).await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.starts_with("429 rate_limited: "), "{ran:?}");
    assert_eq!(gateway.statuses(), [429], "a wait that is too long is not begun");

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = access.by(&format!("http://{free}"));
    let ran = nobody.run(language, TASK, Some(input.path())).await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("again in "), "it was tried again: {ran:?}");
    assert_eq!(stored(&house).await, 0);
    house.stop().await;
}
