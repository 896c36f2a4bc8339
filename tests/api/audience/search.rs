//! One contact by its sender's id, by e-mail, by phone and by its own id.

use serde_json::json;
use tidegate::auth::scope::Scope;

use super::{Reader, contact};
use crate::support::{house::TestHouse, postgres::TestDatabase};

#[tokio::test]
async fn a_contact_is_found_by_each_of_its_names() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let reader = Reader::of(&house, &inlet).await;
    let ada = json!({"_user_id": "a+b/ö@x", "_email": "Ada.L@Example.com", "_phone_mobile": "600 111 222", "id": "own", "_city": "Rome"});
    contact(&house, &inlet, ada).await;
    let by_user = reader.get(&house, "/user/a+b%2F%C3%B6%40x").await;
    assert_eq!(by_user.status, 200, "{}", by_user.text);
    let entity = by_user.json()["entity"].clone();
    let id = entity["id"].as_str().unwrap();
    assert_eq!((&entity["_user_id"], &entity["_contact_id"]), (&json!("a+b/ö@x"), &json!(id)));
    assert_eq!(
        (&entity["_email"], &entity["_phone_mobile"]),
        (&json!("Ada.L@example.com"), &json!("+34600111222"))
    );
    assert!(entity["_created_at"].is_string() && entity["_city"] == "Rome");
    assert_eq!(by_user.json()["metadata"], json!({"datasource": inlet.datasource, "matches": 1}));
    assert_eq!(by_user.header("ratelimit-policy"), "\"audience.read\";q=6000;w=60");
    for same in [
        "/search/email/ada.l@EXAMPLE.com".to_owned(),
        "/search/email/ADA.L%40example.com".into(),
        "/search/phone/+34600111222".into(),
        "/search/phone/%2B34%20600%20111%20222".into(),
        "/search/phone/600111222".into(),
        format!("/{id}"),
        format!("/{}", id.to_uppercase()),
    ] {
        assert_eq!(reader.get(&house, &same).await.json()["entity"], entity, "{same}");
    }
    house.stop().await;
}

#[tokio::test]
async fn what_names_nobody_is_told_from_what_is_no_name() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (inlet, other) = (house.inlet().await, house.inlet().await);
    let reader = Reader::of(&house, &inlet).await;
    contact(&house, &other, json!({"_user_id": "u", "_email": "u@example.com"})).await;
    let foreign = Reader::of(&house, &other).await.id(&house, "/user/u").await;
    for nobody in
        ["/user/u", "/search/email/u@example.com", "/search/phone/+34600111222", &format!("/{foreign}")]
    {
        assert_eq!(reader.get(&house, nobody).await.code(), "contact_not_found", "{nobody}");
    }
    for nonsense in [
        "/user/%FF",
        "/user/%00",
        "/search/email/nobody",
        "/search/phone/abc",
        "/search/phone/1",
        "/not-a-uuid",
    ] {
        let reply = reader.get(&house, nonsense).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "invalid_path"), "{nonsense}");
    }
    house.stop().await;
}

#[tokio::test]
async fn the_foremost_datasource_speaks_for_a_person_that_several_know() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let first = house.inlet().await;
    let second = house.datasource(&first.project, None, false, None).await;
    let reader = Reader::of(&house, &first).await;
    for (inlet, city) in [(&first, "Rome"), (&second, "Oslo")] {
        contact(&house, inlet, json!({"_user_id": "u", "_city": city, "_email": "u@example.com"})).await;
    }
    for path in ["/user/u", "/search/email/u@example.com"] {
        let found = reader.get(&house, path).await.json();
        assert_eq!(
            (&found["entity"]["_city"], &found["metadata"]["matches"]),
            (&json!("Rome"), &json!(2)),
            "{path}"
        );
    }
    let (_, manager) = house.product_token(Some(&first.project), &[Scope::ProjectManage]).await;
    let path = format!("/v1/project/{}/datasource/{}", first.project, second.datasource);
    let foremost = house.request("PATCH", &path).bearer_auth(&manager).json(&json!({"priority": 1}));
    assert_eq!(crate::support::house::Reply::of(foremost).await.status, 200);
    let found = reader.get(&house, "/user/u").await.json();
    assert_eq!(
        (&found["entity"]["_city"], &found["metadata"]["datasource"]),
        (&json!("Oslo"), &json!(second.datasource))
    );
    house.delete(&manager, &path).await;
    let found = reader.get(&house, "/user/u").await.json();
    assert_eq!((&found["entity"]["_city"], &found["metadata"]["matches"]), (&json!("Rome"), &json!(1)));
    house.stop().await;
}

