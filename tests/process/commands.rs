//! The commands: what they print for programs, beside a running server and without one.

use serde_json::{Value, json};

use crate::{
    home::{Home, PROGRAM, Ran, bare, members},
    serve::Serve,
};

const SCOPES: &str = "PROJECT_INGEST_READ,PROJECT_INGEST_WRITE";

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no text {name} in {value}"))
}

async fn project(home: &Home, name: &str) -> String {
    let made = home.run(["project", "create", "--name", name, "--json"]).await.json();
    assert_eq!((members(&made), text(&made, "name")), (vec!["name", "uid"], name));
    assert!(text(&made, "uid").starts_with("proj_"), "{made}");
    text(&made, "uid").to_owned()
}

async fn key(home: &Home, kind: &str, rest: &[&str]) -> Value {
    let fixed = ["key", "create", "--kind", kind, "--name", "laptop", "--json"];
    let made = home.run(fixed.iter().chain(rest)).await.json();
    assert_eq!(members(&made), ["id", "key", "kind", "prefix"]);
    assert_eq!(text(&made, "kind"), kind);
    assert!(text(&made, "key").starts_with(text(&made, "prefix")), "{made}");
    made
}

/// Every command once, with the shapes that programs rely on.
async fn every_command(home: &Home) {
    let project = project(home, "Shop").await;
    let create = ["datasource", "create", "--project", &project, "--name", "Web", "--json"];
    let more = ["--plan", "L", "--strict", "--default-country", "ES"];
    let made = home.run(create.iter().chain(&more)).await.json();
    assert_eq!((members(&made), text(&made, "name")), (vec!["name", "token", "uid"], "Web"));
    let datasource = text(&made, "uid");
    assert!(datasource.starts_with("ds_") && text(&made, "token").starts_with("tgd_"), "{made}");

    let own = key(home, "datasource", &["--datasource", datasource]).await;
    let bound = key(home, "product", &["--project", &project, "--scopes", SCOPES]).await;
    let free = key(home, "product", &["--scopes", "ACCOUNT_READ"]).await;
    assert!(text(&own, "key").starts_with("tgd_") && text(&free, "key").starts_with("tgp_"));

    let limit = ["limit", "--per-minute", "7"];
    let audience = ["--project", &project, "--class", "audience.read"];
    home.run(["project"].iter().chain(&limit).chain(&audience)).await.ok();
    let events = ["--datasource", datasource, "--class", "events.write"];
    home.run(["datasource"].iter().chain(&limit).chain(&events)).await.ok();

    let listed = home.run(["project", "list", "--json"]).await.json();
    let shop = listed.as_array().unwrap().iter().find(|one| one["uid"] == project.as_str()).unwrap();
    let wanted = ["createdAt", "limits", "locale", "name", "retentionDays", "timezone", "uid", "updatedAt"];
    assert_eq!(members(shop), wanted);
    assert_eq!(shop["limits"], json!({ "audience.read": 7 }));
    let listed = home.run(["datasource", "list", "--project", &project, "--json"]).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let wanted = json!({ "uid": datasource, "name": "Web", "project": project, "plan": "L", "strict": true,
        "defaultCountry": "ES", "priority": 100, "limits": { "events.write": 7 }, "createdAt": listed[0]["createdAt"],
        "updatedAt": listed[0]["updatedAt"] });
    assert_eq!(listed[0], wanted);
    change(home, &project, datasource).await;
    life(home, &project, text(&own, "id")).await;

    home.run(["key", "revoke", text(&bound, "id")]).await.ok();
    home.run(["key", "delete", text(&own, "id")]).await.ok();
    let listed = home.run(["key", "list", "--project", &project, "--json"]).await.json();
    let ids: Vec<&Value> = listed.as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert!(ids.contains(&&bound["id"]) && !ids.contains(&&own["id"]), "{listed}");
    let revoked = listed.as_array().unwrap().iter().find(|one| one["id"] == bound["id"]).unwrap();
    assert!(revoked["revokedAt"].is_string() && revoked.get("key").is_none(), "{revoked}");
    assert_eq!(revoked["scopes"], json!(SCOPES.split(',').collect::<Vec<_>>()));

    home.run(["migrate"]).await.ok();
    for noun in ["project", "datasource", "key", "audit"] {
        let table = home.run([noun, "list"]).await.ok();
        let names = table.contains("NAME") || noun == "audit";
        assert!(names && (!table.contains("tgd_") || ["key", "audit"].contains(&noun)), "{table}");
        assert!(!table.contains(text(&made, "token")), "a list shows a whole key");
    }
}

