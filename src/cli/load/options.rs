//! The options of `tidegate load`.

use std::time::Duration;

use clap::{
    ValueEnum,
    builder::{BoolishValueParser, RangedU64ValueParser},
};

use super::{Kind, Pace, mix::Share};
use crate::config::Secret;

/// Whom to load, with what and how fast.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct Options {
    /// The server: http:// or https:// with its host, and a path where a proxy puts one before /v1. Nothing else is talked to, and
    /// no redirect is followed.
    #[arg(long, env = "TIDEGATE_URL", value_name = "URL")]
    pub(super) url: String,

    /// Uid of the project, proj_….
    #[arg(long, env = "TIDEGATE_PROJECT", value_name = "UID")]
    pub(super) project: String,

    /// Uid of the datasource, ds_…, or dsapi for the first one of the project. What is sent is stored there for good.
    #[arg(long, env = "TIDEGATE_DATASOURCE", default_value = "dsapi", value_name = "UID")]
    pub(super) datasource: String,

    /// A key that may write there, and read for --verify. Better given as a variable, because other users of this machine can see
    /// command lines.
    #[arg(long, env = "TIDEGATE_KEY", hide_env_values = true, value_name = "KEY")]
    pub(super) key: Secret,

    /// What to send.
    #[arg(long, env = "TIDEGATE_KIND", value_enum, default_value_t = What::Events)]
    pub(super) kind: What,

    /// Items in a request.
    #[arg(long, env = "TIDEGATE_BATCH", default_value = "1", value_parser = RangedU64ValueParser::<usize>::new().range(1..=100), value_name = "N")]
    pub(super) batch: usize,

    /// Connections, each with one request in flight.
    #[arg(long, env = "TIDEGATE_CONNECTIONS", default_value = "64", value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000), value_name = "N")]
    pub(super) connections: usize,

    /// Requests per second, all connections together (not items: with --batch 100, --rate 50 sends 5000 items per second). They are
    /// sent on a fixed schedule, and latency counts from the intended time, however long answers take.
    #[arg(long, env = "TIDEGATE_RATE", value_parser = rate, value_name = "N", conflicts_with = "max")]
    pub(super) rate: Option<f64>,

    /// Send as soon as the last request of the connection is answered; latency counts from sending. The default without --rate.
    #[arg(long, env = "TIDEGATE_MAX", value_parser = BoolishValueParser::new())]
    pub(super) max: bool,

    /// For how long to send, such as 30s, 500ms, 5m or 1h.
    #[arg(long, env = "TIDEGATE_DURATION", default_value = "30s", value_parser = duration, value_name = "TIME")]
    pub(super) duration: Duration,

    /// Items that are sent again after they were acknowledged; not for contacts that are there already.
    #[arg(long, env = "TIDEGATE_DUPLICATES", default_value = "0%", value_name = "SHARE")]
    pub(super) duplicates: Share,

    /// Items that the server has to refuse.
    #[arg(long, env = "TIDEGATE_INVALID", default_value = "0%", value_name = "SHARE")]
    pub(super) invalid: Share,

    /// Compress the bodies.
    #[arg(long, env = "TIDEGATE_GZIP", value_parser = BoolishValueParser::new())]
    pub(super) gzip: bool,

    /// Afterwards audit that every acknowledged item is stored exactly once, and that nothing else came in. Exits with 1 when
    /// something differs or when that cannot be told. Nobody else may write to the datasource meanwhile.
    #[arg(long, env = "TIDEGATE_VERIFY", value_parser = BoolishValueParser::new())]
    pub(super) verify: bool,

    /// Print one JSON object, and nothing meanwhile.
    #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
    pub(super) json: bool,

    /// Threads of the generator; one is the cheapest.
    #[arg(long, env = "TIDEGATE_THREADS", default_value = "1", value_parser = RangedU64ValueParser::<usize>::new().range(1..=64), value_name = "N")]
    pub(super) threads: usize,

    /// Do not wait after 429 and 503: such a request has failed, and the next one is sent.
    #[arg(long, env = "TIDEGATE_IGNORE_RETRY_AFTER", value_parser = BoolishValueParser::new())]
    pub(super) ignore_retry_after: bool,

    /// How long an answer may take; and for how long, after the end, items are sent again whose fate is not known.
    #[arg(long, env = "TIDEGATE_TIMEOUT", default_value = "30s", value_parser = duration, value_name = "TIME")]
    pub(super) timeout: Duration,

    /// With --kind contacts: contacts that are new, or --contacts many that are made first and then sent again unchanged or with
    /// one attribute changed.
    #[arg(long, env = "TIDEGATE_CONTACTS_MODE", value_enum, default_value_t = ContactsMode::New)]
    pub(super) contacts_mode: ContactsMode,

    /// How many contacts there are to be unchanged or updated, at least one batch for each connection.
    #[arg(long, env = "TIDEGATE_CONTACTS", default_value = "10000", value_parser = RangedU64ValueParser::<u64>::new().range(1..=100_000_000), value_name = "N")]
    pub(super) contacts: u64,
}