#[tokio::test]
async fn addresses_and_numbers_are_masked_without_the_scope() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let (_, manager) = house.product_token(Some(&inlet.project), &[Scope::ProjectManage]).await;
    let path = format!("/v1/project/{}/specs/attributes", inlet.project);
    let declare = json!({"uid": "work_mails", "dataType": "email", "multivalue": true});
    assert_eq!(house.post(&manager, &path, &declare).await.status, 201);
    let ada = json!({"_user_id": "u", "_email": "ada@example.com", "_phone_mobile": "+34600111221", "work_mails": ["w@example.org"], "note": "n@example.com"});
    contact(&house, &inlet, ada).await;
    let masked = Reader::with(&house, &inlet, &[Scope::ProjectAudienceRead]).await;
    for path in ["/user/u", "/search/email/ada@example.com", "/search/phone/+34600111221"] {
        let entity = masked.get(&house, path).await.json()["entity"].clone();
        assert_eq!(
            (&entity["_email"], &entity["_phone_mobile"]),
            (&json!("a•••@•••.com"), &json!("+•••21")),
            "{path}"
        );
        assert_eq!(
            (&entity["work_mails"], &entity["note"]),
            (&json!(["w•••@•••.org"]), &json!("n@example.com"))
        );
    }
    house.stop().await;
}

#[tokio::test]
async fn what_was_stored_before_it_was_declared_is_masked_whatever_it_is() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let ada = json!({
        "_user_id": "u", "mobile": 34_600_111_222_i64, "mobiles": [34_600_111_223_i64, true],
        "alt": {"a": "ada@example.com", "ada@example.com": null}, "nick": "ada.lovelace",
    });
    contact(&house, &inlet, ada).await;
    let event = json!({"_user_id": "u", "_event_id": "1", "_event_type": "purchase", "_event_parameters": {"till": [{"no": 600_111_224}]}});
    let pushed = house.post(&inlet.token, &inlet.path("/stream/events"), &json!([event])).await;
    assert_eq!(pushed.outcomes(), ["stored"]);
    let (_, manager) = house.product_token(Some(&inlet.project), &[Scope::ProjectManage]).await;
    let specs = format!("/v1/project/{}/specs", inlet.project);
    for (uid, data_type) in [("mobile", "phone"), ("mobiles", "phone"), ("alt", "email"), ("nick", "email")] {
        let declare = json!({"uid": uid, "dataType": data_type});
        assert_eq!(house.post(&manager, &format!("{specs}/attributes"), &declare).await.status, 201);
    }
    let declare = json!({"parameter": "till", "dataType": "phone"});
    let path = format!("{specs}/events/purchase/parameters");
    assert_eq!(house.post(&manager, &path, &declare).await.status, 201);
    let scopes = [Scope::ProjectAudienceRead, Scope::ProjectAudienceDataEvents];
    let masked = Reader::with(&house, &inlet, &scopes).await;
    let entity = masked.get(&house, "/user/u").await.json()["entity"].clone();
    assert_eq!(
        (&entity["mobile"], &entity["mobiles"], &entity["nick"]),
        (&json!("+•••22"), &json!(["+•••23", true]), &json!("a•••@•••"))
    );
    assert_eq!(entity["alt"], json!({"a": "a•••@•••.com", "a•••@•••.com": null}));
    let id = entity["id"].as_str().unwrap();
    let events = masked.get(&house, &format!("/{id}/events")).await;
    assert_eq!(
        events.json()["entities"][0]["parameters"],
        json!({"till": [{"no": "+•••24"}]}),
        "{}",
        events.text
    );
    house.stop().await;
}
