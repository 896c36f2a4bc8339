//! How long the reads take that have to stay fast with many events stored.
//!
//! Fills a private server of its own (`fsync` on) with one day's events, their lots and a tenth as many contacts, in the form in
//! which the writer stores them, and calls the store's own functions. Run by hand, on a quiet machine:
//!
//! ```text
//! cargo bench --bench reads -- --events 10000000
//! ```

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

use std::{os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use clap::Parser;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tidegate::{
    domain::{
        clock::{SharedClock, SystemClock},
        cursor::Cursor,
    },
    store::{
        Database, Pool, Role, audience, closed,
        managed::{self, Managed, Options, guardian},
        partitions, schema,
        summaries::Summaries,
        tally, timeline, totals, usage,
    },
};
use tokio_postgres::Client;

/// Measures reads.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many events to store.
    #[arg(long)]
    events: Option<i64>,
    /// How often each read is repeated.
    #[arg(long, default_value_t = 200)]
    runs: usize,
    /// Where the server's data go for the time being.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Events that one statement stores, and events of one lot.
const AT_ONCE: i64 = 250_000;
const LOT: i64 = 100;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let Some(events) = arguments.events else {
        println!(
            "reads: takes minutes, so not without being asked: cargo bench --bench reads -- --events 10000000"
        );
        return Ok(());
    };
    let folder = arguments
        .data_dir
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("tidegate-bench-{}", std::process::id())));
    std::fs::create_dir_all(&folder)?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o711))?;
    let data_dir = folder.join("d");
    let options = Options::new(&data_dir);
    let outcome = measure(events, arguments.runs, &options).await;
    guardian::discard(&data_dir)?;
    std::fs::remove_dir_all(&folder)?;
    outcome
}

async fn measure(events: i64, runs: usize, options: &Options) -> Result<()> {
    let clock = SystemClock::shared();
    let server = managed::open(options, managed::Role::Owner).await?;
    let database = Database::new(server.config());
    let day = fill(&database, &clock, events).await?;
    let server = restart(server, options).await?;
    let database = Database::new(server.config());
    let house = House { database, clock, runs, events };
    println!("{:<58} {:>9} {:>9} {:>9}", "", "first ms", "p50 ms", "max ms");
    let outcome = house.measure(day).await;
    server.stop().await?;
    outcome
}

/// A server whose own memory is empty; the system's cache is not.
async fn restart(server: Managed, options: &Options) -> Result<Managed> {
    server.stop().await?;
    Ok(managed::open(options, managed::Role::Owner).await?)
}

/// Stores everything in today's partition and answers when the day begins.
async fn fill(database: &Database, clock: &SharedClock, events: i64) -> Result<Timestamp> {
    let began = clock.monotonic();
    schema::migrate(database).await?;
    let client = database.connect(Role::Migration).await?;
    partitions::ensure(&client, clock.now()).await?;
    let day = TimeZone::UTC.to_timestamp(TimeZone::UTC.to_datetime(clock.now()).date().at(0, 0, 0, 0))?;
    client.batch_execute(HOUSE).await?;
    for from in (0..events).step_by(usize::try_from(AT_ONCE)?) {
        client.execute(EVENTS, &[&from, &events.min(from + AT_ONCE), &day, &events]).await?;
    }
    client.execute(CONTACTS, &[&(events / 10), &day]).await?;
    client.execute(LOTS, &[&events, &LOT, &day]).await?;
    client.execute(CONTACT_LOTS, &[&(events / 10), &day]).await?;
    let filled = clock.monotonic();
    Summaries::default().advance(&client, clock.now()).await?;
    let summarized = clock.monotonic();
    for statement in ["vacuum (analyze)", "checkpoint"] {
        client.batch_execute(statement).await?;
    }
    let seconds = |from: u64, to: u64| Duration::from_nanos(to - from).as_secs_f64();
    println!(
        "{events} events, {} contacts; stored in {:.0} s, summarized in {:.1} s",
        events / 10,
        seconds(began, filled),
        seconds(filled, summarized)
    );
    for (what, size) in [("log", SIZE_OF_LOG), ("its Bloom filters", SIZE_OF_FILTERS)] {
        let size: i64 = client.query_one(size, &[]).await?.get(0);
        println!("{what}: {} MiB", size >> 20);
    }
    Ok(day)
}

