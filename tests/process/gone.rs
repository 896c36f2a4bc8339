//! What makes data go: `datasource purge`, `contact erase`, and the deletion of a datasource, beside a server and without one.

use serde_json::{Value, json};

use crate::{
    home::{Home, PATIENCE, until},
    inlet::{Inlet, event},
    serve::Serve,
};

/// Counts in the database.
async fn count(home: &Home, query: &str) -> i64 {
    home.client().await.query_one(query, &[]).await.unwrap().get(0)
}

async fn fill(inlet: &Inlet) {
    let events: Vec<Value> = (0..100).map(|n| event(&format!("e{n}"))).collect();
    assert_eq!(inlet.push(&json!(events)).await.unwrap().status().as_u16(), 202);
    let contact = json!([{"_user_id": "ada", "_city": "Rome"}, {"_user_id": "bob", "_city": "Oslo"}]);
    let request = inlet.http.post(format!("{}/contacts", inlet.url)).bearer_auth(&inlet.token).json(&contact);
    assert_eq!(request.send().await.unwrap().status().as_u16(), 202);
}

#[tokio::test]
async fn a_purge_and_an_erasure_work_beside_a_server() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let inlet = Inlet::wide(&home, &serve).await;
    fill(&inlet).await;
    let of = ["--datasource", &inlet.datasource];

    let erase = ["contact", "erase", "--user-id", "ada", "--json"];
    home.run(erase.iter().chain(&of)).await.refused(&["--yes"]);
    let erased = home.run(erase.iter().chain(&of).chain(&["--yes"])).await.json();
    assert_eq!(
        (&erased["deleted"], &erased["emptied"]),
        (&json!(true), &json!(101)),
        "100 events and a change"
    );
    assert_eq!(count(&home, "select count(*) from event where parameters::text like '%Rome%'").await, 0);
    assert_eq!(count(&home, "select count(*) from event where parameters::text like '%Oslo%'").await, 1);
    let text = home.run(erase[..4].iter().chain(&of).chain(&["--yes"])).await.ok();
    assert!(text.contains("no such contact") && text.contains("0 rows"), "{text}");

    let purge = ["datasource", "purge", "--json"];
    home.run(purge.iter().chain(&of)).await.refused(&["--yes", "Demo API"]);
    let purged = home.run(purge.iter().chain(&of).chain(&["--yes"])).await.json();
    assert_eq!((&purged["events"], &purged["contacts"]), (&json!(100), &json!(1)));
    for table in ["event", "event_key", "contact"] {
        assert_eq!(count(&home, &format!("select count(*) from {table}")).await, 0, "{table}");
    }
    let push = async || inlet.push(&json!([event("e1")])).await.unwrap().status().as_u16();
    until("pushes are taken again, with the same token", PATIENCE, async || push().await == 202).await;
    serve.stop().await;
}

#[tokio::test]
async fn a_purge_works_without_a_server() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let inlet = Inlet::wide(&home, &serve).await;
    fill(&inlet).await;
    serve.stop().await;
    let purge = ["datasource", "purge", "--datasource", &inlet.datasource, "--yes"];
    assert!(home.run(purge).await.ok().contains("100 events and 2 contacts"), "what was purged is counted");
    assert!(home.postmaster().is_none(), "a command left PostgreSQL running");
}

#[tokio::test]
async fn what_a_deleted_datasource_held_is_removed_by_the_server() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let inlet = Inlet::wide(&home, &serve).await;
    fill(&inlet).await;
    home.run(["datasource", "delete", "--datasource", &inlet.datasource, "--yes"]).await.ok();
    until("the token is refused", PATIENCE, async || inlet.probe().await == 401).await;
    // A deleted datasource is worked off a minute after its deletion, so that no node can still be writing to it.
    let aged =
        "update datasource set deleted_at = deleted_at - interval '2 minutes' where deleted_at is not null";
    home.client().await.batch_execute(aged).await.unwrap();
    let gone = "select (select count(*) from event) + (select count(*) from contact) + (select count(*) from event_key)";
    until("the rows are gone", PATIENCE, async || count(&home, gone).await == 0).await;
    serve.stop().await;
}
