//! The page behind a one-time link.

use jiff::Timestamp;
use tidegate::{
    auth::{
        password::{LinkSecret, Password},
        scope::Role,
    },
    domain::clock::{SystemClock, SystemEntropy},
    store::{
        Role as Connection,
        audit::Actor,
        users::{self, Invitation},
    },
};

use crate::support::{
    house::{Reply, TestHouse},
    postgres::TestDatabase,
};

const GOOD: &str = "correct horse & battery";

/// A user with a link that holds for so long; its address, and the secret.
async fn invited(house: &TestHouse, seconds: i64) -> (String, String) {
    let email = format!("{}@example.com", house.user(Role::Ingest, None).await);
    let secret = LinkSecret::draw(&SystemEntropy).unwrap();
    let until: Timestamp = SystemClock::shared().now() + jiff::SignedDuration::from_secs(seconds);
    let mut client = house.database.connect(Connection::Command).await.unwrap();
    let invitation = Invitation { hash: secret.hash(), until };
    assert!(users::invite(&mut client, &email, invitation, Actor::local("test")).await.unwrap());
    (email, secret.reveal().to_owned())
}

async fn show(house: &TestHouse, secret: &str) -> Reply {
    page(Reply::of(house.request("GET", &format!("/welcome?invitation={secret}"))).await)
}

async fn send(house: &TestHouse, secret: &str, password: &str, again: &str) -> Reply {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("invitation", secret).append_pair("password", password).append_pair("again", again);
    let request = house.request("POST", "/welcome").body(form.finish());
    page(Reply::of(request.header("Content-Type", "application/x-www-form-urlencoded")).await)
}

/// What every page has: it loads nothing, is kept nowhere, and tells nobody where it was.
fn page(reply: Reply) -> Reply {
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8", "{}", reply.text);
    assert_eq!((reply.header("cache-control"), reply.header("referrer-policy")), ("no-store", "no-referrer"));
    assert!(reply.header("content-security-policy").starts_with("default-src 'none';"));
    for outside in ["http://", "https://", "src=", "@import", "url(", "<script"] {
        assert!(!reply.text.contains(outside), "the page has {outside}");
    }
    reply
}

#[tokio::test]
async fn a_link_sets_a_password_once() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (email, secret) = invited(&house, 60).await;
    for _ in 0..2 {
        let form = show(&house, &secret).await;
        assert_eq!(form.status, 200, "to look does not use it up");
        assert!(
            form.text.contains(&email)
                && form.text.contains(&secret)
                && form.text.contains("method=\"post\"")
        );
    }
    let differs = send(&house, &secret, GOOD, "correct horse & batterz").await;
    assert_eq!((differs.status, differs.text.contains("differ")), (422, true));
    let short = send(&house, &secret, "hunter2", "hunter2").await;
    assert_eq!((short.status, short.text.contains("12 to 256 characters")), (422, true));
    assert!(short.text.contains(&secret) && !short.text.contains("hunter2"), "the form is shown again");

    let done = send(&house, &secret, GOOD, GOOD).await;
    assert_eq!((done.status, done.text.contains("password is set")), (200, true), "{}", done.text);
    let client = house.database.connect(Connection::Command).await.unwrap();
    let stored: String = client.query_one("select password from app_user", &[]).await.unwrap().get(0);
    assert!(Password::new(GOOD.into()).unwrap().is(stored).await.unwrap());
    assert_eq!(show(&house, &secret).await.status, 404);
    assert_eq!(send(&house, &secret, GOOD, GOOD).await.status, 404);
    let written = "select count(*) from audit where action = 'user.password' and address = '127.0.0.0/24'";
    assert_eq!(house.number(written).await, 1);
    house.stop().await;
}

#[tokio::test]
async fn two_at_once_set_one_password() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (_, secret) = invited(&house, 60).await;
    let (one, two) = tokio::join!(send(&house, &secret, GOOD, GOOD), send(&house, &secret, GOOD, GOOD));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);
    house.stop().await;
}

#[tokio::test]
async fn what_is_no_link_any_more_says_no_more_than_that() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (_, over) = invited(&house, -1).await;
    let (email, ended) = invited(&house, 60).await;
    let mut client = house.database.connect(Connection::Command).await.unwrap();
    users::disable(&mut client, &email, Actor::local("test")).await.unwrap();
    let unknown = "x".repeat(43);
    let mut texts = Vec::new();
    for secret in [over.as_str(), &ended, &unknown, "", "<script>"] {
        let shown = show(&house, secret).await;
        let sent = send(&house, secret, GOOD, GOOD).await;
        assert_eq!((shown.status, sent.status), (404, 404), "{secret}");
        texts.extend([shown.text, sent.text]);
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert_eq!(house.number("select count(*) from app_user where password is not null").await, 0);
    house.stop().await;
}

#[tokio::test]
async fn other_requests_are_refused_like_everywhere() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let put = Reply::of(house.request("PUT", "/welcome")).await;
    assert_eq!(
        (put.status, put.header("allow"), put.code().as_str()),
        (405, "GET, POST", "method_not_allowed")
    );
    let json = Reply::of(house.request("POST", "/welcome").json(&serde_json::json!({}))).await;
    assert_eq!((json.status, json.code().as_str()), (415, "unsupported_media_type"));
    let large = house.request("POST", "/welcome").body("x".repeat(17 << 10));
    let large = Reply::of(large.header("Content-Type", "application/x-www-form-urlencoded")).await;
    assert_eq!((large.status, large.code().as_str()), (413, "body_too_large"));
    house.stop().await;
}

#[tokio::test]
async fn one_address_asks_so_often_and_no_more() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let mut refused = None;
    for _ in 0..100 {
        let reply = show(&house, "noise").await;
        if reply.status == 429 {
            refused = Some(reply);
            break;
        }
        assert_eq!(reply.status, 404);
    }
    let refused = refused.expect("never refused");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
    let (_, key) = house.product_token(None, &[tidegate::auth::scope::Scope::AccountRead]).await;
    assert_eq!(house.get(&key, "/v1/").await.status, 200, "keys have budgets of their own");
    house.stop().await;
}
