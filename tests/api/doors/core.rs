//! Core data by instance key.

use serde_json::{Value, json};
use tidegate::auth::single::Single;

use super::{ask, listed, raw};
use crate::support::{
    house::{Reply, TestHouse},
    postgres::TestDatabase,
};

const PATH: &str = "/crm/api/v2/contacts";

fn uuid(reply: &Reply) -> String {
    reply.json()["uuid"].as_str().unwrap_or_else(|| panic!("{}", reply.text)).to_owned()
}

#[tokio::test]
async fn a_contact_lives_at_the_door() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    // No datasource yet: the door makes one.
    let project = house.project().await;
    house.state.authority.refresh().await.unwrap();
    let key = house.single_key(&project, Single::Instance).await;
    let sent = json!({
        "email": "Ada@Example.com", "first_name": "Ada", "phone": "+34600111222", "country": "es",
        "custom_field.plan": "gold", "lead_score": 7,
    });
    let made = ask(&house, &key, "POST", &format!("{PATH}?format=json"), Some(sent.clone())).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = uuid(&made);
    let stored = json!({
        "uuid": id, "user_id": id, "email": "Ada@example.com", "first_name": "Ada", "phone": "+34600111222",
        "country": "ES", "custom_field.plan": "gold", "custom_field.lead_score": 7,
    });
    let same = |answer: &Value, stored: &Value| {
        for (name, value) in stored.as_object().unwrap() {
            assert_eq!(answer[name], *value, "{name} in {answer}");
        }
    };
    same(&made.json(), &stored);
    let one = format!("{PATH}/{id}");
    same(&ask(&house, &key, "GET", &one, None).await.json(), &stored);

    // Again: the same contact, merged.
    let again =
        ask(&house, &key, "POST", PATH, Some(json!({"email": "ADA@example.com", "city": "Madrid"}))).await;
    assert_eq!((again.status, uuid(&again)), (201, id.clone()));
    assert_eq!(again.json()["first_name"], "Ada");
    assert_eq!(listed(&ask(&house, &key, "GET", PATH, None).await, "uuid"), (vec![id.clone()], 1));

    for (method, change) in
        [("PATCH", json!({"last_name": "King"})), ("PUT", json!({"first_name": null, "city": ""}))]
    {
        let changed = ask(&house, &key, method, &one, Some(change)).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
    }
    let seen = ask(&house, &key, "GET", &one, None).await.json();
    assert_eq!(
        (&seen["last_name"], seen.get("first_name"), &seen["city"]),
        (&json!("King"), None, &json!(""))
    );
    // What was read can be sent back as it is.
    let back = ask(&house, &key, "PUT", &one, Some(seen.clone())).await;
    assert_eq!((back.status, back.json()), (200, seen));

    let gone = ask(&house, &key, "DELETE", &one, None).await;
    assert_eq!((gone.status, gone.json()), (200, json!({"uuid": id})));
    for (method, body) in [("GET", None), ("PATCH", Some(json!({"city": "x"}))), ("DELETE", None)] {
        let reply = ask(&house, &key, method, &one, body).await;
        assert_eq!(
            (reply.status, &reply.json()["errors"][0]["code"]),
            (404, &json!("contact_not_found")),
            "{method}"
        );
    }
    assert_eq!(house.number("select count(*) from contact").await, 0);
    let makers =
        "select count(*) from audit where action = 'datasource.create' and actor like 'instance key %'";
    assert_eq!(house.number(makers).await, 1);
    house.stop().await;
}

