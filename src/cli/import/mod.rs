//! `tidegate import`: contacts and events from a file into a datasource.
//!
//! Promises that every row is judged and stored as a push would be, through the same rules and the same writer, that memory stays
//! flat, and that what was broken off goes on without loss. Must not know HTTP, keys or budgets.

mod input;

mod rows;

mod streamed;

mod table;

mod judge;

mod chunk;

mod counts;

mod report;

mod checkpoint;

mod send;

mod station;

mod flow;

use std::path::PathBuf;

use anyhow::{bail, ensure};
use clap::{ValueEnum, builder::BoolishValueParser};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    datasources::no_datasource,
    opened::{self, Opened},
    print,
    signals::Signals,
};
use crate::{
    config::{Global, ItemLimits},
    domain::clock::{SharedClock, SystemClock},
    store::managed,
};
use checkpoint::{Checkpoint, Start, Subject};
use counts::Counts;
use flow::Ended;
use input::{Format, Source};
use station::Station;

/// What rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Events, appended.
    Events,
    /// Contacts, merged into those that are there.
    Contacts,
}

/// What to import, and where to.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Options {
    /// A file of NDJSON (one item of the API, or of an export, a line) or CSV (by its name: .csv), packed by gzip where its name ends
    /// in .gz. `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Uid of the datasource, ds_….
    #[arg(long, env = "TIDEGATE_DATASOURCE", value_name = "UID")]
    datasource: String,

    /// What the file holds. Default: told by its first line. Of an export, which may hold both, only these are taken.
    #[arg(long, env = "TIDEGATE_KIND", value_enum)]
    kind: Option<Kind>,

    /// How the file is written. Default: by its name; standard input is NDJSON.
    #[arg(long, env = "TIDEGATE_FORMAT", value_enum)]
    format: Option<Format>,

    /// What separates the cells of CSV: one character, or `tab`.
    #[arg(long, env = "TIDEGATE_DELIMITER", default_value = ",", value_parser = delimiter, value_name = "CHARACTER")]
    delimiter: u8,

    /// Go on where an import of this file was broken off, by FILE.progress; from the beginning where there is none.
    #[arg(long, env = "TIDEGATE_RESUME", value_parser = BoolishValueParser::new())]
    resume: bool,

    /// Print one JSON object at the end.
    #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
    json: bool,

    #[command(flatten)]
    limits: ItemLimits,
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ if text == "tab" => Ok(b'\t'),
        _ => Err("is one ASCII character that is no quote, or tab".to_owned()),
    }
}

/// Imports, and tells what became of every row.
pub(super) async fn run(global: &Global, options: Options) -> anyhow::Result<()> {
    // Before anything is opened: a mistyped one is found at once.
    let source = Source::of(&options.file, options.format)?;
    ensure!(
        source.path.is_some() || !options.resume,
        "--resume: standard input cannot be read again; write it to a file first"
    );
    let (checkpoint, start) = match &source.identity {
        Some(file) => {
            let (file, datasource) = (file.clone(), options.datasource.clone());
            let subject = Subject { file, datasource, format: source.format, kind: options.kind };
            let (open, start) = Checkpoint::open(source.beside(PROGRESS), subject, options.resume)?;
            (Some(open), start)
        }
        None => (None, Start::default()),
    };
    let clock = SystemClock::shared();
    let began = clock.monotonic();
    let ended = import(global, &options, &source, checkpoint, start, &clock).await?;
    let seconds = clock.monotonic().saturating_sub(began) as f64 / 1e9;
    tell(global, &options, &source, &ended, start, seconds)
}

async fn import(
    global: &Global,
    options: &Options,
    source: &Source,
    checkpoint: Option<Checkpoint>,
    start: Start,
    clock: &SharedClock,
) -> anyhow::Result<Ended> {
    // What comes before the rows do is heard as well, and then nothing is begun.
    let signals = Signals::new()?;
    let opened = match opened::open(global, managed::Role::Guest).await {
        Ok(opened) => opened,
        Err(error) => return Err(forgotten(error, checkpoint, start)),
    };
    let outcome = through(global, &opened, options, source, (checkpoint, start), (clock, signals)).await;
    let closed = opened.close().await;
    let ended = outcome?;
    closed?;
    Ok(ended)
}

