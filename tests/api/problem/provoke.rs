//! One request for each code. The match has no arm for "any other": a new code does not compile without a request here.

use serde_json::json;
use tidegate::{
    auth::{Vault, scope::Scope},
    config::Stations,
    domain::{clock::SystemClock, cursor::Cursor},
    http::problem::Code,
};

use super::{body, check, framework, store};
use crate::{
    manage::{Manager, keys, repeat},
    support::{
        house::{Inlet, Reply, TestHouse, stations, vault},
        postgres::TestDatabase,
    },
    webhooks,
};

#[tokio::test]
async fn every_code_can_be_met() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let replies = Code::ALL.iter().map(|code| provoke(&house, &inlet, *code));
    for (code, reply) in Code::ALL.iter().zip(futures_util::future::join_all(replies).await) {
        if *code == Code::NoValidItem {
            no_valid_item(&reply);
        } else {
            check(&reply, *code);
        }
    }
    house.stop().await;
}

/// The one error with the shape of an answer.
fn no_valid_item(reply: &Reply) {
    let answer = reply.json();
    assert_eq!((reply.status, reply.header("content-type")), (422, "application/json"));
    assert_eq!(
        (answer["code"].as_str(), answer["message"].as_str()),
        (Some("no_valid_item"), Some("No item was valid"))
    );
}

/// The head of a body in an encoding that is not taken.
const COMPRESSED: [&str; 2] = ["Content-Type: application/json", "Content-Encoding: compress"];

#[allow(clippy::too_many_lines, reason = "an arm for each code")]
async fn provoke(house: &TestHouse, inlet: &Inlet, code: Code) -> Reply {
    let stream = inlet.path("/stream");
    let push =
        async |body: &'static str| house.post_bytes(&inlet.token, &inlet.path("/stream/events"), body).await;
    let get = async |rest: &str| house.get(&inlet.token, &inlet.path(rest)).await;
    match code {
        Code::MissingCredentials => Reply::of(house.request("GET", &stream)).await,
        Code::InvalidToken => house.get("noise", &stream).await,
        Code::InvalidRequest => get("/stream?api_key=x").await,
        Code::InsufficientScope => insufficient_scope(house, &stream).await,
        Code::NotFound => get("/nothing").await,
        Code::ContactNotFound => get("/stream/contacts/nobody").await,
        Code::EventTypeNotFound => get("/stream/specs/event-parameters/nothing").await,
        Code::AttributeNotFound
        | Code::ParameterNotFound
        | Code::AlreadyExists
        | Code::BuiltIn
        | Code::TooManySpecs
        | Code::InvalidBody => of_specs(house, inlet, code).await,
        Code::WebhookNotFound | Code::MessageNotFound | Code::TooManyWebhooks => {
            webhooks::manage::provoke(house, inlet, code).await
        }
        Code::KeyNotFound | Code::NotRotatable | Code::NameFixed => keys::provoke(house, inlet, code).await,
        Code::EventTypeMissing => get("/stream/specs/event-parameters").await,
        Code::InvalidPath => get("/stream/contacts/%FF").await,
        Code::InvalidParameter => {
            house.post(&inlet.token, &inlet.path("/stream/events?_dryRun=maybe"), &json!([])).await
        }
        Code::MethodNotAllowed => Reply::of(house.request("PUT", &stream).bearer_auth(&inlet.token)).await,
        Code::MalformedJson => push("[").await,
        Code::NotAnArray => push("{}").await,
        Code::EmptyBatch => push("[]").await,
        Code::TooManyItems => {
            house.post(&inlet.token, &inlet.path("/stream/events"), &json!(vec![0; 101])).await
        }
        Code::NoValidItem => push("[0]").await,
        Code::MalformedRequest => framework::answer(house, "nonsense\r\n\r\n").await,
        Code::HeadTooLarge => {
            framework::answer(house, &format!("GET /{} HTTP/1.1\r\n", "x".repeat(200_000))).await
        }
        // Half a head, and then nothing.
        Code::HeadTimeout => framework::slow_head().await,
        Code::IncompleteBody => body::incomplete(house, inlet).await,
        Code::BodyTooLarge => body::too_large(house, inlet).await,
        Code::UnsupportedMediaType => body::declared(house, inlet, &["Content-Type: text/plain"]).await,
        Code::UnsupportedEncoding => body::declared(house, inlet, &COMPRESSED).await,
        Code::MalformedEncoding => body::malformed_encoding(house, inlet).await,
        Code::BodyTimeout => body::too_slow().await,
        Code::RateLimited => store::rate_limited(house).await,
        Code::Overloaded => store::overloaded().await,
        Code::StoreUnavailable => store::unavailable().await,
        Code::Draining => store::draining().await,
        Code::OutcomeUnknown => store::outcome_unknown().await,
        Code::Unstorable => store::unstorable().await,
        Code::Internal => store::internal().await,
        Code::InvalidCursor => timeline(house, inlet, "noise").await,
        Code::IdempotencyInFlight | Code::IdempotencyMismatch | Code::InvalidIdempotencyKey => {
            of_repetitions(house, inlet, code).await
        }
        Code::NoSecretKey | Code::NotRetrievable | Code::Purging | Code::CursorExpired => {
            of_databases(house, code).await
        }
    }
}

