//! Events by event-stream key.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate::{
    auth::{scope::Role, single::Single},
    http::routes::DOORS,
};
use tokio::time::timeout;

use super::{ask, listed, raw};
use crate::support::{
    house::{Reply, TestHouse},
    postgres::TestDatabase,
};

const PATH: &str = "/v1/events";
const TWIN: &str = "/crm/api/v2/event-streams";

/// Whatever is to come does so within this time, or the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

struct Scene {
    house: TestHouse,
    project: String,
    key: String,
    _database: TestDatabase,
}

impl Scene {
    /// A project without a datasource, and its event-stream key.
    async fn set() -> Self {
        let database = TestDatabase::create().await;
        let house = TestHouse::start(&database).await;
        let project = house.project().await;
        house.state.authority.refresh().await.unwrap();
        let key = house.single_key(&project, Single::EventStream).await;
        Self { house, project, key, _database: database }
    }

    async fn append(&self, path: &str, body: Value) -> String {
        let reply = ask(&self.house, &self.key, "POST", path, Some(body)).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        reply.json()["uuid"].as_str().unwrap().to_owned()
    }

    async fn list(&self, query: &str) -> Reply {
        ask(&self.house, &self.key, "GET", &format!("{PATH}?{query}"), None).await
    }

    async fn ids(&self, query: &str) -> (Vec<String>, i64) {
        listed(&self.list(query).await, "uuid")
    }

    /// The items of the stream once there are so many that are settled, read with the key alone.
    async fn stream(&self, items: usize) -> Vec<Value> {
        let read = async {
            loop {
                let page = ask(&self.house, &self.key, "GET", "/v1/events/stream", None).await;
                assert_eq!(page.status, 200, "{}", page.text);
                let found = page.json()["items"].as_array().unwrap().clone();
                if found.len() >= items {
                    return found;
                }
            }
        };
        timeout(PATIENCE, read).await.expect("the stream has it")
    }
}

#[tokio::test]
async fn an_event_lives_at_the_door() {
    let scene = Scene::set().await;
    let sent = json!({
        "uuid": "0d8f0f5e-5a5c-4a0b-9d4e-0b7e6a2b6f11", "datetime": "1700000000", "type": "note",
        "description": "<b>Ada</b> called", "font_icon": "phone", "log": "{\"seconds\": 12}",
        "administrator_uuid": "adm-1", "module_source": "crm", "module_feature": "calls",
    });
    let id = scene.append(&format!("{PATH}?format=json"), sent.clone()).await;
    assert_eq!(id, sent["uuid"]);
    // A retry does nothing; another event of this name is refused, and the first one stays.
    assert_eq!(scene.append(TWIN, sent.clone()).await, id);
    let mut other = sent.clone();
    other["description"] = json!("something else");
    let conflict = ask(&scene.house, &scene.key, "POST", PATH, Some(other)).await;
    assert_eq!(conflict.status, 400);
    assert!(conflict.json()["errors"][0]["message"].as_str().unwrap().starts_with("uuid: was used before"));

    let plain = scene.append(PATH, json!({"description": "nothing else"})).await;
    assert_eq!(plain.parse::<uuid::Uuid>().unwrap().get_version_num(), 4);
    assert_eq!(scene.ids("").await, (vec![plain.clone(), id.clone()], 2));
    let seen = scene.list("page=2&per_page=1").await.json();
    let mut shown = sent;
    shown["datetime"] = json!(1_700_000_000);
    shown["log"] = json!({"seconds": 12});
    assert_eq!(seen["results"], json!([shown]));
    let counted = json!({
        "total_entries": 2, "total_pages": 2, "total_is_exact": true, "page": 2, "per_page": 1,
        "results": seen["results"],
    });
    assert_eq!(seen, counted);

    // An ordinary event of the project's stream.
    let items = scene.stream(2).await;
    assert_eq!(
        (&items[0]["_event_id"], &items[0]["_user_id"], &items[0]["type"]),
        (&json!(id), &json!(""), &json!("note"))
    );
    assert_eq!(items[0]["_event_date"], "2023-11-14T22:13:20Z");
    assert_eq!(
        (&items[1]["type"], &items[1]["parameters"]),
        (&json!("activity"), &json!({"description": "nothing else"}))
    );
    assert_eq!(items.len(), 2);
    let path = format!("/v1/project/{}/stream", scene.project);
    assert_eq!(scene.house.get(&scene.key, &path).await.json()["items"], json!(items));
    let me = scene.house.get(&scene.key, "/v1/me").await.json();
    assert_eq!(me["entity"]["reach"]["projectUid"], scene.project);
    scene.house.stop().await;
}

