//! Credentials that are missing, that do not hold, or that come in a way that is not theirs.

use tidegate::{
    auth::text::{KeyText, Kind},
    domain::clock::SystemEntropy,
    store::keys::End,
};

use super::{AMBIGUOUS, INVALID, MISSING, on_every_route};
use crate::support::{
    house::{Inlet, Reply, TestHouse},
    postgres::TestDatabase,
};

fn bearer(key: &str) -> Vec<(&'static str, String)> {
    vec![("Authorization", format!("Bearer {key}"))]
}

fn authorization(value: impl Into<String>) -> Vec<(&'static str, String)> {
    vec![("Authorization", value.into())]
}

fn unknown(kind: Kind) -> String {
    KeyText::mint(kind, &SystemEntropy).unwrap().reveal().to_owned()
}

/// The same key with its last character changed.
fn damaged(key: &str) -> String {
    let (body, last) = key.split_at(key.len() - 1);
    format!("{body}{}", if last == "a" { "b" } else { "a" })
}

#[tokio::test]
async fn without_credentials_the_challenge_names_no_error() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    on_every_route(&house, &inlet, "", &[], MISSING).await;
    for other in ["Basic dXNlcjpwYXNz", "Digest x", "Negotiate", "Bearer2 x", "bear tgd_x"] {
        on_every_route(&house, &inlet, "", &authorization(other), MISSING).await;
    }
    house.stop().await;
}

/// Keys that once held: revoked, deleted, expired.
async fn ended_keys(house: &TestHouse, inlet: &Inlet) -> Vec<String> {
    let mut keys = Vec::new();
    for end in [End::Revoke, End::Delete] {
        let other = house.datasource(&inlet.project, None, false, None).await;
        house.end_key(other.key_id, end).await;
        keys.push(other.token);
    }
    let expired = house.datasource(&inlet.project, None, false, None).await;
    let id = expired.key_id;
    house.sql(&format!("update key set expires_at = now() - interval '1 second' where id = '{id}'")).await;
    house.state.authority.refresh().await.unwrap();
    keys.push(expired.token);
    keys
}

#[tokio::test]
async fn whatever_does_not_hold_gets_one_and_the_same_answer() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let good = inlet.token.clone();
    let mut presented = vec![
        authorization("Bearer"),
        authorization("Bearer "),
        bearer("noise"),
        bearer("tgd_"),
        bearer("tgd_%00"),
        bearer("§§§"),
        bearer(&damaged(&good)),
        bearer(&format!("{good}x")),
        bearer(&format!("{good} {good}")),
        bearer(&format!("{good}, Bearer {good}")),
        bearer(&good.to_uppercase()),
        bearer(&format!("tgp_{}", &good[4..])),
    ];
    presented.extend(Kind::ALL.map(|kind| bearer(&unknown(kind))));
    presented.extend(ended_keys(&house, &inlet).await.iter().map(|key| bearer(key)));
    let mut bodies = Vec::new();
    for headers in &presented {
        bodies.push(on_every_route(&house, &inlet, "", headers, INVALID).await);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    house.stop().await;
}

#[tokio::test]
async fn a_key_by_a_channel_of_another_kind_does_not_hold() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let (_, product) = house.product_token(None, &[]).await;
    let plain = on_every_route(&house, &inlet, "", &bearer("noise"), INVALID).await;
    let personal = unknown(Kind::Personal);
    for key in [&inlet.token, &product, &personal] {
        assert_eq!(on_every_route(&house, &inlet, "", &authorization(key), INVALID).await, plain);
    }
    for key in [&inlet.token, &product, &unknown(Kind::Instance), &personal, &String::new()] {
        let query = format!("?api_key={key}");
        assert_eq!(on_every_route(&house, &inlet, &query, &[], INVALID).await, plain);
    }
    house.stop().await;
}

#[tokio::test]
async fn two_credentials_and_stream_keys_in_the_query_are_bad_requests() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let good = format!("Bearer {}", inlet.token);
    let two = vec![("Authorization", good.clone()), ("Authorization", good.clone())];
    on_every_route(&house, &inlet, "", &two, AMBIGUOUS).await;
    let mixed = vec![("Authorization", "Basic eA==".to_owned()), ("Authorization", good.clone())];
    on_every_route(&house, &inlet, "", &mixed, AMBIGUOUS).await;
    on_every_route(&house, &inlet, "?api_key=x", &authorization(&good), AMBIGUOUS).await;
    on_every_route(&house, &inlet, "?api_key=x&api_key=y", &[], AMBIGUOUS).await;
    for query in ["?api_key=tge_x", "?a=b&whatever=tge_x", "?tge_x", "?a=%74ge_x", "?api%5Fkey=tge%5fx"] {
        on_every_route(&house, &inlet, query, &[], AMBIGUOUS).await;
        on_every_route(&house, &inlet, query, &authorization(&good), AMBIGUOUS).await;
    }
    house.stop().await;
}

#[tokio::test]
async fn the_name_of_the_scheme_has_no_case() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    for scheme in ["bearer", "BEARER", "bEaReR"] {
        let request = house.request("GET", &inlet.path("/stream"));
        let value = format!("{scheme} {}", inlet.token);
        let reply = Reply::of(request.header("Authorization", value)).await;
        assert_eq!(reply.status, 200, "{scheme}");
    }
    house.stop().await;
}

#[tokio::test]
async fn an_expiry_that_is_still_ahead_holds() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let id = inlet.key_id;
    house.sql(&format!("update key set expires_at = now() + interval '1 hour' where id = '{id}'")).await;
    house.state.authority.refresh().await.unwrap();
    assert_eq!(house.get(&inlet.token, &inlet.path("/stream")).await.status, 200);
    house.stop().await;
}
