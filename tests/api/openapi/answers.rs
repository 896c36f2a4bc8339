//! Real answers of every route, held to what the document says about them: status, headers, media type, body.

use serde_json::{Value, json};
use tidegate::{
    auth::scope::{Role, Scope},
    http::{
        action::{Action, OnAccount, OnDatasource, OnProject, OnUser, OnWebhooks},
        routes::{PUBLIC, ROUTES, Route},
    },
};

use super::{content, document, faults, resolved, responses};
use crate::support::{
    house::{Inlet, Reply, TestHouse},
    postgres::TestDatabase,
};

/// Holds an answer to the document.
fn conforms(method: &str, path: &str, reply: &Reply) {
    let operation = &document()["paths"][path][method.to_lowercase()];
    let what = format!("{method} {path} {}: {}", reply.status, reply.text);
    let (_, response) = responses(operation)
        .find(|(status, _)| *status == reply.status)
        .unwrap_or_else(|| panic!("undocumented: {what}"));
    for (name, header) in response["headers"].as_object().unwrap() {
        let (header, value) = (resolved(header), reply.header(name));
        assert!(!value.is_empty() || header["required"] != true, "{name} is missing on {what}");
        if !value.is_empty() {
            let value = if header["schema"]["type"] == "integer" {
                json!(value.parse::<i64>().unwrap())
            } else {
                json!(value)
            };
            let faults = faults(&header["schema"], &value, true);
            assert!(faults.is_empty(), "{name} on {what}: {faults:?}");
        }
    }
    let (media_type, body) = content(response);
    assert_eq!(reply.header("content-type"), media_type, "{what}");
    let value = if media_type.ends_with("json") { reply.json() } else { json!(reply.text) };
    let faults = faults(&body["schema"], &value, true);
    assert!(faults.is_empty(), "{what}: {faults:?}");
}

/// Where requests go.
struct Field {
    house: TestHouse,
    inlet: Inlet,
    /// A project and a datasource to be deleted.
    doomed: Inlet,
    key: String,
    /// A key of the project, to be managed.
    spare: String,
    /// A user, a personal key of it, and another one to be managed.
    user: String,
    own: String,
    own_spare: String,
    /// A webhook to be managed.
    hook: String,
    /// The own id of a contact to whom something happened.
    person: String,
    _database: TestDatabase,
}

impl Field {
    async fn laid() -> Self {
        let database = TestDatabase::create().await;
        let house = TestHouse::start(&database).await;
        let (inlet, doomed) = (house.inlet().await, house.inlet().await);
        let (_, key) = house.product_token(None, Scope::ALL).await;
        let (spare, _) = house.product_token(Some(&inlet.project), &[Scope::ProjectRead]).await;
        let user = house.user(Role::FullAccess, None).await;
        let (_, own) = house.personal_key(&user, Role::FullAccess).await;
        let (own_spare, _) = house.personal_key(&user, Role::ReadOnly).await;
        let bob = json!([{"_user_id": "bob", "_email": "bob@example.com", "_phone_mobile": "+34600111222", "own": [1]}]);
        house.post(&inlet.token, &inlet.path("/stream/contacts"), &bob).await;
        let event = json!([{"_user_id": "bob", "_event_id": "b", "_event_type": "purchase", "_event_parameters": {"amount": 1}}]);
        house.post(&inlet.token, &inlet.path("/stream/events"), &event).await;
        let found = house.get(&key, &format!("/v1/project/{}/audience/user/bob", inlet.project)).await.json();
        let person = found["entity"]["id"].as_str().unwrap().to_owned();
        let (spare, own_spare) = (spare.to_string(), own_spare.to_string());
        let hooks = format!("/v1/project/{}/webhooks", inlet.project);
        let hook = house.post(&key, &hooks, &json!({ "url": "https://hooks.invalid/" })).await.json();
        let hook = hook["id"].as_str().unwrap().to_owned();
        Self { hook, house, inlet, doomed, key, spare, user, own, own_spare, person, _database: database }
    }

    /// A key that may do everything, and has what the route is about.
    fn key_for(&self, route: &Route) -> &str {
        if matches!(route.action, Action::OfUser(_)) { &self.own } else { &self.key }
    }

    /// The path and the body of a request that succeeds, when the routes are asked in the order of their table.
    fn request(&self, route: &Route) -> (String, Value) {
        let (inlet, names, body) = match route.action {
            Action::OfAccount(OnAccount::Projects | OnAccount::Me) => (&self.inlet, [""; 4], Value::Null),
            Action::OfUser(action) => (&self.inlet, [""; 4], of_ones_own(action)),
            Action::OfProject(action) => self.on_project(action),
            Action::OfDatasource(action) => self.on_datasource(action),
            Action::AtDoor(..) => panic!("{} is in the table of doors", route.path),
        };
        let [attribute, event_type, parameter, user_id] = names;
        let path = route.path.replace("{project}", &inlet.project).replace("{datasource}", &inlet.datasource);
        let path = path.replace("{attribute}", attribute).replace("{event_type}", event_type);
        let path = path.replace("{parameter}", parameter).replace("{user_id}", user_id);
        let path = path.replace("{email}", "bob@example.com").replace("{phone}", "+34600111222");
        let path = path.replace("{contact_id}", &self.person).replace(
            "{key_id}",
            if matches!(route.action, Action::OfUser(_)) { &self.own_spare } else { &self.spare },
        );
        let path = path.replace("{webhook_id}", &self.hook);
        assert!(!path.contains('{'), "{path}");
        if route.action == Action::OfDatasource(OnDatasource::Audit) {
            return (path + &crate::audit::around(&self.house), body);
        }
        (path, body)
    }

