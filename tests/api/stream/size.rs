//! How large a body may be: decided while reading, the same with and without a declared length.

use super::house;
use crate::support::{
    house::{Inlet, Reply, TestHouse},
    socket::Socket,
};

const LIMIT: usize = 1024 * 1024;

/// A batch of one contact, filled up with white space to this many bytes.
fn padded(user_id: &str, bytes: usize) -> Vec<u8> {
    let mut body = format!(r#"[{{"_user_id":"{user_id}"}}"#).into_bytes();
    body.resize(bytes - 1, b' ');
    body.push(b']');
    body
}

async fn open(house: &TestHouse, inlet: &Inlet, framing: &str) -> Socket {
    let mut socket = Socket::open(house).await;
    let key = format!("Authorization: Bearer {}", inlet.token);
    let lines = [key.as_str(), "Content-Type: application/json", framing];
    socket.head("POST", &inlet.path("/stream/contacts"), &lines).await;
    socket
}

async fn send_chunked(house: &TestHouse, inlet: &Inlet, body: &[u8]) -> Reply {
    let mut socket = open(house, inlet, "Transfer-Encoding: chunked").await;
    for chunk in body.chunks(60_000) {
        socket.send(format!("{:x}\r\n", chunk.len())).await;
        socket.send(chunk).await;
        socket.send("\r\n").await;
    }
    socket.send("0\r\n\r\n").await;
    socket.reply().await
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_taken() {
    let (_database, house, inlet) = house().await;
    let declared = house.post_bytes(&inlet.token, &inlet.path("/stream/contacts"), padded("a", LIMIT)).await;
    assert_eq!((declared.status, declared.outcomes()), (202, vec!["created".to_owned()]));
    let chunked = send_chunked(&house, &inlet, &padded("b", LIMIT)).await;
    assert_eq!((chunked.status, chunked.outcomes()), (202, vec!["created".to_owned()]));
    house.stop().await;
}

#[tokio::test]
async fn one_byte_more_is_too_large() {
    let (_database, house, inlet) = house().await;
    let chunked = send_chunked(&house, &inlet, &padded("u", LIMIT + 1)).await;
    assert_eq!((chunked.status, chunked.code().as_str()), (413, "body_too_large"));
    let declared =
        house.post_bytes(&inlet.token, &inlet.path("/stream/contacts"), padded("u", LIMIT + 1)).await;
    assert_eq!((declared.status, declared.code().as_str()), (413, "body_too_large"));
    assert_eq!(house.number("select count(*) from contact").await, 0);
    house.stop().await;
}

#[tokio::test]
async fn a_client_that_writes_before_it_reads_still_learns_why() {
    let (_database, house, inlet) = house().await;
    for _ in 0..20 {
        let large =
            house.post_bytes(&inlet.token, &inlet.path("/stream/contacts"), padded("u", 3 * LIMIT)).await;
        assert_eq!((large.status, large.code().as_str()), (413, "body_too_large"));
        let unknown = house.post_bytes("noise", &inlet.path("/stream/contacts"), padded("u", LIMIT)).await;
        assert_eq!((unknown.status, unknown.code().as_str()), (401, "invalid_token"));
    }
    house.stop().await;
}

/// Written in small pieces and read only afterwards, by a client that is slower than the server.
#[tokio::test]
async fn the_answer_waits_for_a_client_that_is_still_writing() {
    let (_database, house, inlet) = house().await;
    let mut socket = open(&house, &inlet, &format!("Content-Length: {}", 3 * LIMIT)).await;
    for _ in 0..48 {
        socket.send(&" ".repeat(LIMIT / 16)).await;
        tokio::task::yield_now().await;
    }
    let reply = socket.reply().await;
    assert_eq!((reply.status, reply.header("connection")), (413, "close"));
    house.stop().await;
}

#[tokio::test]
async fn a_length_beyond_the_limit_is_refused_before_a_byte_arrives() {
    let (_database, house, inlet) = house().await;
    for length in ["1048577", "10000000000", "18446744073709551615"] {
        let mut socket = open(&house, &inlet, &format!("Content-Length: {length}")).await;
        assert_eq!(socket.reply().await.status, 413, "{length}");
    }
    house.stop().await;
}

#[tokio::test]
async fn a_client_that_waits_for_leave_to_send_gets_it() {
    let (_database, house, inlet) = house().await;
    let mut socket = Socket::open(&house).await;
    let (key, body) = (format!("Authorization: Bearer {}", inlet.token), padded("u", 5_000));
    let lines = [&key, "Content-Type: application/json", "Content-Length: 5000", "Expect: 100-continue"];
    socket.head("POST", &inlet.path("/stream/contacts"), &lines).await;
    assert_eq!(socket.reply().await.status, 100);
    socket.send(&body).await;
    assert_eq!(socket.reply().await.status, 202);
    house.stop().await;
}

#[tokio::test]
async fn an_endless_body_is_cut_as_soon_as_it_is_too_large() {
    let (_database, house, inlet) = house().await;
    let mut socket = open(&house, &inlet, "Transfer-Encoding: chunked").await;
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    for _ in 0..17 {
        socket.send(&chunk).await;
    }
    let reply = socket.reply().await;
    assert_eq!((reply.status, reply.header("connection")), (413, "close"));
    assert_eq!(house.state.ingest.depth(), (0, 0), "its room is free again");
    house.stop().await;
}
