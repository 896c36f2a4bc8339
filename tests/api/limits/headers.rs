//! Both families of headers, on every authenticated answer.

use tidegate::auth::scope::Scope;

use super::{Said, at_noon, push, said, seconds};
use crate::support::{house::Reply, postgres::TestDatabase};

#[tokio::test]
async fn every_answer_says_what_is_left() {
    let database = TestDatabase::create().await;
    let (house, clock) = at_noon(&database).await;
    let inlet = house.inlet().await;
    house.limit(&inlet.datasource, "events.write", 30).await;
    let expected = |remaining, reset| Said {
        class: "events.write".into(),
        limit: 30,
        remaining,
        reset,
        whole_in: reset,
    };
    assert_eq!(said(&push(&house, &inlet, "a").await), expected(29, 2));
    assert_eq!(said(&push(&house, &inlet, "a").await), expected(28, 4));
    let invalid = house.post(&inlet.token, &inlet.path("/stream/events"), &serde_json::json!([{}])).await;
    assert_eq!((invalid.status, said(&invalid)), (422, expected(27, 6)));
    let malformed = house.post_bytes(&inlet.token, &inlet.path("/stream/events"), "nope").await;
    assert_eq!((malformed.status, said(&malformed)), (400, expected(26, 8)));
    clock.advance(seconds(8));
    let mut whole = expected(29, 10);
    whole.whole_in = 2;
    assert_eq!(said(&push(&house, &inlet, "a").await), whole);
    house.stop().await;
}

#[tokio::test]
async fn reset_is_rounded_up_to_whole_seconds() {
    let database = TestDatabase::create().await;
    let (house, clock) = at_noon(&database).await;
    let inlet = house.inlet().await;
    let first = said(&push(&house, &inlet, "a").await);
    assert_eq!((first.limit, first.remaining, first.reset, first.whole_in), (6_000, 5_999, 1, 1));
    clock.advance(std::time::Duration::from_millis(995));
    let second = said(&push(&house, &inlet, "b").await);
    assert_eq!((second.remaining, second.reset, second.whole_in), (5_999, 2, 1), "0.995 s + 0.01 s");
    house.stop().await;
}

#[tokio::test]
async fn plans_decide_the_budgets_of_pushes() {
    use tidegate::domain::budget::Plan;
    let database = TestDatabase::create().await;
    let (house, _) = at_noon(&database).await;
    let project = house.project().await;
    for (plan, limit) in
        [(Some(Plan::S), 600), (None, 6_000), (Some(Plan::L), 60_000), (Some(Plan::Xl), 600_000)]
    {
        let inlet = house.datasource(&project, plan, false, None).await;
        assert_eq!(said(&push(&house, &inlet, "a").await).limit, limit);
        let probe = said(&house.get(&inlet.token, &inlet.path("/stream")).await);
        assert_eq!((probe.class.as_str(), probe.limit), ("meta", 6_000));
        let contact = said(&house.get(&inlet.token, &inlet.path("/stream/contacts/u")).await);
        assert_eq!((contact.class.as_str(), contact.limit), ("contacts.read", 6_000));
        let deletion = said(&house.delete(&inlet.token, &inlet.path("/stream/contacts/u")).await);
        assert_eq!((deletion.class.as_str(), deletion.limit), ("contacts.write", limit));
    }
    house.stop().await;
}

#[tokio::test]
async fn only_authenticated_answers_speak_of_budgets() {
    let database = TestDatabase::create().await;
    let (house, _) = at_noon(&database).await;
    let inlet = house.inlet().await;
    let (_, poor) = house.product_token(None, &[Scope::AccountRead]).await;
    for (key, path, status, class) in [
        (&inlet.token, inlet.path("/stream/specs/events"), 200, "meta"),
        (&inlet.token, inlet.path("/stream/contacts/nobody"), 404, "contacts.read"),
        (&inlet.token, inlet.path("/nothing"), 404, "meta"),
        (&poor, inlet.path("/stats"), 403, "meta"),
    ] {
        let reply = house.get(key, &path).await;
        assert_eq!((reply.status, said(&reply).class.as_str()), (status, class));
    }
    let wrong = Reply::of(house.request("PATCH", &inlet.path("/stream")).bearer_auth(&inlet.token)).await;
    assert_eq!((wrong.status, said(&wrong).class.as_str()), (405, "meta"));
    for path in [inlet.path("/stream"), "/health/live".into(), "/docs/errors".into(), "/nothing".into()] {
        assert!(Reply::of(house.request("GET", &path)).await.rate_headers().is_empty(), "{path}");
    }
    house.stop().await;
}
