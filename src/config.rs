//! The options of the program: names, defaults and environment variables.
//!
//! Every option has a variable `TIDEGATE_<NAME>`; the command line wins over it.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{
    Args,
    builder::{BoolishValueParser, RangedU64ValueParser},
};

use crate::{
    auth,
    domain::{address::Networks, caps::Caps, url::url},
    http, ingest,
    telemetry::LogFormat,
};

/// The folder that is used where none is named.
pub const DEFAULT_DATA_DIR: &str = ".tidegate";

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Folder for the private PostgreSQL server and what belongs to it.
    #[arg(long, global = true, env = "TIDEGATE_DATA_DIR", default_value = DEFAULT_DATA_DIR, value_name = "DIR")]
    pub data_dir: PathBuf,

    /// Use this PostgreSQL database (UTF-8, version 15 or newer, not through PgBouncer in transaction mode) instead of a
    /// private server: postgres://user:password@host/database.
    #[arg(long, global = true, env = "TIDEGATE_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<Secret>,

    /// The secret key, under which keys that can be shown again are kept: 32 random bytes in base64 or hex, the same on every
    /// server. Several have commas between them: the first one seals, each of them opens. Default for the private server: the file
    /// `secret-key` in its folder, made when it is first needed.
    #[arg(long, global = true, env = "TIDEGATE_SECRET_KEY", hide_env_values = true, value_name = "KEYS")]
    pub secret_key: Option<Secret>,

    /// What to log, in the syntax of RUST_LOG, such as `info` or `tidegate=debug`. Logs go to standard error.
    #[arg(
        long,
        global = true,
        env = "TIDEGATE_LOG",
        default_value = "warn,actix_http=off,tidegate=info",
        value_name = "FILTER"
    )]
    pub log: String,

    /// How log lines look.
    #[arg(long, global = true, env = "TIDEGATE_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub log_format: LogFormat,
}

/// A value that is not to be seen; its `Debug` is silent.
#[derive(Clone)]
pub struct Secret(secrecy::SecretString);

impl Secret {
    /// The value itself.
    pub fn reveal(&self) -> &str {
        secrecy::ExposeSecret::expose_secret(&self.0)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.into()))
    }
}

