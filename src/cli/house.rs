//! The house put together: every station over one database, run and ended in order.

use std::{net::SocketAddr, sync::Arc};

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{sync::watch, task::JoinSet};

use crate::{
    auth::{Authority, Uses},
    config::Stations,
    domain::{
        clock::{SharedClock, SharedEntropy},
        ids::random_uuid,
    },
    http::{Server, ServerError, State, openapi},
    ingest::{Writer, ledger::Ledger, upkeep},
    limit::{Limiter, SWEEP_EVERY},
    store::{Database, Pool, Role, StoreError, partitions},
    stream::{
        tail::Tail,
        webhooks::{self, Station},
    },
    telemetry,
};

/// Connections that write usage and keep house.
const META_CONNECTIONS: usize = 2;

/// Connections that follow the keys: one of their own, so that nobody's load delays a revocation.
const KEY_CONNECTIONS: usize = 1;

/// Connections for what clients manage: apart, so that they hold up neither usage nor partitions.
const MANAGE_CONNECTIONS: usize = 2;

/// Connections that erase, which may take long: apart, so that erasures hold up nothing but each other.
const ERASE_CONNECTIONS: usize = 1;

/// Connections for readiness, which strangers may ask for.
const PROBE_CONNECTIONS: usize = 1;

/// Connections for readers of the stream: apart, so that one who reads all of it does not hold up who looks for one contact.
const STREAM_CONNECTIONS: usize = 4;

/// The connection that looks for what is new, for all who follow it.
const TAIL_CONNECTIONS: usize = 1;

/// Connections that read the stream for webhooks, and those that write down how far each of them is: apart from all others, because
/// what they do may lag.
const HOOK_READ_CONNECTIONS: usize = 2;
const HOOK_CONNECTIONS: usize = 2;

/// Connections that answer clients' reads.
const READ_CONNECTIONS: usize = 8;