    fn on_project(&self, action: OnProject) -> (&Inlet, [&'static str; 4], Value) {
        let (names, body) = match action {
            OnProject::ReadProject
            | OnProject::ListAttributes
            | OnProject::ListEvents
            | OnProject::FindByEmail
            | OnProject::FindByPhone
            | OnProject::ReadPerson
            | OnProject::ListTimeline
            | OnProject::ReadStream
            | OnProject::FollowStream
            | OnProject::ListDatasources
            | OnProject::ListKeys
            | OnProject::ReadKey
            | OnProject::RevokeKey
            | OnProject::DeleteKey
            | OnProject::ListAudit
            | OnProject::ReadSingleKey(_)
            | OnProject::RevealSingleKey(_)
            | OnProject::RegenerateSingleKey(_) => ([""; 4], Value::Null),
            OnProject::CreateKey => (
                [""; 4],
                json!({ "kind": "datasource", "name": "crm", "datasourceUid": self.inlet.datasource }),
            ),
            OnProject::Webhooks(action) => ([""; 4], on_webhooks(action)),
            OnProject::ChangeKey => ([""; 4], json!({ "name": "reports" })),
            OnProject::RotateKey => ([""; 4], json!({ "overlap": "1h" })),
            OnProject::FindByUser => (["", "", "", "bob"], Value::Null),
            OnProject::ChangeProject => {
                ([""; 4], json!({ "name": "Shop", "limits": { "audience.read": 7 } }))
            }
            OnProject::DeleteProject => return (&self.doomed, [""; 4], Value::Null),
            OnProject::DeclareAttribute => ([""; 4], json!({ "uid": "shoe", "dataType": "int" })),
            OnProject::ChangeAttribute => (["shoe", "", "", ""], json!({ "important": true })),
            OnProject::RemoveAttribute => (["shoe", "", "", ""], Value::Null),
            OnProject::DeclareEvent => ([""; 4], json!({ "uid": "trial" })),
            OnProject::ListParameters => (["", "purchase", "", ""], Value::Null),
            OnProject::ChangeEvent => (["", "trial", "", ""], json!({ "name": "Trial" })),
            OnProject::RemoveEvent => (["", "trial", "", ""], Value::Null),
            OnProject::DeclareParameter => {
                (["", "purchase", "", ""], json!({ "parameter": "gift", "dataType": "text", "maxLength": 9 }))
            }
            OnProject::ChangeParameter => (["", "purchase", "gift", ""], json!({ "maxLength": null })),
            OnProject::RemoveParameter => (["", "purchase", "gift", ""], Value::Null),
            OnProject::CreateDatasource => ([""; 4], json!({ "name": "Website", "plan": "L" })),
        };
        (&self.inlet, names, body)
    }

    fn on_datasource(&self, action: OnDatasource) -> (&Inlet, [&'static str; 4], Value) {
        let (names, body) = match action {
            OnDatasource::ReadDatasource
            | OnDatasource::PurgeDatasource
            | OnDatasource::Probe
            | OnDatasource::AttributeSpecs
            | OnDatasource::EventSpecs
            | OnDatasource::NoEventType
            | OnDatasource::Stats
            | OnDatasource::Audit => ([""; 4], Value::Null),
            OnDatasource::ChangeDatasource => {
                ([""; 4], json!({ "limits": { "meta": 600.0 }, "priority": 3e0 }))
            }
            OnDatasource::DeleteDatasource => ([""; 4], Value::Null),
            OnDatasource::PushContacts => {
                ([""; 4], json!([full_contact(), { "_user_id": "alan", "_email": "?" }]))
            }
            OnDatasource::PushEvents => (
                [""; 4],
                json!([{ "_user_id": "ada", "_event_id": "1", "_event_type": "purchase", "_event_parameters": { "amount": "12.50" } }]),
            ),
            OnDatasource::ReadContact | OnDatasource::DeleteContact => (["", "", "", "ada"], Value::Null),
            OnDatasource::ParameterSpecs => (["", "purchase", "", ""], Value::Null),
        };
        (&self.inlet, names, body)
    }

    async fn ask(&self, key: &str, route: &Route, path: &str, body: &Value) -> Reply {
        let request = self.house.request(route.method, path).bearer_auth(key);
        let reply = Reply::of(if body.is_null() { request } else { request.json(body) }).await;
        conforms(route.method, route.path, &reply);
        reply
    }
}

fn on_webhooks(action: OnWebhooks) -> Value {
    match action {
        OnWebhooks::Create => json!({ "url": "https://hooks.invalid/", "types": ["purchase"] }),
        OnWebhooks::Change => json!({ "parallel": 2, "enabled": false }),
        OnWebhooks::Replay => json!({ "from": "2026-01-01T00:00:00Z" }),
        OnWebhooks::List
        | OnWebhooks::Read
        | OnWebhooks::Delete
        | OnWebhooks::RotateSecret
        | OnWebhooks::Test
        | OnWebhooks::ListDeliveries
        | OnWebhooks::ListDeadLetters => Value::Null,
    }
}

fn of_ones_own(action: OnUser) -> Value {
    match action {
        OnUser::ListOwnKeys | OnUser::RevokeOwnKey | OnUser::DeleteOwnKey => Value::Null,
        OnUser::CreateOwnKey => json!({ "name": "laptop", "description": "tests", "role": "ingest" }),
        OnUser::RotateOwnKey => json!({ "overlap": "1h" }),
    }
}

/// A value of every type, so that the schema of what is stored is held to each.
fn full_contact() -> Value {
    json!({
        "_user_id": "ada", "_email": "Ada@Example.com", "_phone_mobile": "600 111 221", "_email_verified": "1",
        "_birth_date": "1990-12-10", "_last_seen_at": "2026-11-20T12:00:00+01:00", "_language": "es_es",
        "_country": "es", "_currency": "eur", "_website": "https://example.com", "_loyalty_points": "42",
        "_lifetime_value": "12.50", "_interests": "tea", "_segments": ["a", "b"], "_note": "", "own": { "any": [null, 1] },
    })
}

#[tokio::test]
async fn every_route_answers_success_as_it_is_documented() {
    let field = Field::laid().await;
    for route in ROUTES {
        let (path, body) = match route.action {
            // In this order it would be gone, or closed, before it is pushed to.
            Action::OfDatasource(OnDatasource::DeleteDatasource | OnDatasource::PurgeDatasource) => {
                let other = field.house.datasource(&field.inlet.project, None, false, None).await;
                let rest = route.path.split_once("{datasource}").unwrap().1;
                (other.path(rest), Value::Null)
            }
            _ => field.request(route),
        };
        let reply = field.ask(field.key_for(route), route, &path, &body).await;
        let fine = if route.action == Action::OfDatasource(OnDatasource::NoEventType) { 400 } else { 299 };
        assert!(reply.status <= fine, "{} {path}: {}", route.method, reply.text);
    }
    for (path, _) in PUBLIC {
        conforms("GET", path, &Reply::of(field.house.request("GET", path)).await);
    }
    field.house.stop().await;
}

#[tokio::test]
async fn every_route_refuses_as_it_is_documented() {
    let field = Field::laid().await;
    let (_, poor) = field.house.product_token(None, &[Scope::ProjectStreamWrite]).await;
    let (_, modest) = field.house.personal_key(&field.user, Role::ReadOnly).await;
    for route in ROUTES {
        let (path, body) = field.request(route);
        let key = field.key_for(route);
        let poor = if matches!(route.action, Action::OfUser(_)) { &modest } else { &poor };
        assert_eq!(field.ask("noise", route, &path, &body).await.status, 401);
        let lacking = if route.scope.is_none() { 200 } else { 403 };
        assert_eq!(field.ask(poor, route, &path, &body).await.status, lacking, "{}", route.path);
        assert_eq!(field.ask(key, route, &format!("{path}?api_key=x"), &body).await.status, 400);
        let elsewhere = path.replace("/proj_", "/proj_x").replace("/ds_", "/ds_x");
        if elsewhere != path {
            assert_eq!(field.ask(key, route, &elsewhere, &body).await.status, 404);
        }
        if body.is_null() {
            continue;
        }
        for (bytes, media_type, status) in [
            ("{", "application/json", 400),
            ("7", "application/json", 400),
            ("[]", "application/json", 400),
            ("{}", "text/plain", 415),
            (&*format!("\"{}\"", "x".repeat(2 << 20)), "application/json", 413),
        ] {
            let request = field.house.request(route.method, &path).bearer_auth(key);
            let reply = Reply::of(request.header("Content-Type", media_type).body(bytes.to_owned())).await;
            conforms(route.method, route.path, &reply);
            assert_eq!(reply.status, status, "{} {path} {bytes:.9}", route.method);
        }
    }
    field.house.stop().await;
}

#[tokio::test]
async fn a_push_without_a_good_item_answers_as_it_is_documented() {
    let field = Field::laid().await;
    for route in ROUTES {
        let Action::OfDatasource(OnDatasource::PushContacts | OnDatasource::PushEvents) = route.action else {
            continue;
        };
        let (path, _) = field.request(route);
        let reply = field.ask(&field.key, route, &path, &json!([7, { "_emial": 1 }])).await;
        assert_eq!(reply.status, 422);
    }
    field.house.stop().await;
}