/// A request with a key that may do something else.
async fn insufficient_scope(house: &TestHouse, path: &str) -> Reply {
    let (_, poor) = house.product_token(None, &[Scope::AccountRead]).await;
    house.get(&poor, path).await
}

/// A request about the project's own specs.
async fn manage(
    house: &TestHouse,
    inlet: &Inlet,
    method: &str,
    rest: &str,
    body: serde_json::Value,
) -> Reply {
    let (_, key) = house.product_token(Some(&inlet.project), &[Scope::ProjectManage]).await;
    let request =
        house.request(method, &format!("/v1/project/{}/specs{rest}", inlet.project)).bearer_auth(key);
    Reply::of(if body.is_null() { request } else { request.json(&body) }).await
}

/// One more than a project may declare.
async fn too_many_specs(house: &TestHouse) -> Reply {
    let inlet = house.inlet().await;
    let most = house.state.caps.declared;
    house
        .sql(&format!(
            "insert into spec (project_id, kind, event_type, name, body)
             select p.id, 'event', '', 'own-' || n, jsonb_build_object('uid', 'own-' || n, 'name', 'n', 'emoji', '',
                    'icon', '', 'description', '', 'category', 'c', 'important', false)
             from project p, generate_series(1, {most}) n where p.uid = '{}'",
            inlet.project
        ))
        .await;
    manage(house, &inlet, "POST", "/events", json!({"uid": "one-more"})).await
}

/// A page of the events of anybody; the cursor is read first.
async fn timeline(house: &TestHouse, inlet: &Inlet, after: &str) -> Reply {
    let (_, key) = house.product_token(Some(&inlet.project), &[Scope::ProjectAudienceDataEvents]).await;
    let anybody = "00000000-0000-4000-8000-000000000000";
    let path = format!("/v1/project/{}/audience/{anybody}/events?after={after}", inlet.project);
    house.get(&key, &path).await
}

/// In a database whose epochs have moved, as a restore moves them.
async fn cursor_expired() -> Reply {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let moved = "update epoch set n = 7;
                 insert into epoch (n, system_identifier, timeline, moved_to) values (1, 1, 1, 7)";
    house.sql(moved).await;
    let before = Cursor { epoch: 1, tx: 1, id: 1 }.encode();
    let reply = timeline(&house, &inlet, &before).await;
    house.stop().await;
    reply
}

/// The codes that only managing specs can meet.
async fn of_specs(house: &TestHouse, inlet: &Inlet, code: Code) -> Reply {
    let (method, rest, body) = match code {
        Code::AttributeNotFound => ("DELETE", "/attributes/nothing", json!(null)),
        Code::ParameterNotFound => ("DELETE", "/events/purchase/parameters/nothing", json!(null)),
        Code::AlreadyExists => ("POST", "/events", json!({"uid": "purchase"})),
        Code::BuiltIn => ("DELETE", "/attributes/_email", json!(null)),
        Code::TooManySpecs => return too_many_specs(house).await,
        _ => ("POST", "/events", json!([])),
    };
    manage(house, inlet, method, rest, body).await
}

/// The codes that only a request with an `Idempotency-Key` can meet.
async fn of_repetitions(house: &TestHouse, inlet: &Inlet, code: Code) -> Reply {
    let manager = Manager::of(house, inlet).await;
    match code {
        Code::IdempotencyInFlight => repeat::in_flight().await,
        Code::InvalidIdempotencyKey => manager.named(house, "/datasource", "", &json!({})).await,
        _ => {
            manager.named(house, "/datasource", "one", &json!({"name": "a"})).await;
            manager.named(house, "/datasource", "one", &json!({"name": "b"})).await
        }
    }
}

/// The codes that take a secret key which is not there, or is another one than before.
async fn of_vaults(house: &TestHouse, code: Code) -> Reply {
    // A project without such a key yet.
    let inlet = house.inlet().await;
    let (_, key) = house.product_token(None, Scope::ALL).await;
    let vault = if code == Code::NoSecretKey { Vault::Nowhere } else { vault("66") };
    let reveal = format!("/v1/project/{}/instance-key/reveal", inlet.project);
    let stations = Stations { vault, ..stations() };
    let other = TestHouse::with(house.database.clone(), stations, SystemClock::shared()).await;
    if code == Code::NotRetrievable {
        assert_eq!(Reply::of(house.request("POST", &reveal).bearer_auth(&key)).await.status, 200);
    }
    let path = if code == Code::NoSecretKey { reveal.replace("reveal", "regenerate") } else { reveal };
    let reply = Reply::of(other.request("POST", &path).bearer_auth(&key)).await;
    other.stop().await;
    reply
}

/// A push to a datasource that is closed for a purge.
async fn purging(house: &TestHouse) -> Reply {
    let inlet = house.inlet().await;
    house.sql(&format!("update datasource set closed_at = now() where uid = '{}'", inlet.datasource)).await;
    house.state.authority.refresh().await.unwrap();
    house.post(&inlet.token, &inlet.path("/stream/events"), &json!([])).await
}

/// The codes that take a database in a state of its own.
async fn of_databases(house: &TestHouse, code: Code) -> Reply {
    match code {
        Code::Purging => purging(house).await,
        Code::CursorExpired => cursor_expired().await,
        _ => of_vaults(house, code).await,
    }
}
