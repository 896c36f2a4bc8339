//! The writer: groups by itself, is fair, is bounded, and finishes what it has begun.

use tidegate::{
    domain::{claim::Digest, ids::Inlet},
    ingest::{
        Options, Outcome, Refused,
        fates::Kind,
        ledger::{Account, Asked},
    },
    store::{Database, Role},
};
use tokio_postgres::Client;

use super::station::{
    Barrier, Station, append, contacts, count, deletions, events, numbered, one_lane, rows, until,
};
use crate::support::postgres::TestDatabase;

/// Everything a connection may be for.
const ROLES: [Role; 7] =
    [Role::Lane, Role::Meta, Role::Read, Role::Upkeep, Role::Command, Role::Migration, Role::Backup];

/// A writer with one lane that is held up before the claims until the barrier is lifted.
async fn held_up(options: Options) -> (TestDatabase, Client, Station, Barrier) {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let station = Station::start(&database.config, options).await;
    let barrier = Barrier::before(&database.config, "event_key").await;
    let plug = station.enqueue(100, events(["plug"], 1)).await;
    drop(plug);
    barrier.holds_a_lane().await;
    (database, client, station, barrier)
}

async fn commits(client: &Client) -> i64 {
    count(client, "select count(distinct tx) from lot", &[]).await
}

#[tokio::test]
async fn an_idle_writer_answers_each_batch_with_its_own_commit() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let station = Station::start(&database.config, Options::default()).await;
    for id in numbered("e", 5) {
        station.append(events([id], 1)).await.unwrap();
    }
    assert_eq!(commits(&client).await, 5);
    station.stop().await;
}

/// A snapshot that outlives a statement would hide what another lane committed meanwhile.
#[tokio::test]
async fn lanes_read_what_is_committed_whatever_the_default_of_the_database() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let strict = format!(
        "alter database {} set default_transaction_isolation = 'repeatable read';
         create table seen (isolation text not null);
         create function see() returns trigger language plpgsql as $$
         begin
             insert into seen values (current_setting('transaction_isolation'));
             return null;
         end $$;
         create trigger see after insert on lot for each statement execute function see()",
        database.name
    );
    client.batch_execute(&strict).await.unwrap();
    let default: String =
        database.client().await.query_one("show transaction_isolation", &[]).await.unwrap().get(0);
    assert_eq!(default, "repeatable read", "what a session without a wish gets");
    let station = Station::start(&database.config, one_lane()).await;
    station.append(events(["a"], 1)).await.unwrap();
    station.append(contacts(["a"], 1)).await.unwrap();
    let seen = client.query("select distinct isolation from seen", &[]).await.unwrap();
    assert_eq!(seen.iter().map(|row| row.get(0)).collect::<Vec<String>>(), ["read committed"]);
    station.stop().await;
    for role in ROLES {
        let session = Database::new(database.config.clone()).connect(role).await.unwrap();
        let found: String = session.query_one("show transaction_isolation", &[]).await.unwrap().get(0);
        assert_eq!(found, "read committed", "{role:?}");
    }
}

#[tokio::test]
async fn a_busy_writer_groups_what_waits() {
    let (_database, client, station, barrier) = held_up(one_lane()).await;
    let mut answers = Vec::new();
    for (at, id) in numbered("e", 50).into_iter().enumerate() {
        answers.push(station.enqueue(1 + at as i64 % 3, events([id], 1)).await);
    }
    barrier.lift().await;
    for answer in answers {
        assert_eq!(answer.await.unwrap().unwrap().outcomes, [Outcome::Stored]);
    }
    assert_eq!(commits(&client).await, 2, "the one that was under way, and the rest");
    assert_eq!(rows(&client, "lot").await, 1 + 3, "a row for each datasource");
    station.stop().await;
}

