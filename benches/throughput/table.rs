//! The table: everybody in turn, round after round, and the ratios between them.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result, ensure};
use tidegate::store::{Database, Role};

use crate::{
    copy::Rows,
    drive::{Numbers, Wish, drive},
    figures::{Cost, Seen, Spread, markdown, milliseconds, whole},
    process::{self, Server},
    rivals::{Influx, Plain},
    stand::{House, Inlet, Stand},
    traffic::{Kind, POOL, Writer},
};

/// How the table is measured.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Seconds of one measurement.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How often all is measured in turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// One round of half seconds: whether everything runs, not how fast.
    #[arg(long)]
    quick: bool,
    /// Events that the raw COPY writes in one go; they are held in memory.
    #[arg(long, default_value_t = 500_000)]
    copy_rows: usize,
    /// Folder within which the servers keep their data for the time being.
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

/// Whom a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Ours,
    Node,
    Actix,
    Influx,
    Copy,
}

/// One line of the table.
struct Line {
    name: &'static str,
    subject: Subject,
    kind: Kind,
    items: u64,
    connections: usize,
    seen: Vec<Seen>,
}

/// Events that must be stored before they are read for the raw COPY.
const LEAST_TO_COPY: u64 = 20_000;

const FEW: usize = 64;
const MANY: usize = 256;

/// The lines in the order in which they are measured: what is compared stands close together.
fn lines() -> Vec<Line> {
    use Kind::{ChangedContacts, Events, Lines, NewContacts, Ping, SameContacts};
    use Subject::{Actix, Copy, Influx, Node, Ours};
    let line = |name, subject, kind, items, connections| Line {
        name,
        subject,
        kind,
        items,
        connections,
        seen: Vec::new(),
    };
    vec![
        line("bare ping", Ours, Ping, 1, FEW),
        line("single events", Ours, Events, 1, FEW),
        line("bare ping", Ours, Ping, 1, MANY),
        line("single events", Ours, Events, 1, MANY),
        line("Node, single events", Node, Events, 1, FEW),
        line("actix, single events", Actix, Events, 1, FEW),
        line("events in batches of 10", Ours, Events, 10, FEW),
        line("events in batches of 100", Ours, Events, 100, FEW),
        line("raw COPY, 1000 rows", Copy, Events, 1_000, 2),
        line("Node, batches of 100", Node, Events, 100, FEW),
        line("actix, batches of 100", Actix, Events, 100, FEW),
        line("InfluxDB, batches of 100", Influx, Lines, 100, FEW),
        line("new contacts, by 100", Ours, NewContacts, 100, FEW),
        line("unchanged contacts, by 100", Ours, SameContacts, 100, FEW),
        line("updated contacts, by 100", Ours, ChangedContacts, 100, FEW),
    ]
}

/// Everybody that is measured.
struct Field {
    stand: Stand,
    ours: House,
    inlets: Arc<[Inlet]>,
    node: Option<Plain>,
    actix: Plain,
    influx: Option<Influx>,
    raw: Database,
    rows: Option<Rows>,
    numbers: Arc<Numbers>,
    options: Options,
}

/// Measures and prints.
pub async fn run(mut options: Options) -> Result<()> {
    if options.quick {
        (options.seconds, options.rounds) = (0.5, 1);
    }
    ensure!(options.seconds > 0.0 && options.rounds > 0, "--seconds and --rounds must be more than nothing");
    let stand = Stand::open(options.data_dir.as_deref()).await?;
    let mut field = Field::open(stand, options).await?;
    let outcome = field.measure().await;
    field.close().await?;
    println!("{}", outcome?);
    Ok(())
}

impl Field {
    async fn open(stand: Stand, options: Options) -> Result<Self> {
        let ours = House::open(&stand, "ours").await?;
        let project = ours.project().await?;
        let inlets = ours.inlets(&project, 1).await?.into();
        let (node, influx) = (Plain::node(&stand).await?, Influx::open(&stand).await?);
        let (actix, raw) = (Plain::actix(&stand).await?, stand.migrated("raw").await?);
        let numbers = Arc::default();
        Ok(Self { stand, ours, inlets, node, actix, influx, raw, rows: None, numbers, options })
    }

    async fn close(self) -> Result<()> {
        let rivals = [self.node.map(|plain| plain.server), self.influx.map(|influx| influx.server)];
        for server in [Some(self.ours.server), Some(self.actix.server)].into_iter().chain(rivals).flatten() {
            server.stop().await?;
        }
        self.stand.close().await
    }

