//! A project's own attributes, types of events and parameters.

use serde_json::{Value, json};

use tidegate::{
    auth::scope::Scope,
    domain::{declare::AttributePatch, spec::DataType},
    store::{
        Role,
        audit::Actor,
        specs::{self, Which},
    },
};

use super::{Manager, pointers};
use crate::support::{
    house::{Inlet, TestHouse},
    postgres::TestDatabase,
};

async fn push(house: &TestHouse, inlet: &Inlet, what: &str, item: Value) -> (Vec<String>, String) {
    let reply = house.post(&inlet.token, &inlet.path(&format!("/stream/{what}")), &json!([item])).await;
    (reply.outcomes(), reply.json()["errors"][0]["error"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn an_attribute_is_enforced_from_its_declaration_on() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (inlet, other) = (house.inlet().await, house.inlet().await);
    let manager = Manager::of(&house, &inlet).await;
    let contact = |size: &str| json!({"_user_id": "u", "shoe_size": size});
    assert_eq!(push(&house, &inlet, "contacts", contact("large")).await.0, ["created"]);
    let made = manager
        .ask(&house, "POST", "/specs/attributes", json!({"uid": "shoe_size", "dataType": "decimal"}))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(
        made.json()["entity"],
        json!({
            "uid": "shoe_size", "displayLabel": "shoe_size", "description": "", "dataType": "decimal",
            "multivalue": false, "requiredInWebhook": false, "readOnly": false, "important": false, "visible": true,
            "custom": true,
        })
    );
    let (outcomes, error) = push(&house, &inlet, "contacts", contact("large")).await;
    assert_eq!(outcomes, ["invalid"]);
    assert!(error.starts_with("shoe_size: "), "{error}");
    assert_eq!(push(&house, &inlet, "contacts", contact("42.50")).await.0, ["updated"]);
    assert_eq!(push(&house, &other, "contacts", contact("large")).await.0, ["created"], "another project");
    for path in [inlet.path("/stream/specs/attributes"), format!("{}/specs/attributes", manager.base)] {
        let key = if path.contains("/stream/") { &inlet.token } else { &manager.key };
        let answer = house.get(key, &path).await.json();
        let listed = answer["specs"].as_array().or(answer["entities"].as_array()).unwrap();
        assert!(listed.iter().any(|spec| spec["uid"] == "shoe_size"), "{path}");
    }
    house.stop().await;
}

#[tokio::test]
async fn a_changed_type_leaves_what_is_stored() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = Manager::of(&house, &inlet).await;
    let declare =
        json!({"uid": "size", "dataType": "string", "displayLabel": "Size", "requiredInWebhook": true});
    assert_eq!(manager.ask(&house, "POST", "/specs/attributes", declare).await.status, 201);
    assert_eq!(push(&house, &inlet, "contacts", json!({"_user_id": "u", "size": "XL"})).await.0, ["created"]);
    assert_eq!(push(&house, &inlet, "contacts", json!({"_user_id": "u"})).await.1, "size: is required");
    let changed = manager
        .ask(
            &house,
            "PATCH",
            "/specs/attributes/size",
            json!({"dataType": "int", "requiredInWebhook": false}),
        )
        .await;
    assert_eq!((changed.status, &changed.json()["entity"]["displayLabel"]), (200, &json!("Size")));
    let stored = house.get(&inlet.token, &inlet.path("/stream/contacts/u")).await.json();
    assert_eq!(stored["contact"]["contactData"]["size"], "XL");
    assert_eq!(push(&house, &inlet, "contacts", json!({"_user_id": "u", "size": "XL"})).await.0, ["invalid"]);
    assert_eq!(push(&house, &inlet, "contacts", json!({"_user_id": "u", "size": "7"})).await.0, ["updated"]);
    let gone = manager.ask(&house, "DELETE", "/specs/attributes/size", Value::Null).await;
    assert_eq!((gone.status, &gone.json()["entity"]["dataType"]), (200, &json!("int")));
    assert_eq!(push(&house, &inlet, "contacts", json!({"_user_id": "u", "size": "XL"})).await.0, ["updated"]);
    house.stop().await;
}

#[tokio::test]
async fn a_strict_datasource_takes_declared_types_alone() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let strict = house.datasource(&inlet.project, None, true, None).await;
    let manager = Manager::of(&house, &inlet).await;
    let event = |id: &str, parameters: Value| json!({"_user_id": "u", "_event_id": id, "_event_type": "trial/ended", "_event_parameters": parameters});
    assert_eq!(push(&house, &strict, "events", event("1", json!({}))).await.0, ["invalid"]);
    let made = manager
        .ask(&house, "POST", "/specs/events", json!({"uid": "trial/ended", "name": "Trial ended"}))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(push(&house, &strict, "events", event("1", json!({}))).await.0, ["stored"]);
    let parameters = "/specs/events/trial%2Fended/parameters";
    let new = json!({"parameter": "days", "dataType": "int", "required": true, "title": "Days"});
    let made = manager.ask(&house, "POST", parameters, new).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(
        push(&house, &strict, "events", event("2", json!({}))).await.1,
        "_event_parameters.days: is required"
    );
    assert_eq!(push(&house, &strict, "events", event("2", json!({"days": "14"}))).await.0, ["stored"]);
    let change = json!({"required": false, "dataType": "string", "maxLength": 2});
    let changed = manager.ask(&house, "PATCH", &format!("{parameters}/days"), change).await;
    assert_eq!((changed.status, &changed.json()["entity"]["maxLength"]), (200, &json!(2)));
    assert_eq!(
        push(&house, &strict, "events", event("3", json!({"days": "far too many"}))).await.0,
        ["invalid"]
    );
    let listed = manager.get(&house, "/specs/events/trial%2Fended").await.json();
    assert_eq!(listed["entities"][0]["parameter"], "days");
    assert_eq!(manager.ask(&house, "DELETE", "/specs/events/trial%2Fended", Value::Null).await.status, 200);
    assert_eq!(push(&house, &strict, "events", event("4", json!({}))).await.0, ["invalid"]);
    assert_eq!(house.number("select count(*) from spec").await, 0, "the parameters went with their type");
    house.stop().await;
}

