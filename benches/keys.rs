//! What a number of live keys costs a server: the time to load them when it starts, their memory, and the poll that finds one changed.
//!
//! Fills a private server of its own with keys and loads the authority from it, as `serve` does. Run by hand, on a quiet machine:
//!
//! ```text
//! cargo bench --bench keys -- --keys 1000,100000,1000000
//! ```

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

use std::{os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use clap::Parser;
use tidegate::{
    auth::Authority,
    domain::clock::{SharedClock, SystemClock},
    store::{
        Database, Role,
        managed::{self, Options, guardian},
        schema,
    },
};
use tokio_postgres::Client;

/// Measures what keys cost.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many keys, fewest first, with commas between them.
    #[arg(long, value_delimiter = ',')]
    keys: Vec<i64>,
    /// Where the server's data go for the time being.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.keys.is_empty() {
        println!("keys: not without being asked: cargo bench --bench keys -- --keys 1000,100000,1000000");
        return Ok(());
    }
    let folder = arguments
        .data_dir
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("tidegate-bench-{}", std::process::id())));
    std::fs::create_dir_all(&folder)?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o711))?;
    let data_dir = folder.join("d");
    let outcome = measure(&arguments.keys, &Options::new(&data_dir)).await;
    guardian::discard(&data_dir)?;
    std::fs::remove_dir_all(&folder)?;
    outcome
}

async fn measure(sizes: &[i64], options: &Options) -> Result<()> {
    let server = managed::open(options, managed::Role::Owner).await?;
    let database = Database::new(server.config());
    let outcome = table(sizes, &database).await;
    server.stop().await?;
    outcome
}

async fn table(sizes: &[i64], database: &Database) -> Result<()> {
    schema::migrate(database).await?;
    let client = database.connect(Role::Migration).await?;
    client.batch_execute(HOUSE).await?;
    let clock = SystemClock::shared();
    println!("{:>10} {:>10} {:>14} {:>22}", "keys", "load ms", "bytes per key", "poll with a change ms");
    let mut there = 0;
    for size in sizes {
        client.execute(KEYS, &[&there, size]).await?;
        client.batch_execute("vacuum (analyze) key").await?;
        there = *size;
        let (load, bytes, poll) = load(database, &client, &clock).await?;
        println!("{size:>10} {:>10.1} {:>14} {:>22.1}", ms(load), bytes / there, ms(poll));
    }
    Ok(())
}

/// Loads all keys, and then learns of one that changed: the time for each, and what the process grew by meanwhile.
async fn load(
    database: &Database,
    client: &Client,
    clock: &SharedClock,
) -> Result<(Duration, i64, Duration)> {
    let pool = database.pool(Role::Meta, 1)?;
    let (before, began) = (resident()?, clock.monotonic());
    let authority = Authority::load(pool, clock.clone()).await?;
    let (loaded, after) = (clock.monotonic(), resident()?);
    client.execute("update key set name = 'changed' where id = (select id from key limit 1)", &[]).await?;
    let asked = clock.monotonic();
    authority.refresh().await?;
    let learnt = clock.monotonic();
    Ok((Duration::from_nanos(loaded - began), after - before, Duration::from_nanos(learnt - asked)))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Memory of this process that the machine holds, in bytes. What one size gave back may serve the next one, so that small sizes after
/// large ones look cheaper than they are.
fn resident() -> Result<i64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kilobytes: i64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes << 10)
}

const HOUSE: &str = "
    insert into organization (uid, name) values ('org_bench', 'Bench');
    insert into project (organization_id, uid, name) select id, 'proj_bench', 'Bench' from organization;
    insert into datasource (project_id, uid, name) select id, 'ds_bench', 'Bench' from project;
";

/// Keys from $1 to $2 of one datasource.
const KEYS: &str = "
    insert into key (id, kind, hash, prefix, name, scopes, organization_id, datasource_id, created_by)
    select gen_random_uuid(), 'datasource', sha256(convert_to('key ' || n, 'UTF8')), 'tgd_' || to_char(n % 10000, 'FM0000'),
           'Key ' || n, array['PROJECT_INGEST_READ', 'PROJECT_INGEST_WRITE'], o.id, d.id, 'bench'
    from organization o, datasource d, generate_series($1::bigint + 1, $2::bigint) n
";
