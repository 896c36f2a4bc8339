//! What the database refuses: whose fault it is, and who has to hear of it.

use tidegate::{
    domain::claim::Digest,
    ingest::{Outcome, Refused},
};
use tokio_postgres::{Client, Config};
use uuid::Uuid;

use super::station::{
    Answer, Barrier, Station, append, contacts, count, events, numbered, one_lane, rows, until,
};
use crate::support::postgres::TestDatabase;

/// Writes ten batches of datasources of their own as one lot; what stands in the fourth is `poison`.
async fn one_lot(
    station: &Station,
    config: &Config,
    table: &'static str,
    batch: impl Fn(&str) -> tidegate::ingest::Work,
) -> Vec<Answer> {
    let barrier = Barrier::before(config, table).await;
    let plug = station.enqueue(100, batch("plug")).await;
    barrier.holds_a_lane().await;
    let mut answers = Vec::new();
    for (at, name) in numbered("good", 10).iter().enumerate() {
        let name = if at == 3 { "poison" } else { name };
        answers.push(station.enqueue(1 + at as i64, batch(name)).await);
    }
    barrier.lift().await;
    plug.await.unwrap().unwrap();
    let mut results = Vec::new();
    for answer in answers {
        results.push(answer.await.unwrap());
    }
    results
}

fn assert_only_the_fourth_is_refused(answers: &[Answer], good: &[Outcome], wanted: Refused) {
    for (at, answer) in answers.iter().enumerate() {
        match answer {
            Err(refused) => assert_eq!((at, *refused), (3, wanted)),
            Ok(receipt) => assert_eq!((at != 3, &receipt.outcomes[..]), (true, good), "batch {at}"),
        }
    }
}

#[tokio::test]
async fn a_poisoned_event_fails_its_own_batch_alone() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let poison = Uuid::from_bytes(Digest::of("poison").claim());
    let check = format!("alter table event_key add constraint good check (claim <> '{poison}')");
    client.batch_execute(&check).await.unwrap();
    let station = Station::start(&database.config, one_lane()).await;
    let batch = |name: &str| events([name.to_owned(), format!("beside {name}")], 1);
    let answers = one_lot(&station, &database.config, "event_key", batch).await;
    assert_only_the_fourth_is_refused(&answers, &[Outcome::Stored, Outcome::Stored], Refused::Unstorable);
    assert_eq!(rows(&client, "event").await, 2 + 9 * 2);
    assert_eq!(count(&client, "select count(*) from event where event_id like '%poison'", &[]).await, 0);
    assert_eq!(rows(&client, "event_key").await, 2 + 9 * 2);
    station.stop().await;
}

#[tokio::test]
async fn a_poisoned_contact_fails_its_own_batch_alone() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let check = "alter table contact add constraint good check (user_id <> 'poison')";
    client.batch_execute(check).await.unwrap();
    let station = Station::start(&database.config, one_lane()).await;
    let batch = |name: &str| contacts([name], 1);
    let answers = one_lot(&station, &database.config, "contact", batch).await;
    assert_only_the_fourth_is_refused(&answers, &[Outcome::Created], Refused::Unstorable);
    assert_eq!(rows(&client, "contact").await, 1 + 9);
    assert_eq!(rows(&client, "event").await, 1 + 9);
    station.stop().await;
}

#[tokio::test]
async fn a_stored_contact_that_cannot_be_read_fails_only_the_batch_that_meets_it() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let station = Station::start(&database.config, one_lane()).await;
    // The fourth of the ten goes to datasource 4.
    append(&station.handle, 4, contacts(["poison"], 1)).await.unwrap();
    let broken = "update contact set attributes = '[]' where user_id = 'poison'";
    assert_eq!(client.execute(broken, &[]).await.unwrap(), 1);
    let answers = one_lot(&station, &database.config, "contact", |name| contacts([name], 2)).await;
    assert_only_the_fourth_is_refused(&answers, &[Outcome::Created], Refused::Defect);
    assert_eq!(rows(&client, "contact").await, 1 + 1 + 9);
    let untouched = "select count(*) from contact where user_id = 'poison' and attributes = '[]'";
    assert_eq!(count(&client, untouched, &[]).await, 1);
    station.stop().await;
}

#[tokio::test]
async fn without_poison_they_are_one_lot() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let station = Station::start(&database.config, one_lane()).await;
    one_lot(&station, &database.config, "event_key", |name| events([name], 1)).await;
    assert_eq!(count(&client, "select count(distinct tx) from lot", &[]).await, 2, "the plug and the rest");
    station.stop().await;
}

