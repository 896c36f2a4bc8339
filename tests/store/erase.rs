//! Erasure: the values go, everything else stays as it was.

use std::time::Duration;

use tidegate::{
    domain::{
        clock::{Clock, FakeClock, SystemClock},
        contact::{Change, ContactDraft},
    },
    ingest::{ContactOp, Outcome, Work},
    store::{
        Database, Role,
        audit::Actor,
        closed,
        contacts::{self, ContactKey},
        erase::{self, Subject},
    },
};
use tokio_postgres::Client;

use super::station::{Station, append, count, deletions, drafts, numbered, one_lane, until};
use crate::support::postgres::TestDatabase;

/// Stands in every value that must go, and in no id.
const MARKER: &str = "marker-5f1c";

/// The user of [`events`].
const WHO: &str = "somebody";

/// Events of a user whose parameters hold a text.
fn told(ids: Vec<String>, user: &str, text: &str) -> Work {
    let mut drafts = drafts(ids, 1);
    for draft in &mut drafts {
        draft.user_id = user.into();
        draft.parameters = format!("{{\"note\":\"{text}\"}}");
    }
    Work::Events(drafts.iter().collect())
}

fn named(user: &str, name: &str) -> Work {
    let changes = vec![("_first_name".to_owned(), Change::Set(format!("\"{name}\"")))];
    Work::Contacts(vec![ContactOp::Upsert(ContactDraft { user_id: user.into(), changes })])
}

/// The tables and partitions in which a text stands, and how often.
async fn found(client: &Client, text: &str) -> Vec<(String, i64)> {
    let tables = "select c.oid::regclass::text from pg_class c
                  where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by 1";
    let mut found = Vec::new();
    for row in client.query(tables, &[]).await.unwrap() {
        let table: String = row.get(0);
        let query = format!("select count(*) from {table} t where t::text like '%' || $1 || '%'");
        let times = count(client, &query, &[&text]).await;
        if times > 0 {
            found.push((table, times));
        }
    }
    found
}

/// Everything of the log but the values.
async fn frame(client: &Client) -> Vec<String> {
    let query = "select format('%s', (id, project_id, datasource_id, received_at, occurred_at, kind, type, user_id, event_id))
                 from event order by received_at, id";
    client.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn values_go_and_places_stay() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let own = Database::new(database.config.clone());
    let pool = own.pool(Role::Meta, 1).unwrap();
    let clock = FakeClock::at(SystemClock::shared().now());
    let station = Station::with_clock(&database.config, one_lane(), clock.clone()).await;
    for day in 0..3 {
        for batch in 0..6 {
            let ids = numbered(&format!("{day}-{batch}-"), 300);
            append(&station.handle, 1, told(ids, WHO, MARKER)).await.unwrap();
        }
        append(&station.handle, 1, named(WHO, &format!("{MARKER} {day}"))).await.unwrap();
        append(&station.handle, 1, told(vec![format!("other {day}")], "another", "kept-77")).await.unwrap();
        append(&station.handle, 2, told(vec![format!("other {day}")], WHO, "kept-77")).await.unwrap();
        clock.advance(Duration::from_secs(24 * 3_600));
    }
    while closed::index_one(&own, clock.now()).await.unwrap().is_some() {}
    let key = ContactKey { datasource: 1, user_id: WHO.into() };
    let contact_id = contacts::peek(&pool, &[&key]).await.unwrap()[0].contact_id;
    append(&station.handle, 1, deletions([WHO])).await.unwrap();
    let before = frame(&client).await;
    let marked: i64 = found(&client, MARKER).await.iter().map(|(_, times)| times).sum();
    assert_eq!(marked, 3 * 6 * 300 + 3, "events and changes");

    let subject =
        Subject { datasource: 1, datasource_uid: "ds_1", user_id: WHO, contact_id: Some(contact_id) };
    assert_eq!(erase::values(&pool, &subject, Actor::local("test")).await.unwrap(), marked);
    assert_eq!(found(&client, MARKER).await, []);
    assert_eq!(frame(&client).await, before);
    let kept: i64 = found(&client, "kept-77").await.iter().map(|(_, times)| times).sum();
    assert_eq!(kept, 6, "another contact, and the same name in another datasource");
    assert_eq!(
        erase::values(&pool, &subject, Actor::local("test")).await.unwrap(),
        0,
        "there is nothing left"
    );

    let again = append(&station.handle, 1, told(numbered("0-0-", 300), WHO, MARKER)).await.unwrap();
    assert!(again.outcomes.iter().all(|outcome| *outcome == Outcome::Duplicate), "they are still known");
    append(&station.handle, 1, told(vec!["new".into()], WHO, MARKER)).await.unwrap();
    assert_eq!(found(&client, MARKER).await.len(), 1, "what comes in later is new data");
    station.stop().await;
}

