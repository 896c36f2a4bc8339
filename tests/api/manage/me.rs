//! Who is calling, and the personal keys of the caller's own user.

use serde_json::{Value, json};
use tidegate::{
    auth::scope::{Role, Scope},
    store::{Role as Connection, audit::Actor, keys::End, users},
};

use super::pointers;
use crate::support::{
    house::{Reply, TestHouse},
    postgres::TestDatabase,
};

const KEYS: &str = "/v1/me/keys";

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no text {name} in {value}"))
}

fn new(name: &str, role: Role) -> Value {
    json!({ "name": name, "description": "tests", "role": role.name() })
}

async fn names(house: &TestHouse, key: &str, query: &str) -> (Vec<String>, Option<String>) {
    let reply = house.get(key, &format!("{KEYS}{query}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let page = reply.json();
    let names = page["entities"].as_array().unwrap().iter().map(|key| text(key, "name").to_owned()).collect();
    (names, page["metadata"]["next"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn every_kind_of_key_learns_who_it_is() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (inlet, other) = (house.inlet().await, house.inlet().await);
    let project = json!([{ "uid": inlet.project, "name": "Project" }]);

    let me = house.get(&inlet.token, "/v1/me").await.json()["entity"].clone();
    assert_eq!(
        (text(&me["key"], "kind"), &me["user"], &me["key"]["role"]),
        ("datasource", &Value::Null, &Value::Null)
    );
    assert_eq!(
        me["reach"],
        json!({ "allProjects": false, "projects": null, "projectUid": inlet.project, "datasourceUid": inlet.datasource }),
        "a token that only pushes learns no names"
    );
    let (id, product) = house.product_token(None, &[Scope::ProjectStreamWrite]).await;
    let me = house.get(&product, "/v1/me").await.json()["entity"].clone();
    assert_eq!((&me["key"]["id"], &me["key"]["scopes"]), (&json!(id), &json!(["PROJECT_STREAM_WRITE"])));
    let everywhere = |projects: &Value| json!({ "allProjects": true, "projects": projects, "projectUid": null, "datasourceUid": null });
    assert_eq!(me["reach"], everywhere(&Value::Null));
    let both =
        json!([{ "uid": inlet.project, "name": "Project" }, { "uid": other.project, "name": "Project" }]);
    let bound = json!({ "allProjects": false, "projects": project, "projectUid": inlet.project, "datasourceUid": null });
    let hidden =
        json!({ "allProjects": false, "projects": null, "projectUid": inlet.project, "datasourceUid": null });
    for (within, scope, reach) in [
        (None, Scope::AccountRead, everywhere(&both)),
        (None, Scope::ProjectRead, everywhere(&Value::Null)),
        (Some(inlet.project.as_str()), Scope::AccountRead, bound.clone()),
        (Some(inlet.project.as_str()), Scope::ProjectRead, bound),
        (Some(inlet.project.as_str()), Scope::ProjectIngestRead, hidden),
    ] {
        let (_, key) = house.product_token(within, &[scope]).await;
        assert_eq!(house.get(&key, "/v1/me").await.json()["entity"]["reach"], reach, "{within:?} {scope}");
    }

    let user = house.user(Role::Ingest, Some(std::slice::from_ref(&inlet.project))).await;
    let (id, personal) = house.personal_key(&user, Role::ReadOnly).await;
    let me = Reply::of(house.request("GET", &format!("/v1/me?api_key={personal}"))).await;
    assert_eq!((me.status, me.header("cache-control")), (200, "no-store"));
    let me = me.json()["entity"].clone();
    assert_eq!((&me["key"]["id"], &me["key"]["role"]), (&json!(id), &json!("read_only")));
    assert_eq!(me["user"], json!({ "uid": user, "email": format!("{user}@example.com"), "role": "ingest" }));
    let reach =
        json!({ "allProjects": false, "projects": project, "projectUid": null, "datasourceUid": null });
    assert_eq!(me["reach"], reach);
    assert_eq!(house.get(&personal, &other.path("/stream")).await.status, 404, "what the user does not see");
    assert_eq!(house.get(&personal, &inlet.path("/stream")).await.status, 200);
    assert_eq!(house.post(&personal, &inlet.path("/stream/events"), &json!([])).await.status, 403);
    house.stop().await;
}

#[tokio::test]
async fn a_user_makes_lists_rotates_revokes_and_deletes_keys_of_its_own() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let user = house.user(Role::FullAccess, None).await;
    let (_, key) = house.personal_key(&user, Role::FullAccess).await;
    let made = house.post(&key, KEYS, &new(" laptop ", Role::Ingest)).await;
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"), "{}", made.text);
    let made = made.json()["entity"].clone();
    assert_eq!(
        (
            text(&made, "kind"),
            text(&made, "name"),
            text(&made, "role"),
            text(&made, "userUid"),
            text(&made, "state")
        ),
        ("personal", "laptop", "ingest", user.as_str(), "live")
    );
    let laptop = text(&made, "key").to_owned();
    assert!(laptop.starts_with("in-") && laptop.starts_with(text(&made, "prefix")));
    assert_eq!(house.get(&laptop, "/v1/").await.status, 200, "in force at once");
    assert_eq!(names(&house, &key, "").await.0, ["Personal", "laptop"]);

    let path = |rest: &str| format!("{KEYS}/{}{rest}", text(&made, "id"));
    let rotated = house.post(&key, &path("/rotate"), &json!({ "overlap": "1h" })).await;
    assert_eq!(rotated.status, 201, "{}", rotated.text);
    let successor = rotated.json()["entity"].clone();
    assert_eq!((&successor["replaces"], &successor["role"]), (&made["id"], &made["role"]));
    assert_eq!(house.get(text(&successor, "key"), "/v1/").await.status, 200);
    assert!(house.get(&laptop, "/v1/").await.header("deprecation").starts_with('@'));
    assert_eq!(house.post(&key, &path("/rotate"), &json!({})).await.code(), "not_rotatable");

    let revoked = house.post(&key, &path("/revoke"), &json!(null)).await;
    assert_eq!((revoked.status, text(&revoked.json()["entity"], "state")), (200, "revoked"));
    assert_eq!(house.get(&laptop, "/v1/").await.status, 401);
    assert_eq!(house.delete(&key, &path("")).await.status, 200);
    assert_eq!(house.delete(&key, &path("")).await.code(), "key_not_found");
    assert_eq!(names(&house, &key, "").await.0, ["Personal", "laptop"], "the successor is left");

    let own = house.get(&key, "/v1/me").await.json()["entity"]["key"]["id"].clone();
    assert_eq!(house.delete(&key, &format!("{KEYS}/{}", own.as_str().unwrap())).await.status, 200);
    assert_eq!(house.get(&key, "/v1/me").await.status, 401, "a key may end itself");
    for action in ["key.create", "key.rotate", "key.revoke", "key.delete"] {
        let written =
            format!("select count(*) from audit where action = '{action}' and actor like 'personal key %'");
        assert!(house.number(&written).await > 0, "{action}");
    }
    house.stop().await;
}

#[tokio::test]
async fn lists_page_and_take_no_other_cursor() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let user = house.user(Role::FullAccess, None).await;
    let (_, key) = house.personal_key(&user, Role::FullAccess).await;
    for name in ["a", "b", "c"] {
        assert_eq!(house.post(&key, KEYS, &new(name, Role::ReadOnly)).await.status, 201);
    }
    let (first, next) = names(&house, &key, "?limit=3").await;
    assert_eq!(first, ["Personal", "a", "b"]);
    let next = next.unwrap();
    assert_eq!(names(&house, &key, &format!("?limit=3&after={next}")).await, (vec!["c".to_owned()], None));
    assert_eq!(house.get(&key, &format!("{KEYS}?after=x{next}")).await.code(), "invalid_cursor");
    // The key that a page ended with is deleted, then its row is gone too.
    house.sql("update key set deleted_at = now() where name = 'b'").await;
    assert_eq!(names(&house, &key, &format!("?after={next}")).await, (vec!["c".to_owned()], None));
    house.sql("delete from key where name = 'b'").await;
    let gone = house.get(&key, &format!("{KEYS}?after={next}")).await;
    assert_eq!((gone.status, gone.code().as_str()), (400, "invalid_cursor"), "no empty last page");
    assert_eq!(house.get(&key, &format!("{KEYS}?limit=101")).await.code(), "invalid_parameter");
    house.stop().await;
}

#[tokio::test]
async fn nobody_reaches_the_keys_of_others_or_makes_more_than_they_have() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let (ada, bob) = (house.user(Role::FullAccess, None).await, house.user(Role::FullAccess, None).await);
    let (_, key) = house.personal_key(&ada, Role::FullAccess).await;
    let (foreign, _) = house.personal_key(&bob, Role::ReadOnly).await;
    for (method, rest) in [("POST", "/rotate"), ("POST", "/revoke"), ("DELETE", "")] {
        for id in [foreign.to_string(), inlet.key_id.to_string(), "noise".into()] {
            let request = house.request(method, &format!("{KEYS}/{id}{rest}")).bearer_auth(&key);
            let reply = Reply::of(if rest == "/rotate" { request.json(&json!({})) } else { request }).await;
            assert_eq!(reply.code(), "key_not_found", "{method} {rest} {id}");
        }
    }
    assert_eq!(names(&house, &key, "").await.0.len(), 1);

    let (_, modest) = house.personal_key(&ada, Role::Ingest).await;
    for reply in [house.get(&modest, KEYS).await, house.post(&modest, KEYS, &new("x", Role::ReadOnly)).await]
    {
        assert_eq!(reply.status, 403, "{}", reply.text);
        assert!(reply.header("www-authenticate").ends_with("scope=\"PROJECT_MANAGE\""));
    }
    let (_, product) = house.product_token(None, Scope::ALL).await;
    for nobody in [&inlet.token, &product] {
        assert_eq!(house.get(nobody, KEYS).await.code(), "not_found");
        assert_eq!(house.post(nobody, KEYS, &new("x", Role::ReadOnly)).await.code(), "not_found");
    }
    house.stop().await;
}

#[tokio::test]
async fn all_three_members_are_needed_and_no_other() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let user = house.user(Role::FullAccess, None).await;
    let (_, key) = house.personal_key(&user, Role::FullAccess).await;
    for (body, wanted) in [
        (json!({ "name": " ", "description": "", "role": "owner" }), &["/name", "/description", "/role"][..]),
        (json!({ "name": "x", "description": "x" }), &[""]),
        (json!({ "name": "x", "description": "x", "role": "ingest", "scopes": [] }), &["/scopes"]),
    ] {
        assert_eq!(pointers(&house.post(&key, KEYS, &body).await), wanted);
    }
    house.stop().await;
}

#[tokio::test]
async fn a_disabled_user_is_refused_on_every_node() {
    let database = TestDatabase::create().await;
    let (here, there) = (TestHouse::start(&database).await, TestHouse::start(&database).await);
    let user = here.user(Role::FullAccess, None).await;
    let (id, key) = here.personal_key(&user, Role::FullAccess).await;
    there.state.authority.refresh().await.unwrap();
    assert_eq!(there.get(&key, "/v1/me").await.status, 200);
    let mut client = here.database.connect(Connection::Command).await.unwrap();
    let email = format!("{user}@example.com");
    assert_eq!(users::disable(&mut client, &email, Actor::local("test")).await.unwrap(), Some(1));
    for house in [&here, &there] {
        // Whether or not this node has learned of it yet.
        let refused = house.get(&key, "/v1/me").await;
        assert_eq!((refused.status, refused.code().as_str()), (401, "invalid_token"));
        assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"tidegate\", error=\"invalid_token\"");
    }
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(1);
    for house in [&here, &there] {
        while house.get(&key, "/v1/").await.status != 401 {
            assert!(tokio::time::Instant::now() < deadline, "not within a second");
        }
    }
    here.end_key(id, End::Delete).await;
    here.stop().await;
    there.stop().await;
}