/// Options of `serve`.
#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// Address of the API.
    #[arg(long, env = "TIDEGATE_LISTEN", default_value = "127.0.0.1:8080", value_parser = address, value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// Address of the metrics, GET /metrics.
    #[arg(long, env = "TIDEGATE_METRICS_LISTEN", default_value = "127.0.0.1:9464", value_parser = address, value_name = "ADDRESS")]
    pub metrics_listen: SocketAddr,

    /// How clients reach this server, for the addresses that it prints and for /openapi.json. Default: http:// and the address
    /// of the API.
    #[arg(long, env = "TIDEGATE_PUBLIC_URL", value_parser = public_url, value_name = "URL")]
    pub public_url: Option<String>,

    /// Proxies in front of this server: addresses and networks, with commas between them. What they say about a client's
    /// address is believed, what anybody else says is not. Default: none.
    #[arg(long, env = "TIDEGATE_TRUSTED_PROXIES", value_name = "NETWORKS")]
    pub trusted_proxies: Option<Networks>,

    /// The header in which those proxies name the client. They must set or extend it themselves: the other one passes
    /// through them as the client wrote it.
    #[arg(long, env = "TIDEGATE_FORWARDED_HEADER", default_value = "x-forwarded-for", value_name = "HEADER")]
    pub forwarded_header: http::ForwardedHeader,

    /// Make no demo project on an empty database.
    #[arg(long, env = "TIDEGATE_NO_DEMO", value_parser = BoolishValueParser::new())]
    pub no_demo: bool,

    /// Name of the organization. Default: the one it has, at first Tidegate.
    #[arg(long, env = "TIDEGATE_ORGANIZATION_NAME", value_name = "NAME")]
    pub organization_name: Option<String>,

    /// Threads that serve the API. Default: the number of processors.
    #[arg(long, env = "TIDEGATE_WORKERS", value_name = "N", value_parser = within(1, 1_024))]
    pub workers: Option<usize>,

    /// Connections to PostgreSQL that write, side by side.
    #[arg(long, env = "TIDEGATE_LANES", default_value_t = ingest::Options::default().lanes, value_name = "N",
          value_parser = within(1, 64))]
    pub lanes: usize,

    /// Items in the house at once; beyond it, pushes get 503. One datasource alone gets half of it.
    #[arg(long, env = "TIDEGATE_QUEUE_ITEMS", default_value_t = ingest::Options::default().queue_items, value_name = "N")]
    pub queue_items: usize,

    /// Bytes of body in the house at once; beyond it, pushes get 503. One datasource alone gets half of it.
    #[arg(long, env = "TIDEGATE_QUEUE_BYTES", default_value_t = ingest::Options::default().queue_bytes, value_name = "BYTES")]
    pub queue_bytes: usize,

    /// Items in one commit.
    #[arg(long, env = "TIDEGATE_LOT_ITEMS", default_value_t = ingest::Options::default().lot_items, value_name = "N",
          value_parser = within(1, 65_536))]
    pub lot_items: usize,

    /// Seconds that each of these may take: waiting for a lane, the statements of a commit, the commit itself, and finding
    /// out what became of one that got no answer.
    #[arg(long, env = "TIDEGATE_STORE_TIMEOUT", default_value = "5", value_parser = seconds, value_name = "SECONDS")]
    pub store_timeout: Duration,

    /// Seconds that a request's body may take.
    #[arg(long, env = "TIDEGATE_BODY_TIMEOUT", default_value = "15", value_parser = seconds, value_name = "SECONDS")]
    pub body_timeout: Duration,

    /// Seconds for which whoever comes is still served after a signal to end, while GET /health/ready already says no, so
    /// that a load balancer sees it.
    #[arg(long, env = "TIDEGATE_DRAIN_DELAY", default_value = "0.5", value_parser = seconds, value_name = "SECONDS")]
    pub drain_delay: Duration,

    /// Seconds that requests in flight may take after that.
    #[arg(long, env = "TIDEGATE_DRAIN_TIMEOUT", default_value = "30", value_parser = seconds, value_name = "SECONDS")]
    pub drain_timeout: Duration,

    /// Limits of a request.
    #[command(flatten)]
    pub limits: Limits,
}

/// Limits of a request; each default is what the contract promises.
#[derive(Debug, Clone, Args)]
pub struct Limits {
    /// Items in one request.
    #[arg(long, env = "TIDEGATE_MAX_ITEMS", default_value_t = Caps::default().items, value_name = "N")]
    pub max_items: usize,

    /// Bytes of one body, after decoding.
    #[arg(long, env = "TIDEGATE_MAX_BODY_BYTES", default_value_t = Caps::default().body_bytes, value_name = "BYTES")]
    pub max_body_bytes: usize,

    /// Limits of what one request holds.
    #[command(flatten)]
    pub items: ItemLimits,
}

/// Limits of one item, whichever way it comes in.
#[derive(Debug, Clone, Args)]
pub struct ItemLimits {
    /// Bytes of one item.
    #[arg(long, env = "TIDEGATE_MAX_ITEM_BYTES", default_value_t = Caps::default().item_bytes, value_name = "BYTES")]
    pub max_item_bytes: usize,

    /// Nesting depth of one item.
    #[arg(long, env = "TIDEGATE_MAX_DEPTH", default_value_t = Caps::default().depth, value_name = "N")]
    pub max_depth: usize,

    /// Bytes that one stored contact may hold.
    #[arg(long, env = "TIDEGATE_MAX_CONTACT_BYTES", default_value_t = Caps::default().contact_bytes, value_name = "BYTES")]
    pub max_contact_bytes: usize,
}

