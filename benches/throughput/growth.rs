//! How rates and reads change with what is stored and with who writes: datasources, connections, keys.
//!
//! Each size of the log is measured beside an empty house on the same PostgreSQL, in turn, so that a slow minute of the machine
//! counts on both sides.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};
use tidegate::{
    auth::text::{KeyText, Kind as KeyKind},
    domain::clock::SystemEntropy,
};

use crate::{
    drive::{self, Numbers, Wish, drive},
    figures::{Seen, Spread, milliseconds, whole},
    reads::Reader,
    stand::{House, Inlet, Stand},
    traffic::{Kind, POOL, Writer},
};

/// How growth is measured.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Events stored, smallest first, with commas between them.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 1_000_000, 5_000_000, 10_000_000])]
    events: Vec<u64>,
    /// Datasources written to at once.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 1_000])]
    datasources: Vec<usize>,
    /// Connections.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 64, 256, 1_000])]
    connections: Vec<usize>,
    /// Live keys, used in turn.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000])]
    keys: Vec<usize>,
    /// Seconds of one measurement.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How often each is measured.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How often each read is repeated.
    #[arg(long, default_value_t = 200)]
    reads: usize,
    /// Small sizes and half seconds: whether everything runs, not how fast.
    #[arg(long)]
    quick: bool,
    /// The file to write.
    #[arg(long, default_value = "docs/performance/growth.json")]
    out: PathBuf,
    /// Folder within which the servers keep their data for the time being.
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

/// What the rate at the largest size is to be of the rate of an empty server, at least.
const LEAST: f64 = 0.85;

/// Connections where nothing else is said.
const CONNECTIONS: usize = 64;

/// Measures and writes the file.
pub async fn run(mut options: Options) -> Result<()> {
    if options.quick {
        (options.seconds, options.rounds, options.reads) = (0.5, 1, 20);
        options.events = vec![0, 20_000, 40_000];
        (options.datasources, options.connections, options.keys) =
            (vec![1, 10], vec![1, 64], vec![1_000, 5_000]);
    }
    ensure!(options.events.is_sorted(), "--events must begin with the smallest");
    let stand = Stand::open(options.data_dir.as_deref()).await?;
    let outcome = measure(&stand, &options).await;
    stand.close().await?;
    let growth = outcome?;
    write(&options.out, &growth)?;
    println!("{}", told(&growth).context("the rows that were just measured")?);
    println!("{}", options.out.display());
    Ok(())
}

/// How the largest size stands to the goal.
fn told(growth: &Value) -> Option<String> {
    let last = growth.get("stored")?.as_array()?.last()?;
    let (ratio, events) = (last.get("batch100_ratio")?, last.get("events")?.as_f64()?);
    let of = |end: &str| ratio.get(end).and_then(Value::as_f64);
    let (median, lowest, highest) = (of("median")?, of("lowest")?, of("highest")?);
    let reached = if median >= LEAST { "reached" } else { "not reached" };
    Some(format!(
        "batches of 100 at {} events ÷ at none: {median:.2} ({lowest:.2} to {highest:.2}); to reach: {LEAST:.2}, {reached}",
        whole(events)
    ))
}

fn write(path: &Path, growth: &Value) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, serde_json::to_string_pretty(growth)? + "\n")
        .with_context(|| path.display().to_string())
}

async fn measure(stand: &Stand, options: &Options) -> Result<Value> {
    let field = Field { stand, options, numbers: Arc::default() };
    let small = House::open(stand, "small").await?;
    let project = small.project().await?;
    let inlets = small.inlets(&project, 1).await?;
    let connections = field.connections(&small, &inlets).await?;
    let datasources = field.datasources(&small, &project).await?;
    let keys = field.keys(&small, &inlets[0]).await?;
    let stored = field.stored(&small, &inlets).await?;
    small.server.stop().await?;
    Ok(json!({
        "date": stand.clock.now().strftime("%Y-%m-%d").to_string(),
        "processors": std::thread::available_parallelism()?.get(),
        "postgresql": stand.postgres(),
        "seconds": options.seconds,
        "rounds": options.rounds,
        "stored": stored,
        "connections": connections,
        "datasources": datasources,
        "keys": keys,
    }))
}