#[tokio::test]
async fn a_hot_datasource_does_not_starve_a_quiet_one() {
    let options = Options { lot_items: 100, ..one_lane() };
    let (_database, client, station, barrier) = held_up(options).await;
    let mut hot = Vec::new();
    for batch in 0..300 {
        hot.push(station.enqueue(1, events(numbered(&format!("{batch}-"), 10), 1)).await);
    }
    let quiet = station.enqueue(2, events(["quiet"], 1)).await;
    barrier.lift().await;
    let quiet = quiet.await.unwrap().unwrap();
    for answer in hot {
        answer.await.unwrap().unwrap();
    }
    let not_later = "select count(distinct tx) from lot where tx <= $1::text::xid8";
    let lots = count(&client, not_later, &[&quiet.cursor.tx.to_string()]).await;
    assert_eq!(lots, 2, "the one that was under way, and the next");
    assert!(commits(&client).await > 30);
    station.stop().await;
}

#[tokio::test]
async fn the_queue_is_bounded_and_gives_its_room_back() {
    let options = Options { queue_items: 101, queue_bytes: 100_000, ..one_lane() };
    let (_database, client, station, barrier) = held_up(options).await;
    let mut taken = Vec::new();
    for batch in 0..5 {
        taken.push(station.enqueue(1, events(numbered(&format!("{batch}-"), 10), 1)).await);
    }
    // Half of the room is the most that one datasource can have; another one still finds some.
    let inlet = Inlet { project: 1, datasource: 1 };
    assert_eq!(station.handle.admit(inlet, 1).unwrap_err(), Refused::Overloaded);
    taken.push(station.enqueue(2, events(numbered("other", 10), 1)).await);
    let too_many = events(numbered("more", 41), 1);
    assert_eq!(append(&station.handle, 3, too_many).await.unwrap_err(), Refused::Overloaded);
    let inlet = Inlet { project: 1, datasource: 4 };
    assert_eq!(station.handle.admit(inlet, 100_000).unwrap_err(), Refused::Overloaded);
    barrier.lift().await;
    for answer in taken {
        answer.await.unwrap().unwrap();
    }
    until("all room is back", async || station.handle.depth() == (0, 0)).await;
    append(&station.handle, 3, events(numbered("more", 41), 1)).await.unwrap();
    assert_eq!(rows(&client, "event").await, 1 + 60 + 41);
    station.stop().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_cancels_nothing() {
    let (_database, client, station, barrier) = held_up(one_lane()).await;
    let gone = station.enqueue(1, events(["gone"], 1)).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    let stays = station.enqueue(1, events(["stays"], 1)).await;
    barrier.lift().await;
    stays.await.unwrap().unwrap();
    let stored = "select count(*) from event where event_id in ('plug', 'gone', 'stays')";
    assert_eq!(
        count(&client, stored, &[]).await,
        3,
        "the one in the lot, the one in the queue, and the rest"
    );
    until("all room is back", async || station.handle.depth() == (0, 0)).await;
    station.stop().await;
}

/// Its body was still being read when the writer ended.
#[tokio::test]
async fn who_comes_after_the_end_is_told_at_once() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let station = Station::start(&database.config, Options::default()).await;
    let handle = station.handle.clone();
    let inlet = Inlet { project: 1, datasource: 1 };
    let room = handle.admit(inlet, 1_000).unwrap();
    station.stop().await;
    let account = Account { kind: Kind::Event, asked: Asked::Push, bad: 0 };
    let late = handle.append(room, inlet, events(["late"], 1), account).await;
    assert_eq!(late.unwrap_err(), Refused::Unavailable, "and not `Overloaded`, after a wait for nobody");
    assert_eq!(handle.depth(), (0, 0));
    assert_eq!(rows(&client, "event").await, 0);
}

#[tokio::test]
async fn who_waits_too_long_is_turned_away_and_nothing_is_stored() {
    let options = Options { wait: std::time::Duration::from_millis(50), ..one_lane() };
    let (_database, client, station, barrier) = held_up(options).await;
    let late = station.append(events(["late"], 1)).await;
    assert_eq!(late.unwrap_err(), Refused::Overloaded);
    barrier.lift().await;
    station.append(events(["next"], 1)).await.unwrap();
    assert_eq!(count(&client, "select count(*) from event where event_id = 'late'", &[]).await, 0);
    station.stop().await;
}

