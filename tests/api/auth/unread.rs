//! A request is judged before its body: an answer comes although no byte of the body was ever sent.

use crate::support::{house::TestHouse, postgres::TestDatabase, socket::Socket};

const JSON: &str = "Content-Type: application/json";

#[tokio::test]
async fn a_refusal_comes_although_the_body_was_never_sent() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (own, foreign) = (house.inlet().await, house.inlet().await);
    let key = format!("Authorization: Bearer {}", own.token);
    let (_, reader) = house.product_token(None, &[tidegate::auth::scope::Scope::ProjectIngestRead]).await;
    let reader = format!("Authorization: Bearer {reader}");
    house.limit(&own.datasource, "contacts.write", 1).await;
    let _spent =
        house.post(&own.token, &own.path("/stream/contacts"), &serde_json::json!([{"_user_id": "u"}])).await;
    let cases = [
        (own.path("/stream/events"), "X-Nothing: 1", 401),
        (own.path("/stream/events"), "Authorization: Bearer noise", 401),
        (foreign.path("/stream/events"), key.as_str(), 404),
        (own.path("/stream/events"), reader.as_str(), 403),
        (own.path("/stream/contacts"), key.as_str(), 429),
    ];
    let answers = cases.map(|(path, authorization, status)| {
        let house = &house;
        async move {
            // Beyond what is drained, so that the connection ends at once instead of after the time for draining.
            for length in ["Content-Length: 65537", "Content-Length: 900"] {
                let mut socket = Socket::open(house).await;
                socket.head("POST", &path, &[authorization, JSON, length]).await;
                let reply = socket.reply().await;
                assert_eq!(reply.status, status, "{path} {authorization} {length}");
                assert!(socket.is_ended().await, "a body that never came cannot be skipped");
            }
        }
    });
    futures_util::future::join_all(answers).await;
    house.stop().await;
}

#[tokio::test]
async fn a_small_unread_body_is_drained_and_the_connection_kept() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let mut socket = Socket::open(&house).await;
    let body = "x".repeat(64 << 10);
    socket.head("POST", &inlet.path("/stream/events"), &[JSON, "Content-Length: 65536"]).await;
    socket.send(&body).await;
    assert_eq!(socket.reply().await.status, 401);
    let key = format!("Authorization: Bearer {}", inlet.token);
    socket.head("GET", &inlet.path("/stream"), &[&key]).await;
    assert_eq!(socket.reply().await.status, 200);
    house.stop().await;
}

#[tokio::test]
async fn a_large_unread_body_ends_the_connection() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let mut socket = Socket::open(&house).await;
    socket.head("POST", &inlet.path("/stream/events"), &[JSON, "Content-Length: 65537"]).await;
    let reply = socket.reply().await;
    assert_eq!((reply.status, reply.header("connection")), (401, "close"));
    assert!(socket.is_ended().await);
    house.stop().await;
}