/// What to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum What {
    /// Events, purchases of about 250 bytes.
    Events,
    /// Contacts of about 250 bytes.
    Contacts,
}

impl What {
    /// The last part of the path.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Contacts => "contacts",
        }
    }
}

/// Which contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ContactsMode {
    /// Not there yet.
    New,
    /// There, as they are.
    Unchanged,
    /// There, with one attribute changed.
    Updated,
}

impl Options {
    /// What each connection sends.
    ///
    /// # Errors
    /// When options do not go together.
    pub(super) fn kind(&self) -> anyhow::Result<Kind> {
        let share = self.duplicates.part() + self.invalid.part();
        anyhow::ensure!(share <= 1.0, "--duplicates and --invalid are more than 100% together");
        if self.kind == What::Events {
            return Ok(Kind::Events);
        }
        let kind: fn(u64) -> Kind = match self.contacts_mode {
            ContactsMode::New => return Ok(Kind::NewContacts),
            ContactsMode::Unchanged => Kind::UnchangedContacts,
            ContactsMode::Updated => Kind::UpdatedContacts,
        };
        anyhow::ensure!(
            self.duplicates == Share::default(),
            "--duplicates: contacts that are there already are sent again and again as it is"
        );
        let least = (self.batch * self.connections) as u64;
        anyhow::ensure!(
            self.contacts >= least,
            "--contacts: must be at least {least}, one batch for each connection"
        );
        Ok(kind(self.contacts / self.connections as u64))
    }

    pub(super) fn pace(&self) -> Pace {
        self.rate.map_or(Pace::Max, Pace::Rate)
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.001..=1e7).contains(rate));
    rate.ok_or_else(|| "must be from 0.001 to 10000000 requests per second".into())
}

/// Reads a time such as `30s`; without a unit it is in seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a time from 1ms to 24h, such as 30s, 500ms, 5m or 1h".to_owned();
    let text = text.trim();
    let end = text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        _ => return Err(wrong()),
    };
    let seconds = number.trim().parse::<f64>().map_err(|_| wrong())? * unit;
    if (0.001..=86_400.0).contains(&seconds) { Ok(Duration::from_secs_f64(seconds)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn line(more: &str) -> Result<Options, clap::Error> {
        let words = "load --url http://x --project p --key k".split(' ').chain(more.split_whitespace());
        Line::try_parse_from(words).map(|line| line.options)
    }

    #[rstest::rstest]
    #[case("", Pace::Max)]
    #[case("--max", Pace::Max)]
    #[case("--rate 2.5", Pace::Rate(2.5))]
    fn the_pace(#[case] more: &str, #[case] pace: Pace) {
        assert_eq!(line(more).unwrap().pace(), pace);
    }

    #[rstest::rstest]
    #[case("--rate 1 --max")]
    #[case("--rate 0")]
    #[case("--batch 101")]
    #[case("--duplicates 101%")]
    #[case("--duration 25h")]
    #[case("--duration 5y")]
    fn what_cannot_be_is_refused(#[case] more: &str) {
        assert!(line(more).is_err());
    }

    #[rstest::rstest]
    #[case("--duplicates 60% --invalid 41%")]
    #[case("--kind contacts --contacts-mode updated --duplicates 1%")]
    #[case("--kind contacts --contacts-mode unchanged --contacts 99 --batch 10 --connections 10")]
    fn what_does_not_go_together_is_refused(#[case] more: &str) {
        assert!(line(more).unwrap().kind().is_err());
    }

    #[test]
    fn contacts_are_shared_out_among_the_connections() {
        let more = "--kind contacts --contacts-mode updated --contacts 105 --batch 10 --connections 10";
        assert_eq!(line(more).unwrap().kind().unwrap(), Kind::UpdatedContacts(10));
    }

    #[rstest::rstest]
    #[case("30s", 30_000)]
    #[case("500ms", 500)]
    #[case("1.5 m", 90_000)]
    #[case("2", 2_000)]
    #[case("1h", 3_600_000)]
    fn times(#[case] text: &str, #[case] millis: u64) {
        assert_eq!(duration(text), Ok(Duration::from_millis(millis)));
    }
}