struct House {
    database: Database,
    clock: SharedClock,
    runs: usize,
    events: i64,
}

impl House {
    async fn measure(&self, day: Timestamp) -> Result<()> {
        let pool = self.database.pool(Role::Read, 1)?;
        self.timelines(&pool, "in an open day").await?;
        let people = self.events / 10;
        self.table("contact by e-mail", async |n| {
            let found =
                audience::by_email(&pool, 1, &format!("user-{}@example.org", n * 7_919 % people)).await?;
            found.context("an address that is there")?;
            Ok(())
        })
        .await?;
        self.table("contact by phone", async |n| {
            let found = audience::by_phone(&pool, 1, &format!("+49{:010}", n * 7_919 % people)).await?;
            found.context("a number that is there")?;
            Ok(())
        })
        .await?;
        self.table("contact by user id", async |n| {
            let found = audience::by_user(&pool, 1, &format!("user-{}", n * 7_919 % people)).await?;
            found.context("a contact that is there")?;
            Ok(())
        })
        .await?;
        self.table("usage of a datasource (GET /stream)", async |n| {
            usage::read(&pool, 1 + n % 4).await?;
            Ok(())
        })
        .await?;
        self.totals(&pool, "totals (GET /stats), no lot tallied").await?;
        let mut client = self.database.connect(Role::Upkeep).await?;
        let began = self.clock.monotonic();
        let mut steps = 0;
        while tally::advance(&mut client, 1, tally::STEP).await?.is_some_and(|step| step.more) {
            steps += 1;
        }
        let each =
            Duration::from_nanos(self.clock.monotonic() - began).as_secs_f64() * 1e3 / f64::from(steps + 1);
        self.totals(&pool, "totals (GET /stats), all lots tallied").await?;
        println!("{:<58} {:>9} {each:>9.2}", "a step of the tally, 20 000 lots at the most", "");
        self.close(day).await?;
        self.timelines(&pool, "in a closed day").await
    }

    /// A page of contacts with no, few and many events.
    async fn timelines(&self, pool: &Pool, of: &str) -> Result<()> {
        for (user, there, limit) in
            [("none", 0, 100), ("few", 10, 100), ("heavy", 10_000, 100), ("heavy", 10_000, 1_000)]
        {
            let what = format!("timeline {of}: {there} events, page of {limit}");
            self.table(&what, async |_| self.page(pool, user, None, limit, there).await.map(drop)).await?;
        }
        let mut middle = None;
        for _ in 0..5 {
            middle = self.page(pool, "heavy", middle, 1_000, 1_000).await?;
        }
        let what = format!("timeline {of}: 10000 events, the 5 000th, page of 100");
        self.table(&what, async |_| self.page(pool, "heavy", middle, 100, 100).await.map(drop)).await
    }

    /// Reads a page, makes sure that it is as long as it should be, and answers where it ends.
    async fn page(
        &self,
        pool: &Pool,
        user: &str,
        after: Option<Cursor>,
        limit: usize,
        there: usize,
    ) -> Result<Option<Cursor>> {
        let rows = timeline::page(pool, 1, 1, user, after, limit).await?;
        anyhow::ensure!(rows.len() == there.min(limit), "{user} has {} rows", rows.len());
        Ok(rows.last().map(|row| row.cursor))
    }

    async fn totals(&self, pool: &Pool, what: &str) -> Result<()> {
        let all = self.events;
        self.table(what, async |_| {
            let totals = totals::read(pool, 1, 1).await?;
            anyhow::ensure!((totals.events, totals.contacts) == (all, all / 10), "{totals:?}");
            Ok(())
        })
        .await
    }

    /// Gives the day its index, as if it were over.
    async fn close(&self, day: Timestamp) -> Result<()> {
        let client: Client = self.database.connect(Role::Command).await?;
        let began = self.clock.monotonic();
        while closed::index_one(&self.database, day + SignedDuration::from_hours(26)).await?.is_some() {}
        let seconds = Duration::from_nanos(self.clock.monotonic() - began).as_secs_f64();
        let size: i64 = client.query_one(SIZE_OF_INDEX, &[]).await?.get(0);
        println!("index of the closed day: {} MiB, built in {seconds:.0} s", size >> 20);
        Ok(())
    }

