//! Two servers on one database.

use std::time::Duration;

use serde_json::Value;
use tidegate::store::managed::{Managed, Options, Role, open};

use crate::{
    commands::url_of,
    home::{Home, PROGRAM, Ran, bare, until},
    inlet::Inlet,
    serve::Serve,
};

const SECOND: Duration = Duration::from_secs(1);

async fn node(home: &Home, name: &str) -> Serve {
    let mut command = bare(PROGRAM, home.folder());
    command.args(["serve", "--database-url", &url_of(home)]);
    Serve::of(command, home.folder().join(name)).await
}

async fn call(home: &Home, arguments: &[&str]) -> Ran {
    let mut command = bare(PROGRAM, home.folder());
    command.args(arguments).env("TIDEGATE_DATABASE_URL", url_of(home));
    Ran::of(command).await
}

async fn database(home: &Home) -> Managed {
    open(&Options::new(home.data_dir()), Role::Owner).await.unwrap()
}

#[tokio::test]
async fn two_nodes_begin_on_an_empty_database_at_once_and_agree_on_keys() {
    let home = Home::new();
    let server = database(&home).await;
    let (one, two) = tokio::join!(node(&home, "one.log"), node(&home, "two.log"));
    let introduced = [&one, &two].iter().filter(|node| !node.commands("curl").is_empty()).count();
    assert_eq!(introduced, 1, "one demo:\n{}\n{}", one.printed, two.printed);
    assert_eq!(home.number("select count(*) from project").await, 1);
    assert_eq!(home.number("select count(*) from refinery_schema_history").await, 1);

    let demo = if one.commands("curl").is_empty() { &two } else { &one };
    let inlet = Inlet::demo(demo);
    let arguments = ["key", "create", "--kind", "datasource", "--name", "x", "--json", "--datasource"];
    let made: Value = call(&home, &[arguments.as_slice(), &[&inlet.datasource]].concat()).await.json();
    let key = inlet.with_token(made["key"].as_str().unwrap());
    let nodes = [key.on(&one), key.on(&two)];
    until("the new key works on both nodes", SECOND, async || {
        nodes[0].probe().await == 200 && nodes[1].probe().await == 200
    })
    .await;
    call(&home, &["key", "revoke", made["id"].as_str().unwrap()]).await.ok();
    until("the revoked key is refused by both nodes", SECOND, async || {
        nodes[0].probe().await == 401 && nodes[1].probe().await == 401
    })
    .await;

    for (node, id) in [(&one, "first"), (&two, "second"), (&one, "second")] {
        let pushed = inlet.on(node).push(&serde_json::json!([crate::inlet::event(id)])).await.unwrap();
        assert_eq!(pushed.status().as_u16(), 202);
    }
    assert_eq!(home.number("select count(*) from event").await, 2, "one claim on an id for all nodes");
    one.stop().await;
    assert_eq!(inlet.on(&two).probe().await, 200, "the other node goes on");
    two.stop().await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn two_migrations_at_once_apply_each_step_once() {
    let home = Home::new();
    let server = database(&home).await;
    let (one, two) = tokio::join!(call(&home, &["migrate"]), call(&home, &["migrate"]));
    let said = [one.ok(), two.ok()];
    assert_eq!(said.iter().filter(|text| text.contains("applied")).count(), 1, "{said:?}");
    assert_eq!(said.iter().filter(|text| text.contains("already")).count(), 1, "{said:?}");
    assert_eq!(home.number("select count(*) from organization").await, 1);
    server.stop().await.unwrap();
}

/// The URL is a secret: what is printed to be pasted names the way to pass it, and not the URL.
#[tokio::test]
async fn a_given_database_is_described_without_its_address() {
    let home = Home::new();
    let server = database(&home).await;
    let first = node(&home, "first.log").await;
    first.stop().await;
    let again = node(&home, "again.log").await;
    assert!(!again.printed.contains("postgres://"), "{}", again.printed);
    let mut pasted = bare("sh", home.folder());
    pasted.args(["-c", again.commands("tidegate")[0]]).env("TIDEGATE_DATABASE_URL", url_of(&home));
    assert!(Ran::of(pasted).await.ok().contains("tgd_"));
    again.stop().await;
    server.stop().await.unwrap();
}

/// Both have seen that there is no project when the first of them makes one.
#[tokio::test]
async fn two_nodes_make_one_demo() {
    let home = Home::new();
    let server = database(&home).await;
    call(&home, &["migrate"]).await.ok();
    let gate = home.client().await;
    gate.batch_execute("begin; lock table project in share mode").await.unwrap();
    let waiting = "select count(*) from pg_locks where not granted";
    let release = async {
        until("both are at the demo", crate::home::PATIENCE, async || home.number(waiting).await == 2).await;
        gate.batch_execute("commit").await.unwrap();
    };
    let (one, two, ()) = tokio::join!(node(&home, "one.log"), node(&home, "two.log"), release);
    assert_eq!(home.number("select count(*) from project").await, 1, "one demo");
    assert_eq!(one.commands("curl").len() + two.commands("curl").len(), 4, "shown once");
    one.stop().await;
    two.stop().await;
    server.stop().await.unwrap();
}
