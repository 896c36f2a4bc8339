//! Many who write at once and many who read meanwhile, each of them broken off again and again.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use deadpool_postgres::Pool;
use rstest::rstest;
use serde_json::Value;
use tidegate::{
    domain::{clock::SystemClock, cursor::Cursor, pattern::Patterns},
    store::{
        Database, Role,
        lane::Lane,
        outbound::{self, Wanted},
    },
};
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;

use super::{Dice, Fate, Written, followed, projects, write};
use crate::support::{
    house::{TestHouse, stations},
    postgres::{connect, migrate, private_server},
};

const WRITERS: usize = 16;
const READERS: usize = 8;

/// Lots of one writer.
const LOTS: usize = 40;

/// How many of the readers use HTTP; as many follow besides.
const BY_HTTP: usize = 3;

/// The last of the others wants these alone.
const FILTER: &str = "odd*";

/// What is known of what was written.
#[derive(Debug, Default)]
pub struct Truth {
    committed: Mutex<HashSet<String>>,
    last: Mutex<Option<Cursor>>,
    /// Set once nobody writes any more: the last item is here, and behind it there is nothing.
    pub end: OnceLock<Cursor>,
}

/// Writes lots of random size into one or two datasources, pauses before each commit, and rolls every fifth back.
async fn writer(database: Database, at: usize, mut dice: Dice, truth: Arc<Truth>) {
    let mut lane = Lane::open(&database).await.unwrap();
    for lot in 0..LOTS {
        // A few of another project, which nobody may see.
        let project = if dice.one_in(10) { 2 } else { 1 };
        let first = project * 2 - 1;
        let mut datasources = vec![first, first + 1];
        if dice.one_in(2) {
            datasources.remove(usize::from(dice.one_in(2)));
        }
        let mut parts: Vec<(i64, Vec<Written>)> = Vec::new();
        for datasource in datasources {
            let events = (0..dice.within(1..20)).map(|item| {
                let kind = if dice.one_in(2) { "odd_ones" } else { "even_ones" };
                (kind.to_owned(), format!("{at}-{lot}-{datasource}-{item}"))
            });
            parts.push((datasource, events.collect()));
        }
        // Now and then so long that its neighbours are far away in time.
        let pause = if dice.one_in(40) { dice.within(400..900) } else { dice.within(0..30) };
        let fate = Fate { pause: Duration::from_millis(pause), commit: !dice.one_in(5) };
        let place = write(&mut lane, project, &parts, fate).await.unwrap();
        if fate.commit && project == 1 {
            let ids = parts.into_iter().flat_map(|(_, events)| events).map(|(_, id)| id);
            truth.committed.lock().unwrap().extend(ids);
            let mut last = truth.last.lock().unwrap();
            *last = (*last).max(Some(place));
        }
    }
}

/// How a reader reads.
enum Way {
    Store(Pool, Patterns),
    Http { http: reqwest::Client, url: String, key: String },
}

impl Way {
    /// How to follow with the key of one who uses HTTP.
    fn live(&self) -> Option<followed::Live> {
        match self {
            Self::Store(..) => None,
            Self::Http { http, url, key } => {
                Some(followed::Live { http: http.clone(), url: format!("{url}/live"), key: key.clone() })
            }
        }
    }