#[tokio::test]
async fn a_built_in_type_gains_parameters_but_stays_as_it_is() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = Manager::of(&house, &inlet).await;
    let parameters = "/specs/events/purchase/parameters";
    let new = |name: &str| json!({"parameter": name, "dataType": "bool"});
    assert_eq!(manager.ask(&house, "POST", parameters, new("gift")).await.status, 201);
    let event = json!({"_user_id": "u", "_event_id": "1", "_event_type": "purchase", "_event_parameters": {"gift": "maybe"}});
    assert_eq!(push(&house, &inlet, "events", event).await.1, "_event_parameters.gift: is not true or false");
    assert_eq!(manager.ask(&house, "POST", parameters, new("gift")).await.code(), "already_exists");
    assert_eq!(manager.ask(&house, "POST", parameters, new("amount")).await.code(), "already_exists");
    assert_eq!(
        manager.ask(&house, "PATCH", &format!("{parameters}/amount"), json!({"required": true})).await.code(),
        "built_in"
    );
    let required = json!({"parameter": "till", "dataType": "int", "required": true});
    assert_eq!(pointers(&manager.ask(&house, "POST", parameters, required).await), ["/required"]);
    assert_eq!(
        manager.ask(&house, "POST", "/specs/events/unknown/parameters", new("a")).await.code(),
        "event_type_not_found"
    );
    assert_eq!(manager.ask(&house, "DELETE", "/specs/events/purchase", Value::Null).await.code(), "built_in");
    assert_eq!(
        manager.ask(&house, "PATCH", "/specs/events/unknown", json!({"name": "x"})).await.code(),
        "event_type_not_found"
    );
    house.stop().await;
}

#[tokio::test]
async fn a_bad_declaration_says_what_to_change() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = Manager::of(&house, &inlet).await;
    for (body, wanted) in [
        (json!({"uid": "_own", "dataType": "int"}), vec!["/uid"]),
        (json!({"uid": "id", "dataType": "int"}), vec!["/uid"]),
        (json!({"uid": "", "dataType": "int", "displayLabel": "a\nb"}), vec!["/uid", "/displayLabel"]),
        (json!({"uid": "a", "dataType": "integer"}), vec!["/dataType"]),
        (json!({"uid": "a", "dataType": "int", "readOnly": true}), vec!["/readOnly"]),
        (json!({"uid": "a"}), vec![""]),
        (json!("a"), vec![""]),
    ] {
        let reply = manager.ask(&house, "POST", "/specs/attributes", body.clone()).await;
        assert_eq!(pointers(&reply), wanted, "{body}");
    }
    let reply = manager.ask(&house, "PATCH", "/specs/attributes/none", json!({"important": true})).await;
    assert_eq!(reply.code(), "attribute_not_found");
    assert_eq!(house.number("select count(*) from spec").await, 0);
    house.stop().await;
}