/// A key is renamed and rotated, and the audit says so.
async fn life(home: &Home, project: &str, id: &str) {
    home.run(["key", "change", id, "--name", "crm"]).await.ok();
    let rotated = home.run(["key", "rotate", id, "--overlap", "90m", "--json"]).await.json();
    assert_eq!(members(&rotated), ["id", "key", "kind", "prefix", "replaces", "until"]);
    assert_eq!((text(&rotated, "kind"), text(&rotated, "replaces")), ("datasource", id));
    assert!(text(&rotated, "key").starts_with(text(&rotated, "prefix")), "{rotated}");
    let old = home.run(["key", "show", id, "--json"]).await.json();
    assert_eq!((text(&old, "name"), text(&old, "state")), ("crm", "rotated"));
    assert_eq!((text(&old, "expiresAt"), &old["lastUsedAt"]), (text(&rotated, "until"), &Value::Null));
    assert!(home.run(["key", "show", id]).await.ok().contains("rotated until"));
    home.run(["key", "rotate", id]).await.refused(&["rotated already", id]);
    home.run(["key", "rotate", id, "--overlap", "31d"]).await.refused(&["--overlap", "30d"]);
    let next = home.run(["key", "rotate", text(&rotated, "id")]).await.ok();
    assert!(next.contains(&format!("key show {}", text(&rotated, "id"))), "{next}");
    let listed = home.run(["key", "list", "--project", project, "--json"]).await.json();
    let states: Vec<&str> = listed.as_array().unwrap().iter().map(|key| text(key, "state")).collect();
    assert_eq!(states.iter().filter(|state| **state == "rotated").count(), 2, "{listed}");
    assert_eq!(home.run(["key", "list", "--user", "nobody@example.com", "--json"]).await.json(), json!([]));
    let nobody = "00000000-0000-4000-8000-000000000000";
    home.run(["key", "show", nobody]).await.refused(&[nobody, "key list"]);
    home.run(["key", "change", nobody, "--name", "x"]).await.refused(&[nobody, "key list"]);
    let audit = home.run(["audit", "list", "--project", project, "--limit", "3", "--json"]).await.json();
    let actions: Vec<&str> = audit.as_array().unwrap().iter().map(|line| text(line, "action")).collect();
    assert_eq!(actions, ["key.rotate", "key.rotate", "key.change"]);
    assert_eq!((text(&audit[1], "subject"), text(&audit[1], "actor")), (id, "command line"));
    assert!(!audit.to_string().contains(text(&rotated, "key")), "the audit shows a whole key");
    home.run(["audit", "list", "--project", "proj_x"]).await.refused(&["proj_x", "project list"]);
}

/// What is there is shown and changed.
async fn change(home: &Home, project: &str, datasource: &str) {
    let rename = ["project", "change", "--project", project, "--name", "Till", "--locale", "de-AT"];
    home.run(rename.iter().chain(&["--timezone", "Europe/Vienna", "--no-limit", "audience.read"])).await.ok();
    let shown = home.run(["project", "show", "--json", "--project", project]).await.json();
    assert_eq!(
        (text(&shown, "name"), text(&shown, "locale"), text(&shown, "timezone")),
        ("Till", "de-AT", "Europe/Vienna")
    );
    assert_eq!(shown["limits"], json!({}));
    assert!(home.run(["project", "show", "--project", project]).await.ok().contains("Europe/Vienna"));
    let keep = ["project", "retention", "--project", project];
    home.run(keep).await.refused(&["--days", "--forever"]);
    home.run(keep.iter().chain(&["--days", "0"])).await.refused(&["36500 days"]);
    home.run(keep.iter().chain(&["--days", "30"])).await.refused(&["more than 30 days ago", "--yes"]);
    home.run(keep.iter().chain(&["--days", "30", "--yes"])).await.ok();
    home.run(keep.iter().chain(&["--days", "31"])).await.ok();
    assert!(home.run(["project", "show", "--project", project]).await.ok().contains("31 days"));
    let said = home.run(keep.iter().chain(&["--forever"])).await.ok();
    assert!(said.contains("retention = for ever"), "{said}");

    let of = ["--datasource", datasource];
    let to = [
        "--plan",
        "default",
        "--strict",
        "false",
        "--default-country",
        "none",
        "--priority",
        "7",
        "--name",
        "Web 2",
    ];
    home.run(["datasource", "change"].iter().chain(&of).chain(&to)).await.ok();
    let shown = home.run(["datasource", "show", "--json"].iter().chain(&of)).await.json();
    assert_eq!(
        (&shown["plan"], &shown["strict"], &shown["defaultCountry"]),
        (&Value::Null, &json!(false), &Value::Null)
    );
    assert_eq!((&shown["priority"], text(&shown, "name")), (&json!(7), "Web 2"));
    assert!(home.run(["datasource", "show"].iter().chain(&of)).await.ok().contains("Web 2"));
    home.run(["datasource", "change"].iter().chain(&of)).await.refused(&["nothing to change"]);
    home.run(["datasource", "change", "--plan", "Q"].iter().chain(&of)).await.refused(&["no plan", "XL"]);
    home.run(["datasource", "change", "--priority", "-1"].iter().chain(&of)).await.refused(&["--priority"]);
}

