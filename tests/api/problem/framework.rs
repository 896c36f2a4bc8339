//! Requests that never become one: the framework refuses them before any code of ours runs.

use crate::support::{house::TestHouse, postgres::TestDatabase, socket::Socket};

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
        assert!(socket.is_ended().await, "what follows cannot be read any more");
    }
    assert_eq!(house.get(&inlet.token, &inlet.path("/stream")).await.status, 200);
    house.stop().await;
}
