//! Files into a datasource: the outcomes of pushes, beside a server, broken off and gone on with.

use std::{fmt::Write as _, fs, process::Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tidegate::domain::claim::Digest;
use tokio::{io::AsyncWriteExt, process::Child};
use tokio_postgres::Client;

use crate::{
    home::{Home, PATIENCE, Ran, until},
    inlet::Inlet,
    pushers::Pushers,
    serve::Serve,
};

/// A datasource of a project of its own.
pub async fn datasource(home: &Home, name: &str) -> (String, String) {
    let project = home.run(["project", "create", "--name", name, "--json"]).await.json();
    let project = project["uid"].as_str().unwrap().to_owned();
    let made = ["datasource", "create", "--name", "File", "--json", "--default-country", "DE", "--project"];
    let made = home.run(made.iter().copied().chain([project.as_str()])).await.json();
    (project, made["uid"].as_str().unwrap().to_owned())
}

/// What a datasource holds by its lots: events, the sum of their ids, changes of contacts, the sum of theirs.
pub async fn sums(home: &Home, datasource: &str) -> (i64, u64, i64, u64) {
    let sql = "select l.events::int8, l.id_sum, l.contacts::int8, l.contact_sum
               from lot l join datasource d on d.id = l.datasource_id where d.uid = $1";
    let rows = home.client().await.query(sql, &[&datasource]).await.unwrap();
    rows.iter().fold((0, 0, 0, 0), |sums, row| {
        let word = |at: usize| row.get::<_, i64>(at).cast_unsigned();
        (
            sums.0 + row.get::<_, i64>(0),
            sums.1.wrapping_add(word(1)),
            sums.2 + row.get::<_, i64>(2),
            sums.3.wrapping_add(word(3)),
        )
    })
}

fn sum(ids: impl IntoIterator<Item = String>) -> u64 {
    ids.into_iter().fold(0, |sum, id| sum.wrapping_add(Digest::of(&id).audit_word()))
}

fn event(n: usize) -> Value {
    json!({ "_user_id": format!("u{}", n % 100), "_event_id": format!("e{n}"), "_event_type": "purchase",
            "_event_date": "2026-11-20T12:00:00Z", "_event_parameters": { "amount": "12.50", "own": { "n": n } } })
}

/// So many events, of which every `bad`th is refused.
pub fn events(count: usize, bad: usize) -> String {
    let mut text = String::new();
    for n in 0..count {
        let mut event = event(n);
        if n % bad == bad - 1 {
            event["_event_parameters"]["amount"] = json!("much");
        }
        writeln!(text, "{event}").unwrap();
    }
    text
}

fn report(home: &Home, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(home.folder().join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a failed run printed for programs.
#[track_caller]
fn failed(ran: Ran) -> (Value, String) {
    assert_eq!(ran.code, Some(1), "{}\n{}", ran.out, ran.err);
    (
        serde_json::from_str(ran.out.trim())
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", ran.out, ran.err)),
        ran.err,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_have_the_outcomes_of_pushes_beside_a_server() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let inlet = Inlet::wide(&home, &serve).await;
    let pushers = Pushers::start(&inlet, 2, "pushed");
    pushers.acknowledged(10).await;
    let lines = [
        event(1).to_string(),
        String::new(),
        event(1).to_string(),
        event(1).to_string().replace("12.50", "13"),
        "{\"_user_id\":\"u\",".into(),
        "{},{}".into(),
        json!({ "_user_id": "u", "_event_id": "x", "_event_type": "t", "_event_dat": "soon" }).to_string(),
        json!(["no", "object"]).to_string(),
        event(2).to_string(),
        format!(
            "{{\"_user_id\":\"u\",\"_event_id\":\"n\",\"_event_type\":\"t\",\"_event_parameters\":{{\"a\":\"{}\"}}}}",
            "\\u0000"
        ),
    ];
    fs::write(home.folder().join("a.ndjson"), lines.join("\n")).unwrap();
    let of = ["import", "a.ndjson", "--json", "--datasource", &inlet.datasource];
    let (told, err) = failed(home.run(of).await);
    assert!(err.contains("6 of 9 rows were rejected; a.ndjson.rejected.ndjson"), "{err}");
    let counted = ["rows", "stored", "duplicate", "conflict", "invalid", "rejected", "created"];
    assert_eq!(counted.map(|name| told[name].as_i64().unwrap()), [9, 2, 1, 1, 5, 6, 0]);
    assert_eq!(
        (&told["complete"], &told["rejectedFile"]),
        (&json!(true), &json!("a.ndjson.rejected.ndjson"))
    );

    let rejected = report(&home, "a.ndjson.rejected.ndjson");
    let lines_of: Vec<i64> = rejected.iter().map(|one| one["line"].as_i64().unwrap()).collect();
    assert_eq!(lines_of, [4, 5, 6, 7, 8, 10]);
    let codes: Vec<&str> = rejected.iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["conflict", "malformed", "malformed", "invalid", "invalid", "invalid"]);
    assert_eq!(rejected[0]["errors"][0]["field"], "_event_id");
    assert!(rejected[1]["errors"][0]["rule"].as_str().unwrap().contains("at column 16"), "{}", rejected[1]);
    assert_eq!(rejected[2]["errors"][0]["rule"], "holds more than one item");
    assert_eq!(rejected[3]["errors"][0]["pointer"], "/_event_dat");
    assert_eq!(rejected[3]["text"], lines[6].as_str());
    assert_eq!(rejected[5]["errors"][0]["pointer"], "/_event_parameters/a");
    assert!(!home.folder().join("a.ndjson.progress").exists());

    // The server knows what was imported: pushed again it is a duplicate.
    let pushed: Value = inlet.push(&json!([event(1)])).await.unwrap().json().await.unwrap();
    assert_eq!(pushed["entity"]["items"][0]["outcome"], "duplicate");
    // Corrected and imported again, what was stored is a duplicate and the report is gone.
    fs::write(home.folder().join("a.ndjson"), lines[0].clone() + "\n" + &lines[8]).unwrap();
    let told = home.run(of).await.json();
    assert_eq!((&told["duplicate"], &told["rejectedFile"]), (&json!(2), &Value::Null));
    assert!(!home.folder().join("a.ndjson.rejected.ndjson").exists());
    assert!(pushers.stop().await.statuses.is_empty(), "the pushes went on");
    serve.stop().await;
}

#[tokio::test]
async fn tables_are_typed_by_the_catalogue() {
    let home = Home::new();
    let (_, uid) = datasource(&home, "Shop").await;
    let write = |name: &str, text: &str| fs::write(home.folder().join(name), text).unwrap();
    write(
        "people.csv",
        "\u{feff}_user_id,_email,_phone_mobile,shoe size,note\r\nu1,ADA@Example.COM,030 901820,42,\"two\nlines, \"\"quoted\"\"\"\r\n\
         u2,nope,,,\r\nu3,,,,\r\nu1,ada@example.com,,43,\r\nu4,x\r\n",
    );
    let (told, _) = failed(home.run(["import", "people.csv", "--json", "--datasource", &uid]).await);
    let counted = ["rows", "created", "updated", "unchanged", "invalid"];
    assert_eq!(counted.map(|name| told[name].as_i64().unwrap()), [5, 2, 1, 0, 2]);
    let rejected = report(&home, "people.csv.rejected.ndjson");
    let seen = |at: usize, name: &str| rejected[at]["errors"][0][name].as_str().unwrap().to_owned();
    assert_eq!((&rejected[0]["line"], seen(0, "field").as_str()), (&json!(4), "_email"));
    assert_eq!(rejected[0]["text"], "u2,nope,,,");
    assert_eq!((&rejected[1]["line"], &rejected[1]["code"]), (&json!(7), &json!("malformed")));
    assert_eq!(seen(1, "rule"), "has 2 cells where the header names 5");

    write(
        "bought.csv",
        "_event_id;_event_type;_event_date;_user_id;amount;_event_parameters.sku;own\n\
         e1;purchase;2026-11-20;u1;12.50;[\"a\",\"b\"];007\ne2;visit;;u2;12.50;a;\n",
    );
    let semicolons = ["import", "bought.csv", "--delimiter", ";", "--json", "--datasource", &uid];
    assert_eq!(home.run(semicolons).await.json()["stored"], 2);
    home.run(["import", "bought.csv", "--datasource", &uid])
        .await
        .refused(&["no column _user_id", "--delimiter"]);
    assert!(!home.folder().join("bought.csv.progress").exists(), "nothing was begun");
    write("typo.csv", "_user_id,_emial\nu1,a@b.de\n");
    home.run(["import", "typo.csv", "--datasource", &uid]).await.refused(&["_emial", "did you mean _email?"]);
    write("what.ndjson", "{\"a\":1}\n");
    home.run(["import", "what.ndjson", "--datasource", &uid]).await.refused(&["line 1", "--kind"]);
    write("array.ndjson", "[{\"a\":1}]\n");
    home.run(["import", "array.ndjson", "--datasource", &uid]).await.refused(&["line 1 begins an array"]);
    home.run(["import", "typo.csv", "--datasource", "ds_x"]).await.refused(&["ds_x", "datasource list"]);
    home.run(["import", "none.csv", "--datasource", &uid]).await.refused(&["cannot read none.csv"]);
    assert!(home.postmaster().is_none(), "a command left PostgreSQL running");

    let serve = Serve::with(&home, &["--no-demo"]).await;
    let client = home.client().await;
    let rows = client.query("select user_id, attributes::text from contact order by 1", &[]).await.unwrap();
    let contact = |at: usize| serde_json::from_str::<Value>(rows[at].get(1)).unwrap();
    assert_eq!(rows.len(), 2);
    let wanted = json!({ "_email": "ADA@example.com".to_lowercase(), "_phone_mobile": "+4930901820", "shoe size": "43",
                         "note": "two\nlines, \"quoted\"" });
    assert_eq!((contact(0), contact(1)), (wanted, json!({})));
    let rows = "select event_id, parameters::text from event where event_id is not null order by 1";
    let rows = client.query(rows, &[]).await.unwrap_or_else(|error| panic!("{error:?}"));
    let event = |at: usize| serde_json::from_str::<Value>(rows[at].get(1)).unwrap();
    assert_eq!(event(0), json!({ "amount": 12.5, "sku": ["a", "b"], "own": "007" }));
    assert_eq!(
        event(1),
        json!({ "amount": "12.50", "sku": "a" }),
        "nothing is declared for a type of one's own"
    );
    // What a command brought counts as received, too.
    assert_eq!(home.number("select sum(events)::int8 from usage_minute").await, 2);
    serve.stop().await;
}

fn start(home: &Home, arguments: &[&str]) -> Child {
    let mut command = home.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A lock that no lot passes.
async fn held_up(home: &Home) -> Client {
    let client = home.client().await;
    client
        .batch_execute(
            "create or replace function held_up() returns trigger language plpgsql as
                 $$ begin perform pg_advisory_xact_lock_shared(6); return new; end $$;
             create or replace trigger held_up before insert on lot execute function held_up();
             select pg_advisory_lock(6);",
        )
        .await
        .unwrap();
    client
}

/// Waits until a lane stands before it.
async fn reached(home: &Home) {
    until("a lane waits for the lock", PATIENCE, async || {
        let waiting = "select count(*) from pg_stat_activity
                       where wait_event_type = 'Lock' and application_name = 'tidegate-lane'";
        home.number(waiting).await > 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_import_goes_on_without_loss() {
    const COUNT: usize = 30_000;
    let home = Home::new();
    let serve = Serve::with(&home, &["--no-demo"]).await;
    let (_, uid) = datasource(&home, "Shop").await;
    fs::write(home.folder().join("many.ndjson"), events(COUNT, 100)).unwrap();
    let import = ["import", "many.ndjson", "--json", "--datasource", &uid];
    let good = (COUNT - COUNT / 100) as i64;

    let mut child = start(&home, &import);
    until("something is stored", PATIENCE, async || sums(&home, &uid).await.0 > 0).await;
    let lock = held_up(&home).await;
    let stored = sums(&home, &uid).await.0;
    assert!(0 < stored && stored < good, "{stored} were stored when it was to be killed");
    child.kill().await.unwrap();
    lock.batch_execute("select pg_advisory_unlock(6)").await.unwrap();
    home.run(import).await.refused(&["broken off", "--resume", "many.ndjson.progress"]);
    let other = ["import", "many.ndjson", "--resume", "--kind", "events", "--datasource", &uid];
    home.run(other).await.refused(&["another --datasource"]);

    // Ended by a signal, it finishes what is in flight and says how to go on.
    let resume = ["import", "many.ndjson", "--resume", "--datasource", &uid];
    let lock = held_up(&home).await;
    let child = start(&home, &resume);
    reached(&home).await;
    kill_process(Pid::from_raw(child.id().unwrap().cast_signed()).unwrap(), Signal::INT).unwrap();
    lock.batch_execute("select pg_advisory_unlock(6)").await.unwrap();
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{}: {err}", output.status);
    let line = err
        .lines()
        .find_map(|line| line.strip_prefix("  "))
        .unwrap_or_else(|| panic!("no line to paste: {err}"));
    assert!(line.ends_with("--resume"), "{line}");
    let ran = home.paste(line).await;
    assert_eq!(ran.code, Some(1), "rows were rejected: {}", ran.err);
    assert!(ran.out.starts_with(&format!("imported {COUNT} rows of many.ndjson: ")), "{}", ran.out);

    let ids = (0..COUNT).filter(|n| n % 100 != 99).map(|n| format!("e{n}"));
    assert_eq!(sums(&home, &uid).await, (good, sum(ids), 0, 0));
    let lines: Vec<i64> = report(&home, "many.ndjson.rejected.ndjson")
        .iter()
        .map(|one| one["line"].as_i64().unwrap())
        .collect();
    assert!(
        lines.iter().copied().eq((1..=COUNT as i64).filter(|line| line % 100 == 0)),
        "{} lines",
        lines.len()
    );
    assert!(!home.folder().join("many.ndjson.progress").exists());
    serve.stop().await;
}

#[tokio::test]
async fn standard_input_and_packed_files_are_taken() {
    let home = Home::new();
    let (_, uid) = datasource(&home, "Shop").await;
    let mut command = home.command(["import", "-", "--json", "--datasource", &uid]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(events(20, 10).as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["stored"], &told["rejectedFile"]), (&json!(18), &json!("stdin.rejected.ndjson")));
    assert_eq!(report(&home, "stdin.rejected.ndjson").len(), 2);
    home.run(["import", "-", "--resume", "--datasource", &uid])
        .await
        .refused(&["--resume", "standard input"]);

    let packed = crate::encode::encode("gzip", b"_user_id,_city\nu1,Graz\nu2,Wien\n");
    fs::write(home.folder().join("people.csv.gz"), packed).unwrap();
    let told = home.run(["import", "people.csv.gz", "--resume", "--json", "--datasource", &uid]).await.json();
    assert_eq!(told["created"], 2);
}
