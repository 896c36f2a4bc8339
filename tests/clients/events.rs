//! Pushing events: batches, ids, and what is said of each.

use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    gateway::{Gateway, Turn},
    script::{Access, Input, Language, told},
    support::{house::TestHouse, postgres::TestDatabase},
};

const TASK: &str = "push-events";

/// Events with ids from 0.
pub fn events(range: std::ops::Range<usize>) -> Vec<Value> {
    let event = |at| json!({ "_user_id": "ada", "_event_id": format!("e-{at}"), "_event_type": "signed_in" });
    range.map(event).collect()
}

/// How many events are stored, after making sure that none is stored twice.
pub async fn stored(house: &TestHouse) -> i64 {
    let twice = "select count(*) - count(distinct event_id) from event where kind = 'e'";
    assert_eq!(house.number(twice).await, 0, "an event is stored twice");
    house.number("select count(*) from event where kind = 'e'").await
}

#[rstest]
#[tokio::test]
async fn the_sample_is_stored_and_a_second_run_is_all_duplicates(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let access = Access::to(&house, &inlet);
    for outcome in ["stored", "duplicate"] {
        let ran = access.run(language, TASK, None).await;
        assert_eq!(told(&ran), [[outcome, "purchase-1001", ""], [outcome, "purchase-1002", ""]]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    }
    assert_eq!(stored(&house).await, 2);
    let whole = "select count(*) from event where event_id = 'purchase-1001' and user_id = 'ada' and type = 'purchase' \
                 and parameters::jsonb = '{\"order_id\":\"1001\",\"amount\":12.5,\"currency\":\"EUR\"}'";
    assert_eq!(house.number(whole).await, 1);
    house.stop().await;
}

#[rstest]
#[tokio::test]
async fn many_events_go_in_batches_of_a_hundred(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let gateway = Gateway::before(&house.base, &[]).await;
    let access = Access::to(&house, &inlet).by(&gateway.url);
    for (file, sizes) in [(0..250, vec![100, 100, 50]), (0..200, vec![100, 100])] {
        let before = gateway.exchanges().len();
        let input = Input::of_lines(&events(file.clone())).await;
        let ran = access.run(language, TASK, Some(input.path())).await;
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        let outcome = if before == 0 { "stored" } else { "duplicate" };
        let names: Vec<String> = file.map(|at| format!("e-{at}")).collect();
        let wanted: Vec<_> = names.iter().map(|name| [outcome, name, ""]).collect();
        assert_eq!(told(&ran), wanted);
        let sent: Vec<Vec<Value>> = gateway.exchanges()[before..]
            .iter()
            .map(|exchange| serde_json::from_str(&exchange.sent).unwrap())
            .collect();
        assert_eq!(sent.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
        assert_eq!(stored(&house).await, 250);
    }
    house.stop().await;
}

#[rstest]
#[tokio::test]
async fn bad_events_are_named_and_the_rest_goes_on(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let access = Access::to(&house, &inlet);
    let first = json!([{ "_user_id": "ada", "_event_id": "e-0", "_event_type": "signed_out" }]);
    assert_eq!(house.post(&inlet.token, &inlet.path("/stream/events"), &first).await.status, 202);

    let mut all = events(0..100);
    all[7]["_event_date"] = json!("yesterday");
    all[9]["_event_id"] = json!("");
    all.extend([json!("no object"), json!(null)]); // a batch without a good one
    all.extend(events(100..198));
    all.extend(events(198..200));
    let ran = access.run(language, TASK, Some(Input::of_lines(&all).await.path())).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    let told = told(&ran);
    assert_eq!(told.len(), 202);
    assert_eq!(told[0][..2], ["conflict", "e-0"]);
    assert!(told[0][2].starts_with("_event_id: was used before"), "{:?}", told[0]);
    assert_eq!(told[7][..2], ["invalid", "e-7"]);
    assert!(told[7][2].starts_with("_event_date: "), "{:?}", told[7]);
    assert_eq!(told[9][..2], ["invalid", "(item 9 of its batch)"]);
    assert_eq!(told[100], ["invalid", "(item 0 of its batch)", "must be a JSON object"]);
    assert_eq!(told[201], ["stored", "e-199", ""], "the batches after it are sent");
    assert_eq!(stored(&house).await, 198);
    house.stop().await;
}

#[rstest]
#[tokio::test]
async fn no_process_shows_the_token_meanwhile(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let gateway = Gateway::before(&house.base, &[Turn::Hold]).await;
    let access = Access::to(&house, &inlet).by(&gateway.url);
    let running = tokio::spawn(async move { access.run(language, TASK, None).await });
    gateway.arrived(1).await;
    let shown = tokio::process::Command::new("ps").args(["-A", "-ww", "-o", "args="]).output().await.unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    gateway.release();
    assert_eq!(running.await.unwrap().code, Some(0));
    assert!(shown.contains("push"), "the script is among them: {shown}");
    assert!(!shown.contains(&inlet.token), "{shown}");
    house.stop().await;
}