    async fn measure(&mut self) -> Result<String> {
        let mut lines = lines();
        lines.retain(|line| match line.subject {
            Subject::Node => self.node.is_some(),
            Subject::Influx => self.influx.is_some(),
            _ => true,
        });
        self.warm_up(&lines).await?;
        for round in 1..=self.options.rounds {
            eprintln!("round {round} of {}", self.options.rounds);
            self.empty().await?;
            for line in &mut lines {
                let seen = self.line(line, self.options.seconds).await.with_context(|| line.name)?;
                eprintln!("  {:<28} {:>4}  {:>10}/s", line.name, line.connections, whole(seen.rate()));
                line.seen.push(seen);
            }
            self.audit(&lines, round).await?;
        }
        let half = self.half(&lines).await?;
        let peak = process::peak_memory(self.ours.server.pid()?)?;
        Ok(self.report(&lines, &half, peak))
    }

    /// Everybody once, shortly; the pool of contacts is there afterwards, and what ours stored is what the raw COPY will write.
    async fn warm_up(&mut self, lines: &[Line]) -> Result<()> {
        eprintln!("warm-up");
        let short = self.options.seconds.min(1.0);
        for line in lines.iter().filter(|line| line.subject != Subject::Copy) {
            self.line(line, short).await.with_context(|| line.name)?;
        }
        self.empty().await?;
        let batches = lines.iter().find(|line| line.subject == Subject::Ours && line.items == 100);
        let batches = batches.context("a line of batches")?;
        while count(&self.ours.database).await? < LEAST_TO_COPY {
            self.line(batches, self.options.seconds).await?;
        }
        self.rows = Some(Rows::read(&self.ours.database, self.options.copy_rows).await?);
        Ok(())
    }

    /// Empties every table, and puts the pool of contacts back.
    async fn empty(&self) -> Result<()> {
        self.ours.empty().await?;
        for plain in self.node.iter().chain([&self.actix]) {
            plain.empty().await?;
        }
        if let Some(influx) = &self.influx {
            influx.empty().await?;
        }
        let (address, now) = (self.ours.server.address, self.stand.clock.now());
        crate::drive::pool(address, &self.inlets[0], &Writer::new(Kind::SameContacts, 100, now), POOL).await
    }

    /// One measurement, with its costs.
    async fn line(&self, line: &Line, seconds: f64) -> Result<Seen> {
        if line.kind != Kind::Ping {
            self.stand.settle().await?;
        }
        let before = self.cost(line.subject)?;
        let mut seen = match line.subject {
            Subject::Copy => self.copy(seconds).await?,
            _ => drive(&self.wish(line, seconds)?, &self.numbers).await?,
        };
        seen.cost = self.cost(line.subject)? - before;
        ensure!(seen.items > 0, "nothing was acknowledged, {} requests failed", seen.refused);
        if seen.refused > 0 {
            eprintln!("  {}: {} requests were refused", line.name, seen.refused);
        }
        Ok(seen)
    }

    fn wish(&self, line: &Line, seconds: f64) -> Result<Wish> {
        Ok(Wish {
            address: self.server(line.subject).context("it runs")?.address,
            inlets: self.inlets.clone(),
            writer: Writer::new(line.kind, line.items, self.stand.clock.now()),
            connections: line.connections,
            rate: None,
            seconds,
        })
    }

    fn server(&self, subject: Subject) -> Option<&Server> {
        match subject {
            Subject::Ours => Some(&self.ours.server),
            Subject::Node => self.node.as_ref().map(|plain| &plain.server),
            Subject::Actix => Some(&self.actix.server),
            Subject::Influx => self.influx.as_ref().map(|influx| &influx.server),
            Subject::Copy => None,
        }
    }

    fn cost(&self, subject: Subject) -> Result<Cost> {
        let server = self.server(subject).map(|server| process::cpu(server.pid()?)).transpose()?;
        Ok(Cost {
            server: server.unwrap_or_default(),
            postgres: process::cpu_of_tree(self.stand.postmaster()?)?,
            load: process::cpu(std::process::id())?,
        })
    }

    /// Writes the rows again and again until the time is over.
    async fn copy(&self, seconds: f64) -> Result<Seen> {
        let rows = self.rows.as_ref().context("rows to copy")?;
        let mut seen = Seen::default();
        while seen.took.as_secs_f64() < seconds {
            seen.took += rows.write(&self.raw, &self.stand.clock).await?;
            seen.items += rows.events() as u64;
            seen.requests += rows.events() as u64 / 1_000;
        }
        Ok(seen)
    }