    /// Repeats a read and prints what it took.
    async fn table(&self, what: &str, read: impl AsyncFn(i64) -> Result<()>) -> Result<()> {
        let mut took = Vec::with_capacity(self.runs);
        for n in 0..i64::try_from(self.runs.max(2))? {
            let began = self.clock.monotonic();
            read(n).await.with_context(|| what.to_owned())?;
            took.push(Duration::from_nanos(self.clock.monotonic() - began).as_secs_f64() * 1e3);
        }
        let first = took.remove(0);
        took.sort_by(f64::total_cmp);
        let (p50, max) = (took[took.len() / 2], took[took.len() - 1]);
        println!("{what:<58} {first:>9.2} {p50:>9.2} {max:>9.2}");
        Ok(())
    }
}

const HOUSE: &str = "
    insert into organization (uid, name) values ('org_b', 'bench');
    insert into project (organization_id, uid, name) values (1, 'proj_b', 'bench');
    insert into datasource (project_id, uid, name) select 1, 'ds_' || n, 'bench' from generate_series(1, 4) n;
    insert into epoch (n, system_identifier, timeline) select 1, system_identifier, 1 from pg_control_system();
    insert into usage_total select n, 1, 1, 1, 1, 1, 1, now(), now(), now(), now() from generate_series(1, 4) n";

/// `heavy` has 10 000 events and `few` 10, spread over the day; all others share the rest.
const EVENTS: &str = "
    insert into event
    select n + 1, 1, 1, $3::timestamptz + (n / 100) * (interval '86399 seconds' / ($4::bigint / 100)),
           $3::timestamptz + n * (interval '86399 seconds' / $4::bigint), 'e', 'type_' || n % 20,
           case when n % ($4::bigint / 10000) = 0 then 'heavy' when n % ($4::bigint / 10) = 7 then 'few'
                else 'user-' || (hashint8(n) & 2147483647) % ($4::bigint / 10) end,
           md5(n::text),
           ('{\"order_id\":\"' || n || '\",\"amount\":\"' || n % 977 || '.50\",\"currency\":\"EUR\",\"sku\":[\"a-' || n % 313
            || '\",\"b-' || n % 131 || '\"],\"channel\":\"web\"}')::json
    from generate_series($1::bigint, $2::bigint - 1) n";

const CONTACTS: &str = "
    insert into contact
    select 1, 'user-' || n, gen_random_uuid(), 1,
           jsonb_build_object('_email', 'user-' || n || '@example.org', '_first_name', 'Ada', '_city', 'town ' || n % 999),
           'user-' || n || '@example.org', '+49' || lpad(n::text, 10, '0'), $2, $2
    from generate_series(0, $1::bigint - 1) n";

/// Lots of an earlier epoch are settled, whatever their transactions.
const LOTS: &str = "
    insert into lot
    select 1, 0, (n + 1)::text::xid8, n * $2::bigint + 1, (n + 1) * $2::bigint, 1, $2::bigint, 0, 0, 0, 0,
           $3::timestamptz + n * (interval '86399 seconds' / ($1::bigint / $2::bigint))
    from generate_series(0, $1::bigint / $2::bigint - 1) n";

const CONTACT_LOTS: &str = "
    insert into lot
    select 1, 0, (n + 1000000000)::text::xid8, -n - 1, -n - 1, 1, 0, 0, $1::bigint / 1000, 0, 0, $2
    from generate_series(0, 999) n";

const SIZE_OF_LOG: &str = "
    select sum(pg_relation_size(inhrelid))::bigint from pg_inherits where inhparent = 'event'::regclass";

const SIZE_OF_FILTERS: &str = "
    select sum(pg_relation_size(inhrelid))::bigint from pg_inherits where inhparent = 'event_by_range'::regclass";

const SIZE_OF_INDEX: &str = "
    select sum(pg_relation_size(oid))::bigint from pg_class where relname like 'event%by_person'";
