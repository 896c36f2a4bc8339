//! `Content-Encoding` of a push: four codings, one layer, the same limits and answers as without.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate::{domain::clock::SystemClock, store::Database};

use super::{contact_data, event, house};
use crate::support::{
    encode::{CODINGS, bomb, encode},
    house::{Inlet, Reply, TestHouse, stations},
    postgres::TestDatabase,
    socket::Socket,
};

const LIMIT: usize = 1024 * 1024;
const JSON: &str = "Content-Type: application/json";

/// Pushes a body under these values of `Content-Encoding`, one header each.
async fn push(house: &TestHouse, inlet: &Inlet, path: &str, encodings: &[&str], body: Vec<u8>) -> Reply {
    let mut request = house.request("POST", &inlet.path(path)).bearer_auth(&inlet.token);
    for encoding in encodings {
        request = request.header("Content-Encoding", *encoding);
    }
    Reply::of(request.header("Content-Type", "application/json").body(body)).await
}

fn batch(items: &Value) -> Vec<u8> {
    serde_json::to_vec(items).unwrap()
}

fn answer(reply: &Reply) -> (u16, String) {
    (reply.status, reply.code())
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

async fn open(house: &TestHouse, inlet: &Inlet, coding: &str, framing: &str) -> Socket {
    let mut socket = Socket::open(house).await;
    let key = format!("Authorization: Bearer {}", inlet.token);
    let coding = format!("Content-Encoding: {coding}");
    socket.head("POST", &inlet.path("/stream/events"), &[&key, JSON, &coding, framing]).await;
    socket
}

#[tokio::test]
async fn a_push_in_each_coding_is_stored() {
    let (_database, house, inlet) = house().await;
    for coding in CODINGS {
        let items = json!([{"_user_id": coding, "_first_name": "Ünïcode"}, {"_user_id": "", "_email": "x"}]);
        let contacts =
            push(&house, &inlet, "/stream/contacts", &[coding], encode(coding, &batch(&items))).await;
        assert_eq!(contacts.status, 202, "{coding}: {}", contacts.text);
        assert_eq!(contacts.outcomes(), ["created", "invalid"], "{coding}");
        assert_eq!(contact_data(&house, &inlet, coding).await["_first_name"], "Ünïcode");
        let items =
            json!((0..100).map(|at| event(&format!("{coding}-{at}"), &json!({}))).collect::<Vec<_>>());
        let events = push(&house, &inlet, "/stream/events", &[coding], encode(coding, &batch(&items))).await;
        assert_eq!((events.status, events.outcomes()), (202, vec!["stored".to_owned(); 100]), "{coding}");
    }
    assert_eq!(house.number("select count(*) from event where event_id is not null").await, 400);
    house.stop().await;
}

#[tokio::test]
async fn names_are_read_as_http_has_them() {
    let (_database, house, inlet) = house().await;
    let gzip = encode("gzip", b"[]");
    for encodings in [&["gzip"][..], &["GZip"], &["x-gzip"], &["identity, gzip"], &["gzip,"], &["", "gzip"]] {
        let reply = push(&house, &inlet, "/stream/events", encodings, gzip.clone()).await;
        assert_eq!(answer(&reply), refusal(400, "empty_batch"), "{encodings:?}");
    }
    for encodings in [&[][..], &[""], &["identity"], &["identity", "Identity,"]] {
        let reply = push(&house, &inlet, "/stream/events", encodings, b"[]".to_vec()).await;
        assert_eq!(answer(&reply), refusal(400, "empty_batch"), "{encodings:?}");
    }
    house.stop().await;
}

#[tokio::test]
async fn other_codings_and_two_layers_are_refused() {
    let (_database, house, inlet) = house().await;
    let twice = encode("gzip", &encode("gzip", b"[]"));
    let cases =
        [&["compress"][..], &["x"], &["*"], &["gzip, gzip"], &["gzip", "gzip"], &["br, identity, gzip"]];
    for encodings in cases {
        let reply = push(&house, &inlet, "/stream/events", encodings, twice.clone()).await;
        assert_eq!(answer(&reply), refusal(415, "unsupported_encoding"), "{encodings:?}");
        assert_eq!(reply.header("accept-encoding"), "gzip, deflate, br, zstd, identity");
    }
    // Two layers that claim to be one: what is under the first is no JSON.
    let reply = push(&house, &inlet, "/stream/events", &["gzip"], twice).await;
    assert_eq!(answer(&reply), refusal(400, "malformed_json"));
    house.stop().await;
}

#[tokio::test]
async fn what_does_not_decode_is_refused() {
    let (_database, house, inlet) = house().await;
    let items = batch(&json!([event("e", &json!({}))]));
    for coding in CODINGS {
        let whole = encode(coding, &items);
        let (cut, long) = (whole[..whole.len() - 1].to_vec(), [&whole[..], b"\n"].concat());
        for body in [items.clone(), cut, long, Vec::new()] {
            let reply = push(&house, &inlet, "/stream/events", &[coding], body).await;
            assert_eq!(answer(&reply), refusal(400, "malformed_encoding"), "{coding}");
            let document = reply.json();
            let detail = document["detail"].as_str().unwrap();
            assert!(detail.contains(coding), "{detail}");
        }
    }
    assert_eq!(house.number("select count(*) from event").await, 0);
    house.stop().await;
}

#[tokio::test]
async fn the_limit_holds_for_what_comes_out() {
    let (_database, house, inlet) = house().await;
    let padded = |bytes: usize| {
        let mut body = batch(&json!([event("e", &json!({}))]));
        body.resize(bytes, b'\n');
        body
    };
    for coding in CODINGS {
        let exact = push(&house, &inlet, "/stream/events", &[coding], encode(coding, &padded(LIMIT))).await;
        assert_eq!(exact.status, 202, "{coding}: {}", exact.text);
        let beyond =
            push(&house, &inlet, "/stream/events", &[coding], encode(coding, &padded(LIMIT + 1))).await;
        assert_eq!(answer(&beyond), refusal(413, "body_too_large"), "{coding}");
        let bomb = push(&house, &inlet, "/stream/events", &[coding], bomb(coding, 30)).await;
        assert_eq!(answer(&bomb), refusal(413, "body_too_large"), "{coding}");
    }
    assert_eq!(house.state.ingest.depth(), (0, 0), "their room is free again");
    house.stop().await;
}

/// `Content-Length` is that of the encoded body, which may be a little longer than what it holds.
#[tokio::test]
async fn a_length_is_refused_where_no_body_can_have_it() {
    let (_database, house, inlet) = house().await;
    let longest = LIMIT + (64 << 10);
    let mut socket = open(&house, &inlet, "gzip", &format!("Content-Length: {}", longest + 1)).await;
    assert_eq!(answer(&socket.reply().await), refusal(413, "body_too_large"));
    let mut socket = open(&house, &inlet, "gzip", &format!("Content-Length: {longest}")).await;
    socket.send("[]").await;
    assert_eq!(answer(&socket.reply().await), refusal(400, "malformed_encoding"), "it is read");
    house.stop().await;
}

#[tokio::test]
async fn a_bomb_is_refused_before_the_rest_of_it_arrives() {
    let (_database, house, inlet) = house().await;
    for coding in CODINGS {
        let mut socket = open(&house, &inlet, coding, "Transfer-Encoding: chunked").await;
        let start = &bomb(coding, 30)[..];
        let start = &start[..start.len() * 9 / 10];
        socket.send(format!("{:x}\r\n", start.len())).await;
        socket.send(start).await;
        socket.send("\r\n").await;
        let reply = socket.reply().await;
        assert_eq!(answer(&reply), refusal(413, "body_too_large"), "{coding}");
        assert_eq!(reply.header("connection"), "close", "{coding}");
    }
    house.stop().await;
}

#[tokio::test]
async fn an_encoded_body_that_stops_arriving_times_out() {
    let database = TestDatabase::create().await;
    let mut options = stations();
    options.body_timeout = Duration::from_millis(100);
    let house = TestHouse::with(Database::new(database.config.clone()), options, SystemClock::shared()).await;
    let inlet = house.inlet().await;
    for coding in CODINGS {
        let body = encode(coding, &batch(&json!([event("e", &json!({}))])));
        let mut socket = open(&house, &inlet, coding, &format!("Content-Length: {}", body.len())).await;
        socket.send(&body[..body.len() - 1]).await;
        assert_eq!(answer(&socket.reply().await), refusal(408, "body_timeout"), "{coding}");
        assert!(socket.is_ended().await, "what is still to come cannot be told from a new request");
    }
    assert_eq!(house.number("select count(*) from event").await, 0);
    assert_eq!(house.state.ingest.depth(), (0, 0), "their room is free again");
    house.stop().await;
}

#[tokio::test]
async fn a_small_body_that_does_not_decode_keeps_the_connection() {
    let (_database, house, inlet) = house().await;
    let body = encode("gzip", b"[]");
    let mut socket = open(&house, &inlet, "br", &format!("Content-Length: {}", body.len())).await;
    socket.send(&body).await;
    assert_eq!(answer(&socket.reply().await), refusal(400, "malformed_encoding"));
    let key = format!("Authorization: Bearer {}", inlet.token);
    socket.head("GET", &inlet.path("/stream"), &[&key]).await;
    assert_eq!(socket.reply().await.status, 200);
    house.stop().await;
}