    /// Makes sure that what was acknowledged in a round is there.
    async fn audit(&self, lines: &[Line], round: usize) -> Result<()> {
        for subject in [Subject::Ours, Subject::Node, Subject::Actix, Subject::Influx] {
            let events =
                |line: &&Line| line.subject == subject && matches!(line.kind, Kind::Events | Kind::Lines);
            let seen = lines.iter().filter(events).filter_map(|line| line.seen.get(round - 1));
            let acknowledged: u64 = seen.map(|seen| seen.items).sum();
            let stored = match (subject, &self.node, &self.influx) {
                (Subject::Ours, ..) => count(&self.ours.database).await?,
                (Subject::Node, Some(node), _) => count(&node.database).await?,
                (Subject::Actix, ..) => count(&self.actix.database).await?,
                (Subject::Influx, _, Some(influx)) => influx.stored().await?,
                _ => continue,
            };
            ensure!(
                stored >= acknowledged,
                "{subject:?} acknowledged {acknowledged} events and has {stored}"
            );
        }
        Ok(())
    }

    /// Single events at half of the highest rate, each at its time.
    async fn half(&self, lines: &[Line]) -> Result<Vec<Seen>> {
        let full = lines.iter().find(|line| is(line, Subject::Ours, Kind::Events, 1, FEW));
        let full = full.context("a line of single events")?;
        let highest = Spread::of(full.seen.iter().map(Seen::rate)).context("rounds")?.median;
        let mut all = Vec::new();
        for _ in 0..self.options.rounds {
            self.stand.settle().await?;
            let wish = Wish { rate: Some(highest / 2.0), ..self.wish(full, self.options.seconds)? };
            all.push(drive(&wish, &self.numbers).await?);
        }
        Ok(all)
    }

    fn report(&self, lines: &[Line], half: &[Seen], peak: u64) -> String {
        let mut rows: Vec<Vec<String>> = vec![
            [
                "what",
                "connections",
                "per second",
                "lowest",
                "highest",
                "p50 ms",
                "p99 ms",
                "server CPU s",
                "PostgreSQL CPU s",
                "load CPU s",
            ]
            .map(str::to_owned)
            .into(),
        ];
        rows.extend(lines.iter().filter_map(row));
        let mut text = format!(
            "{} rounds of {} s; PostgreSQL {} with fsync on; CPU seconds are per 100 000 items, InfluxDB's and PostgreSQL's own included\n\n{}",
            self.options.rounds,
            self.options.seconds,
            self.stand.postgres(),
            markdown(&rows)
        );
        let mut ratios: Vec<Vec<String>> =
            vec![["ratio", "median", "lowest", "highest", "to reach", "reached"].map(str::to_owned).into()];
        ratios.extend(RATIOS.iter().filter_map(|ratio| ratio.row(lines)));
        ratios.extend(latency_row(half));
        ratios.push(memory_row(peak));
        text.push('\n');
        text.push_str(&markdown(&ratios));
        for (there, what) in [
            (self.node.is_some(), "Node with `npm ci` in benches/rivals/node"),
            (self.influx.is_some(), "influxd (Debian: apt-get install influxdb)"),
        ] {
            if !there {
                text.push_str(&format!("\nnot measured, because it is not installed: {what}"));
            }
        }
        text
    }
}

async fn count(database: &Database) -> Result<u64> {
    let client = database.connect(Role::Migration).await?;
    let stored: i64 = client.query_one("select count(*) from event where kind = 'e'", &[]).await?.get(0);
    Ok(u64::try_from(stored)?)
}

fn row(line: &Line) -> Option<Vec<String>> {
    let rate = Spread::of(line.seen.iter().map(Seen::rate))?;
    let of = |number: fn(&Seen) -> f64| Spread::of(line.seen.iter().map(number)).map(|spread| spread.median);
    let latency = |number| match line.subject {
        Subject::Copy => Some("–".to_owned()),
        _ => of(number).map(|number| format!("{number:.2}")),
    };
    let cost = |number| of(number).map(|number| format!("{number:.2}"));
    let server = match line.subject {
        Subject::Copy => "–".to_owned(),
        _ => cost(|seen| seen.per_100_000(seen.cost.server))?,
    };
    Some(vec![
        line.name.to_owned(),
        line.connections.to_string(),
        whole(rate.median),
        whole(rate.lowest),
        whole(rate.highest),
        latency(|seen| milliseconds(seen.p50))?,
        latency(|seen| milliseconds(seen.p99))?,
        server,
        cost(|seen| seen.per_100_000(seen.cost.postgres))?,
        cost(|seen| seen.per_100_000(seen.cost.load))?,
    ])
}