async fn through(
    global: &Global,
    opened: &Opened,
    options: &Options,
    source: &Source,
    (checkpoint, start): (Option<Checkpoint>, Start),
    (clock, signals): (&SharedClock, Signals),
) -> anyhow::Result<Ended> {
    let caps = options.limits.caps();
    let unknown = no_datasource(&print::call(global), &options.datasource);
    let station = match Station::open(opened, clock.clone(), &options.datasource, &caps, unknown).await {
        Ok(station) => station,
        Err(error) => return Err(forgotten(error, checkpoint, start)),
    };
    let ended = flow::run(&station, options, source, (checkpoint, start), (clock, signals)).await;
    let closed = station.close().await;
    let begun = source.path.is_none() || source.beside(PROGRESS).exists();
    let ended = match ended {
        Err(error) if begun => return Err(error.context(again(global, options))),
        ended => ended?,
    };
    closed?;
    Ok(ended)
}

/// An error before anything was read leaves no progress behind that was not there before.
fn forgotten(error: anyhow::Error, checkpoint: Option<Checkpoint>, start: Start) -> anyhow::Error {
    match checkpoint.filter(|_| start.offset == 0).map(Checkpoint::done) {
        Some(Err(left)) => error.context(left),
        _ => error,
    }
}

/// How to go on.
fn again(global: &Global, options: &Options) -> String {
    let call = print::call(global);
    if options.file.as_os_str() == "-" {
        return "the import was broken off; to send the same again stores nothing twice".to_owned();
    }
    let mut line = format!(
        "{call} import {} --datasource {} --resume",
        print::quoted(&options.file.display().to_string()),
        print::quoted(&options.datasource)
    );
    let named = |value: Option<&clap::builder::PossibleValue>| value.map(|value| value.get_name().to_owned());
    for (name, value) in [
        ("kind", named(options.kind.and_then(|kind| kind.to_possible_value()).as_ref())),
        ("format", named(options.format.and_then(|format| format.to_possible_value()).as_ref())),
    ] {
        if let Some(value) = value {
            line.push_str(&format!(" --{name} {value}"));
        }
    }
    if options.delimiter == b'\t' {
        line.push_str(" --delimiter tab");
    } else if options.delimiter != b',' {
        line.push_str(&format!(" --delimiter {}", print::quoted(&char::from(options.delimiter).to_string())));
    }
    format!("the import was broken off; to go on:\n  {line}\n")
}

/// Prints what became of the rows.
///
/// # Errors
/// When it was broken off, or rows were rejected: what is to be looked at must not look like success.
fn tell(
    global: &Global,
    options: &Options,
    source: &Source,
    ended: &Ended,
    start: Start,
    seconds: f64,
) -> anyhow::Result<()> {
    let Ended { counts, complete } = ended;
    let report = source.beside(REPORT);
    let here = counts.rows.saturating_sub(start.counts.rows);
    let rate = here as f64 / seconds.max(0.001);
    if options.json {
        let mut object = serde_json::to_value(counts)?;
        if let Value::Object(members) = &mut object {
            members.insert("file".into(), json!(options.file));
            members.insert("complete".into(), json!(complete));
            members.insert("rejected".into(), json!(counts.rejected()));
            let report = (counts.rejected() > 0).then_some(&report);
            members.insert("rejectedFile".into(), json!(report));
            members.insert("seconds".into(), json!((seconds * 1_000.0).round() / 1_000.0));
        }
        print::json(&object)?;
    } else {
        let Counts { rows, .. } = counts;
        let name = source.name();
        print::line(format!(
            "{} {rows} rows of {name}: {}; {here} of them in {seconds:.1} s, {rate:.0} a second",
            if *complete { "imported" } else { "read" },
            counts.told(),
        ));
    }
    if !complete {
        bail!("ended by a signal. {}", again(global, options).trim_end());
    }
    match counts.rejected() {
        0 => Ok(()),
        rejected => {
            bail!("{rejected} of {} rows were rejected; {} says which and why", counts.rows, report.display())
        }
    }
}

/// What the checkpoint is called, behind the name of the input.
const PROGRESS: &str = ".progress";

/// What the report is called, behind the name of the input.
const REPORT: &str = ".rejected.ndjson";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_one_character_or_tab() {
        for (text, wanted) in [(",", b','), (";", b';'), ("\t", b'\t'), ("tab", b'\t'), ("|", b'|')] {
            assert_eq!(delimiter(text), Ok(wanted));
        }
        for text in ["", "\"", "\n", "ä", ",,"] {
            assert!(delimiter(text).is_err(), "{text:?}");
        }
        let counts = Counts { rows: 3, stored: 2, conflict: 1, ..Counts::default() };
        assert_eq!((counts.told().as_str(), counts.rejected()), ("2 stored, 1 conflict", 1));
        assert_eq!(Counts::default().told(), "nothing");
    }
}