#[tokio::test]
async fn lists_are_sorted_searched_and_paged() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let key = house.single_key(&inlet.project, Single::Instance).await;
    let mut ids = Vec::new();
    for (name, city) in [("carol", "Bonn"), ("alice", "Ulm"), ("bob", "Bonn")] {
        let body = json!({"email": format!("{name}@example.com"), "city": city, "custom_field.tag": format!("100%_{name}")});
        ids.push(uuid(&ask(&house, &key, "POST", PATH, Some(body)).await));
    }
    // Pushed by its sender's own token, and the same person at the door.
    let pushed = json!([{"_user_id": "pushed", "_first_name": "Dora", "_phone_mobile": "600 111 222"}]);
    assert_eq!(house.post(&inlet.token, &inlet.path("/stream/contacts"), &pushed).await.status, 202);
    let list = async |query: &str| ask(&house, &key, "GET", &format!("{PATH}?{query}"), None).await;
    let names = async |query: &str| listed(&list(query).await, "user_id");
    let [carol, alice, bob] = [&ids[0], &ids[1], &ids[2]].map(String::clone);
    let dora = "pushed".to_owned();
    ask(&house, &key, "PATCH", &format!("{PATH}/{alice}"), Some(json!({"city": "Köln"}))).await;

    let newest = [&alice, &dora, &bob, &carol].map(String::clone);
    assert_eq!(names("").await, (newest.to_vec(), 4));
    assert_eq!(
        names("sort_by=created&sort_order=asc").await.0,
        [&carol, &alice, &bob, &dora].map(String::clone)
    );
    assert_eq!(
        names("sort_by=email&sort_order=ASC").await.0,
        [&dora, &alice, &bob, &carol].map(String::clone)
    );
    let page = list("sort_by=email&size=3&page=2").await.json();
    assert_eq!((&page["total_pages"], &page["page"], &page["size"]), (&json!(2), &json!(2), &json!(3)));
    assert_eq!(page["results"][0]["user_id"], dora);
    assert_eq!(names("size=3&page=9").await, (Vec::new(), 4));

    assert_eq!(names("search_by=email&keyword=ALICE@example.com&exact=true").await, (vec![alice.clone()], 1));
    assert_eq!(names("keyword=BOB").await, (vec![bob.clone()], 1));
    assert_eq!(names("search_by=email&keyword=bob&exact=true").await.1, 0);
    assert_eq!(
        names("search_by=city&keyword=bonn&sort_by=email").await,
        (vec![carol.clone(), bob.clone()], 2)
    );
    assert_eq!(names("search_by=city&keyword=bon&exact").await.1, 0);
    assert_eq!(
        names("search_by=phone&keyword=%2B34600111222&exact=1").await.0.as_slice(),
        std::slice::from_ref(&dora)
    );
    assert_eq!(names("search_by=custom_field.tag&keyword=%25_").await.1, 3);
    assert_eq!(names("search_by=custom_field.tag&keyword=0_").await.1, 0);
    assert_eq!(
        names(&format!("search_by=uuid&keyword={bob}&exact=true")).await.0.as_slice(),
        std::slice::from_ref(&bob)
    );

    assert_eq!(names("search_by=user_id&keyword=PUSHED&exact=true").await.1, 1);

    for query in ["page=0", "size=101", "sort_by=age", "sort_order=up", "exact=maybe"] {
        let reply = list(query).await;
        assert_eq!(
            (reply.status, &reply.json()["errors"][0]["code"]),
            (400, &json!("invalid_parameter")),
            "{query}"
        );
    }
    house.stop().await;
}

#[tokio::test]
async fn forms_are_taken_and_faults_are_named_in_the_doors_words() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let key = house.single_key(&inlet.project, Single::Instance).await;
    let form = "email=f%40example.com&loyalty_points=12&custom_field.a+b=c%26d";
    let sent = raw(house.request("POST", PATH), &key).body(form);
    let made = Reply::of(sent.header("Content-Type", "application/x-www-form-urlencoded")).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let seen = made.json();
    assert_eq!((&seen["loyalty_points"], &seen["custom_field.a b"]), (&json!(12), &json!("c&d")));

    let nothing = Reply::of(raw(house.request("POST", PATH), &key)).await;
    let missing = json!({"errors": [{"code": "invalid_body", "message": "email: is required"}]});
    assert_eq!((nothing.status, nothing.json()), (400, missing));
    let wrong = json!({"email": "a@b.de", "phone": "x", "birth_date": "soon"});
    let wrong = ask(&house, &key, "POST", PATH, Some(wrong)).await;
    let errors = wrong.json()["errors"].as_array().unwrap().clone();
    let starts = |name: &str| errors.iter().any(|one| one["message"].as_str().unwrap().starts_with(name));
    assert!(
        wrong.status == 400 && errors.len() == 2 && starts("phone: ") && starts("birth_date: "),
        "{}",
        wrong.text
    );
    assert_eq!(ask(&house, &key, "POST", PATH, Some(json!([1]))).await.status, 400);
    let text =
        raw(house.request("POST", PATH), &key).header("Content-Type", "text/plain").body("email=a@b.de");
    assert_eq!(Reply::of(text).await.status, 415);
    let method = ask(&house, &key, "PUT", PATH, None).await;
    assert_eq!((method.status, method.header("allow")), (405, "POST, GET"));
    assert!(method.json()["errors"][0]["message"].is_string());
    assert_eq!(house.number("select count(*) from contact").await, 1);
    house.stop().await;
}

#[tokio::test]
async fn many_at_once_make_one_contact_and_one_datasource() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let project = house.project().await;
    house.state.authority.refresh().await.unwrap();
    let key = house.single_key(&project, Single::Instance).await;
    let make = |n: i32| ask(&house, &key, "POST", PATH, Some(json!({"email": "one@example.com", "n": n})));
    let all = futures_util::future::join_all((0..12).map(make)).await;
    let ids: std::collections::BTreeSet<String> = all.iter().map(uuid).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(house.number("select count(*) from contact").await, 1);
    assert_eq!(house.number("select count(*) from datasource").await, 1);
    house.stop().await;
}