#[tokio::test]
async fn the_audit_names_the_contact_by_its_own_id() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let pool = Database::new(database.config.clone()).pool(Role::Meta, 1).unwrap();
    let station = Station::start(&database.config, one_lane()).await;
    append(&station.handle, 1, told(numbered("e", 3), "ada@example.org", MARKER)).await.unwrap();
    station.stop().await;
    let id = uuid::Uuid::from_u128(7);
    let subject =
        Subject { datasource: 1, datasource_uid: "ds_1", user_id: "ada@example.org", contact_id: Some(id) };
    assert_eq!(erase::values(&pool, &subject, Actor::local("somebody's key")).await.unwrap(), 3);
    erase::values(&pool, &Subject { contact_id: None, ..subject }, Actor::local("somebody's key"))
        .await
        .unwrap();
    let lines = "select actor, action, subject, detail->>'note' from audit order by id";
    let lines = client.query(lines, &[]).await.unwrap();
    let lines: Vec<[&str; 4]> =
        lines.iter().map(|row| [row.get(0), row.get(1), row.get(2), row.get(3)]).collect();
    assert_eq!(
        lines,
        [
            ["somebody's key", "contact.erase", "ds_1", &format!("contact {id}, 3 rows")],
            ["somebody's key", "contact.erase", "ds_1", "a contact that was gone, 0 rows"],
        ]
    );
    let audits = found(&client, "ada@example.org").await;
    assert!(audits.iter().all(|(table, _)| table.starts_with("event_")), "{audits:?}");
}

/// 2 100 marked rows of one day.
async fn many(database: &TestDatabase) {
    let station = Station::start(&database.config, one_lane()).await;
    for batch in 0..7 {
        append(&station.handle, 1, told(numbered(&format!("{batch}-"), 300), WHO, MARKER)).await.unwrap();
    }
    station.stop().await;
}

const SUBJECT: Subject<'static> =
    Subject { datasource: 1, datasource_uid: "ds_1", user_id: WHO, contact_id: None };

/// Waits until this database has so many locks of a kind.
async fn until_locks(client: &Client, locks: &str, times: i64) {
    let query = format!(
        "select count(*) from pg_locks l join pg_stat_activity a using (pid)
         where a.datname = current_database() and {locks}"
    );
    until(locks, async || count(client, &query, &[]).await == times).await;
}

#[tokio::test]
async fn two_erasers_at_once_each_leave_nothing() {
    let database = TestDatabase::create().await;
    many(&database).await;
    let eraser = async || {
        let pool = Database::new(database.config.clone()).pool(Role::Meta, 1).unwrap();
        let client = database.client().await;
        let emptied = erase::values(&pool, &SUBJECT, Actor::local("test")).await.unwrap();
        assert_eq!(found(&client, MARKER).await, [], "it said that it was done");
        emptied
    };
    let (one, other) = tokio::join!(eraser(), eraser());
    assert_eq!(one + other, 2_100);
}

#[tokio::test]
async fn rows_that_somebody_else_emptied_meanwhile_end_nothing() {
    let database = TestDatabase::create().await;
    many(&database).await;
    let (client, mut other) = (database.client().await, database.client().await);
    let pool = Database::new(database.config.clone()).pool(Role::Meta, 1).unwrap();
    let held = other.transaction().await.unwrap();
    let one = "update event set parameters = '{}' where id = (select min(id) from event)";
    assert_eq!(held.execute(one, &[]).await.unwrap(), 1);
    let erasing = tokio::spawn(async move { erase::values(&pool, &SUBJECT, Actor::local("test")).await });
    until_locks(&client, "not l.granted", 1).await;
    held.commit().await.unwrap();
    assert_eq!(erasing.await.unwrap().unwrap(), 2_099);
    assert_eq!(found(&client, MARKER).await, []);
}

#[tokio::test]
async fn an_erasure_given_up_leaves_no_lock_behind() {
    let database = TestDatabase::create().await;
    many(&database).await;
    let (client, mut other) = (database.client().await, database.client().await);
    let pool = Database::new(database.config.clone()).pool(Role::Meta, 1).unwrap();
    let held = other.transaction().await.unwrap();
    held.execute("select from event for update", &[]).await.unwrap();
    let same = pool.clone();
    let erasing = tokio::spawn(async move { erase::values(&same, &SUBJECT, Actor::local("test")).await });
    until_locks(&client, "not l.granted", 1).await;
    erasing.abort();
    assert!(erasing.await.unwrap_err().is_cancelled());
    assert_eq!(pool.status().size, 0, "its connection is not kept");
    held.rollback().await.unwrap();
    until_locks(&client, "l.locktype = 'advisory'", 0).await;
    erase::values(&pool, &SUBJECT, Actor::local("test")).await.unwrap();
    assert_eq!(found(&client, MARKER).await, []);
    assert_eq!(pool.status().size, 1, "a connection whose erasure ended is kept");
    until_locks(&client, "l.locktype = 'advisory'", 0).await;
}
