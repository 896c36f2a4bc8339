//! Contacts and conversations by personal key.

use std::collections::HashSet;

use serde_json::{Value, json};
use tidegate::{
    auth::{scope::Role, single::Single},
    http::routes::DOORS,
    store::{conversations, keys::End},
};
use uuid::Uuid;

use super::{ask, listed};
use crate::{
    audit::around,
    support::{
        house::{Inlet, Reply, TestHouse},
        postgres::TestDatabase,
    },
};

const CONTACT: &str = "/api/v1/contact";
const CONVERSATION: &str = "/api/v1/conversation";

struct Scene {
    house: TestHouse,
    /// With a token, whose default country is Spain.
    inlet: Inlet,
    user: String,
    key: (Uuid, String),
    _database: TestDatabase,
}

impl Scene {
    /// A project with a datasource, and a user who sees it alone.
    async fn set(role: Role) -> Self {
        let database = TestDatabase::create().await;
        let house = TestHouse::start(&database).await;
        let inlet = house.inlet().await;
        let user = house.user(Role::FullAccess, Some(std::slice::from_ref(&inlet.project))).await;
        let key = house.personal_key(&user, role).await;
        Self { house, inlet, user, key, _database: database }
    }

    /// A request with the key in the query, as clients of this shape send it.
    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let join = if path.contains('?') { '&' } else { '?' };
        let request = self.house.request(method, &format!("{path}{join}api_key={}", self.key.1));
        Reply::of(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// The data of an answer that is good.
    async fn data(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let reply = self.ask(method, path, body).await;
        assert_eq!(reply.status, 200, "{method} {path}: {}", reply.text);
        let mut answer = reply.json();
        assert_eq!((&answer["message"], &answer["meta"]), (&json!("success"), &json!({})));
        answer["data"].take()
    }

    async fn upsert(&self, body: Value) -> String {
        id(&self.data("POST", &format!("{CONTACT}/upsert"), Some(body)).await)
    }

    /// The ids of a list.
    async fn ids(&self, path: &str) -> Vec<String> {
        self.data("GET", path, None).await["items"].as_array().unwrap().iter().map(id).collect()
    }

    /// What is wrong, by place and type.
    async fn invalid(&self, method: &str, path: &str, body: Option<Value>) -> Vec<(Value, Value)> {
        let reply = self.ask(method, path, body).await;
        assert_eq!(reply.status, 422, "{method} {path}: {}", reply.text);
        let answer = reply.json();
        let faults = answer["detail"].as_array().unwrap().iter();
        faults
            .map(|one| {
                assert!(!one["msg"].as_str().unwrap().is_empty());
                (one["loc"].clone(), one["type"].clone())
            })
            .collect()
    }

    /// Pushes events as their sender does.
    async fn push(&self, events: Vec<Value>) {
        for some in events.chunks(100) {
            let reply =
                self.house.post(&self.inlet.token, &self.inlet.path("/stream/events"), &json!(some)).await;
            assert_eq!(reply.status, 202, "{}", reply.text);
            assert_eq!(reply.json()["success"], true, "{}", reply.text);
        }
    }
}

/// The same with the key in the header.
async fn bearer(house: &TestHouse, key: &str, method: &str, path: &str) -> Reply {
    Reply::of(house.request(method, path).bearer_auth(key)).await
}

fn id(one: &Value) -> String {
    one["id"].as_str().unwrap_or_else(|| panic!("{one}")).to_owned()
}

/// An event of a conversation; its name follows from what it is.
fn step(conversation: &str, step: &str, at: &str, more: &Value) -> Value {
    let mut parameters = json!({"conversation_id": conversation});
    parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({
        "_event_id": format!("{conversation} {step} {at}"), "_event_type": format!("conversation_{step}"), "_user_id": "ada",
        "_event_date": at, "_event_parameters": parameters,
    })
}

#[tokio::test]
async fn a_contact_lives_at_the_door() {
    let scene = Scene::set(Role::FullAccess).await;
    // In the query, as a body, or in both; twice is once.
    let query = "email=Ada%40Example.com&first_name=Ada+Augusta&custom_fields=%7B%22plan%22%3A%22gold%22%7D&format=json";
    let made = scene.data("POST", &format!("{CONTACT}/upsert?{query}"), None).await;
    let ada = id(&made);
    let expected = json!({
        "id": ada, "user_id": ada, "email": "Ada@example.com", "phone_number": null, "first_name": "Ada Augusta",
        "last_name": null, "custom_fields": {"plan": "gold"}, "created_at": made["created_at"], "updated_at": made["updated_at"],
    });
    assert_eq!(made, expected);
    let both = format!("{CONTACT}/upsert?email=ada@example.com&first_name=No");
    let body = json!({"first_name": "Ada", "last_name": "King", "phone": "600 111 222", "custom_fields": {"vip": true}});
    let merged = scene.data("POST", &both, Some(body)).await;
    assert_eq!((id(&merged), &merged["first_name"]), (ada.clone(), &json!("Ada")), "the body counts");
    assert_eq!(
        (&merged["phone_number"], &merged["custom_fields"]),
        (&json!("+34600111222"), &json!({"plan": "gold", "vip": true}))
    );
    // By the number alone, a plus that nobody encoded, and the other name of it.
    let by_number = format!("{CONTACT}/upsert?phone_number=+34600111222&last_name=Lovelace");
    assert_eq!(id(&scene.data("POST", &by_number, None).await), ada);
    assert_eq!(scene.upsert(json!({"phone": "+34 600 111 222", "email": null})).await, ada);
    assert_eq!(scene.house.number("select count(*) from contact").await, 1);

    let one = format!("{CONTACT}/{ada}");
    let read = scene.data("GET", &one, None).await;
    assert_eq!((&read["email"], &read["last_name"]), (&json!("ada@example.com"), &json!("Lovelace")));
    let changed = scene.data("PUT", &one, Some(json!({"last_name": null, "country": "gb"}))).await;
    assert_eq!((&changed["last_name"], &changed["country"]), (&Value::Null, &json!("GB")));
    assert_eq!(changed["first_name"], "Ada", "what is not sent stays");
    // What was read can be sent back as it is.
    assert_eq!(scene.data("PUT", &one, Some(changed.clone())).await, changed);

    assert_eq!(scene.data("DELETE", &one, None).await, json!({"id": ada}));
    for (method, body) in [("GET", None), ("PUT", Some(json!({"first_name": "x"}))), ("DELETE", None)] {
        let gone = scene.ask(method, &one, body).await;
        assert_eq!(
            (gone.status, &gone.json()["meta"]["code"]),
            (404, &json!("contact_not_found")),
            "{method}"
        );
    }
    scene.house.end_key(scene.key.0, End::Revoke).await;
    for route in DOORS.iter().filter(|route| route.path.starts_with("/api/v1")) {
        let reply = scene.ask(route.method, route.path, None).await;
        let answer = reply.json();
        assert_eq!((reply.status, &answer["data"]), (401, &json!({})), "{}", route.path);
        assert_eq!(answer["meta"]["request_id"], reply.header("x-request-id"));
    }
    scene.house.stop().await;
}

#[tokio::test]
async fn lists_are_paged_and_searched() {
    let scene = Scene::set(Role::FullAccess).await;
    let ada = scene.upsert(json!({"email": "ada@example.com", "phone": "+34600111222"})).await;
    let bob = scene.upsert(json!({"email": "bob@example.com"})).await;
    let eve = scene.upsert(json!({"email": "eve@example.com"})).await;
    assert_eq!(scene.ids(CONTACT).await, [ada.clone(), bob.clone(), eve.clone()]);
    let page = scene.data("GET", &format!("{CONTACT}/list?size=2&page=2"), None).await;
    let rest = json!({"total": 3, "page": 2, "size": 2, "pages": 2, "previous_page": 1, "next_page": null});
    assert_eq!(id(&page["items"][0]), eve);
    for (name, value) in rest.as_object().unwrap() {
        assert_eq!(page[name], *value, "{name} in {page}");
    }
    let page = scene.data("GET", CONTACT, None).await;
    assert_eq!(
        (&page["size"], &page["previous_page"], &page["next_page"]),
        (&json!(50), &Value::Null, &Value::Null)
    );
    let behind = scene.data("GET", &format!("{CONTACT}?size=2&page=9"), None).await;
    assert_eq!((&behind["items"], &behind["previous_page"]), (&json!([]), &json!(2)));
    assert_eq!(scene.ids(&format!("{CONTACT}?email=BOB@example.com")).await, [bob]);
    assert_eq!(scene.ids(&format!("{CONTACT}?phone_number=600111222")).await, [ada]);
    scene.house.stop().await;
}

#[tokio::test]
async fn of_several_contacts_the_one_that_changed_last_is_meant() {
    let scene = Scene::set(Role::FullAccess).await;
    let by_mail = scene.upsert(json!({"email": "ada@example.com"})).await;
    let by_phone = scene.upsert(json!({"phone_number": "+34600111222"})).await;
    let both = json!({"email": "ada@example.com", "phone_number": "+34600111222"});
    assert_eq!(scene.upsert(both.clone()).await, by_phone);
    scene.data("PUT", &format!("{CONTACT}/{by_mail}"), Some(json!({"first_name": "Ada"}))).await;
    assert_eq!(scene.upsert(both).await, by_mail);
    // Two at once for one name make one contact.
    let path = format!("{CONTACT}/upsert?email=new@example.com");
    let (one, other) = tokio::join!(scene.data("POST", &path, None), scene.data("POST", &path, None));
    assert_eq!(id(&one), id(&other));
    assert_eq!(scene.house.number("select count(*) from contact").await, 3);
    scene.house.stop().await;
}

#[tokio::test]
async fn faults_are_named_by_place_and_nothing_is_stored() {
    let scene = Scene::set(Role::FullAccess).await;
    let upsert = &format!("{CONTACT}/upsert");
    let fault = |loc: Value, kind: &str| vec![(loc, json!(kind))];
    for (body, faults) in [
        (None, fault(json!(["body", "email"]), "value_error")),
        (Some(json!({"first_name": "x", "email": ""})), fault(json!(["body", "email"]), "value_error")),
        (Some(json!({"email": "nobody"})), fault(json!(["body", "email"]), "value_error")),
        (Some(json!({"phone": "12"})), fault(json!(["body", "phone"]), "value_error")),
        (
            Some(json!({"email": "a@b.de", "custom_fields": 7})),
            fault(json!(["body", "custom_fields"]), "value_error"),
        ),
        (
            Some(json!({"email": "a@b.de", "country": "Narnia"})),
            fault(json!(["body", "country"]), "value_error"),
        ),
        (Some(json!([])), fault(json!(["body"]), "value_error")),
    ] {
        assert_eq!(scene.invalid("POST", upsert, body.clone()).await, faults, "{body:?}");
    }
    let in_query = format!("{upsert}?email=nobody");
    assert_eq!(scene.invalid("POST", &in_query, None).await, fault(json!(["query", "email"]), "value_error"));
    let broken = scene.house.request("POST", &format!("{upsert}?api_key={}", scene.key.1));
    let broken = Reply::of(broken.header("Content-Type", "application/json").body("{")).await;
    assert_eq!((broken.status, &broken.json()["detail"][0]["type"]), (422, &json!("json_invalid")));
    for (query, loc, kind) in [
        ("size=0", "size", "value_error"),
        ("size=101", "size", "value_error"),
        ("page=x", "page", "value_error"),
    ] {
        let faults = scene.invalid("GET", &format!("{CONTACT}?{query}"), None).await;
        assert_eq!(faults, fault(json!(["query", loc]), kind));
    }
    for (query, loc, kind) in [
        ("date_to=2026-01-01", "date_from", "missing"),
        ("date_from=2026-01-01", "date_to", "missing"),
        ("date_from=soon&date_to=2026-01-01", "date_from", "value_error"),
        ("date_from=2026-01-02&date_to=2026-01-01", "date_to", "value_error"),
    ] {
        let faults = scene.invalid("GET", &format!("{CONVERSATION}?{query}"), None).await;
        assert_eq!(faults, fault(json!(["query", loc]), kind), "{query}");
    }
    assert_eq!(scene.house.number("select count(*) from contact").await, 0);
    scene.house.stop().await;
}

#[tokio::test]
async fn the_project_is_the_users_or_is_named() {
    let scene = Scene::set(Role::FullAccess).await;
    let (house, own) = (&scene.house, scene.inlet.project.clone());
    let other = house.inlet().await.project;
    let both = house.user(Role::FullAccess, Some(&[own.clone(), other.clone()])).await;
    let (_, key) = house.personal_key(&both, Role::FullAccess).await;
    let unclear = bearer(house, &key, "GET", CONTACT).await;
    let message = unclear.json()["message"].as_str().unwrap().to_owned();
    assert!(unclear.status == 400 && message.contains(&own) && message.contains(&other), "{}", unclear.text);
    let path = format!("{CONTACT}/upsert?email=a@b.de&project={other}");
    let made = bearer(house, &key, "POST", &path).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let total = async |key: &str, query: &str| {
        let reply = bearer(house, key, "GET", &format!("{CONTACT}?{query}")).await;
        (reply.status, reply.json()["data"]["total"].as_i64())
    };
    assert_eq!(total(&key, &format!("project={other}")).await, (200, Some(1)));
    assert_eq!(total(&key, &format!("project={own}")).await, (200, Some(0)));
    assert_eq!(total(&scene.key.1, "").await, (200, Some(0)));
    assert_eq!(total(&scene.key.1, &format!("project={other}")).await, (404, None));
    scene.house.stop().await;
}

#[tokio::test]
async fn a_read_only_key_reads_everything_and_writes_nothing() {
    let scene = Scene::set(Role::ReadOnly).await;
    let (_, full) = scene.house.personal_key(&scene.user, Role::FullAccess).await;
    let made = bearer(&scene.house, &full, "POST", &format!("{CONTACT}/upsert?email=ada@example.com")).await;
    let one = format!("{CONTACT}/{}", id(&made.json()["data"]));
    assert_eq!(scene.data("GET", &one, None).await["email"], "ada@example.com", "not masked");
    let span = format!("{CONVERSATION}?date_from=2026-01-01&date_to=2026-01-31");
    assert_eq!(scene.data("GET", &span, None).await["total"], 0);
    let upsert = format!("{CONTACT}/upsert?email=eve@example.com");
    for (method, path) in [("POST", upsert.as_str()), ("PUT", &one), ("DELETE", &one)] {
        let reply = scene.ask(method, path, Some(json!({"first_name": "x"}))).await;
        assert_eq!(
            (reply.status, &reply.json()["meta"]["code"]),
            (403, &json!("insufficient_scope")),
            "{method}"
        );
        assert!(reply.header("www-authenticate").contains("PROJECT_INGEST_WRITE"));
    }
    assert_eq!(
        scene.house.number("select count(*) from contact where attributes ->> '_first_name' = 'x'").await,
        0
    );
    scene.house.stop().await;
}

#[tokio::test]
async fn a_conversation_is_its_events() {
    let scene = Scene::set(Role::ReadOnly).await;
    let ada = json!([{"_user_id": "ada", "_email": "ada@example.com", "_first_name": "Ada"}]);
    assert_eq!(
        scene.house.post(&scene.inlet.token, &scene.inlet.path("/stream/contacts"), &ada).await.status,
        202
    );
    // In another order than they happened, one without a conversation, and an event of another kind.
    let mut other = step("c/1", "closed", "2026-01-05T10:00:00Z", &json!({}));
    other["_event_type"] = json!("signed_in");
    scene
        .push(vec![
            step(
                "c/1",
                "closed",
                "2026-01-05T09:30:00Z",
                &json!({"agent": "Eve", "resolution": "solved", "rating": 5}),
            ),
            step(
                "c/1",
                "message",
                "2026-01-05T09:10:00Z",
                &json!({"direction": "outbound", "text": "Hello", "agent": "Eve"}),
            ),
            step("c/1", "message", "2026-01-05T09:01:00Z", &json!({"direction": "inbound", "text": "Help!"})),
            step(
                "c/1",
                "opened",
                "2026-01-05T09:00:00Z",
                &json!({"subject": "A question", "channel": "web"}),
            ),
            step("", "message", "2026-01-05T09:20:00Z", &json!({"text": "of none"})),
            other,
        ])
        .await;
    let one = format!("{CONVERSATION}/c%2F1");
    let read = scene.data("GET", &one, None).await;
    let expected = json!({
        "id": "c/1", "status": "closed", "subject": "A question", "channel": "web", "priority": null, "agent": "Eve",
        "resolution": "solved", "rating": 5, "message_count": 2, "is_complete": true,
        "created_at": "2026-01-05T09:00:00Z", "opened_at": "2026-01-05T09:00:00Z", "last_message_at": "2026-01-05T09:10:00Z",
        "closed_at": "2026-01-05T09:30:00Z", "updated_at": "2026-01-05T09:30:00Z",
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(read[name], *value, "{name} in {read}");
    }
    assert_eq!(
        (&read["contact"]["email"], &read["contact"]["user_id"]),
        (&json!("ada@example.com"), &json!("ada"))
    );
    let transcript = scene.data("GET", &format!("{one}/transcript"), None).await;
    assert_eq!(transcript["items"], read["messages"]);
    let texts: Vec<&Value> = transcript["items"].as_array().unwrap().iter().map(|one| &one["text"]).collect();
    assert_eq!(texts, ["Help!", "Hello"]);
    assert_eq!(transcript["items"][1]["sent_at"], "2026-01-05T09:10:00Z");
    let second = scene.data("GET", &format!("{one}/transcript?size=1&page=2"), None).await;
    assert_eq!((&second["items"][0]["text"], &second["total"]), (&json!("Hello"), &json!(2)));
    scene.house.stop().await;
}

#[tokio::test]
async fn what_happens_later_changes_a_conversation_and_nobody_else_sees_it() {
    let scene = Scene::set(Role::ReadOnly).await;
    let one = format!("{CONVERSATION}/c%2F1");
    scene.push(vec![step("c/1", "closed", "2026-01-05T09:30:00Z", &json!({}))]).await;
    // Thanks do not open it again; an opening does.
    scene.push(vec![step("c/1", "message", "2026-01-05T09:40:00Z", &json!({"text": "Thanks"}))]).await;
    assert_eq!(scene.data("GET", &one, None).await["status"], "closed");
    scene.push(vec![step("c/1", "opened", "2026-01-06T08:00:00Z", &json!({"subject": "Again"}))]).await;
    let again = scene.data("GET", &one, None).await;
    assert_eq!(
        (&again["status"], &again["subject"], &again["message_count"]),
        (&json!("open"), &json!("Again"), &json!(1))
    );
    for path in [format!("{CONVERSATION}/none"), format!("{CONVERSATION}/none/transcript")] {
        assert_eq!(scene.ask("GET", &path, None).await.status, 404);
    }
    // Of another project nobody hears.
    let stranger = scene.house.inlet().await;
    let user = scene.house.user(Role::FullAccess, Some(std::slice::from_ref(&stranger.project))).await;
    let (_, key) = scene.house.personal_key(&user, Role::FullAccess).await;
    assert_eq!(bearer(&scene.house, &key, "GET", &one).await.status, 404);
    let span = format!("{CONVERSATION}?date_from=2026-01-01&date_to=2026-01-31");
    assert_eq!(bearer(&scene.house, &key, "GET", &span).await.json()["data"]["total"], 0);
    scene.house.stop().await;
}

#[tokio::test]
async fn a_days_conversations_come_once_each_and_again_the_same() {
    let scene = Scene::set(Role::ReadOnly).await;
    let mut events = Vec::new();
    for number in 0..230 {
        let name = format!("day-{number}");
        events.push(step(&name, "message", "2026-01-04T12:00:00Z", &json!({"text": "before the day"})));
        events.push(step(&name, "closed", &format!("2026-01-05T{:02}:00:00Z", number % 24), &json!({})));
    }
    events.push(step("before", "closed", "2026-01-04T23:59:59.999Z", &json!({})));
    events.push(step("after", "closed", "2026-01-06T00:00:00Z", &json!({})));
    events.push(step("open", "message", "2026-01-05T12:00:00Z", &json!({"text": "x"})));
    // Closed twice within the day, and open again the day after.
    events.push(step("day-7", "closed", "2026-01-05T23:00:00Z", &json!({})));
    events.push(step("day-7", "opened", "2026-01-06T08:00:00Z", &json!({})));
    scene.push(events).await;
    let day = format!("{CONVERSATION}?date_from=2026-01-05&date_to=2026-01-05&size=100");
    let whole = async || {
        let (mut items, mut page) = (Vec::new(), json!(1));
        while !page.is_null() {
            let data = scene.data("GET", &format!("{day}&page={page}"), None).await;
            items.extend(data["items"].as_array().unwrap().clone());
            page = data["next_page"].clone();
        }
        items
    };
    let first = whole().await;
    let ids: Vec<String> = first.iter().map(id).collect();
    assert_eq!((ids.len(), ids.iter().collect::<HashSet<_>>().len()), (230, 230));
    assert!(ids.iter().all(|id| id.starts_with("day-")), "{ids:?}");
    assert!(first.iter().all(|one| one["message_count"] == 1), "events of other days count");
    assert_eq!(first.iter().find(|one| one["id"] == "day-7").unwrap()["status"], "open");
    assert_eq!(whole().await, first);
    // One that comes late comes behind all others, whenever it happened.
    scene.push(vec![step("late", "closed", "2026-01-05T00:00:00Z", &json!({}))]).await;
    let later = whole().await;
    assert_eq!(later[..230], first);
    assert_eq!(id(&later[230]), "late");
    // Spans that follow each other share nothing.
    let part = |from: &str, to: &str| {
        format!("{CONVERSATION}?date_from=2026-01-05T{from}Z&date_to=2026-01-05T{to}Z&size=100")
    };
    let morning = scene.ids(&part("00:00:00", "05:00:00")).await;
    let next = scene.ids(&part("05:00:00", "06:00:00")).await;
    assert_eq!((morning.len(), next.len()), (51, 10));
    assert!(morning.iter().all(|id| !next.contains(id)));
    scene.house.stop().await;
}

#[tokio::test]
async fn more_than_a_list_can_hold_is_refused_and_not_cut() {
    let scene = Scene::set(Role::ReadOnly).await;
    scene.push(vec![step("one", "closed", "2026-01-05T12:00:00Z", &json!({}))]).await;
    let copies = |from: usize, to: usize| {
        format!(
            "insert into event select id + n, project_id, datasource_id, received_at, occurred_at, kind, type, user_id, 'copy-' || n,
                    json_build_object('conversation_id', 'copy-' || n) from event, generate_series({from}, {to}) n
             where event_id not like 'copy-%'"
        )
    };
    scene.house.sql(&copies(2, conversations::CLOSINGS)).await;
    let day = format!("{CONVERSATION}?date_from=2026-01-05&date_to=2026-01-05");
    assert_eq!(scene.data("GET", &day, None).await["total"], conversations::CLOSINGS);
    scene.house.sql(&copies(conversations::CLOSINGS + 1, conversations::CLOSINGS + 1)).await;
    assert_eq!(scene.invalid("GET", &day, None).await, [(json!(["query", "date_to"]), json!("value_error"))]);
    // Of a conversation without end the last events are looked at, and it says so.
    let endless = format!(
        "insert into event select id + n, project_id, datasource_id, received_at, occurred_at - n * interval '1 s', kind,
                'conversation_message', user_id, 'endless-' || n, parameters
         from event, generate_series(1, {}) n where event_id = 'one closed 2026-01-05T12:00:00Z'",
        conversations::LONGEST
    );
    scene.house.sql(&endless).await;
    let read = scene.data("GET", &format!("{CONVERSATION}/one"), None).await;
    let count = conversations::LONGEST - 1;
    assert_eq!((&read["is_complete"], &read["status"]), (&json!(false), &json!("closed")));
    assert_eq!((&read["message_count"], read["messages"].as_array().unwrap().len()), (&json!(count), 100));
    scene.house.stop().await;
}

#[tokio::test]
async fn a_contact_of_one_door_is_the_same_at_the_others_and_in_the_stream() {
    let scene = Scene::set(Role::FullAccess).await;
    let house = &scene.house;
    let instance = house.single_key(&scene.inlet.project, Single::Instance).await;
    let follower = house.single_key(&scene.inlet.project, Single::EventStream).await;
    const CORE: &str = "/crm/api/v2/contacts";
    // Made at core data, found by the number here, and read there again.
    let made = json!({"email": "ada@example.com", "phone": "+34600111222", "custom_field.plan": "gold"});
    let made = ask(house, &instance, "POST", CORE, Some(made)).await;
    let uuid = made.json()["uuid"].as_str().unwrap().to_owned();
    assert_eq!(scene.upsert(json!({"phone_number": "+34600111222", "first_name": "Ada"})).await, uuid);
    let here = scene.data("GET", &format!("{CONTACT}/{uuid}"), None).await;
    assert_eq!((&here["email"], &here["custom_fields"]["plan"]), (&json!("ada@example.com"), &json!("gold")));
    let there = ask(house, &instance, "GET", &format!("{CORE}/{uuid}"), None).await.json();
    assert_eq!((&there["first_name"], &there["custom_field.plan"]), (&json!("Ada"), &json!("gold")));
    // Pushed by its sender's own token: at both doors, and changed where it is.
    let pushed = json!([{"_user_id": "bob", "_email": "bob@example.com"}]);
    assert_eq!(
        house.post(&scene.inlet.token, &scene.inlet.path("/stream/contacts"), &pushed).await.status,
        202
    );
    let bob = scene.upsert(json!({"email": "BOB@example.com", "last_name": "Marley"})).await;
    let bob_there = ask(house, &instance, "GET", &format!("{CORE}/{bob}"), None).await.json();
    assert_eq!((&bob_there["user_id"], &bob_there["last_name"]), (&json!("bob"), &json!("Marley")));
    let (ids, total) = listed(
        &ask(house, &instance, "GET", &format!("{CORE}?sort_by=created&sort_order=ASC"), None).await,
        "uuid",
    );
    assert_eq!((ids, total), (scene.ids(CONTACT).await, 2));
    scene.data("DELETE", &format!("{CONTACT}/{uuid}"), None).await;
    assert_eq!(ask(house, &instance, "GET", &format!("{CORE}/{uuid}"), None).await.status, 404);

    // The stream has each of it, in order, for the key that can only read.
    let told = loop {
        let page = ask(house, &follower, "GET", "/v1/events/stream", None).await.json();
        let items = page["items"].as_array().unwrap().clone();
        if items.len() >= 5 {
            break items;
        }
    };
    let told: Vec<[&str; 2]> = told
        .iter()
        .map(|item| [&item["type"], &item["_user_id"]].map(|text| text.as_str().unwrap()))
        .collect();
    let uuid = uuid.as_str();
    let expected = [
        ["contact.created", uuid],
        ["contact.updated", uuid],
        ["contact.created", "bob"],
        ["contact.updated", "bob"],
        ["contact.deleted", uuid],
    ];
    assert_eq!(told, expected);
    // And every write was counted and summed where it went, whichever way it came.
    let event = json!({"description": "Called", "uuid": "call-1"});
    assert_eq!(ask(house, &follower, "POST", "/v1/events", Some(event)).await.status, 201);
    let read = async |rest: &str| house.get(&scene.inlet.token, &scene.inlet.path(rest)).await.json();
    let stats = read("/stats").await;
    assert_eq!((&stats["contacts"]["total"], &stats["events"]["total"]), (&json!(1), &json!(1)));
    let audit = read(&format!("/audit{}", around(house))).await;
    let minutes = audit["minutes"].as_array().unwrap();
    let sum = |name: &str| minutes.iter().map(|minute| minute[name].as_i64().unwrap()).sum::<i64>();
    assert_eq!((sum("contacts"), sum("events")), (5, 1), "{audit}");
    scene.house.stop().await;
}

#[tokio::test]
async fn the_door_has_a_budget_of_its_own() {
    let scene = Scene::set(Role::FullAccess).await;
    let (house, project) = (&scene.house, &scene.inlet.project);
    house
        .sql(&format!("update project set limits = '{{\"door.personal\": 1}}' where uid = '{project}'"))
        .await;
    house.state.authority.refresh().await.unwrap();
    let spent = loop {
        let reply = scene.ask("GET", CONTACT, None).await;
        if reply.status != 200 {
            break reply;
        }
    };
    assert_eq!((spent.status, spent.header("ratelimit-policy")), (429, "\"door.personal\";q=1;w=60"));
    assert_eq!(spent.json()["meta"]["code"], "rate_limited");
    assert!(spent.header("retry-after").parse::<u32>().unwrap() >= 1);
    // The other doors of the project have theirs.
    let instance = house.single_key(project, Single::Instance).await;
    assert_eq!(ask(house, &instance, "GET", "/crm/api/v2/contacts", None).await.status, 200);
    scene.house.stop().await;
}