struct Field<'a> {
    stand: &'a Stand,
    options: &'a Options,
    numbers: Arc<Numbers>,
}

impl Field<'_> {
    /// Sends events to a house for as long as one measurement takes.
    async fn send(&self, house: &House, inlets: &[Inlet], items: u64, connections: usize) -> Result<Seen> {
        let wish = Wish {
            address: house.server.address,
            inlets: inlets.into(),
            writer: Writer::new(Kind::Events, items, self.stand.clock.now()),
            connections,
            rate: None,
            seconds: self.options.seconds,
        };
        let seen = drive(&wish, &self.numbers).await?;
        ensure!(seen.items > 0, "nothing was acknowledged, {} requests failed", seen.refused);
        Ok(seen)
    }

    /// Both rates over all rounds, into an empty house.
    async fn both(
        &self,
        house: &House,
        inlets: &[Inlet],
        connections: usize,
        place: (&str, usize),
    ) -> Result<Value> {
        let (mut batches, mut singles) = (Vec::new(), Vec::new());
        for _ in 0..self.options.rounds {
            house.empty().await?;
            self.stand.settle().await?;
            batches.push(self.send(house, inlets, 100, connections).await?);
            self.stand.settle().await?;
            singles.push(self.send(house, inlets, 1, connections).await?);
        }
        let mut row = Map::new();
        row.insert(place.0.to_owned(), json!(place.1));
        rates(&mut row, &batches, &singles)?;
        let late = |time: fn(&Seen) -> Duration| Spread::of_milliseconds(singles.iter().map(time));
        row.insert("single_p50".into(), json!(late(|seen| seen.p50)));
        row.insert("single_p99".into(), json!(late(|seen| seen.p99)));
        let refused: u64 = batches.iter().chain(&singles).map(|seen| seen.refused).sum();
        row.insert("refused".into(), json!(refused));
        say(place, &batches, &singles);
        Ok(row.into())
    }

    async fn connections(&self, house: &House, inlets: &[Inlet]) -> Result<Vec<Value>> {
        // The first measurement after a start is none.
        self.send(house, inlets, 1, CONNECTIONS).await?;
        let mut rows = Vec::new();
        for connections in &self.options.connections {
            rows.push(self.both(house, inlets, *connections, ("connections", *connections)).await?);
        }
        Ok(rows)
    }

    async fn datasources(&self, house: &House, project: &str) -> Result<Vec<Value>> {
        let most = self.options.datasources.iter().max().copied().unwrap_or(0);
        let inlets = house.inlets(project, most).await?;
        let mut rows = Vec::new();
        for many in &self.options.datasources {
            rows.push(self.both(house, &inlets[..*many], CONNECTIONS, ("datasources", *many)).await?);
        }
        Ok(rows)
    }

    async fn keys(&self, house: &House, inlet: &Inlet) -> Result<Vec<Value>> {
        let mut inlets = vec![inlet.clone()];
        let mut rows = Vec::new();
        for many in &self.options.keys {
            let more = many.saturating_sub(inlets.len());
            inlets.extend(mint(house, inlet, more).await?);
            rows.push(self.both(house, &inlets, CONNECTIONS, ("keys", *many)).await?);
        }
        Ok(rows)
    }

    /// Rates and reads at each size of the log, beside the small house.
    async fn stored(&self, small: &House, beside: &[Inlet]) -> Result<Vec<Value>> {
        let grown = House::open(self.stand, "grown").await?;
        let project = grown.project().await?;
        let inlets = grown.inlets(&project, 1).await?;
        let pool = Writer::new(Kind::SameContacts, 100, self.stand.clock.now());
        drive::pool(grown.server.address, &inlets[0], &pool, POOL).await?;
        let reader = Reader::open(&grown, &inlets[0]).await?;
        let (mut sent, mut rows) = (0, Vec::new());
        for events in &self.options.events {
            while sent < *events {
                sent += self.send(&grown, &inlets, 100, CONNECTIONS).await?.items;
            }
            reader.caught_up(sent).await?;
            let mut row = Map::new();
            row.insert("events".into(), json!(sent));
            // Reads come first: the rates below add to what is stored.
            reader.measure(&mut row, self.options.reads).await?;
            sent += self.beside(&grown, &inlets, small, beside, &mut row).await?;
            rows.push(row.into());
        }
        grown.server.stop().await?;
        Ok(rows)
    }

    /// The grown house and the small one in turn; answers how many events that added to the grown one.
    async fn beside(
        &self,
        grown: &House,
        inlets: &[Inlet],
        small: &House,
        beside: &[Inlet],
        row: &mut Map<String, Value>,
    ) -> Result<u64> {
        let mut seen: [Vec<Seen>; 4] = Default::default();
        for _ in 0..self.options.rounds {
            small.empty().await?;
            self.stand.settle().await?;
            seen[0].push(self.send(grown, inlets, 100, CONNECTIONS).await?);
            seen[1].push(self.send(small, beside, 100, CONNECTIONS).await?);
            seen[2].push(self.send(grown, inlets, 1, CONNECTIONS).await?);
            seen[3].push(self.send(small, beside, 1, CONNECTIONS).await?);
        }
        let [batches, batches_beside, singles, singles_beside] = &seen;
        rates(row, batches, singles)?;
        row.insert("batch100_ratio".into(), json!(Spread::of_ratios(batches, batches_beside)));
        row.insert("single_ratio".into(), json!(Spread::of_ratios(singles, singles_beside)));
        let events = row.get("events").and_then(Value::as_u64).unwrap_or(0);
        say(("events", usize::try_from(events)?), batches, singles);
        Ok(batches.iter().chain(singles).map(|seen| seen.items).sum())
    }
}

