//! `tidegate export`: the stream of a project as lines, from the oldest item that is kept to what was settled when it began.
//!
//! Promises whole items in the order of the stream, each once, also over a run that was broken off and gone on with, and flat memory.
//! Must not know HTTP or keys: it is the operator's command, and shows everything unless it is asked to mask.

mod output;

mod walk;

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    sync::Arc,
};

use anyhow::{Context, bail, ensure};
use clap::{ValueEnum, builder::BoolishValueParser};
use jiff::{SignedDuration, Timestamp};

use super::{
    opened::{self, Opened},
    print,
    progress::Transfer,
    projects::no_project,
    signals::Signals,
};
use crate::{
    auth::{Authority, Project},
    config::Global,
    domain::{
        caps::Caps,
        clock::{SharedClock, SystemClock},
        cursor::Cursor,
        date::{NOT_A_TIME, datetime},
        pattern::Patterns,
    },
    store::{
        Pool, Role,
        epochs::{self, Position},
        managed, outbound, schema,
    },
    stream::mask::Sight,
};
use output::{Last, Output};
use walk::{PARTS, Stopped, Told, Walk};

/// The order is that of commits: an item that was received before a time may come a little behind one that was received after it.
const LATE: SignedDuration = SignedDuration::from_mins(1);

/// Connections: one for the pages, one for what is asked before.
const CONNECTIONS: usize = 2;

/// How items are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object a line.
    Ndjson,
}

/// What to export, and where to.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Options {
    /// Uid of the project, proj_….
    #[arg(long, env = "TIDEGATE_PROJECT", value_name = "UID")]
    project: String,

    /// Only what was received at this time or later: RFC 3339, or a date.
    #[arg(long, env = "TIDEGATE_FROM", value_parser = time, value_name = "TIME")]
    from: Option<Timestamp>,

    /// Only what was received before this time.
    #[arg(long, env = "TIDEGATE_TO", value_parser = time, value_name = "TIME")]
    to: Option<Timestamp>,

    /// Only items of this type, such as purchase or contact.updated, or of those that begin so, such as contact.*; several with
    /// commas, or repeated.
    #[arg(long = "type", env = "TIDEGATE_TYPE", value_delimiter = ',', value_name = "TYPE")]
    types: Vec<String>,

    /// Only what came in by this datasource, by its uid; several with commas, or repeated.
    #[arg(long, env = "TIDEGATE_DATASOURCE", value_delimiter = ',', value_name = "UID")]
    datasource: Vec<String>,

    /// Only what comes behind this cursor, such as the last one of an export.
    #[arg(long, env = "TIDEGATE_AFTER", value_name = "CURSOR")]
    after: Option<String>,

    /// How items are written.
    #[arg(long, env = "TIDEGATE_FORMAT", value_enum, default_value_t = Format::Ndjson)]
    format: Format,

    /// Write to this file, which must not be there yet. Default: standard output.
    #[arg(long, env = "TIDEGATE_OUTPUT", value_name = "FILE")]
    output: Option<PathBuf>,

    /// Go on behind the last whole line of the file; from the beginning where there is none.
    #[arg(long, env = "TIDEGATE_RESUME", value_parser = BoolishValueParser::new(), requires = "output")]
    resume: bool,

    /// Mask e-mail addresses and phone numbers, as readers without PROJECT_AUDIENCE_DATA_BASIC see them.
    #[arg(long, env = "TIDEGATE_MASKED", value_parser = BoolishValueParser::new())]
    masked: bool,
}

fn time(text: &str) -> Result<Timestamp, String> {
    datetime(text).ok_or_else(|| NOT_A_TIME.to_owned())
}

/// Exports, and tells how much that was and how to go on.
pub(super) async fn run(global: &Global, options: Options) -> anyhow::Result<()> {
    let Format::Ndjson = options.format;
    let patterns = Patterns::parse(&options.types, Caps::default().type_bytes)
        .map_err(|error| anyhow::anyhow!("--type {error}"))?;
    let after = options.after.as_deref().map(output::cursor).transpose().context("--after")?;
    let mut signals = Signals::new()?;
    let clock = SystemClock::shared();
    let opened = opened::open(global, managed::Role::Guest).await?;
    let began = clock.monotonic();
    let told = export(global, &options, &opened, (patterns, after), (&clock, &mut signals)).await;
    let closed = opened.close().await;
    let told = told?;
    closed?;
    let seconds = clock.monotonic().saturating_sub(began) as f64 / 1e9;
    tell(global, &options, &told, seconds)
}

