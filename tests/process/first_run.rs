//! The first start, line by line as it is printed, and the second.

use std::process::Stdio;

use serde_json::Value;
use tokio::time::Instant;

use crate::{
    home::{Home, bare},
    inlet::Inlet,
    serve::Serve,
};

/// Fails with a word on what to install; a test that cannot run must not look like one that passed.
async fn need(program: &str, package: &str) {
    let found = bare(program, &std::env::temp_dir()).arg("--version").stdout(Stdio::null()).status().await;
    assert!(found.is_ok_and(|status| status.success()), "this test runs {program}: install {package}");
}

async fn pasted(home: &Home, line: &str) -> (u16, Value) {
    let out = home.paste(&format!("{line} -w '\\n%{{http_code}}'")).await.ok();
    let (body, status) = out.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn the_printed_lines_work_as_they_stand() {
    need("curl", "curl").await;
    need("psql", "postgresql-client").await;
    need("pg_dump", "postgresql-client").await;
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let curls = serve.commands("curl");
    assert_eq!(curls.len(), 4, "{}", serve.printed);

    let (status, probe) = pasted(&home, curls[0]).await;
    assert_eq!((status, &probe["token"]["kind"]), (200, &"datasource".into()), "{probe}");
    let (status, contact) = pasted(&home, curls[1]).await;
    assert_eq!((status, &contact["entity"]["items"][0]["outcome"]), (202, &"created".into()), "{contact}");
    let (status, event) = pasted(&home, curls[2]).await;
    assert_eq!((status, &event["entity"]["items"][0]["outcome"]), (202, &"stored".into()), "{event}");
    let (status, batch) = pasted(&home, curls[3]).await;
    assert_eq!((status, &batch["entitiesSuccess"], &batch["entitiesFailures"]), (202, &1.into(), &1.into()));
    assert!(batch["errors"][0]["error"].as_str().unwrap().contains("e-mail"), "{batch}");

    let psql = serve.commands("psql")[0];
    let people = "select string_agg(user_id, ' ' order by user_id) from contact";
    assert_eq!(home.paste(&format!("{psql} -Atc \"{people}\"")).await.ok(), "ada grace\n");
    let events = "select event_id || ' ' || type from event where kind = 'e'";
    assert_eq!(home.paste(&format!("{psql} -Atc \"{events}\"")).await.ok(), "order-1 purchase\n");

    returns(&home, serve).await;
}

/// The second start: how to make a token, beside the running server; and no token is written down anywhere.
async fn returns(home: &Home, first: Serve) {
    let (token, _) = first.demo();
    let inlet = Inlet::demo(&first);
    let first_log = first.logged();
    first.stop().await;
    let second = Serve::start(home).await;
    assert!(second.commands("curl").is_empty() && !second.printed.contains(&token), "{}", second.printed);
    let made = home.paste(second.commands("tidegate")[0]).await.ok();
    let done = Instant::now();
    let new = made.split_whitespace().find(|word| word.starts_with("tgd_")).unwrap().to_owned();
    let new = inlet.on(&second).with_token(&new);
    while new.probe().await != 200 {
        assert!(done.elapsed().as_secs_f64() < 1.0, "the new token is not in force within a second");
    }
    assert_eq!(inlet.on(&second).probe().await, 200, "the old token still works");

    let dump = home.dump().await;
    assert!(dump.contains("Demo API") && dump.contains(&token[..8]), "the dump has the display prefix");
    let pg_log = std::fs::read_to_string(home.data_dir().join("pg.log")).unwrap();
    for (name, text) in
        [("dump", &dump), ("first log", &first_log), ("second log", &second.logged()), ("pg.log", &pg_log)]
    {
        for token in [&token, &new.token] {
            assert!(!text.contains(&token[8..]), "a token is in the {name}");
        }
    }
    second.stop().await;
    assert!(home.postmaster().is_none());
}

#[tokio::test]
async fn without_a_demo_the_way_to_a_project_is_shown() {
    let home = Home::new();
    let serve = Serve::with(&home, &["--no-demo"]).await;
    assert!(serve.commands("curl").is_empty(), "{}", serve.printed);
    assert_eq!(home.run(["project", "list", "--json"]).await.json(), serde_json::json!([]));
    // Each answer shows the next step, up to a token that works.
    let made = home.paste(serve.commands("tidegate")[0]).await.ok();
    let next = made.lines().find_map(|line| line.strip_prefix("  ")).unwrap();
    let made = home.paste(next).await.ok();
    let word = |start: &str| made.split_whitespace().find(|word| word.contains(start)).unwrap().to_owned();
    let path = word("/v1/project/").replace("/contacts", "");
    let inlet = Inlet {
        url: format!("{}{path}", serve.base),
        datasource: word("ds_"),
        token: word("tgd_"),
        http: reqwest::Client::new(),
    };
    crate::home::until("the first token", std::time::Duration::from_secs(1), async || {
        inlet.probe().await == 200
    })
    .await;
    serve.stop().await;
}