#[tokio::test]
async fn lists_are_filtered_and_paged_newest_first() {
    let scene = Scene::set().await;
    let mut ids = Vec::new();
    for day in 1..=4 {
        let body = json!({
            "datetime": format!("2026-01-0{day}T12:00:00Z"), "description": format!("Visit {day} of Ada"),
            "module_source": if day % 2 == 0 { "shop" } else { "crm" }, "module_feature": "visits", "administrator_uuid": 7,
        });
        ids.push(scene.append(TWIN, body).await);
    }
    let [first, second, third, fourth] = [0, 1, 2, 3].map(|at| ids[at].clone());
    assert_eq!(scene.ids("per_page=3").await, (vec![fourth.clone(), third.clone(), second.clone()], 4));
    assert_eq!(scene.ids("per_page=3&page=2").await, (vec![first.clone()], 4));
    assert_eq!(scene.ids("per_page=3&page=3").await, (vec![], 4));
    assert_eq!(
        scene.ids("start_date=2026-01-02&end_date=2026-01-03").await,
        (vec![third.clone(), second.clone()], 2)
    );
    // 2026-01-03T12:00:00Z, to the second.
    assert_eq!(scene.ids("start_date=1767441600&end_date=1767441600").await, (vec![third.clone()], 1));
    assert_eq!(scene.ids("description=VISIT%201").await, (vec![first.clone()], 1));
    assert_eq!(scene.ids("module_source=shop&module_feature=visits").await, (vec![fourth, second], 2));
    assert_eq!(scene.ids("administrator_uuid=7&description=ada").await.1, 4);
    assert_eq!(scene.ids("module_source=sho").await.1, 0);
    for query in ["page=0", "per_page=101", "start_date=soon", "end_date=x"] {
        let reply = scene.list(query).await;
        assert_eq!(
            (reply.status, &reply.json()["errors"][0]["code"]),
            (400, &json!("invalid_parameter")),
            "{query}"
        );
    }
    // The instance key reads and appends at the twin alone, and finds the same.
    let instance = scene.house.single_key(&scene.project, Single::Instance).await;
    let made =
        ask(&scene.house, &instance, "POST", TWIN, Some(json!({"description": "by the other key"}))).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let read = ask(&scene.house, &instance, "GET", TWIN, None).await;
    assert_eq!(listed(&read, "uuid"), scene.ids("").await);
    assert_eq!(ask(&scene.house, &instance, "GET", PATH, None).await.status, 401);
    scene.house.stop().await;
}

