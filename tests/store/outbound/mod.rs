//! The stream under everything that could make it skip, repeat or turn around.

mod concurrent;

mod elsewhere;

mod failover;

mod followed;

mod patterns;

use std::{ops::Range, time::Duration};

use deadpool_postgres::Pool;
use tidegate::{
    domain::{
        clock::{Entropy, SystemClock, SystemEntropy},
        cursor::Cursor,
        ids::Inlet,
        pattern::Patterns,
    },
    store::{
        Database, StoreError,
        lane::Lane,
        log::{self, Entry, Kind},
        lots::{self, LotRow},
        outbound::{self, Item, Page, Wanted},
    },
};

/// Numbers that look drawn, and are the same for the same seed (SplitMix64, Steele et al. 2014).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// From `TIDEGATE_TEST_SEED`, or a seed of its own; says which, so that a failure can be repeated.
    pub fn fresh(what: &str) -> Self {
        let given = std::env::var("TIDEGATE_TEST_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let mut bytes = [0; 8];
            SystemEntropy.fill(&mut bytes).unwrap();
            u64::from_le_bytes(bytes)
        });
        println!("{what}: TIDEGATE_TEST_SEED={seed}");
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A whole number of a range.
    pub fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.within(0..times) == 0
    }

    /// Another one for somebody else.
    pub fn split(&mut self) -> Self {
        Self(self.next())
    }
}

/// What becomes of a lot that is written.
#[derive(Debug, Clone, Copy)]
pub struct Fate {
    /// How long its transaction stays open once everything is told.
    pub pause: Duration,
    /// Whether it is committed.
    pub commit: bool,
}

/// An event as these tests write it: its type and its id.
pub type Written = (String, String);

/// Writes a lot with the statements of the lanes, one part for each datasource, in this order. Answers the place of its last row.
pub async fn write(
    lane: &mut Lane,
    project: i64,
    parts: &[(i64, Vec<Written>)],
    fate: Fate,
) -> Result<Cursor, StoreError> {
    let now = SystemClock::shared().now();
    let count = parts.iter().map(|(_, events)| events.len()).sum();
    let first_id = lane.take_ids(count).await?;
    let epoch = lane.epoch();
    let (mut rows, mut order, mut next) = (Vec::new(), Vec::new(), first_id);
    for (datasource, events) in parts {
        for (event_type, id) in events {
            let mut row = Vec::new();
            let entry = Entry {
                occurred_at: now,
                kind: Kind::Event,
                event_type,
                user_id: "somebody",
                event_id: Some(id),
                parameters: "{}",
            };
            log::encode(&entry, &mut row);
            rows.push((Inlet { project, datasource: *datasource }, row));
        }
        let last_id = next + i64::try_from(events.len()).unwrap() - 1;
        let events = i32::try_from(events.len()).unwrap();
        let none = LotRow {
            project,
            datasource: *datasource,
            first_id: next,
            last_id,
            events,
            contacts: 0,
            contacts_net: 0,
            id_sum: 0,
            contact_sum: 0,
        };
        order.push(none);
        next = last_id + 1;
    }
    let (mut flight, statements) = lane.begin()?;
    let tails = rows.iter().map(|(inlet, row)| (*inlet, row.as_slice()));
    log::append(&mut flight, statements, first_id, tails, now)?;
    lots::order(&mut flight, statements, epoch, &order, now)?;
    flight.done().await?;
    let tx = lots::position(&mut flight, statements).await?;
    tokio::time::sleep(fate.pause).await;
    if fate.commit {
        flight.commit().await?
    } else {
        flight.abandon().await?
    }
    let unsigned = |number: i64| u64::try_from(number).unwrap();
    Ok(Cursor { epoch: u32::try_from(epoch).unwrap(), tx: unsigned(tx), id: unsigned(next - 1) })
}

/// Commits at once.
pub const AT_ONCE: Fate = Fate { pause: Duration::ZERO, commit: true };

/// Events of one type with these ids.
pub fn numbered(prefix: &str, ids: Range<usize>) -> Vec<Written> {
    ids.map(|id| ("own".to_owned(), format!("{prefix}{id}"))).collect()
}

/// An organization, and projects 1 and 2 with two datasources each: 1 and 2, 3 and 4.
pub async fn projects(database: &Database) {
    let client = database.connect(tidegate::store::Role::Command).await.unwrap();
    let made = "insert into organization (uid, name) values ('org_x', 'x');
                insert into project (organization_id, uid, name, limits)
                    select id, 'proj_' || n, 'x', '{\"stream.read\": 1000000000}'
                    from organization, generate_series(1, 2) n;
                insert into datasource (project_id, uid, name)
                    select (n + 1) / 2, 'ds_' || n, 'x' from generate_series(1, 4) n";
    client.batch_execute(made).await.unwrap();
    let rows =
        client.query_one("select min(id), max(id), max(project_id) from datasource", &[]).await.unwrap();
    assert_eq!((rows.get::<_, i64>(0), rows.get::<_, i64>(1), rows.get::<_, i64>(2)), (1, 4, 2));
}

/// A page of project 1.
pub async fn page(pool: &Pool, after: Option<Cursor>, patterns: &Patterns, limit: usize) -> Page {
    let wanted = Wanted { project: 1, after, patterns, datasources: None, limit };
    outbound::page(pool, &wanted).await.unwrap()
}

/// Everything of project 1 behind a place, and where to go on.
pub async fn read(pool: &Pool, after: Option<Cursor>, limit: usize) -> (Vec<Item>, Cursor) {
    let (mut items, mut after) = (Vec::new(), after);
    loop {
        let page = page(pool, after, &Patterns::default(), limit).await;
        items.extend(page.items);
        if page.caught_up {
            return (items, page.next);
        }
        after = Some(page.next);
    }
}

/// The ids of items.
pub fn ids(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| item.event_id.as_deref().unwrap()).collect()
}
