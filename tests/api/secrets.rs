//! What must not be seen: keys in no answer and no log line, customers' values in no log line of ours.

use serde_json::json;

use crate::{log, stream::house, support::house::Reply};

#[tokio::test]
async fn neither_keys_nor_values_are_logged_or_answered() {
    log::keep();
    let (_database, house, inlet) = house().await;
    let secret = "very-secret-value";
    let wrong = format!("{}x", inlet.token);
    let path = inlet.path("/stream/contacts");
    let mut replies = vec![
        house.post(&inlet.token, &path, &json!([{"_user_id": "u", "_email": secret}])).await,
        house.post(&inlet.token, &path, &json!([{"_user_id": "u", "own": format!("{secret}\0")}])).await,
        house.post_bytes(&inlet.token, &path, format!("[{{\"a\": \"{secret}\"")).await,
        house.get(&wrong, &path).await,
        Reply::of(house.request("GET", &format!("{path}?api_key={}", inlet.token))).await,
        Reply::of(house.request("GET", &path).header("Authorization", &inlet.token)).await,
        house.get(&inlet.token, &inlet.path("/stream")).await,
    ];
    house.sql("alter table lot rename to lots; alter table event_key add constraint one check (false) not valid").await;
    let event = json!([{"_user_id": secret, "_event_id": secret, "_event_type": "t"}]);
    replies.push(house.post(&inlet.token, &inlet.path("/stream/events"), &event).await);
    replies.push(house.post(&inlet.token, &path, &json!([{"_user_id": "v", "own": secret}])).await);
    for reply in replies {
        assert!(!reply.text.contains(&inlet.token) && !reply.text.contains(secret), "{}", reply.text);
        assert!(!format!("{:?}", reply.headers).contains(&inlet.token[8..]));
    }
    house.stop().await;
    let text = log::text();
    assert!(text.contains("answered"), "something was logged");
    assert!(!text.contains(&inlet.token[8..]), "a key is in the log");
    assert!(!text.contains(secret), "a customer's value is in the log");
}
