//! The way of the tour: every kind of key, made and ended by command line and over HTTP, and shown in every way there is.

use serde_json::{Value, json};
use tidegate::auth::{scope::Scope, text::Kind};

use super::{
    needles::Secret,
    tour::{Tour, Way},
};
use crate::folder::random_hex;

/// What the command line made.
struct Made {
    project: String,
    foreign: String,
    datasource: String,
    /// Live keys.
    token: String,
    manager: String,
    reader: String,
    personal: String,
    instance: String,
    stream: String,
    /// The secret of Ada's link.
    invitation: String,
}

fn word(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no text {name} in {value}")).to_owned()
}

/// A password that nobody else has.
fn password(tour: &mut Tour<'_>) -> String {
    let text = format!("{}{}{}", random_hex(), random_hex(), random_hex());
    tour.secrets.push(Secret::of("a password", text.as_bytes()));
    text
}

/// Walks all of it.
pub async fn walk(tour: &mut Tour<'_>) {
    let made = by_command(tour).await;
    for key in [&made.token, &made.manager, &made.reader, &made.personal, &made.instance, &made.stream] {
        tour.in_force(key).await;
    }
    used(tour, &made).await;
    misused(tour, &made).await;
    pushed(tour, &made).await;
    managed(tour, &made).await;
    hooked(tour, &made).await;
    regenerated(tour, &made).await;
    own(tour, &made).await;
    welcomed(tour, &made).await;
    assert_eq!(tour.kinds(), Kind::ALL);
}

async fn by_command(tour: &mut Tour<'_>) -> Made {
    let project = tour.run(&["project", "create", "--name", "Shop", "--json"]).await.json();
    let foreign = tour.run(&["project", "create", "--name", "Other", "--json"]).await.json();
    let (project, foreign) = (word(&project, "uid"), word(&foreign, "uid"));
    let web = ["datasource", "create", "--name", "Web", "--project", &project];
    let (made, _) = tour.made(&web).await;
    let datasource = word(&made, "uid");

    let create = ["key", "create", "--name", "tour", "--kind"];
    let (token, _) = tour.made(&[&create[..], &["datasource", "--datasource", &datasource]].concat()).await;
    let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.name()).collect();
    let product = [&create[..], &["product", "--project", &project, "--scopes"]].concat();
    let (_, manager) = tour.made(&[&product[..], &[&all.join(",")]].concat()).await;
    let (reader_row, reader) = tour.made(&[&product[..], &["PROJECT_READ"]].concat()).await;
    let invitation = users(tour).await;
    let ada = ["personal", "--user", "ada@example.com", "--role", "full_access", "--description", "a tour"];
    let (personal_row, _) = tour.made(&[&create[..], &ada].concat()).await;

    let id = word(&token, "id");
    tour.run(&["key", "change", &id, "--name", "crm"]).await.ok();
    let (_, token) = tour.made(&["key", "rotate", &id]).await;
    tour.run(&["key", "rotate", &id]).await.refused(&["rotated already"]);
    tour.run(&["key", "show", &id, "--json"]).await.ok();
    let (_, personal) = tour.made(&["key", "rotate", &word(&personal_row, "id"), "--overlap", "0s"]).await;
    let (ended, _) = tour.made(&[&product[..], &["ACCOUNT_READ"]].concat()).await;
    tour.run(&["key", "revoke", &word(&ended, "id")]).await.ok();
    tour.run(&["key", "delete", &word(&ended, "id")]).await.ok();
    tour.run(&["key", "show", &word(&reader_row, "id")]).await.ok();
    let (instance, stream) = singles(tour, &project).await;
    Made { project, foreign, datasource, token, manager, reader, personal, instance, stream, invitation }
}

/// Ada, who gets a link, and Bob, who gets a password; the secret of the link.
async fn users(tour: &mut Tour<'_>) -> String {
    let create = ["user", "create", "--json", "--role", "full_access", "--email"];
    let first = tour.run(&[&create[..], &["ada@example.com"]].concat()).await.json();
    let second = tour.run(&["user", "invite", "--json", "--email", "ada@example.com"]).await.json();
    let links = [first, second].map(|answer| word(&answer, "link").rsplit('=').next().unwrap().to_owned());
    for link in &links {
        tour.secrets.push(Secret::of("the secret of a link", link.as_bytes()));
    }
    let password = password(tour);
    let bob = [&create[..], &["bob@example.com", "--password-stdin"]].concat();
    tour.piped(&bob, &format!("{password}\n")).await.ok();
    tour.piped(&bob, &format!("{password}\n")).await.refused(&["bob@example.com"]);
    links[1].clone()
}