    /// The next page: ids of items with their places, the place behind it, and whether that is all there is. `None` where the server
    /// asks to come again.
    async fn page(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Option<(Vec<(String, Cursor)>, Cursor, bool)> {
        match self {
            Self::Store(pool, patterns) => {
                let wanted = Wanted { project: 1, after, patterns, datasources: None, limit };
                let page = outbound::page(pool, &wanted).await.unwrap();
                let items = page.items.into_iter().map(|item| (item.event_id.unwrap(), item.cursor));
                Some((items.collect(), page.next, page.caught_up))
            }
            Self::Http { http, url, key } => {
                let after = after.map_or(String::new(), |after| format!("&after={}", after.encode()));
                let request = http.get(format!("{url}?limit={limit}{after}")).bearer_auth(key);
                let answer = request.send().await.unwrap();
                if answer.status() == 503 {
                    return None;
                }
                let page: Value = answer.json().await.unwrap();
                let cursor = |text: &Value| Cursor::decode(text.as_str().unwrap()).unwrap();
                let items = page["items"].as_array().unwrap_or_else(|| panic!("{page}"));
                let items = items
                    .iter()
                    .map(|item| (item["_event_id"].as_str().unwrap().to_owned(), cursor(&item["cursor"])));
                Some((items.collect(), cursor(&page["next"]), page["caughtUp"] == true))
            }
        }
    }
}

/// Reads until there is nothing more. Every third page is broken off in the middle of its way, and of every fourth that arrives only
/// a part is kept; it goes on from what it has kept then.
async fn reader(way: Way, mut dice: Dice, truth: Arc<Truth>) -> Vec<String> {
    let (mut kept, mut after) = (Vec::new(), None);
    loop {
        let end = truth.end.get().copied();
        let limit = usize::try_from(1 << dice.within(0..10)).unwrap();
        let asking = way.page(after, limit);
        let page = if dice.one_in(3) {
            timeout(Duration::from_micros(dice.within(0..8_000)), asking).await.ok().flatten()
        } else {
            asking.await
        };
        let Some((mut items, next, caught_up)) = page else { continue };
        assert!(items.len() <= limit, "{} of {limit}", items.len());
        let mut place = next;
        if dice.one_in(4) && !items.is_empty() {
            items.truncate(usize::try_from(dice.within(1..items.len() as u64 + 1)).unwrap());
            place = items.last().unwrap().1;
        }
        kept.extend(items.into_iter().map(|(id, _)| id));
        assert!(after.is_none_or(|after| after <= place), "{after:?} {place:?}: it goes back");
        after = Some(place);
        if end.is_some_and(|end| place >= end) {
            return kept;
        }
        if caught_up {
            sleep(Duration::from_millis(dice.within(0..10))).await;
        }
    }
}

/// The order, from the tables themselves.
async fn order(client: &Client, filter: &str) -> Vec<String> {
    let query = "select event_id from lot join event on event.id between first_id and last_id
                 where lot.project_id = 1 and type like $1 order by epoch, tx, first_id, event.id";
    client.query(query, &[&filter]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Rows that are there before, so that the table of the day is too large to be asked its index for every page.
async fn fill(client: &Client, rows: i32) {
    let fill = "insert into event (id, project_id, datasource_id, received_at, occurred_at, kind, type, user_id, event_id, parameters)
                select block + n, 2, 3, now(), now(), 'e', 'own', 'u', 'old-' || n, json_build_object('text', repeat('x', 900))
                from nextval('event_id_block') block, generate_series(1, $1) n";
    client.execute(fill, &[&rows]).await.unwrap();
}

/// All readers, of which [`BY_HTTP`] ask the house.
async fn ways(database: &Database, house: &TestHouse) -> Vec<Way> {
    let pool = database.pool(Role::Read, READERS).unwrap();
    let (_, key) = house.product_token(None, &[tidegate::auth::scope::Scope::ProjectStreamRead]).await;
    let client = database.connect(Role::Command).await.unwrap();
    let uid: String = client.query_one("select uid from project where id = 1", &[]).await.unwrap().get(0);
    (0..READERS)
        .map(|at| {
            if at < BY_HTTP {
                let url = format!("{}/v1/project/{uid}/stream", house.base);
                return Way::Http { http: house.http.clone(), url, key: key.clone() };
            }
            let filter: &[&str] = if at == READERS - 1 { &[FILTER] } else { &[] };
            Way::Store(pool.clone(), Patterns::parse(filter, 128).unwrap())
        })
        .collect()
}

#[rstest]
#[case::of_a_small_day(0)]
#[case::of_a_large_day(45_000)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_reader_sees_what_was_committed_once_and_in_one_order(#[case] before: i32) {
    let mut dice = Dice::fresh("sixteen writers and eight readers");
    let (server, _folder) = private_server().await;
    let config = server.config();
    migrate(&config).await;
    let database = Database::new(config.clone());
    projects(&database).await;
    fill(&connect(&config).await, before).await;
    let house = TestHouse::with(database.clone(), stations(), SystemClock::shared()).await;
    let truth = Arc::new(Truth::default());
    let writers: Vec<_> = (0..WRITERS)
        .map(|at| tokio::spawn(writer(database.clone(), at, dice.split(), truth.clone())))
        .collect();
    let ways = ways(&database, &house).await;
    let live = ways.iter().filter_map(Way::live);
    let followers: Vec<_> =
        live.map(|live| tokio::spawn(followed::follower(live, dice.split(), truth.clone()))).collect();
    let readers: Vec<_> =
        ways.into_iter().map(|way| tokio::spawn(reader(way, dice.split(), truth.clone()))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    truth.end.set(truth.last.lock().unwrap().unwrap()).unwrap();

    let client = connect(&config).await;
    let all = order(&client, "%").await;
    let committed = truth.committed.lock().unwrap().clone();
    assert!(all.len() == committed.len() && all.iter().all(|id| committed.contains(id)));
    let odd = order(&client, "odd%").await;
    assert!(all.len() > WRITERS * LOTS && odd.len() < all.len());
    let filtered = READERS - 1;
    for (at, reader) in readers.into_iter().chain(followers).enumerate() {
        let read = timeout(Duration::from_secs(120), reader).await.expect("it reaches the end").unwrap();
        let wanted = if at == filtered { &odd } else { &all };
        let differs = read.iter().zip(wanted).position(|(one, other)| one != other);
        assert!(read == *wanted, "reader {at}: {} of {}, differs at {differs:?}", read.len(), wanted.len());
    }
    house.stop().await;
    server.stop().await.unwrap();
}