/// What a line is: whose, what, items, connections.
type Wanted = (Subject, Kind, u64, usize);

/// A ratio of two lines, and what it is to be at least.
struct Ratio {
    name: &'static str,
    above: Wanted,
    below: Wanted,
    least: Option<f64>,
}

const fn ratio(name: &'static str, above: Wanted, below: Wanted, least: Option<f64>) -> Ratio {
    Ratio { name, above, below, least }
}

const SINGLE: Wanted = (Subject::Ours, Kind::Events, 1, FEW);
const BATCHES: Wanted = (Subject::Ours, Kind::Events, 100, FEW);
const NEW: Wanted = (Subject::Ours, Kind::NewContacts, 100, FEW);

const RATIOS: [Ratio; 11] = [
    ratio(
        "single events ÷ bare ping, 64 connections",
        SINGLE,
        (Subject::Ours, Kind::Ping, 1, FEW),
        Some(0.45),
    ),
    ratio(
        "single events ÷ bare ping, 256 connections",
        (Subject::Ours, Kind::Events, 1, MANY),
        (Subject::Ours, Kind::Ping, 1, MANY),
        Some(0.45),
    ),
    ratio("batches of 100 ÷ raw COPY", BATCHES, (Subject::Copy, Kind::Events, 1_000, 2), Some(0.70)),
    ratio("single events ÷ Node", SINGLE, (Subject::Node, Kind::Events, 1, FEW), Some(4.0)),
    ratio("batches of 100 ÷ Node", BATCHES, (Subject::Node, Kind::Events, 100, FEW), Some(2.0)),
    ratio("single events ÷ actix", SINGLE, (Subject::Actix, Kind::Events, 1, FEW), None),
    ratio("batches of 100 ÷ actix", BATCHES, (Subject::Actix, Kind::Events, 100, FEW), None),
    ratio("batches of 100 ÷ InfluxDB", BATCHES, (Subject::Influx, Kind::Lines, 100, FEW), Some(1.0)),
    ratio("unchanged contacts ÷ new contacts", (Subject::Ours, Kind::SameContacts, 100, FEW), NEW, Some(1.5)),
    ratio("updated contacts ÷ new contacts", (Subject::Ours, Kind::ChangedContacts, 100, FEW), NEW, None),
    ratio("batches of 100 ÷ single events", BATCHES, SINGLE, None),
];

fn is(line: &Line, subject: Subject, kind: Kind, items: u64, connections: usize) -> bool {
    (line.subject, line.kind, line.items, line.connections) == (subject, kind, items, connections)
}

impl Ratio {
    fn row(&self, lines: &[Line]) -> Option<Vec<String>> {
        let find = |(subject, kind, items, connections): Wanted| {
            lines.iter().find(|line| is(line, subject, kind, items, connections))
        };
        let spread = Spread::of_ratios(&find(self.above)?.seen, &find(self.below)?.seen)?;
        let least = self.least.map_or_else(String::new, |least| format!("≥ {least:.2}"));
        Some(vec![
            self.name.to_owned(),
            format!("{:.2}", spread.median),
            format!("{:.2}", spread.lowest),
            format!("{:.2}", spread.highest),
            least,
            self.least.map_or("", |least| yes(spread.median >= least)).to_owned(),
        ])
    }
}

fn latency_row(half: &[Seen]) -> Option<Vec<String>> {
    let spread = Spread::of(half.iter().map(|seen| milliseconds(seen.p99) / milliseconds(seen.p50)))?;
    let ends = |time: fn(&Seen) -> f64| Spread::of(half.iter().map(time)).map_or(0.0, |spread| spread.median);
    Some(vec![
        format!(
            "p99 ÷ median of single events at half the rate, 64 connections ({:.2} ms ÷ {:.2} ms)",
            ends(|seen| milliseconds(seen.p99)),
            ends(|seen| milliseconds(seen.p50))
        ),
        format!("{:.1}", spread.median),
        format!("{:.1}", spread.lowest),
        format!("{:.1}", spread.highest),
        "< 10".to_owned(),
        yes(spread.median < 10.0).to_owned(),
    ])
}

fn memory_row(peak: u64) -> Vec<String> {
    let mebibytes = peak as f64 / f64::from(1 << 20);
    let cells = [
        "peak memory of the server under all of this, MiB".to_owned(),
        format!("{mebibytes:.0}"),
        String::new(),
        String::new(),
        "≤ 256".to_owned(),
        yes(mebibytes <= 256.0).to_owned(),
    ];
    cells.into()
}

const fn yes(reached: bool) -> &'static str {
    if reached { "yes" } else { "no" }
}