/// The next `times` claims are refused with `code`; what is rolled back still counts.
async fn refuse(client: &Client, code: &str, times: i32) {
    let statements = format!(
        "create sequence if not exists refusal;
         select setval('refusal', 1, false);
         create or replace function refuse() returns trigger language plpgsql as $$
         begin
             if nextval('refusal') <= {times} then raise exception 'refused' using errcode = '{code}'; end if;
             return new;
         end $$;
         create or replace trigger refuse before insert on event_key for each row execute function refuse()"
    );
    client.batch_execute(&statements).await.unwrap();
}

#[tokio::test]
async fn serialization_failures_and_deadlocks_are_tried_again() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let station = Station::start(&database.config, one_lane()).await;
    for code in ["40001", "40P01"] {
        refuse(&client, code, 3).await;
        let receipt = station.append(events([code], 1)).await.unwrap();
        assert_eq!(receipt.outcomes, [Outcome::Stored], "{code}");
        assert_eq!(count(&client, "select last_value from refusal", &[]).await, 4, "{code}");
    }
    assert_eq!(rows(&client, "event").await, 2);
    refuse(&client, "40001", i32::MAX).await;
    assert_eq!(station.append(events(["never"], 1)).await.unwrap_err(), Refused::Unavailable);
    station.stop().await;
}

#[tokio::test]
async fn each_kind_of_refusal_has_its_answer() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let station = Station::start(&database.config, one_lane()).await;
    let unavailable = ["53000", "53100", "53200", "53300", "57014", "55P03"];
    let unstorable = ["22P02", "22P05", "23505", "23502", "54000"];
    let all = unavailable.iter().map(|code| (*code, Refused::Unavailable));
    let all = all.chain(unstorable.iter().map(|code| (*code, Refused::Unstorable)));
    for (code, wanted) in all.chain(["XX000", "XX001", "42P01"].map(|code| (code, Refused::Defect))) {
        refuse(&client, code, 1).await;
        assert_eq!(station.append(events([code], 1)).await.unwrap_err(), wanted, "{code}");
        let again = station.append(events([code], 1)).await;
        assert_eq!(again.unwrap().outcomes, [Outcome::Stored], "{code} is over");
    }
    station.stop().await;
}

/// What ends the connection leaves the commit in doubt: its fate is asked for, and what was lost is written again, once.
#[tokio::test]
async fn a_refusal_that_ends_the_connection_is_met_twice_before_it_is_told() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let station = Station::start(&database.config, one_lane()).await;
    for code in ["57P01", "57P02", "57P03", "25006", "08006"] {
        refuse(&client, code, 1).await;
        let once = station.append(events([format!("{code} once")], 1)).await;
        assert_eq!(once.unwrap().outcomes, [Outcome::Stored], "{code} is over");
        assert_eq!(count(&client, "select last_value from refusal", &[]).await, 2, "{code}");
        refuse(&client, code, 2).await;
        let twice = station.append(events([format!("{code} twice")], 1)).await;
        assert_eq!(twice.unwrap_err(), Refused::Unavailable, "{code}");
        assert_eq!(count(&client, "select last_value from refusal", &[]).await, 2, "{code}");
        // A lane that dropped its connection takes another one first.
        station.handle.connected().await;
        let again = station.append(events([format!("{code} twice")], 1)).await;
        assert_eq!(again.unwrap().outcomes, [Outcome::Stored], "{code} is over");
    }
    assert_eq!(rows(&client, "event").await, 2 * 5);
    station.stop().await;
}

/// As after a fail-over: the connection stays, and its server takes no writes.
#[tokio::test]
async fn a_read_only_server_is_unavailable_and_not_clung_to() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    Station::start(&database.config, one_lane()).await.stop().await;
    let set = format!("alter database {} set default_transaction_read_only = on", database.name);
    client.batch_execute(&set).await.unwrap();
    let station = Station::start(&database.config, one_lane()).await;
    assert_eq!(station.append(events(["a"], 1)).await.unwrap_err(), Refused::Unavailable);
    let reset = format!("alter database {} reset default_transaction_read_only", database.name);
    client.batch_execute(&reset).await.unwrap();
    // The lane that took the refusal has dropped its connection; the next one may still be of before.
    until("it recovers", async || {
        station.handle.connected().await;
        station.append(events(["a"], 1)).await.is_ok()
    })
    .await;
    assert_eq!(rows(&client, "event").await, 1);
    station.stop().await;
}
