//! Bodies that are refused as a whole, and where in them the fault is.

use std::time::Duration;

use serde_json::json;
use tidegate::{domain::clock::SystemClock, http::problem::Code, store::Database};

use super::check;
use crate::support::{
    house::{Inlet, Reply, TestHouse, stations},
    postgres::TestDatabase,
    socket::Socket,
};

const JSON: &str = "Content-Type: application/json";

/// Sends the head of a push with these lines after the key.
async fn push_head(house: &TestHouse, inlet: &Inlet, lines: &[&str]) -> Socket {
    let mut socket = Socket::open(house).await;
    let key = format!("Authorization: Bearer {}", inlet.token);
    let lines: Vec<&str> = [key.as_str()].into_iter().chain(lines.iter().copied()).collect();
    socket.head("POST", &inlet.path("/stream/events"), &lines).await;
    socket
}

/// A client that goes away in the middle.
pub async fn incomplete(house: &TestHouse, inlet: &Inlet) -> Reply {
    let mut socket = push_head(house, inlet, &[JSON, "Content-Length: 100"]).await;
    socket.send("[{\"_user_id\":").await;
    socket.half_close().await;
    socket.reply().await
}

/// A length beyond the limit.
pub async fn too_large(house: &TestHouse, inlet: &Inlet) -> Reply {
    push_head(house, inlet, &[JSON, "Content-Length: 1048577"]).await.reply().await
}

/// A small array under these headers.
pub async fn declared(house: &TestHouse, inlet: &Inlet, lines: &[&str]) -> Reply {
    let lines: Vec<&str> = lines.iter().copied().chain(["Content-Length: 2"]).collect();
    let mut socket = push_head(house, inlet, &lines).await;
    socket.send("[]").await;
    socket.reply().await
}

/// Bytes that are not in the encoding that they are declared to be in.
pub async fn malformed_encoding(house: &TestHouse, inlet: &Inlet) -> Reply {
    declared(house, inlet, &[JSON, "Content-Encoding: gzip"]).await
}

/// A body that stops arriving, at a server that does not wait long.
pub async fn too_slow() -> Reply {
    let database = TestDatabase::create().await;
    let mut options = stations();
    options.body_timeout = Duration::from_millis(100);
    let house = TestHouse::with(Database::new(database.config.clone()), options, SystemClock::shared()).await;
    let inlet = house.inlet().await;
    let mut socket = push_head(&house, &inlet, &[JSON, "Content-Length: 100"]).await;
    socket.send("[").await;
    let reply = socket.reply().await;
    assert!(socket.is_ended().await, "what is still to come cannot be told from a new request");
    assert_eq!(house.number("select count(*) from event").await, 0);
    house.stop().await;
    reply
}

#[tokio::test]
async fn errors_point_into_the_body() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    for (body, code) in [
        ("", Code::MalformedJson),
        ("[1,]", Code::MalformedJson),
        ("\u{feff}[]", Code::MalformedJson),
        ("[] []", Code::MalformedJson),
        ("[]x", Code::MalformedJson),
        ("[{\"a\":nope}]", Code::MalformedJson),
        ("{\"_user_id\":\"u\"}", Code::NotAnArray),
        ("null", Code::NotAnArray),
        ("\"[]\"", Code::NotAnArray),
        (" [ ] ", Code::EmptyBatch),
    ] {
        let reply = house.post_bytes(&inlet.token, &inlet.path("/stream/contacts"), body).await;
        check(&reply, code);
        let document = reply.json();
        assert_eq!(document["errors"], json!([{"pointer": "", "detail": document["detail"]}]), "{body:?}");
    }
    let many = house.post(&inlet.token, &inlet.path("/stream/contacts"), &json!(vec![json!({}); 101])).await;
    check(&many, Code::TooManyItems);
    crate::assert_answer!(many);
    house.stop().await;
}

#[tokio::test]
async fn a_body_whose_client_leaves_is_incomplete() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    check(&incomplete(&house, &inlet).await, Code::IncompleteBody);
    let mut socket = push_head(&house, &inlet, &[JSON, "Transfer-Encoding: chunked"]).await;
    socket.send("2\r\n[]\r\n").await;
    socket.half_close().await;
    check(&socket.reply().await, Code::IncompleteBody);
    assert_eq!(house.number("select count(*) from event").await, 0);
    house.stop().await;
}

/// The framework takes such a client for one that is gone.
#[tokio::test]
async fn chunks_of_no_length_end_the_connection() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    for chunks in ["5\r\n[{\"_u\r\nnot a length\r\n", "2\r\n[]\r\n-1\r\n\r\n"] {
        let mut socket = push_head(&house, &inlet, &[JSON, "Transfer-Encoding: chunked"]).await;
        socket.send(chunks).await;
        assert!(socket.is_ended().await);
    }
    assert_eq!(house.number("select count(*) from event").await, 0);
    assert_eq!(house.state.ingest.depth(), (0, 0), "its room is free again");
    house.stop().await;
}

#[tokio::test]
async fn media_types_other_than_json_in_utf8_are_refused() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    for line in [
        "X-None: 1",
        "Content-Type: text/json",
        "Content-Type: application/json; charset=utf-16",
        "Content-Type: application/x-ndjson",
        "Content-Type: multipart/form-data; boundary=x",
        "Content-Type:",
    ] {
        let reply = declared(&house, &inlet, &[line]).await;
        check(&reply, Code::UnsupportedMediaType);
        assert_eq!(reply.header("accept"), "application/json");
    }
    for line in
        ["Content-Type: application/json;charset=UTF-8", "content-type: APPLICATION/JSON; charset=\"utf-8\""]
    {
        check(&declared(&house, &inlet, &[line]).await, Code::EmptyBatch);
    }
    house.stop().await;
}