#[tokio::test]
async fn faults_are_named_in_the_doors_words_and_nothing_is_stored() {
    let scene = Scene::set().await;
    for (body, fault) in [
        (json!({}), "description: is required"),
        (json!({"description": "x", "datetime": "1"}), "datetime: is before the year 2000"),
        (json!({"description": "x", "datetime": "soon"}), "datetime: takes epoch seconds"),
        (json!({"description": "x", "uuid": "u".repeat(256)}), "uuid: is longer than 255 bytes"),
        (json!({"description": "x", "type": "t".repeat(129)}), "type: is longer than 128 bytes"),
        (json!({"description": "x", "log": "no"}), "log: must be a JSON object"),
        (json!({"description": "x\0"}), ""),
    ] {
        let reply = ask(&scene.house, &scene.key, "POST", PATH, Some(body)).await;
        let answer = reply.json();
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(reply.status == 400 && message.starts_with(fault), "{fault}: {}", reply.text);
    }
    let leaked = scene.house.request("GET", &format!("{PATH}?api_key={}", scene.key));
    let leaked = Reply::of(leaked).await;
    assert_eq!((leaked.status, &leaked.json()["errors"][0]["code"]), (400, &json!("invalid_request")));
    let form =
        raw(scene.house.request("POST", PATH), &scene.key).body("description=a+form&datetime=1700000000");
    let form = Reply::of(form.header("Content-Type", "application/x-www-form-urlencoded")).await;
    assert_eq!(form.status, 201, "{}", form.text);
    assert_eq!(scene.ids("").await.1, 1);
    scene.house.stop().await;
}

#[tokio::test]
async fn the_key_alone_follows_the_stream_until_it_is_regenerated() {
    let scene = Scene::set().await;
    let house = &scene.house;
    let mut live = raw(house.request("GET", "/v1/events/live"), &scene.key).send().await.unwrap();
    assert_eq!(
        (live.status().as_u16(), &live.headers()["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    // A new lead, by the other door.
    let instance = house.single_key(&scene.project, Single::Instance).await;
    let lead = json!({"email": "lead@example.com"});
    assert_eq!(ask(house, &instance, "POST", "/crm/api/v2/contacts", Some(lead)).await.status, 201);
    let mut told = String::new();
    let wait = async {
        while !told.contains("contact.created") {
            let more = live.chunk().await.unwrap().expect("the stream goes on");
            told.push_str(std::str::from_utf8(&more).unwrap());
        }
    };
    timeout(PATIENCE, wait).await.expect("the lead comes");
    assert!(told.contains("lead@example.com"), "{told}");

    let user = house.user(Role::FullAccess, None).await;
    let (_, manager) = house.personal_key(&user, Role::FullAccess).await;
    let again = format!("/v1/project/{}/event-stream-key/regenerate", scene.project);
    let fresh =
        house.post(&manager, &again, &json!({})).await.json()["entity"]["key"].as_str().unwrap().to_owned();
    // The open stream ends, and the old key is as unknown as any other.
    let end = async { while let Ok(Some(_)) = live.chunk().await {} };
    timeout(PATIENCE, end).await.expect("the stream ends");
    let routes = DOORS.iter().filter(|route| route.path.starts_with(PATH) || route.path == TWIN);
    for route in routes {
        let reply = ask(house, &scene.key, route.method, route.path, None).await;
        assert_eq!(
            (reply.status, &reply.json()["type"]),
            (401, &json!("authentication_error")),
            "{}",
            route.path
        );
    }
    assert_eq!(ask(house, &fresh, "GET", PATH, None).await.status, 200);
    scene.house.stop().await;
}

#[tokio::test]
async fn a_list_says_when_it_did_not_count_everything() {
    let scene = Scene::set().await;
    scene.append(PATH, json!({"description": "the oldest"})).await;
    let looked_at = i64::try_from(tidegate::store::activity::LOOKED_AT).unwrap();
    let older = format!(
        "insert into event select id + n, project_id, datasource_id, received_at, occurred_at, kind, type, user_id, 'old-' || n, \
                '{{\"description\":\"old\"}}' from event, generate_series(1, {looked_at}) n"
    );
    scene.house.sql(&older).await;
    let id = scene.append(PATH, json!({"description": "the newest"})).await;
    let all = scene.list("").await.json();
    assert_eq!((&all["total_entries"], &all["total_is_exact"]), (&json!(looked_at), &json!(false)));
    assert_eq!(all["results"][0]["uuid"], id);
    assert_eq!(scene.ids("description=newest").await, (vec![id], 1));
    scene.house.stop().await;
}
