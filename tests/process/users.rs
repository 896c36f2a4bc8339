//! Users and their personal keys by command line, beside a running server.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::{
    home::{Home, Ran, members, until},
    serve::Serve,
};

const SECOND: std::time::Duration = std::time::Duration::from_secs(1);

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no text {name} in {value}"))
}

/// Runs a command with this on its standard input.
async fn piped(home: &Home, arguments: &[&str], input: &str) -> Ran {
    let mut command = home.command(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

async fn create(home: &Home, email: &str, role: &str, rest: &[&str]) -> Ran {
    home.run(["user", "create", "--email", email, "--role", role].iter().chain(rest)).await
}

fn personal<'a>(user: &'a str, role: &'a str) -> Vec<&'a str> {
    [
        "key",
        "create",
        "--kind",
        "personal",
        "--name",
        "laptop",
        "--description",
        "tests",
        "--user",
        user,
        "--role",
        role,
    ]
    .to_vec()
}

#[tokio::test]
async fn a_user_is_made_listed_and_disabled_with_its_keys() {
    let home = Home::new();
    let serve = Serve::with(&home, &["--no-demo"]).await;
    let project = home.run(["project", "create", "--name", "Shop", "--json"]).await.json();
    let project = text(&project, "uid");
    let url = ["--public-url", "https://tide.example.com/x", "--projects", project, "--json"];
    let ada = create(&home, "ada@example.com", "ingest", &url).await.json();
    assert_eq!(members(&ada), ["email", "link", "linkExpiresAt", "projects", "role", "uid"]);
    let link = text(&ada, "link");
    assert!(link.starts_with("https://tide.example.com/x/welcome?invitation="), "{link}");
    assert_eq!(ada["projects"], json!([project]));
    let secret = link.rsplit('=').next().unwrap();

    let bob = [
        "user",
        "create",
        "--email",
        "bob@example.com",
        "--role",
        "full_access",
        "--password-stdin",
        "--json",
    ];
    let bob = piped(&home, &bob, "a long enough password\n").await.json();
    assert_eq!((&bob["link"], &bob["projects"]), (&Value::Null, &Value::Null));
    let listed = home.run(["user", "list", "--json"]).await.json();
    let passwords: Vec<&Value> = listed.as_array().unwrap().iter().map(|user| &user["hasPassword"]).collect();
    assert_eq!(passwords, [&json!(false), &json!(true)]);
    let table = home.run(["user", "list"]).await.ok();
    assert!(table.contains("invited") && table.contains("active") && !table.contains(secret), "{table}");
    let hashed = "select count(*) from app_user where password like '$argon2id$v=19$m=19456,t=2,p=1$%'";
    assert_eq!(home.number(hashed).await, 1);

    let key = home.run(personal("ada@example.com", "read_only").iter().chain(&["--json"])).await.json();
    assert_eq!((members(&key), text(&key, "kind")), (vec!["id", "key", "kind", "prefix"], "personal"));
    let path = format!("/v1/project/{project}?api_key={}", text(&key, "key"));
    until("the key works", SECOND, async || serve.status(&path).await == Some(200)).await;
    home.run(["user", "change", "--email", "ada@example.com", "--projects", "all"]).await.ok();
    let said = home.run(["user", "disable", "--email", "ada@example.com"]).await.ok();
    assert!(said.contains("1 of its keys"), "{said}");
    until("the key is refused", SECOND, async || serve.status(&path).await == Some(401)).await;
    home.run(personal("ada@example.com", "read_only")).await.refused(&["disabled", "user enable"]);
    home.run(["user", "invite", "--email", "ada@example.com"]).await.refused(&["disabled"]);
    home.run(["user", "enable", "--email", "ada@example.com"]).await.ok();
    let invited = home.run(["user", "invite", "--email", "ada@example.com", "--json"]).await.json();
    assert!(text(&invited, "link").starts_with("http://127.0.0.1:8080/welcome?invitation="));
    home.run(personal("ada@example.com", "ingest")).await.ok();
    serve.stop().await;
}

#[tokio::test]
async fn what_makes_no_user_or_no_key_is_refused_with_a_reason() {
    let home = Home::new();
    create(&home, "ada@example.com", "ingest", &[]).await.ok();
    create(&home, "ADA@example.com", "ingest", &[]).await.refused(&["ADA@example.com", "user list"]);
    create(&home, "ada", "ingest", &[]).await.refused(&["--email", "ada@example.com"]);
    create(&home, "bob@example.com", "owner", &[]).await.refused(&["--role", "full_access"]);
    create(&home, "bob@example.com", "ingest", &["--projects", "proj_x"])
        .await
        .refused(&["proj_x", "project list"]);
    create(&home, "bob@example.com", "ingest", &["--projects", "all,proj_x"]).await.refused(&["--projects"]);
    create(&home, "bob@example.com", "ingest", &["--password-prompt"])
        .await
        .refused(&["terminal", "--password-stdin"]);
    let short = ["user", "create", "--email", "bob@example.com", "--role", "ingest", "--password-stdin"];
    let refused = piped(&home, &short, "hunter2\n").await.refused(&["12 to 256 characters"]);
    assert!(!refused.contains("hunter2"), "{refused}");
    for command in [["user", "disable"], ["user", "enable"], ["user", "invite"]] {
        home.run(command.iter().chain(&["--email", "bob@example.com"]))
            .await
            .refused(&["bob@example.com", "user list"]);
    }
    let change = ["user", "change", "--projects", "all", "--email", "bob@example.com"];
    home.run(change).await.refused(&["bob@example.com"]);
    home.run(["user", "change", "--projects", "proj_x", "--email", "ada@example.com"])
        .await
        .refused(&["proj_x"]);

    home.run(personal("ada@example.com", "full_access")).await.refused(&["wider", "ingest"]);
    home.run(personal("bob@example.com", "ingest")).await.refused(&["bob@example.com", "user list"]);
    let key = ["key", "create", "--name", "x", "--kind"];
    home.run(key.iter().chain(&["personal"])).await.refused(&["--user"]);
    home.run(key.iter().chain(&["personal", "--user", "a"])).await.refused(&["--role", "read_only"]);
    home.run(key.iter().chain(&["personal", "--user", "a", "--role", "ingest"]))
        .await
        .refused(&["--description"]);
    let scoped = personal("ada@example.com", "ingest");
    home.run(scoped.iter().chain(&["--scopes", "ACCOUNT_READ"])).await.refused(&["--scopes"]);
    home.run(key.iter().chain(&["product", "--scopes", "ACCOUNT_READ", "--user", "a"]))
        .await
        .refused(&["--user"]);
    assert_eq!(home.run(["user", "list", "--json"]).await.json().as_array().unwrap().len(), 1);
    assert_eq!(home.run(["key", "list", "--json"]).await.json(), json!([]));
}