async fn export(
    global: &Global,
    options: &Options,
    opened: &Opened,
    (patterns, after): (Patterns, Option<Cursor>),
    (clock, signals): (&SharedClock, &mut Signals),
) -> anyhow::Result<Told> {
    schema::prepare(&opened.database).await?;
    let authority = Authority::load(opened.database.pool(Role::Meta, 1)?, clock.clone()).await?;
    let pool = opened.database.pool(Role::Read, CONNECTIONS)?;
    let call = print::call(global);
    let project = authority.project_here(&options.project);
    let project = project.with_context(|| no_project(&call, &options.project))?;
    let datasources = rows_of(options, &authority, &project, &call)?;
    let now = clock.now();
    let mut end = outbound::head(&pool).await?;
    if let Some(late) = options.to.and_then(|to| to.checked_add(LATE).ok()).filter(|late| *late < now) {
        end = end.min(outbound::since(&pool, project.id, late).await?);
    }
    let (mut output, last) = match &options.output {
        Some(path) => Output::file(path, options.resume)?,
        None => (Output::standard(), None),
    };
    let start = begin(options, &pool, &authority, &project, (after, last)).await?;
    let walk = Walk {
        pool,
        project,
        patterns,
        datasources,
        from: options.from,
        to: options.to,
        sight: if options.masked { Sight::Masked } else { Sight::Whole },
        end,
        until: options.to.map_or(now, |to| to.min(now)),
    };
    // On a terminal the lines themselves show how far it is.
    let shown = options.output.is_some() || !std::io::stdout().is_terminal();
    let mut meter = shown.then(|| Transfer::new("exporting", Some(PARTS), 0, clock.clone()));
    let told = Arc::new(walk).run(start, &mut output, meter.as_mut(), signals).await;
    let reached = options.to.filter(|to| *to <= now);
    let told = told.map(|told| Told { reached, ..told });
    told.with_context(|| match &options.output {
        Some(file) => format!("broken off; what {} holds is whole, and --resume goes on", file.display()),
        None => "broken off; what was written is whole up to its last line".to_owned(),
    })
}

/// The rows of the datasources that are asked for; none where every one is.
fn rows_of(
    options: &Options,
    authority: &Authority,
    project: &Project,
    call: &str,
) -> anyhow::Result<Option<Vec<i64>>> {
    let known = authority.datasources(project);
    let row = |uid: &String| {
        let found = known.iter().find(|datasource| datasource.uid.as_str() == uid);
        let list = format!("`{call} datasource list --project {}` shows those that it has", options.project);
        found
            .map(|datasource| datasource.id)
            .with_context(|| format!("the project has no datasource {uid:?}; {list}"))
    };
    let rows = options.datasource.iter().map(row).collect::<anyhow::Result<Vec<i64>>>()?;
    Ok((!rows.is_empty()).then_some(rows))
}

/// Where to begin: behind the last line of a file, behind a cursor, at a time, or with the oldest item.
async fn begin(
    options: &Options,
    pool: &Pool,
    authority: &Authority,
    project: &Project,
    (after, last): (Option<Cursor>, Option<Last>),
) -> anyhow::Result<Option<Cursor>> {
    if let Some(last) = last {
        let of = authority.datasource_here(&last.datasource);
        let foreign = of.is_some_and(|(of, _)| of.id != project.id);
        ensure!(
            !foreign,
            "the last line of the file is of another project; give the one that it was begun with"
        );
        return place(pool, output::cursor(&last.cursor)?).await.map(Some);
    }
    match (after, options.from) {
        (Some(after), _) => place(pool, after).await.map(Some),
        (None, Some(from)) => Ok(Some(outbound::since(pool, project.id, from).await?)),
        (None, None) => Ok(None),
    }
}

/// The place of a cursor in the order as it is now.
async fn place(pool: &Pool, cursor: Cursor) -> anyhow::Result<Cursor> {
    match epochs::standing_of(pool, cursor).await? {
        Position::Current => Ok(cursor),
        Position::Moved { restart } => Ok(restart),
        Position::Lost => {
            bail!(
                "the cursor is from a history that a restore has cut off; begin again without it, into another file"
            )
        }
        Position::Unknown => bail!("the cursor was not given out by this database"),
    }
}

/// Tells people, beside the lines, how much that was and how to go on.
///
/// # Errors
/// When it was broken off.
fn tell(global: &Global, options: &Options, told: &Told, seconds: f64) -> anyhow::Result<()> {
    let Told { events, contacts, cursor, stopped, reached } = told;
    let items = events + contacts;
    let rate = items as f64 / seconds.max(0.001);
    let say = |text: String| {
        // Nobody is left to tell when standard error is gone.
        let _unheard = writeln!(std::io::stderr(), "{text}");
    };
    if *stopped == Stopped::Unread {
        say(format!("nobody reads any more; {items} items were written at the most"));
        return Ok(());
    }
    say(format!(
        "exported {items} items: {events} events and {contacts} changes of contacts, in {seconds:.1} s, {rate:.0} a second"
    ));
    let call = print::call(global);
    let mut next = format!("{call} export --project {}", print::quoted(&options.project));
    for one in &options.types {
        next.push_str(&format!(" --type {}", print::quoted(one)));
    }
    for one in &options.datasource {
        next.push_str(&format!(" --datasource {}", print::quoted(one)));
    }
    if options.masked {
        next.push_str(" --masked");
    }
    match (reached, cursor) {
        // No place parts what was received before a time from what came later.
        (Some(to), _) if *stopped == Stopped::AtTheEnd => {
            say("what was received from then on:".to_owned());
            say(format!("  {next} --from {to}"));
        }
        (None, Some(cursor)) => {
            say(format!("the last cursor is {}; what comes behind it:", cursor.encode()));
            say(format!("  {next} --after {}", cursor.encode()));
        }
        _ => {}
    }
    if *stopped == Stopped::BySignal {
        match &options.output {
            Some(file) => {
                let file = print::quoted(&file.display().to_string());
                let times = [("from", options.from), ("to", options.to)];
                for (name, time) in times.iter().filter_map(|(name, time)| Some((name, (*time)?))) {
                    next.push_str(&format!(" --{name} {time}"));
                }
                bail!("ended by a signal; to go on with the same file:\n  {next} --output {file} --resume")
            }
            None => bail!("ended by a signal"),
        }
    }
    Ok(())
}