/// The two kinds that can be shown again, before and after a rotation of the secret key.
async fn singles(tour: &mut Tour<'_>, project: &str) -> (String, String) {
    let mut live = Vec::new();
    for kind in ["instance", "event-stream"] {
        let of = ["--kind", kind, "--project", project];
        tour.made(&[&["key", "reveal"], &of[..]].concat()).await;
        tour.keep_secret_key();
        live.push(tour.made(&[&["key", "regenerate"], &of[..]].concat()).await.1);
        tour.run(&["secret-key", "rotate", "--json"]).await.ok();
        tour.keep_secret_key();
        let (_, again) = tour.made(&[&["key", "reveal"], &of[..]].concat()).await;
        assert_eq!(&again, live.last().unwrap());
    }
    (live[0].clone(), live[1].clone())
}

/// Every kind in every way that it has.
async fn used(tour: &mut Tour<'_>, made: &Made) {
    let project = format!("/v1/project/{}", made.project);
    let stream = format!("{project}/datasource/{}/stream", made.datasource);
    for (path, way) in [
        (stream.as_str(), Way::Bearer(&made.token)),
        (&stream, Way::Bearer(&made.manager)),
        (&stream, Way::Bearer(&made.personal)),
        (&stream, Way::Query(&made.personal)),
        (&project, Way::Bearer(&made.instance)),
        (&project, Way::Raw(&made.instance)),
        ("/v1/me", Way::Bearer(&made.stream)),
        ("/v1/me", Way::Raw(&made.stream)),
    ] {
        tour.expect(200, "GET", path, way, &Value::Null).await;
    }
}

/// Keys where they do not belong, and what they may not do.
async fn misused(tour: &mut Tour<'_>, made: &Made) {
    let nothing = &Value::Null;
    let project = format!("/v1/project/{}", made.project);
    for way in [Way::Raw(&made.token), Way::Query(&made.token), Way::Raw(&made.manager), Way::Without] {
        tour.expect(401, "GET", &project, way, nothing).await;
    }
    for way in [Way::Raw(&made.personal), Way::Query(&made.manager), Way::Query(&made.instance)] {
        tour.expect(401, "GET", &project, way, nothing).await;
    }
    for key in tour.keys.clone() {
        // Among them are those that were ended; wherever it is not refused, it names nothing that is there.
        tour.send("GET", &format!("{project}/keys/{key}"), Way::Bearer(&made.manager), nothing).await;
        tour.send("GET", &format!("/v1/{key}?x={key}"), Way::Bearer(&key), nothing).await;
        tour.send("GET", &format!("/{key}"), Way::Query(&key), nothing).await;
        tour.send(
            "POST",
            &format!("{project}/keys"),
            Way::Bearer(&made.manager),
            &json!({ "kind": key, "name": "x", "scopes": [key] }),
        )
        .await;
    }
    tour.expect(400, "GET", &project, Way::Query(&made.stream), nothing).await;
    let two = format!("{project}?api_key={}", made.personal);
    tour.expect(400, "GET", &two, Way::Bearer(&made.token), nothing).await;
    let new = json!({ "kind": "product", "name": "x", "scopes": ["PROJECT_READ"] });
    tour.expect(403, "POST", &format!("{project}/keys"), Way::Bearer(&made.reader), &new).await;
    tour.expect(403, "DELETE", &project, Way::Bearer(&made.instance), nothing).await;
    let foreign = format!("/v1/project/{}", made.foreign);
    for way in [Way::Bearer(&made.manager), Way::Raw(&made.stream), Way::Bearer(&made.token)] {
        tour.expect(404, "GET", &foreign, way, nothing).await;
    }
}

async fn pushed(tour: &mut Tour<'_>, made: &Made) {
    let contacts = format!("/v1/project/{}/datasource/{}/stream/contacts", made.project, made.datasource);
    let good = json!({ "_user_id": "ada", "_email": "ada@example.com" });
    let bad = json!({ "_user_id": "bob", "_email": "no address" });
    for way in [Way::Bearer(&made.token), Way::Raw(&made.instance), Way::Query(&made.personal)] {
        tour.expect(202, "POST", &contacts, way, &json!([good, bad])).await;
        tour.expect(422, "POST", &contacts, way, &json!([bad])).await;
        tour.expect(400, "POST", &contacts, way, &json!("no list")).await;
    }
}

/// Keys of the project over HTTP.
async fn managed(tour: &mut Tour<'_>, made: &Made) {
    let keys = format!("/v1/project/{}/keys", made.project);
    let way = Way::Bearer(&made.manager);
    let token = json!({ "kind": "datasource", "name": "a", "datasourceUid": made.datasource });
    let product = json!({ "kind": "product", "name": "b", "scopes": ["PROJECT_READ", "ACCOUNT_READ"] });
    for body in [&token, &product] {
        let (id, _) = tour.shown(201, &keys, way, body).await;
        let (next, _) =
            tour.shown(201, &format!("{keys}/{id}/rotate"), way, &json!({ "overlap": "1h" })).await;
        tour.expect(409, "POST", &format!("{keys}/{id}/rotate"), way, &json!({})).await;
        tour.expect(200, "GET", &format!("{keys}/{next}"), way, &Value::Null).await;
        tour.expect(200, "PATCH", &format!("{keys}/{next}"), way, &json!({ "name": "c" })).await;
        tour.expect(200, "POST", &format!("{keys}/{id}/revoke"), way, &Value::Null).await;
        tour.expect(200, "DELETE", &format!("{keys}/{next}"), way, &Value::Null).await;
    }
    tour.expect(400, "POST", &keys, way, &json!({ "kind": "personal", "name": made.token })).await;
    tour.expect(200, "GET", &keys, way, &Value::Null).await;
    tour.expect(200, "GET", &keys.replace("/keys", "/audit"), way, &Value::Null).await;
}

