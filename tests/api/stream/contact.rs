//! `…/stream/contacts/{user_id}`.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use tidegate::{auth::scope::Scope, http::problem::Code};

use super::{contacts, house};
use crate::support::{
    house::{Inlet, Reply, TestHouse},
    socket::Socket,
};

/// `GET` of a path that is sent as it is written here.
async fn get_raw(house: &TestHouse, inlet: &Inlet, segment: &str) -> Reply {
    let mut socket = Socket::open(house).await;
    let key = format!("Authorization: Bearer {}", inlet.token);
    socket.head("GET", &inlet.path(&format!("/stream/contacts/{segment}")), &[&key]).await;
    socket.reply().await
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

const IDS: [&str; 19] = [
    "ann@example.com",
    "+34600111221",
    "crm:42",
    "a+b@c.d:e",
    "a/b",
    "a%2Fb",
    "50%",
    "%25",
    "%zz",
    "ñandú",
    "人",
    "💶",
    "two words",
    ".",
    "..",
    "a;b=c",
    "?q=1#f",
    "\"'<>\\^`{|}",
    "\u{1}\n\t",
];

#[tokio::test]
async fn a_contact_is_found_under_its_encoded_id() {
    let (_database, house, inlet) = house().await;
    let all: Vec<_> = IDS.iter().map(|id| json!({"_user_id": id})).collect();
    assert_eq!(contacts(&house, &inlet, &json!(all)).await.json()["entitiesFailures"], 0);
    for id in IDS {
        let reply = get_raw(&house, &inlet, &encoded(id)).await;
        assert_eq!(reply.status, 200, "{id:?}: {}", reply.text);
        assert_eq!(reply.json()["contact"]["contactData"]["_user_id"], id);
        let bytes: String = id.bytes().map(|byte| format!("%{byte:02x}")).collect();
        assert_eq!(get_raw(&house, &inlet, &bytes).await.status, 200, "{id:?} byte by byte, in lower case");
    }
    house.stop().await;
}

#[tokio::test]
async fn what_http_allows_in_a_path_may_come_raw() {
    let (_database, house, inlet) = house().await;
    let raw = ["ann@example.com", "+34600111221", "crm:42", "a+b@c.d:e", "a;b=c", "a!$&'()*,~-._", "."];
    let all: Vec<_> = raw.iter().map(|id| json!({"_user_id": id})).collect();
    contacts(&house, &inlet, &json!(all)).await;
    for id in raw {
        let reply = get_raw(&house, &inlet, id).await;
        assert_eq!((reply.status, &reply.json()["contact"]["contactData"]["_user_id"]), (200, &json!(id)));
    }
    assert_eq!(get_raw(&house, &inlet, "a%20b").await.code(), "contact_not_found", "plus is no space");
    assert_eq!(get_raw(&house, &inlet, "crm:42?x=y/z").await.status, 200, "the query is no part of it");
    house.stop().await;
}

#[tokio::test]
async fn ids_that_no_contact_can_have_are_bad_paths() {
    let (_database, house, inlet) = house().await;
    let longest = "ü".repeat(127) + "x";
    contacts(&house, &inlet, &json!([{"_user_id": longest}])).await;
    assert_eq!(get_raw(&house, &inlet, &encoded(&longest)).await.status, 200, "255 bytes");
    for segment in [encoded(&(longest + "x")), "%FF".into(), "a%C3".into(), "%00".into(), "%ED%A0%80".into()]
    {
        let reply = get_raw(&house, &inlet, &segment).await;
        super::super::problem::check(&reply, Code::InvalidPath);
        let path = inlet.path(&format!("/stream/contacts/{segment}"));
        assert_eq!(house.delete(&inlet.token, &path).await.code(), "invalid_path");
    }
    assert_eq!(get_raw(&house, &inlet, "").await.status, 404);
    house.stop().await;
}

#[tokio::test]
async fn a_stored_contact_has_exactly_its_members() {
    let (_database, house, inlet) = house().await;
    contacts(
        &house,
        &inlet,
        &json!([{"_user_id": "u", "_email": "a@b.de", "_phone_mobile": "+34600111221"}]),
    )
    .await;
    let reply = house.get(&inlet.token, &inlet.path("/stream/contacts/u")).await;
    let first = reply.json()["contact"].clone();
    assert_eq!(first["createdAt"], first["updatedAt"]);
    assert!(first["contactId"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    crate::assert_answer!(reply);
    contacts(&house, &inlet, &json!([{"_user_id": "u", "_city": "Rome"}])).await;
    let second = house.get(&inlet.token, &inlet.path("/stream/contacts/u")).await.json()["contact"].clone();
    assert_eq!((&second["contactId"], &second["createdAt"]), (&first["contactId"], &first["createdAt"]));
    assert_ne!(second["updatedAt"], first["updatedAt"]);
    house.stop().await;
}

#[tokio::test]
async fn a_key_without_the_scope_sees_addresses_and_numbers_masked() {
    let (_database, house, inlet) = house().await;
    contacts(
        &house,
        &inlet,
        &json!([{"_user_id": "u", "_email": "ann@b.de", "_phone_mobile": "+34600111221"}]),
    )
    .await;
    let read = Scope::ProjectIngestRead;
    let (_, blind) = house.product_token(Some(&inlet.project), &[read]).await;
    let (_, sighted) =
        house.product_token(Some(&inlet.project), &[read, Scope::ProjectAudienceDataBasic]).await;
    let path = inlet.path("/stream/contacts/u");
    for (key, email, phone) in [
        (&blind, "a•••@•••.de", "+•••21"),
        (&sighted, "ann@b.de", "+34600111221"),
        (&inlet.token, "ann@b.de", "+34600111221"),
    ] {
        let data = house.get(key, &path).await.json()["contact"]["contactData"].clone();
        assert_eq!(data, json!({"_user_id": "u", "_email": email, "_phone_mobile": phone}));
    }
    house.stop().await;
}

#[tokio::test]
async fn a_deletion_answers_like_a_push_also_when_there_was_nothing() {
    let (_database, house, inlet) = house().await;
    contacts(&house, &inlet, &json!([{"_user_id": "a/b"}])).await;
    let path = inlet.path("/stream/contacts/a%2Fb");
    let gone = house.delete(&inlet.token, &path).await;
    assert_eq!((gone.status, &gone.json()["entitiesSuccess"]), (200, &json!(1)));
    crate::assert_answer!(gone);
    assert_eq!(house.get(&inlet.token, &path).await.code(), "contact_not_found");
    let again = house.delete(&inlet.token, &path).await;
    assert_eq!((again.status, &again.json()["entitiesSuccess"]), (200, &json!(0)));
    assert_eq!((&again.json()["success"], again.outcomes().len()), (&json!(true), 0));
    assert_eq!(contacts(&house, &inlet, &json!([{"_user_id": "a/b"}])).await.outcomes(), ["created"]);
    house.stop().await;
}
