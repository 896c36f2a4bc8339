//! `/v1/project/{project}/datasource/{datasource}/stream`.

mod batch;

mod contact;

mod contacts;

mod dry_run;

mod erase;

mod encodings;

mod events;

mod poison;

mod probe;

mod receipt;

mod size;

mod specs;

use serde_json::{Value, json};

use crate::support::{
    house::{Inlet, Reply, TestHouse},
    postgres::TestDatabase,
};

/// A house with a datasource of the default country Spain.
pub async fn house() -> (TestDatabase, TestHouse, Inlet) {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    (database, house, inlet)
}

/// Pushes contacts.
pub async fn contacts(house: &TestHouse, inlet: &Inlet, items: &Value) -> Reply {
    house.post(&inlet.token, &inlet.path("/stream/contacts"), items).await
}

/// Pushes events.
pub async fn events(house: &TestHouse, inlet: &Inlet, items: &Value) -> Reply {
    house.post(&inlet.token, &inlet.path("/stream/events"), items).await
}

/// An event of an id with these parameters.
pub fn event(id: &str, parameters: &Value) -> Value {
    json!({"_user_id": "u", "_event_id": id, "_event_type": "purchase", "_event_parameters": parameters})
}

/// The stored attributes of a contact.
pub async fn contact_data(house: &TestHouse, inlet: &Inlet, user_id: &str) -> Value {
    let reply = house.get(&inlet.token, &inlet.path(&format!("/stream/contacts/{user_id}"))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["contact"]["contactData"].clone()
}

/// What random and changing members of an answer are replaced by before it is compared.
#[macro_export]
macro_rules! assert_answer {
    ($reply:expr) => {
        let reply = &$reply;
        let seen = serde_json::json!({"status": reply.status, "body": reply.json()});
        // Whether objects keep the order of their members is up to a feature that any dependency may turn on.
        insta::with_settings!({sort_maps => true}, { insta::assert_json_snapshot!(seen, {
            ".body.projectUid" => "[proj]",
            ".body.datasourceUid" => "[ds]",
            ".body.receipt.cursor" => insta::dynamic_redaction(|value, _| {
                if value.is_nil() { value } else { "[cursor]".into() }
            }),
            ".body.receipt.receivedAt" => "[time]",
            ".body.request_id" => "[request id]",
            ".body.**.uid" => "[uid]",
            ".body.**.prefix" => "[prefix]",
            ".body.contact.contactId" => "[uuid]",
            ".body.**.createdAt" => "[time]",
            ".body.**.updatedAt" => "[time]",
            ".body.datasource.lastContactReceivedAt" => "[time]",
            ".body.datasource.lastEventReceivedAt" => "[time]",
            ".body.stream.lastCallTime" => "[time]",
            ".body.stream.lastSuccessTime" => "[time]",
            ".body.stream.lastFailureTime" => "[time]",
        }) });
    };
}
