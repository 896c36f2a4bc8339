//! Into one file while pushes go on, and out of it into a fresh data directory.

use std::{collections::HashSet, fs, path::Path, process::Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tidegate::{
    domain::cursor::Cursor,
    store::{
        Database, Role,
        epochs::{self, Position},
    },
};
use tokio::process::Child;
use tokio_postgres::{Client, Config};

use crate::{
    commands::url_of,
    home::{Home, PATIENCE, PROGRAM, Ran, bare, members, until},
    inlet::{Inlet, event},
    pushers::Pushers,
    serve::Serve,
};

/// A lock that `pg_dump` waits for once it has its snapshot, and that no push ever meets. Tables of others come along.
struct Held {
    client: Client,
}

impl Held {
    async fn on(home: &Home) -> Self {
        let client = home.client().await;
        // Apart, or the table would belong to the transaction that locks it, and nobody else would see it.
        for statement in [
            "create table if not exists others (n int) partition by range (n)",
            "begin",
            "lock table others in access exclusive mode",
        ] {
            client.batch_execute(statement).await.unwrap();
        }
        Self { client }
    }

    /// Waits until the backup stands before it.
    async fn reached(&self, home: &Home) {
        let watcher = home.client().await;
        until("pg_dump waits for the lock", PATIENCE, async || {
            let waiting = "select count(*) from pg_stat_activity
                           where application_name = 'tidegate-backup' and wait_event_type = 'Lock'";
            number(&watcher, waiting).await == 1
        })
        .await;
    }

    async fn lift(self) {
        self.client.batch_execute("commit").await.unwrap();
    }
}

async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// The log in the order of the stream: the id of the event or contact, and a checksum of the row with its lot.
async fn stream(client: &Client) -> Vec<(String, String)> {
    let order = "select coalesce(e.event_id, e.user_id),
                        md5(concat_ws('|', e.*::text, l.tx, l.first_id, l.last_id, l.events, l.contacts, l.contacts_net, l.id_sum, l.contact_sum))
                 from lot l join event e on e.id between l.first_id and l.last_id
                 order by l.epoch, l.tx, l.first_id, e.id";
    client.query(order, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// A checksum of each table that neither the pushes of the test nor a restore change.
async fn checksums(client: &Client) -> Vec<String> {
    let mut sums = Vec::new();
    for table in ["organization", "contact", "key", "datasource", "project"] {
        let rows = format!("select (to_jsonb(t) - 'changed')::text as row from {table} t");
        let rows = format!("select md5(string_agg(row, ',' order by row)) from ({rows}) rows");
        sums.push(client.query_one(&rows, &[]).await.unwrap().get(0));
    }
    sums
}

async fn contacts(inlet: &Inlet, count: usize) {
    let contact = |n: usize| json!({ "_user_id": format!("user-{n}"), "_email": format!("u{n}@example.com"), "shoe": n });
    let batch: Vec<Value> = (0..count).map(contact).collect();
    let url = format!("{}/contacts", inlet.url);
    let answer = inlet.http.post(url).bearer_auth(&inlet.token).json(&batch).send().await.unwrap();
    assert_eq!(answer.status(), 202);
}

async fn outcome_of(inlet: &Inlet, id: &str) -> (String, Cursor) {
    let answer = inlet.push(&json!([event(id)])).await.unwrap();
    assert_eq!(answer.status(), 202);
    let body: Value = answer.json().await.unwrap();
    let outcome = body["entity"]["items"][0]["outcome"].as_str().unwrap().to_owned();
    (outcome, Cursor::decode(body["receipt"]["cursor"].as_str().unwrap()).unwrap())
}

async fn get(inlet: &Inlet, url: &str) -> Value {
    let answer = inlet.http.get(url).bearer_auth(&inlet.token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

async fn totals(inlet: &Inlet) -> (i64, i64) {
    let stats = get(inlet, &inlet.url.replace("/stream", "/stats")).await;
    (stats["events"]["total"].as_i64().unwrap(), stats["contacts"]["total"].as_i64().unwrap())
}

fn start(home: &Home, arguments: &[&str]) -> Child {
    let mut command = home.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

async fn ended(child: Child) -> Ran {
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[tokio::test]
async fn a_restore_into_a_fresh_data_directory_brings_everything_and_the_clients_go_on() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let inlet = Inlet::wide(&home, &serve).await;
    contacts(&inlet, 50).await;
    let (_, old_cursor) = outcome_of(&inlet, "before").await;
    let pushers = Pushers::start(&inlet, 4, "e");
    pushers.acknowledged(500).await;

    let held = Held::on(&home).await;
    let before = pushers.so_far();
    let backup = start(&home, &["backup", "all.dump", "--json"]);
    held.reached(&home).await;
    read_only_sessions(&home).await;
    let during = pushers.so_far().len();
    pushers.acknowledged(during + 200).await;
    held.lift().await;
    let made = ended(backup).await;
    assert!(made.err.contains("backing up: 0 %") && made.err.contains("backing up: 100 %"), "{}", made.err);
    let made = made.json();
    let acknowledged = pushers.stop().await.acknowledged;
    assert_eq!(members(&made), ["bytes", "contacts", "events", "file", "schemaVersion", "seconds"]);
    assert_eq!((&made["file"], &made["contacts"]), (&json!("all.dump"), &json!(50)));
    let source = home.client().await;
    let (all, sums) = (stream(&source).await, checksums(&source).await);
    serve.stop().await;

    let fresh = Home::new();
    let file = home.folder().join("all.dump").display().to_string();
    let restored = fresh.run(["restore", file.as_str(), "--json"]).await;
    assert!(restored.err.contains("restoring: 100 %"), "{}", restored.err);
    let restored = restored.json();
    for member in ["events", "contacts", "bytes", "schemaVersion"] {
        assert_eq!(restored[member], made[member], "{member}");
    }
    let serve = Serve::start(&fresh).await;
    assert!(serve.printed.contains("To make a new token"), "no demo on what was restored: {}", serve.printed);
    let client = fresh.client().await;
    assert_eq!(checksums(&client).await, sums);
    let back = stream(&client).await;
    let ids: HashSet<&str> = back.iter().map(|(id, _)| id.as_str()).collect();
    for id in before.iter().map(String::as_str).chain(["before", "user-0", "user-49"]) {
        assert!(ids.contains(id), "{id} was acknowledged before the backup began");
    }
    let wanted: Vec<&(String, String)> = all.iter().filter(|(id, _)| ids.contains(id.as_str())).collect();
    assert!(back.iter().eq(wanted), "the same rows in the same order");
    assert!(back.len() < all.len(), "what was stored while it went on is not in it");
    assert_eq!(made["events"].as_u64().unwrap() + 50, back.len() as u64, "50 contacts were made");

    let inlet = inlet.on(&serve);
    assert_eq!(totals(&inlet).await, (made["events"].as_i64().unwrap(), 50));
    let probe = get(&inlet, &inlet.url).await;
    assert_eq!(probe["datasource"]["uid"], inlet.datasource.as_str());
    let lost = acknowledged.iter().find(|id| !ids.contains(id.as_str())).expect("pushes went on");
    assert_eq!(outcome_of(&inlet, &before[0]).await.0, "duplicate");
    assert_eq!(outcome_of(&inlet, lost).await.0, "stored", "what came after the backup may be sent again");
    let (outcome, cursor) = outcome_of(&inlet, "after").await;
    assert_eq!(outcome, "stored");
    assert_eq!(totals(&inlet).await, (made["events"].as_i64().unwrap() + 2, 50));
    assert_eq!(stream(&client).await.last().unwrap().0, "after");
    cursors(fresh.database(), old_cursor, cursor).await;
    serve.stop().await;
}

/// No session of the backup has a transaction id, which the order of the stream would wait for, though its snapshot is open.
async fn read_only_sessions(home: &Home) {
    let of_backup = "select count(*) from pg_stat_activity where application_name = 'tidegate-backup'";
    let client = home.client().await;
    assert_eq!(number(&client, of_backup).await, 2, "pg_dump, and the session that holds the snapshot");
    assert_eq!(number(&client, &format!("{of_backup} and backend_xmin is not null")).await, 2);
    assert_eq!(number(&client, &format!("{of_backup} and backend_xid is not null")).await, 0);
}

async fn cursors(database: Config, old: Cursor, new: Cursor) {
    let pool = Database::new(database).pool(Role::Read, 1).unwrap();
    assert_eq!(epochs::standing_of(&pool, new).await.unwrap(), Position::Current);
    let Position::Moved { restart } = epochs::standing_of(&pool, old).await.unwrap() else {
        panic!("the old cursor has not moved");
    };
    assert_eq!((restart.tx, restart.id), (old.tx, old.id));
    assert!(restart < new);
    assert_eq!(epochs::standing_of(&pool, restart).await.unwrap(), Position::Current);
}

/// With the address of a database, password and all, and into another database of the same cluster.
#[tokio::test]
async fn a_backup_by_address_keeps_its_password_to_itself() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let inlet = Inlet::demo(&serve);
    assert_eq!(outcome_of(&inlet, "one").await.0, "stored");
    let url = url_of(&home).replacen("tidegate@", "tidegate:s3cret@", 1);
    let call = |url: &str, arguments: &[&str]| {
        let mut command = bare(PROGRAM, home.folder());
        command.args(arguments).env("TIDEGATE_DATABASE_URL", url);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };

    // Broken off, it leaves nothing.
    let held = Held::on(&home).await;
    let backup = call(&url, &["backup", "a.dump"]);
    held.reached(&home).await;
    let pid = Pid::from_raw(backup.id().unwrap().cast_signed()).unwrap();
    nobody_shows("s3cret");
    let both = call(&url, &["backup", "a.dump"]);
    ended(both).await.refused(&["another backup is writing a.dump"]);
    assert!(home.folder().join("a.dump.part").exists());
    kill_process(pid, Signal::TERM).unwrap();
    ended(backup).await.refused(&["ended by a signal", "no backup was made"]);
    held.lift().await;
    let left = |name: &str| home.folder().join(name).exists();
    assert!(!left("a.dump") && !left("a.dump.part"));

    ended(call(&url, &["backup", "a.dump"])).await.ok();
    let client = home.client().await;
    client.batch_execute("create database again").await.unwrap();
    let again = format!("{}/again", url.strip_suffix("/tidegate").unwrap());
    let said = ended(call(&again, &["restore", "a.dump"])).await.ok();
    assert!(said.contains("restored 1 events and 0 contacts") && said.contains("key list"), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
    ended(call(&again, &["restore", "a.dump"])).await.refused(&["the database is not empty"]);
    let listed = ended(call(&again, &["key", "list", "--json"])).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    serve.stop().await;
}

/// No process but those that were given it shows a word on its command line.
fn nobody_shows(word: &str) {
    let Ok(processes) = fs::read_dir("/proc") else {
        eprintln!("no /proc: that the password is on no command line was not looked at");
        return;
    };
    for process in processes.flatten() {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        assert!(!line.contains(word), "{line}");
    }
}

#[tokio::test]
async fn a_backup_or_restore_that_cannot_be_says_why_and_changes_nothing() {
    let home = Home::new();
    home.run(["backup", "a.dump"]).await.refused(&["there is no database", "nothing to back up"]);
    assert!(!home.data_dir().exists(), "a backup makes no database");
    home.run(["backup", "no/such/a.dump"]).await.refused(&["no/such/a.dump"]);
    home.run(["project", "create", "--name", "Shop"]).await.ok();

    let said = home.run(["backup", "a.dump"]).await.ok();
    assert!(said.starts_with("backed up 0 events and 0 contacts into a.dump: "), "{said}");
    assert!(home.postmaster().is_none(), "a command left PostgreSQL running");
    let file = home.folder().join("a.dump");
    let first = fs::read(&file).unwrap();
    home.run(["backup", "a.dump"]).await.refused(&["a.dump exists already", "--force"]);
    assert_eq!(fs::read(&file).unwrap(), first);
    home.run(["backup", "a.dump", "--force"]).await.ok();
    home.run(["backup", "."]).await.refused(&["cannot write ."]);

    let fresh = Home::new();
    let restore = async |home: &Home, file: &Path| home.run(["restore", file.to_str().unwrap()]).await;
    fs::write(home.folder().join("text"), "-- PostgreSQL database dump\n").unwrap();
    fs::write(home.folder().join("cut"), &first[..first.len() / 2]).unwrap();
    fs::write(home.folder().join("short"), &first[..first.len() - 30]).unwrap();
    for (name, words) in [
        ("nothing", ["nothing", "No such file"]),
        ("text", ["text is no backup that can be restored", "pg_dump --format=custom"]),
        ("cut", ["cut is no backup that can be restored", "pg_restore says"]),
    ] {
        restore(&fresh, &home.folder().join(name)).await.refused(&words);
        assert!(!fresh.data_dir().exists(), "{name} left a database behind");
    }
    let cut_short = restore(&fresh, &home.folder().join("short")).await;
    cut_short.refused(&["nothing was restored, and the database is empty again", "pg_restore failed"]);
    assert!(fresh.postmaster().is_none());
    restore(&fresh, &file).await.ok();
    let listed = fresh.run(["project", "list", "--json"]).await.json();
    assert_eq!(listed[0]["name"], "Shop");

    restore(&fresh, &file).await.refused(&["the database is not empty", "--data-dir", "--database-url"]);
    let serve = Serve::start(&home).await;
    restore(&home, &file).await.refused(&["in use by another server", "tidegate process"]);
    home.run(["backup", "b.dump"]).await.ok();
    serve.stop().await;
}

/// By a signal, and by one that leaves no time to tidy up and `pg_restore` behind.
#[tokio::test]
async fn a_restore_that_is_broken_off_leaves_an_empty_database_or_is_begun_anew() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    home.run(["backup", "a.dump"]).await.ok();
    home.client().await.batch_execute("create database again").await.unwrap();
    let url = format!("{}/again", url_of(&home).strip_suffix("/tidegate").unwrap());
    let mut config = home.database();
    config.dbname("again");
    let connect = async || {
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        client
    };
    let call = |arguments: &[&str]| start(&home, &[arguments, &["--database-url", &url]].concat());
    let (blocker, watcher) = (connect().await, connect().await);
    let waiting = "select count(*) from pg_stat_activity where application_name = 'tidegate-restore'
                   and datname = current_database() and wait_event_type = 'Lock'";
    let blocked = async |signal: Signal| {
        // A table of the same name that is not committed yet: whoever makes another waits for its fate.
        blocker.batch_execute("begin").await.unwrap();
        blocker.batch_execute("create table project ()").await.unwrap();
        let restore = call(&["restore", "a.dump"]);
        until("pg_restore waits", PATIENCE, async || number(&watcher, waiting).await == 1).await;
        kill_process(Pid::from_raw(restore.id().unwrap().cast_signed()).unwrap(), signal).unwrap();
        ended(restore).await
    };
    let tables = "select count(*) from pg_class where relnamespace = 'public'::regnamespace";

    blocked(Signal::TERM).await.refused(&["ended by a signal", "the database is empty again"]);
    blocker.batch_execute("rollback").await.unwrap();
    assert_eq!(number(&watcher, tables).await, 0);

    let killed = blocked(Signal::KILL).await;
    assert_eq!((killed.code, killed.out.as_str()), (None, ""));
    assert_eq!(number(&watcher, waiting).await, 1, "pg_restore has outlived it");
    ended(call(&["project", "list"])).await.refused(&["a restore into this database", "not finished"]);
    let old = "select min(pid)::bigint from pg_stat_activity where application_name = 'tidegate-restore'";
    let there = format!("select count(*) from pg_stat_activity where pid = {}", number(&watcher, old).await);
    let anew = call(&["restore", "a.dump"]);
    // It ends the one that was left, and then waits for the table in its place.
    until("the old pg_restore is ended", PATIENCE, async || number(&watcher, &there).await == 0).await;
    blocker.batch_execute("rollback").await.unwrap();
    ended(anew).await.ok();
    let listed = ended(call(&["project", "list", "--json"])).await.json();
    assert_eq!(listed[0]["name"], "Demo");
    serve.stop().await;
}

/// An older server may be at work on an older schema, so only who says so migrates it.
#[tokio::test]
async fn commands_leave_an_older_schema_alone() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let older = "delete from refinery_schema_history where version > 1; update refinery_schema_history set version = 0";
    home.client().await.batch_execute(older).await.unwrap();
    for command in [["project", "list"], ["key", "list"]] {
        home.run(command).await.refused(&["schema version 0", "run `tidegate migrate`"]);
    }
    let made = home.run(["backup", "a.dump", "--json"]).await.json();
    assert_eq!(made["schemaVersion"], 0, "a backup before an upgrade, by the newer program");
    serve.stop().await;
}