/// A webhook, which nothing is delivered to.
async fn hooked(tour: &mut Tour<'_>, made: &Made) {
    let hooks = format!("/v1/project/{}/webhooks", made.project);
    let way = Way::Bearer(&made.manager);
    let new = json!({ "url": "https://receiver.example/hook", "types": ["contact.*"], "enabled": false });
    let id = tour.signed(201, &hooks, way, &new).await;
    let hook = format!("{hooks}/{id}");
    assert_eq!(tour.signed(200, &format!("{hook}/secret/rotate"), way, &Value::Null).await, id);
    tour.expect(200, "GET", &hook, way, &Value::Null).await;
    tour.expect(200, "PATCH", &hook, way, &json!({ "description": "c" })).await;
    tour.expect(403, "POST", &format!("{hook}/secret/rotate"), Way::Bearer(&made.reader), &Value::Null).await;
    tour.expect(200, "GET", &hooks, way, &Value::Null).await;
}

async fn regenerated(tour: &mut Tour<'_>, made: &Made) {
    let way = Way::Bearer(&made.manager);
    for (kind, old) in [("instance-key", &made.instance), ("event-stream-key", &made.stream)] {
        let place = format!("/v1/project/{}/{kind}", made.project);
        tour.expect(200, "GET", &place, way, &Value::Null).await;
        let (_, shown) = tour.shown(200, &format!("{place}/reveal"), way, &Value::Null).await;
        assert_eq!(&shown, old);
        tour.shown(200, &format!("{place}/regenerate"), way, &Value::Null).await;
        tour.expect(401, "GET", "/v1/me", Way::Raw(old), &Value::Null).await;
        tour.expect(403, "POST", &format!("{place}/reveal"), Way::Bearer(&made.reader), &Value::Null).await;
    }
}

/// A user's own keys, by one of them.
async fn own(tour: &mut Tour<'_>, made: &Made) {
    let way = Way::Bearer(&made.personal);
    let body = json!({ "name": "phone", "description": "a tour", "role": "read_only" });
    let (id, key) = tour.shown(201, "/v1/me/keys", way, &body).await;
    tour.expect(403, "POST", "/v1/me/keys", Way::Bearer(&key), &body).await;
    let (next, _) = tour.shown(201, &format!("/v1/me/keys/{id}/rotate"), way, &json!({})).await;
    tour.expect(200, "GET", "/v1/me", Way::Query(&key), &Value::Null).await;
    tour.expect(200, "POST", &format!("/v1/me/keys/{next}/revoke"), way, &Value::Null).await;
    tour.expect(200, "DELETE", &format!("/v1/me/keys/{next}"), way, &Value::Null).await;
    tour.expect(200, "GET", "/v1/me/keys", way, &Value::Null).await;
    tour.expect(200, "GET", "/v1/me", Way::Bearer(&key), &Value::Null).await;
}

/// Ada follows her link, sets a password, and is turned away.
async fn welcomed(tour: &mut Tour<'_>, made: &Made) {
    let (base, password) = (tour.base.clone(), password(tour));
    let page = tour.http.get(format!("{base}/welcome?invitation={}", made.invitation)).send().await.unwrap();
    assert_eq!(page.status(), 200);
    for (again, status) in [("another one of them", 422), (&password, 200), (&password, 404)] {
        let form =
            format!("invitation={}&password={password}&again={}", made.invitation, again.replace(' ', "+"));
        let kind = ("Content-Type", "application/x-www-form-urlencoded");
        let sent = tour.http.post(format!("{base}/welcome")).header(kind.0, kind.1).body(form);
        let answer = sent.send().await.unwrap();
        assert_eq!(answer.status(), status);
        // The form that is shown again has the link in it; the password is in none.
        assert!(!answer.text().await.unwrap().contains(&password));
    }
    tour.run(&["user", "disable", "--email", "ada@example.com"]).await.ok();
    crate::home::until("Ada's keys are refused", crate::home::PATIENCE, async || {
        let asked = tour.http.get(format!("{base}/v1/me")).bearer_auth(&made.personal).send().await.unwrap();
        asked.status() == 401
    })
    .await;
}