#[tokio::test]
async fn a_stop_commits_what_waits_and_answers_it() {
    let (_database, client, station, barrier) = held_up(one_lane()).await;
    let mut answers = Vec::new();
    for id in numbered("e", 20) {
        answers.push(station.enqueue(1, events([id], 1)).await);
    }
    station.ask_to_stop();
    let inlet = Inlet { project: 1, datasource: 1 };
    until("the door is closed", async || station.handle.admit(inlet, 1).is_err()).await;
    assert_eq!(station.handle.admit(inlet, 1).unwrap_err(), Refused::Unavailable);
    barrier.lift().await;
    station.stop().await;
    for answer in answers {
        assert!(answer.is_finished(), "everything was answered by then");
        assert_eq!(answer.await.unwrap().unwrap().outcomes, [Outcome::Stored]);
    }
    assert_eq!(rows(&client, "event").await, 21);
}

/// Stores a little of everything from several datasources at once, and answers the receipts.
async fn a_little_of_everything(station: &Station) {
    let mixed = (0..60).map(|n: usize| {
        let (datasource, ids) = (1 + n as i64 % 4, numbered(&format!("{}-", n / 8), 7));
        let work = match n % 5 {
            0 | 1 => events(ids, 1),
            2 | 3 => contacts(ids, n as u8),
            _ => deletions(ids),
        };
        append(&station.handle, datasource, work)
    });
    for answer in futures_util::future::join_all(mixed).await {
        answer.unwrap();
    }
}

#[tokio::test]
async fn lots_tell_what_the_log_holds() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let station = Station::start(&database.config, Options { lot_items: 50, ..Options::default() }).await;
    a_little_of_everything(&station).await;
    station.stop().await;
    let wrong = "select count(*) from lot l
        cross join lateral (select count(*) filter (where kind = 'e') as events, count(*) filter (where kind = 'c') as contacts,
                                   count(distinct id) as ids, bool_and(e.received_at = l.received_at) as at_once
                            from event e where id between first_id and last_id and e.datasource_id = l.datasource_id) e
        where (e.events, e.contacts, e.ids) is distinct from (l.events, l.contacts, last_id - first_id + 1) or not at_once";
    assert_eq!(count(&client, wrong, &[]).await, 0);
    let all = "select (select sum(events + contacts) from lot)::bigint - count(*) from event";
    assert_eq!(count(&client, all, &[]).await, 0);
    assert_eq!(
        count(&client, "select count(*) - count(distinct id) from event", &[]).await,
        0,
        "ids are unique"
    );
    let net = "select count(*) from (select datasource_id, sum(contacts_net)::bigint as net from lot group by 1) l
               full join (select datasource_id, count(*) as there from contact group by 1) c using (datasource_id)
               where coalesce(net, 0) <> coalesce(there, 0)";
    assert_eq!(count(&client, net, &[]).await, 0);
    let lots = "select id_sum, array(select event_id from event e where id between first_id and last_id
                                     and e.datasource_id = l.datasource_id and kind = 'e'),
                       contact_sum, array(select user_id from event e where id between first_id and last_id
                                          and e.datasource_id = l.datasource_id and kind = 'c') from lot l";
    for lot in client.query(lots, &[]).await.unwrap() {
        for (sum, ids) in [(0, 1), (2, 3)] {
            let ids: Vec<String> = lot.get(ids);
            let wanted = ids.iter().fold(0u64, |sum, id| sum.wrapping_add(Digest::of(id).audit_word()));
            assert_eq!(lot.get::<_, i64>(sum).cast_unsigned(), wanted, "{ids:?}");
        }
    }
}

#[tokio::test]
async fn a_receipt_points_at_or_behind_everything_it_is_for() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let station = Station::start(&database.config, Options { lot_items: 40, ..Options::default() }).await;
    let batches: Vec<Vec<String>> = (0..60).map(|n| numbered(&format!("{}-", n % 40), 9)).collect();
    let sending = batches.iter().map(|ids| station.append(events(ids.clone(), 1)));
    let receipts = futures_util::future::join_all(sending).await;
    station.stop().await;
    let beyond = "select count(*) from event e join lot on id between first_id and last_id
                  where event_id = any($1) and (epoch, tx, id) > (1, $2::text::xid8, $3)";
    for (ids, receipt) in batches.iter().zip(receipts) {
        let cursor = receipt.unwrap().cursor;
        let id = cursor.id.cast_signed();
        assert_eq!(count(&client, beyond, &[ids, &cursor.tx.to_string(), &id]).await, 0, "{cursor:?}");
    }
}
