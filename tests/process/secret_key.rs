//! The secret key by command line: made on first need, given, rotated beside a server, lost.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use crate::{
    commands::url_of,
    home::{Home, PROGRAM, Ran, bare, members},
    serve::Serve,
};

async fn project(home: &Home) -> String {
    let made = home.run(["project", "create", "--name", "Shop", "--json"]).await.json();
    made["uid"].as_str().unwrap().to_owned()
}

/// The arguments of `key reveal` or `key regenerate`.
fn single<'a>(deed: &'a str, kind: &'a str, project: &'a str) -> [&'a str; 7] {
    ["key", deed, "--json", "--kind", kind, "--project", project]
}

#[track_caller]
fn key(answer: &Value) -> String {
    answer["key"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[tokio::test]
async fn the_private_server_makes_its_secret_key_when_it_is_first_needed() {
    let home = Home::new();
    let project = project(&home).await;
    let file = home.data_dir().join("secret-key");
    assert!(!file.exists(), "nothing needed it yet");
    for (kind, prefix) in [("instance", "instance_"), ("event-stream", "tge_")] {
        let made = home.run(single("reveal", kind, &project)).await.json();
        assert_eq!(members(&made), ["createdAt", "id", "key", "kind", "prefix", "project"]);
        assert!(key(&made).starts_with(prefix) && made["kind"] == kind, "{made}");
        assert_eq!(home.run(single("reveal", kind, &project)).await.json(), made, "at any time");
        let next = home.run(single("regenerate", kind, &project)).await.json();
        assert!(key(&next) != key(&made) && next["id"] != made["id"]);
        let plain = home.run(["key", "reveal", "--kind", kind, "--project", &project]).await.ok();
        assert!(plain.contains(&key(&next)), "{plain}");
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    home.run(single("reveal", "instance", "proj_none")).await.refused(&["proj_none", "project list"]);
    home.run(single("reveal", "datasource", &project)).await.refused(&["instance", "event-stream"]);
    let listed = home.run(["key", "list", "--json", "--project", &project]).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 4, "the dead ones stay listed: {listed}");
}

#[tokio::test]
async fn a_rotation_beside_a_server_is_in_force_there_at_once() {
    let home = Home::new();
    let serve = Serve::with(&home, &["--no-demo"]).await;
    let project = project(&home).await;
    let instance = home.run(single("reveal", "instance", &project)).await.json();
    let scopes = "PROJECT_MANAGE,PROJECT_READ,PROJECT_INGEST_READ,PROJECT_INGEST_WRITE,PROJECT_AUDIENCE_READ,\
                  PROJECT_AUDIENCE_DATA_BASIC,PROJECT_AUDIENCE_DATA_EVENTS,PROJECT_STREAM_READ,PROJECT_STREAM_WRITE";
    let make =
        ["key", "create", "--kind", "product", "--name", "all", "--json", "--scopes", scopes, "--project"];
    let manager = key(&home.run(make.iter().chain(&[project.as_str()])).await.json());
    let file = home.data_dir().join("secret-key");
    let http = reqwest::Client::new();
    let reveal = async || {
        let url = format!("{}/v1/project/{project}/instance-key/reveal", serve.base);
        let response = http.post(url).bearer_auth(&manager).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    crate::home::until("the new key", crate::home::PATIENCE, async || reveal().await.0 != 401).await;
    let (status, shown) = reveal().await;
    assert_eq!((status, key(&shown["entity"])), (200, key(&instance)), "{shown}");

    let old = fs::read_to_string(&file).unwrap();
    let rotated = home.run(["secret-key", "rotate", "--json"]).await.json();
    assert_eq!(rotated, json!({ "resealed": 1, "lost": 0 }));
    let new = fs::read_to_string(&file).unwrap();
    assert!(new != old && new.lines().count() == 1);
    let (status, shown) = reveal().await;
    assert_eq!((status, key(&shown["entity"])), (200, key(&instance)), "{shown}");

    fs::remove_file(&file).unwrap();
    let (status, problem) = reveal().await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("not_retrievable")));
    home.run(single("reveal", "instance", &project))
        .await
        .refused(&["regenerate to continue", "key regenerate --kind instance"]);
    assert!(!file.exists());
    let regenerated = home.run(single("regenerate", "instance", &project)).await.json();
    let (status, shown) = reveal().await;
    assert_eq!((status, key(&shown["entity"])), (200, key(&regenerated)), "{shown}");
    serve.stop().await;
}

/// A secret key whose bytes are all the same.
fn secret(byte: &str) -> String {
    byte.repeat(32)
}

#[tokio::test]
async fn a_database_of_ones_own_needs_a_secret_key_that_is_given() {
    let home = Home::new();
    let serve = Serve::with(&home, &["--no-demo"]).await;
    let project = project(&home).await;
    let url = url_of(&home);
    let call = async |arguments: &[&str], keys: &str| {
        let mut command = bare(PROGRAM, home.folder());
        command.args(arguments).env("TIDEGATE_DATABASE_URL", &url).env("TIDEGATE_SECRET_KEY", keys);
        Ran::of(command).await
    };
    let reveal = single("reveal", "instance", &project);
    for deed in ["reveal", "regenerate"] {
        let refused = call(&single(deed, "instance", &project), "").await;
        refused.refused(&["TIDEGATE_SECRET_KEY", "openssl rand -base64 32"]);
    }
    call(&["secret-key", "rotate"], "").await.refused(&["TIDEGATE_SECRET_KEY"]);
    assert!(!home.data_dir().join("secret-key").exists());
    for wrong in ["hush-hush", &format!("{},hush-hush", secret("01"))] {
        let said = call(&reveal, wrong).await.refused(&["--secret-key", "32 random bytes"]);
        assert!(!said.contains("hush"), "a mistyped secret is shown: {said}");
    }

    let (one, two) = (secret("01"), secret("02"));
    let made = key(&call(&reveal, &one).await.json());
    call(&reveal, &two).await.refused(&["regenerate to continue"]);
    call(&["secret-key", "rotate"], &two).await.refused(&["NEW,OLD"]);
    let both = format!("{two},{one}");
    assert_eq!(key(&call(&reveal, &both).await.json()), made);
    let rotated = call(&["secret-key", "rotate", "--json"], &both).await.json();
    assert_eq!(rotated, json!({ "resealed": 1, "lost": 0 }));
    assert_eq!(key(&call(&reveal, &two).await.json()), made);
    call(&reveal, &one).await.refused(&["regenerate to continue"]);
    let told = call(&["secret-key", "rotate"], &format!("{},{one}", secret("03"))).await.ok();
    assert!(told.contains("1 keys work") && told.contains("regenerate"), "{told}");
    serve.stop().await;
}