/// The house could not be opened, or broke.
#[derive(Debug, thiserror::Error)]
pub enum HouseError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The addresses.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The description of the API.
    #[error("the OpenAPI document cannot be written: {0}")]
    Document(#[from] serde_json::Error),
    /// A server broke.
    #[error("a server broke: {0}")]
    Io(#[from] std::io::Error),
    /// A task that must live as long as the house ended.
    #[error("the task `{0}` ended by itself")]
    DeadTask(&'static str),
}

/// A house that listens but does not answer yet.
#[derive(Debug)]
pub struct House {
    /// Handles on the stations.
    pub state: State,
    server: Server,
    writer: Writer,
    database: Database,
    meta: Pool,
    authority_options: crate::auth::Options,
    webhooks: Station,
    metrics: PrometheusHandle,
}

impl House {
    /// Puts the stations together over a migrated database and binds the addresses.
    ///
    /// # Errors
    /// [`HouseError`] when the database cannot be read or an address cannot be had.
    pub async fn open(
        database: Database,
        options: Stations,
        metrics: PrometheusHandle,
        clock: SharedClock,
        entropy: SharedEntropy,
    ) -> Result<Self, HouseError> {
        let meta = database.pool(Role::Meta, META_CONNECTIONS)?;
        let reads = database.pool(Role::Read, READ_CONNECTIONS)?;
        partitions::ensure(&*meta.get().await.map_err(StoreError::from)?, clock.now()).await?;
        let authority = Authority::load(database.pool(Role::Meta, KEY_CONNECTIONS)?, clock.clone()).await?;
        let stream = database.pool(Role::Read, STREAM_CONNECTIONS)?;
        let tail = Tail::new(database.pool(Role::Read, TAIL_CONNECTIONS)?);
        let manage = database.pool(Role::Meta, MANAGE_CONNECTIONS)?;
        let erasures = database.pool(Role::Meta, ERASE_CONNECTIONS)?;
        let probes = database.pool(Role::Read, PROBE_CONNECTIONS)?;
        let ledger = Ledger::new(meta.clone(), reads.clone(), clock.clone());
        let (writer, ingest) = Writer::new(
            options.ingest,
            database.clone(),
            reads.clone(),
            ledger.clone(),
            clock.clone(),
            entropy.clone(),
        );
        let means = webhooks::Means {
            pages: database.pool(Role::Read, HOOK_READ_CONNECTIONS)?,
            rows: database.pool(Role::Meta, HOOK_CONNECTIONS)?,
            tail: tail.clone(),
            authority: authority.clone(),
            vault: options.vault.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
        };
        let node = random_uuid(entropy.as_ref()).map_err(StoreError::from)?;
        let (station, tester) = Station::new(options.webhooks, means, node);
        let state = State {
            webhooks: tester,
            authority,
            uses: Uses::new(meta.clone(), clock.clone()),
            limiter: Limiter::new(clock.clone()),
            ingest,
            ledger,
            reads,
            stream,
            tail,
            manage,
            erasures,
            probes,
            clock,
            entropy,
            caps: Arc::new(options.caps),
            document: openapi::document(options.http.public_url.as_deref()).to_json()?.into_bytes().into(),
            body_timeout: options.body_timeout,
            vault: options.vault,
            proxies: Arc::new(options.http.proxies.clone()),
            traffic: Arc::default(),
        };
        let server = Server::bind(&options.http, state.clone(), metrics.clone())?;
        let authority_options = options.authority;
        Ok(Self { state, server, writer, database, meta, authority_options, webhooks: station, metrics })
    }

    /// Where the API listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Where the metrics are.
    pub fn metrics_address(&self) -> SocketAddr {
        self.server.metrics_address
    }

    /// Answers until `stop` resolves or a task dies. Then requests in flight are answered, what is queued is committed, what
    /// was gathered is written, and only then everything ends.
    ///
    /// # Errors
    /// [`HouseError`] when a task died or a server broke.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), HouseError> {
        let Self { state, server, writer, database, meta, authority_options, webhooks, metrics } = self;
        let (end_writer, writer_ends) = watch::channel(false);
        let (end_rest, rest_ends) = watch::channel(false);
        let mut writing = tokio::spawn(writer.run(writer_ends));
        let mut written = None;
        let mut rest = JoinSet::new();
        let mut spawn = |name: &'static str, task: Task| {
            rest.spawn(async move {
                task.await;
                name
            })
        };
        spawn("authority", Box::pin(state.authority.clone().run(authority_options, rest_ends.clone())));
        spawn("uses", Box::pin(state.uses.clone().run(rest_ends.clone())));
        spawn("tail", Box::pin(state.tail.clone().run(rest_ends.clone())));
        spawn("webhooks", Box::pin(webhooks.run(rest_ends.clone())));
        spawn("ledger", Box::pin(state.ledger.clone().run(rest_ends.clone())));
        let clock = state.clock.clone();
        spawn(
            "upkeep",
            Box::pin(upkeep::run(state.ingest.clone(), database, meta, clock, rest_ends.clone())),
        );
        spawn("sweeper", Box::pin(sweep(state.limiter.clone(), metrics, rest_ends)));

        let mut died = None;
        let until = async {
            tokio::select! {
                () = stop => {}
                name = dead_task(&mut rest) => died = Some(name),
                ended = &mut writing => (died, written) = (Some("writer"), Some(ended)),
            }
        };
        let served = server.run(until).await;
        end_writer.send_replace(true);
        let ended = match written {
            Some(ended) => ended,
            None => writing.await,
        };
        if let Err(error) = ended {
            tracing::error!(%error, "the writer broke");
            died = died.or(Some("writer"));
        }
        end_rest.send_replace(true);
        while let Some(ended) = rest.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task broke");
            }
        }
        served?;
        died.map_or(Ok(()), |name| Err(HouseError::DeadTask(name)))
    }
}

type Task = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Waits until a task ends that should not.
async fn dead_task(tasks: &mut JoinSet<&'static str>) -> &'static str {
    match tasks.join_next().await {
        Some(Ok(name)) => name,
        Some(Err(error)) => {
            tracing::error!(%error, "a task broke");
            "unknown"
        }
        None => std::future::pending().await,
    }
}

/// Forgets budgets that are whole again, and keeps histograms from growing.
async fn sweep(limiter: Limiter, metrics: PrometheusHandle, mut stop: watch::Receiver<bool>) {
    let mut upkeep = tokio::time::interval(telemetry::UPKEEP_EVERY);
    let mut budgets = tokio::time::interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            _ = upkeep.tick() => metrics.run_upkeep(),
            _ = budgets.tick() => limiter.sweep(),
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}