#[tokio::test]
async fn a_mask_is_lifted_only_by_those_who_see_behind_it() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = Manager::of(&house, &inlet).await;
    for (path, body) in [
        ("/specs/attributes", json!({"uid": "alt", "dataType": "email"})),
        ("/specs/attributes", json!({"uid": "size", "dataType": "int"})),
        ("/specs/events", json!({"uid": "call"})),
        ("/specs/events", json!({"uid": "visit"})),
        ("/specs/events/call/parameters", json!({"parameter": "from", "dataType": "phone"})),
        ("/specs/events/visit/parameters", json!({"parameter": "page", "dataType": "url"})),
        ("/specs/events/purchase/parameters", json!({"parameter": "to", "dataType": "email"})),
    ] {
        assert_eq!(manager.ask(&house, "POST", path, body.clone()).await.status, 201, "{body}");
    }
    let lifting = [
        ("PATCH", "/specs/attributes/alt", json!({"dataType": "string"})),
        ("PATCH", "/specs/events/call/parameters/from", json!({"dataType": "payload", "title": "x"})),
        ("DELETE", "/specs/events/call", Value::Null),
        ("DELETE", "/specs/events/call/parameters/from", Value::Null),
        ("DELETE", "/specs/events/purchase/parameters/to", Value::Null),
        ("DELETE", "/specs/attributes/alt", Value::Null),
    ];
    for (method, path, body) in lifting.clone() {
        let reply = manager.ask(&house, method, path, body).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, "insufficient_scope"), "{method} {path}");
        assert_eq!(
            reply.header("www-authenticate"),
            "Bearer realm=\"tidegate\", error=\"insufficient_scope\", scope=\"PROJECT_AUDIENCE_DATA_BASIC\""
        );
    }
    assert_eq!(house.number("select count(*) from spec").await, 7, "nothing went");
    for (method, path, body) in [
        ("PATCH", "/specs/attributes/alt", json!({"dataType": "email", "important": true})),
        ("PATCH", "/specs/events/call/parameters/from", json!({"title": "From"})),
        ("PATCH", "/specs/attributes/size", json!({"dataType": "phone"})),
        ("DELETE", "/specs/events/visit", Value::Null),
    ] {
        assert_eq!(manager.ask(&house, method, path, body).await.status, 200, "{method} {path}");
    }
    let scopes = [Scope::ProjectManage, Scope::ProjectAudienceDataBasic];
    let (_, key) = house.product_token(Some(&inlet.project), &scopes).await;
    let seeing = Manager { key, base: manager.base };
    for (method, path, body) in lifting {
        let reply = seeing.ask(&house, method, path, body).await;
        let wanted =
            if path == "/specs/events/call/parameters/from" && method == "DELETE" { 404 } else { 200 };
        assert_eq!(reply.status, wanted, "{method} {path}: {}", reply.text);
    }
    house.stop().await;
}

#[tokio::test]
async fn a_deletion_answers_what_another_node_declared_a_moment_ago() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let manager = Manager::of(&house, &inlet).await;
    let mut elsewhere = house.database.connect(Role::Command).await.unwrap();
    let spec = AttributePatch::default().declare("size", DataType::Decimal);
    let which = Which::Attribute("size");
    specs::declare(&mut elsewhere, &inlet.project, which, &spec, 10, Actor::local("test"))
        .await
        .unwrap()
        .unwrap();
    let gone = manager.ask(&house, "DELETE", "/specs/attributes/size", Value::Null).await;
    assert_eq!((gone.status, &gone.json()["entity"]["dataType"]), (200, &json!("decimal")), "{}", gone.text);
    let again = manager.ask(&house, "DELETE", "/specs/attributes/size", Value::Null).await;
    assert_eq!(again.code(), "attribute_not_found");
    house.stop().await;
}