#[tokio::test]
async fn deleting_asks_first_and_leaves_nothing_to_list() {
    let home = Home::new();
    let project = project(&home, "Shop").await;
    let made =
        home.run(["datasource", "create", "--json", "--name", "Web", "--project", &project]).await.json();
    let datasource = text(&made, "uid");
    let delete = ["datasource", "delete", "--datasource", datasource];
    home.run(delete).await.refused(&["--yes", "Web", datasource]);
    assert!(home.run(["datasource", "list"]).await.ok().contains(datasource));
    assert!(home.run(delete.iter().chain(&["--yes"])).await.ok().contains(datasource));
    assert!(!home.run(["datasource", "list"]).await.ok().contains(datasource));
    assert!(!home.run(["key", "list"]).await.ok().contains("First token"), "its keys went with it");
    home.run(delete.iter().chain(&["--yes"])).await.refused(&[datasource, "datasource list"]);
    let delete = ["project", "delete", "--project", &project];
    home.run(delete).await.refused(&["--yes", "Shop"]);
    home.run(delete.iter().chain(&["--yes"])).await.ok();
    assert_eq!(home.run(["project", "list", "--json"]).await.json(), json!([]));
    home.run(delete.iter().chain(&["--yes"])).await.refused(&[&project, "project list"]);
}

#[tokio::test]
async fn every_command_works_without_a_server_and_leaves_none() {
    let home = Home::new();
    every_command(&home).await;
    assert!(home.postmaster().is_none(), "a command left PostgreSQL running");
    assert!(!home.data_dir().join("pg/postmaster.pid").exists());
}

#[tokio::test]
async fn every_command_works_beside_a_server_and_leaves_it_alone() {
    let home = Home::new();
    let serve = Serve::with(&home, &["--no-demo"]).await;
    let postmaster = home.postmaster();
    every_command(&home).await;
    let address = serve.base.strip_prefix("http://").unwrap();
    assert_eq!(home.run(["healthcheck", "--listen", address]).await.ok(), "ready\n");
    assert_eq!(home.postmaster(), postmaster);
    serve.stop().await;
    home.run(["healthcheck", "--listen", "127.0.0.1:1"]).await.refused(&["127.0.0.1:1"]);
}

#[tokio::test]
async fn two_commands_at_once_share_a_server_of_their_own() {
    let home = Home::new();
    let names = ["one", "two", "three"];
    let all = names.map(|name| project(&home, name));
    let uids: [String; 3] = futures_util::future::join_all(all).await.try_into().unwrap();
    assert!(home.postmaster().is_none(), "nobody is left to need it");
    let listed = home.run(["project", "list", "--json"]).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 3, "{listed}");
    assert!(uids.iter().all(|uid| listed.to_string().contains(uid)));
}

#[tokio::test]
async fn options_stand_anywhere_and_come_from_the_environment() {
    let home = Home::new();
    let first = project(&home, "first").await;
    let call = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = bare(PROGRAM, home.folder());
        command.args(arguments).envs(variables.iter().copied());
        Ran::of(command)
    };
    let data_dir = home.data_dir().display().to_string();
    let before = call(&["--data-dir", &data_dir, "project", "list", "--json"], &[]).await.json();
    assert_eq!(before[0]["uid"], first.as_str());
    assert_eq!(call(&["project", "list", "--json", "--data-dir", &data_dir], &[]).await.json(), before);
    let environment = [("TIDEGATE_DATA_DIR", data_dir.as_str()), ("TIDEGATE_JSON", "true")];
    assert_eq!(call(&["project", "list"], &environment).await.json(), before);
    let named = [environment[0], environment[1], ("TIDEGATE_NAME", "second")];
    assert_eq!(call(&["project", "create"], &named).await.json()["name"], "second");
    let won = call(&["project", "create", "--name", "third"], &named).await.json();
    assert_eq!(won["name"], "third", "the command line wins");

    let serve = Serve::start(&home).await;
    let url = url_of(&home);
    let before = call(&["--database-url", &url, "project", "list", "--json"], &[]).await.json();
    assert_eq!(before.as_array().unwrap().len(), 3);
    assert_eq!(call(&["project", "list", "--json", "--database-url", &url], &[]).await.json(), before);
    let environment = [("TIDEGATE_DATABASE_URL", url.as_str())];
    assert_eq!(call(&["project", "list", "--json"], &environment).await.json(), before);
    serve.stop().await;
}

/// The address of a home's PostgreSQL in the form that `--database-url` takes.
pub fn url_of(home: &Home) -> String {
    let sockets = std::fs::canonicalize(home.data_dir().join("run")).unwrap();
    format!("postgres://tidegate@{}/tidegate", sockets.display().to_string().replace('/', "%2F"))
}

#[tokio::test]
async fn the_document_is_printed_without_a_database() {
    let home = Home::new();
    let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json")).unwrap();
    assert!(
        home.run(["openapi"]).await.ok() == file,
        "write it again: cargo run -- openapi > docs/openapi.json"
    );
    let elsewhere = home.run(["openapi", "--public-url", "https://ingest.example.com"]).await.ok();
    let document: Value = serde_json::from_str(&elsewhere).unwrap();
    assert_eq!(document["servers"], json!([{ "url": "https://ingest.example.com" }]));
    assert!(!home.data_dir().exists(), "a data directory was made for nothing");
}
