//! Requests that never become one: the framework refuses them before any handler runs, and the refusal is a document too.

use std::time::Duration;

use tidegate::{domain::clock::SystemClock, http::problem::Code, store::Database};

use super::check;
use crate::support::{
    house::{Reply, TestHouse, stations},
    postgres::TestDatabase,
    socket::Socket,
};

/// What is answered to these bytes on a connection of their own.
pub async fn answer(house: &TestHouse, bytes: &str) -> Reply {
    let mut socket = Socket::open(house).await;
    socket.send(bytes).await;
    socket.reply().await
}

/// What is answered to a head that does not end.
pub async fn slow_head() -> Reply {
    let database = TestDatabase::create().await;
    let mut options = stations();
    options.http.head_timeout = Duration::from_millis(300);
    let house = TestHouse::with(Database::new(database.config.clone()), options, SystemClock::shared()).await;
    let reply = answer(&house, "GET / HTTP/1.1\r\nHost:").await;
    house.stop().await;
    reply
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_the_connection_ends() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let path = inlet.path("/stream/events");
    let post = |lines: &str| format!("POST {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n");
    for (bytes, status) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        (post("Content-Length: ten"), 400),
        (post("Content-Length: -1"), 400),
        (post("Content-Length: 1\r\nContent-Length: 2"), 400),
        (post("Content-Length: 2\r\nTransfer-Encoding: chunked"), 400),
        (post("Bad Header: 1"), 400),
        (format!("GET /{} HTTP/1.1\r\n", "x".repeat(200_000)), 431),
    ] {
        let mut socket = Socket::open(&house).await;
        socket.send(&bytes).await;
        let reply = socket.reply().await;
        assert_eq!(reply.status, status, "{}", &bytes[..bytes.len().min(200)]);
        check(&reply, if status == 431 { Code::HeadTooLarge } else { Code::MalformedRequest });
        assert!(socket.is_ended().await, "what follows cannot be read any more");
    }
    assert_eq!(house.get(&inlet.token, &inlet.path("/stream")).await.status, 200);
    house.stop().await;
}