fn rates(row: &mut Map<String, Value>, batches: &[Seen], singles: &[Seen]) -> Result<()> {
    for (name, seen) in [("batch100", batches), ("single", singles)] {
        let spread = Spread::of(seen.iter().map(Seen::rate)).context("rounds")?;
        row.insert(name.to_owned(), json!(spread));
    }
    Ok(())
}

fn say(place: (&str, usize), batches: &[Seen], singles: &[Seen]) {
    let median = |seen: &[Seen]| Spread::of(seen.iter().map(Seen::rate)).map_or(0.0, |spread| spread.median);
    let late =
        Spread::of(singles.iter().map(|seen| milliseconds(seen.p99))).map_or(0.0, |spread| spread.median);
    eprintln!(
        "{:>10} {:<12} {:>10} events/s in batches of 100, {:>8} single, p99 {late:.1} ms",
        whole(place.1 as f64),
        place.0,
        whole(median(batches)),
        whole(median(singles))
    );
}

/// Keys of a datasource, made at once: one after the other would take minutes.
async fn mint(house: &House, inlet: &Inlet, many: usize) -> Result<Vec<Inlet>> {
    let client = house.client().await?;
    let mut made = Vec::with_capacity(many);
    while made.len() < many {
        let texts = (0..10_000.min(many - made.len()))
            .map(|_| KeyText::mint(KeyKind::Datasource, &SystemEntropy))
            .collect::<Result<Vec<_>, _>>()?;
        let hashes: Vec<Vec<u8>> = texts.iter().map(|text| text.hash().to_vec()).collect();
        let stored = client.execute(KEYS, &[&hashes, &inlet.datasource]).await?;
        ensure!(stored == texts.len() as u64, "{stored} keys are stored of {}", texts.len());
        made.extend(texts.iter().map(|text| Inlet { token: text.reveal().to_owned(), ..inlet.clone() }));
    }
    if let Some(last) = made.last() {
        house.in_force(last, &last.token).await?;
    }
    Ok(made)
}

/// Copies of the datasource's first key in all but the text.
const KEYS: &str = "
    insert into key (id, kind, hash, prefix, name, scopes, organization_id, project_id, datasource_id, created_by)
    select gen_random_uuid(), first.kind, made.hash, first.prefix, 'bench', first.scopes, first.organization_id, first.project_id,
           first.datasource_id, 'bench'
    from unnest($1::bytea[]) as made(hash),
         (select key.* from key join datasource on datasource.id = key.datasource_id where datasource.uid = $2
          order by key.created_at limit 1) first";
