//! The kinds of keys: each has its channels, and all end everywhere.

use tidegate::{
    auth::{
        mint,
        scope::{Role, Scope},
        single::Single,
        text::{KeyText, Kind},
    },
    domain::clock::SystemEntropy,
    store::{audit::Actor, keys::End},
};

use crate::support::{
    house::{Reply, TestHouse},
    postgres::TestDatabase,
};

#[tokio::test]
async fn what_answers_a_key_in_the_query_is_not_to_be_kept() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let request = house.request(
        "GET",
        &format!(
            "{}?api_key={}",
            inlet.path("/stream"),
            KeyText::mint(Kind::Personal, &SystemEntropy).unwrap().reveal()
        ),
    );
    let reply = Reply::of(request).await;
    assert_eq!((reply.status, reply.header("cache-control")), (401, "no-store"));
    let personal = personal_key(&house).await;
    let request = house.request("GET", &format!("{}?api_key={personal}", inlet.path("/stream")));
    let reply = Reply::of(request).await;
    assert_eq!((reply.status, reply.header("cache-control")), (200, "no-store"), "{}", reply.text);
    let other = house.get(&inlet.token, &inlet.path("/stream")).await;
    assert_eq!(other.header("cache-control"), "");
    house.stop().await;
}

async fn personal_key(house: &TestHouse) -> String {
    let user = house.user(Role::Ingest, None).await;
    house.personal_key(&user, Role::Ingest).await.1
}

async fn key_of(house: &TestHouse, kind: Kind, project: Option<&str>) -> String {
    let mut client = house.database.connect(tidegate::store::Role::Command).await.unwrap();
    let scopes = [Scope::ProjectIngestRead];
    let request = mint::Request { kind, name: "Key", project, datasource: None, scopes: &scopes };
    let minted =
        mint::mint(&mut client, &request, &SystemEntropy, Actor::local("test")).await.unwrap().unwrap();
    house.state.authority.refresh().await.unwrap();
    minted.text.reveal().to_owned()
}

#[tokio::test]
async fn every_kind_has_its_channels_and_no_other() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let path = inlet.path("/stream");
    for kind in Kind::ALL {
        let key = match kind {
            Kind::Datasource => inlet.token.clone(),
            Kind::Personal => personal_key(&house).await,
            Kind::Instance => house.single_key(&inlet.project, Single::Instance).await,
            Kind::EventStream => house.single_key(&inlet.project, Single::EventStream).await,
            _ => key_of(&house, kind, Some(&inlet.project)).await,
        };
        // An event-stream key is let in, and then lacks the scope.
        let inside = if kind == Kind::EventStream { 403 } else { 200 };
        let in_query = if kind == Kind::EventStream { 400 } else { 401 };
        assert_eq!(house.get(&key, &path).await.status, inside, "{kind:?} as bearer");
        let raw = Reply::of(house.request("GET", &path).header("Authorization", &key)).await;
        assert_eq!(raw.status, if kind.raw() { inside } else { 401 }, "{kind:?} raw");
        let query = Reply::of(house.request("GET", &format!("{path}?api_key={key}"))).await;
        assert_eq!(query.status, if kind.in_query() { inside } else { in_query }, "{kind:?} in the query");
    }
    house.stop().await;
}

#[tokio::test]
async fn a_key_that_ends_on_one_node_ends_on_the_others() {
    let database = TestDatabase::create().await;
    let (here, there) = (TestHouse::start(&database).await, TestHouse::start(&database).await);
    let inlet = here.inlet().await;
    let path = inlet.path("/stream/specs/events");
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    for (expected, revoked) in [(200, false), (401, true)] {
        if revoked {
            here.end_key(inlet.key_id, End::Revoke).await;
            assert_eq!(here.get(&inlet.token, &path).await.status, 401, "at once where it was ended");
        }
        while there.get(&inlet.token, &path).await.status != expected {
            assert!(tokio::time::Instant::now() < deadline, "the other node does not learn it");
            tokio::task::yield_now().await;
        }
    }
    here.stop().await;
    there.stop().await;
}