impl Limits {
    /// The limits as the domain takes them.
    pub fn caps(&self) -> Caps {
        Caps { items: self.max_items, body_bytes: self.max_body_bytes, ..self.items.caps() }
    }
}

impl ItemLimits {
    /// The limits as the domain takes them.
    pub fn caps(&self) -> Caps {
        Caps {
            item_bytes: self.max_item_bytes,
            depth: self.max_depth,
            contact_bytes: self.max_contact_bytes,
            ..Caps::default()
        }
    }
}

/// The options of every station of a running server.
#[derive(Debug, Clone)]
pub struct Stations {
    /// How it listens.
    pub http: http::Options,
    /// How it writes.
    pub ingest: ingest::Options,
    /// How it follows the database.
    pub authority: auth::Options,
    /// The limits of a request.
    pub caps: Caps,
    /// How long a body may take.
    pub body_timeout: Duration,
    /// Where the secret key is.
    pub vault: auth::Vault,
}

impl Serve {
    /// The options of each station.
    pub fn stations(&self, vault: auth::Vault) -> Stations {
        let caps = self.limits.caps();
        Stations {
            http: http::Options {
                listen: self.listen,
                metrics_listen: self.metrics_listen,
                public_url: self.public_url.clone(),
                workers: self.workers.unwrap_or(http::Options::default().workers),
                drain_delay: self.drain_delay,
                drain_timeout: self.drain_timeout,
                proxies: http::Proxies {
                    trusted: self.trusted_proxies.clone().unwrap_or_default(),
                    header: self.forwarded_header,
                },
                ..http::Options::default()
            },
            ingest: ingest::Options {
                lanes: self.lanes,
                queue_items: self.queue_items,
                queue_bytes: self.queue_bytes,
                lot_items: self.lot_items,
                statements: self.store_timeout,
                commit: self.store_timeout,
                fate: self.store_timeout,
                wait: self.store_timeout,
                contact_bytes: caps.contact_bytes,
                ..ingest::Options::default()
            },
            authority: auth::Options::default(),
            caps,
            body_timeout: self.body_timeout,
            vault,
        }
    }
}

/// Reads a number within a range.
fn within(lowest: u64, highest: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(lowest..=highest)
}

/// Reads the address of a listener.
///
/// # Errors
/// How an address looks.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let wanted =
        "an address is an IP and a port, such as 127.0.0.1:8080, or 0.0.0.0:8080 for every interface";
    text.parse().map_err(|_| wanted.to_owned())
}

/// Reads the address under which clients reach the server; paths are appended to it.
pub fn public_url(text: &str) -> Result<String, String> {
    let wanted = "it has to be a whole http:// or https:// address, such as https://api.example.com or \
                  https://example.com/tidegate, without user, query or fragment";
    // Lines to paste put it between single quotes.
    let read = url(text).filter(|url| !url.contains(['?', '#', '\'']));
    read.map(|url| url.trim_end_matches('/').to_owned()).ok_or_else(|| wanted.to_owned())
}

/// Reads a number of seconds, such as `5` or `0.5`, of at most a day.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is no number of seconds"))?;
    if (0.001..=86_400.0).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err("must be from 0.001 to 86400 seconds".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_bounded() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["0", "-1", "NaN", "inf", "x", "1e9"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn public_urls_are_whole_and_end_in_no_slash() {
        for (text, wanted) in [
            ("https://API.example.com", "https://api.example.com"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("https://example.com/tide/gate//", "https://example.com/tide/gate"),
            ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ] {
            assert_eq!(public_url(text).as_deref(), Ok(wanted));
        }
        for text in [
            "",
            "api.example.com",
            "/tidegate",
            "ftp://example.com",
            "https://",
            "https://a.example/?x",
            "https://a.example/#x",
            "https://me:secret@a.example",
            "https://a.example/it's",
        ] {
            assert!(public_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn secrets_are_silent() {
        let secret: Secret = "postgres://a:hidden@b/c".parse().unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
