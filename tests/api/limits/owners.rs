//! Whose budget is charged.

use tidegate::{
    auth::scope::{Role, Scope},
    domain::{budget::Class, settings::ProjectPatch},
    store::{audit::Actor, projects},
};

use super::{at_noon, push, said};
use crate::support::postgres::TestDatabase;

#[tokio::test]
async fn classes_and_datasources_are_apart() {
    let database = TestDatabase::create().await;
    let (house, _) = at_noon(&database).await;
    let inlet = house.inlet().await;
    let sibling = house.datasource(&inlet.project, None, false, None).await;
    house.limit(&inlet.datasource, "events.write", 1).await;
    assert_eq!(push(&house, &inlet, "a").await.status, 202);
    assert_eq!(push(&house, &inlet, "b").await.status, 429);
    assert_eq!(push(&house, &sibling, "b").await.status, 202);
    let contact = serde_json::json!([{"_user_id": "u"}]);
    assert_eq!(house.post(&inlet.token, &inlet.path("/stream/contacts"), &contact).await.status, 202);
    assert_eq!(house.get(&inlet.token, &inlet.path("/stream/contacts/u")).await.status, 200);
    assert_eq!(house.get(&inlet.token, &inlet.path("/stream")).await.status, 200);
    house.stop().await;
}

#[tokio::test]
async fn all_keys_of_a_datasource_share_its_budgets() {
    let database = TestDatabase::create().await;
    let (house, _) = at_noon(&database).await;
    let inlet = house.inlet().await;
    let (_, product) = house.product_token(Some(&inlet.project), &[Scope::ProjectIngestRead]).await;
    let (_, everywhere) = house.product_token(None, &[Scope::ProjectIngestRead]).await;
    let path = inlet.path("/stream");
    let left = |reply| said(&reply).remaining;
    assert_eq!(left(house.get(&inlet.token, &path).await), 5_999);
    assert_eq!(left(house.get(&product, &path).await), 5_998);
    assert_eq!(left(house.get(&everywhere, &path).await), 5_997);
    let alias = format!("/v1/project/{}/datasource/dsapi/stream", inlet.project);
    assert_eq!(left(house.get(&inlet.token, &alias).await), 5_996);
    house.stop().await;
}

#[tokio::test]
async fn what_is_not_found_is_charged_to_the_keys_own_meta_budget() {
    let database = TestDatabase::create().await;
    let (house, _) = at_noon(&database).await;
    let (own, foreign) = (house.inlet().await, house.inlet().await);
    house.limit(&own.datasource, "meta", 3).await;
    let wrong = foreign.path("/stream/events");
    for left in [2, 1, 0] {
        let reply = house.post(&own.token, &wrong, &serde_json::json!([])).await;
        let said = said(&reply);
        assert_eq!((reply.status, said.class.as_str(), said.limit, said.remaining), (404, "meta", 3, left));
    }
    assert_eq!(house.post(&own.token, &wrong, &serde_json::json!([])).await.status, 429);
    assert_eq!(house.get(&own.token, "/v1/nothing").await.status, 429);
    assert_eq!(house.get(&own.token, &own.path("/stream")).await.status, 429, "the same budget");
    assert_eq!(push(&house, &own, "a").await.status, 202, "another budget");
    assert_eq!(said(&house.get(&foreign.token, &foreign.path("/stream")).await).remaining, 5_999);
    house.stop().await;
}

#[tokio::test]
async fn keys_have_budgets_of_their_project_or_of_their_user_or_of_their_own() {
    let database = TestDatabase::create().await;
    let (house, _) = at_noon(&database).await;
    let (own, foreign) = (house.inlet().await, house.inlet().await);
    let (_, first) = house.product_token(Some(&own.project), Scope::ALL).await;
    let (_, second) = house.product_token(Some(&own.project), Scope::ALL).await;
    let (_, other) = house.product_token(Some(&foreign.project), Scope::ALL).await;
    let (_, everywhere) = house.product_token(None, Scope::ALL).await;
    let (_, again) = house.product_token(None, Scope::ALL).await;
    let (ada, bob) = (house.user(Role::ReadOnly, None).await, house.user(Role::ReadOnly, None).await);
    let (_, laptop) = house.personal_key(&ada, Role::ReadOnly).await;
    let (_, phone) = house.personal_key(&ada, Role::ReadOnly).await;
    let (_, bobs) = house.personal_key(&bob, Role::ReadOnly).await;
    let mut left = Vec::new();
    for key in [&first, &second, &other, &everywhere, &everywhere, &again, &laptop, &phone, &bobs] {
        let reply = house.get(key, "/v1/project/proj_absent/datasource/dsapi/stream").await;
        assert_eq!((reply.status, said(&reply).class.as_str()), (404, "meta"));
        left.push(said(&reply).remaining);
    }
    assert_eq!(left, [5_999, 5_998, 5_999, 5_999, 5_998, 5_999, 5_999, 5_998, 5_999]);
    assert_eq!(said(&house.get(&own.token, &own.path("/stream")).await).remaining, 5_999);
    house.stop().await;
}

#[tokio::test]
async fn a_project_has_overrides_of_its_own() {
    let database = TestDatabase::create().await;
    let (house, _) = at_noon(&database).await;
    let inlet = house.inlet().await;
    let (_, bound) = house.product_token(Some(&inlet.project), Scope::ALL).await;
    let mut client = house.database.connect(tidegate::store::Role::Command).await.unwrap();
    let limits = [(Class::Meta, Some(2))].into();
    let patch = ProjectPatch { limits, ..Default::default() };
    assert!(projects::change(&mut client, &inlet.project, &patch, Actor::local("test")).await.unwrap());
    house.state.authority.refresh().await.unwrap();
    let absent = format!("/v1/project/{}/datasource/ds_absent/stream", inlet.project);
    let answers = [0; 3].map(|_| house.get(&bound, &absent));
    let answers = futures_util::future::join_all(answers).await;
    let mut seen: Vec<_> = answers.iter().map(|reply| (reply.status, said(reply).limit)).collect();
    seen.sort_unstable();
    assert_eq!(seen, [(404, 2), (404, 2), (429, 2)]);
    let inherited = said(&house.get(&inlet.token, &inlet.path("/stream")).await);
    assert_eq!(
        (inherited.limit, inherited.remaining),
        (2, 1),
        "the datasource's default, in a budget of its own"
    );
    house.limit(&inlet.datasource, "meta", 30).await;
    assert_eq!(said(&house.get(&inlet.token, &inlet.path("/stream")).await).limit, 30);
    house.stop().await;
}

#[tokio::test]
async fn a_changed_plan_is_in_force_at_once() {
    let database = TestDatabase::create().await;
    let (house, _) = at_noon(&database).await;
    let inlet = house.inlet().await;
    assert_eq!(said(&push(&house, &inlet, "a").await).limit, 6_000);
    house.sql("update organization set plan = 'L'").await;
    house.state.authority.refresh().await.unwrap();
    assert_eq!(
        said(&push(&house, &inlet, "b").await).limit,
        60_000,
        "the organization's plan is the default"
    );
    house.sql("update datasource set plan = 'S'").await;
    house.state.authority.refresh().await.unwrap();
    assert_eq!(said(&push(&house, &inlet, "c").await).limit, 600);
    house.stop().await;
}
