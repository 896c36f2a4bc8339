//! `X-Request-Id`: taken over where it is harmless, else made, on every answer.

use std::collections::HashSet;

use crate::{stream::house, support::house::Reply};

#[tokio::test]
async fn every_answer_has_one_of_its_own() {
    let (_database, house, inlet) = house().await;
    let mut seen = HashSet::new();
    for path in ["/health/live", "/docs/errors", "/nothing", "/v1/nothing", &inlet.path("/stream")] {
        for method in ["GET", "POST", "HEAD"] {
            let reply = Reply::of(house.request(method, path).bearer_auth(&inlet.token)).await;
            let id = reply.header("x-request-id").to_owned();
            assert!(id.len() >= 16, "{method} {path}: {id}");
            assert!(seen.insert(id), "each is used once");
        }
    }
    house.stop().await;
}

#[tokio::test]
async fn a_harmless_one_is_echoed_and_any_other_replaced() {
    let (_database, house, _) = house().await;
    let longest = "x".repeat(128);
    for id in ["a", "01234567-89ab-cdef", "trace/1:2=3+4_5.6", &longest] {
        let reply = Reply::of(house.request("GET", "/nothing").header("X-Request-Id", id)).await;
        assert_eq!(reply.header("x-request-id"), id);
        assert_eq!(reply.json()["request_id"], id);
    }
    let too_long = "x".repeat(129);
    for id in ["", "two words", "<script>", "é", "a\"b", &too_long] {
        let reply = Reply::of(house.request("GET", "/nothing").header("X-Request-Id", id)).await;
        assert_ne!(reply.header("x-request-id"), id);
        assert_eq!(reply.json()["request_id"], reply.header("x-request-id"));
    }
    house.stop().await;
}
