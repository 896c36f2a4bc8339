//! What lags behind the answers: running totals, purges, what is past its retention, summaries of the log, and indexes of closed
//! days.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_postgres::Client;

use crate::{
    domain::clock::SharedClock,
    store::{
        Database, Role, StoreError, closed,
        purge::{self, Next},
        retention,
        summaries::Summaries,
        tally,
    },
};

/// Time between two rounds; what a reader has to go through without help grows with it.
const EVERY: Duration = Duration::from_secs(1);

/// Time between two looks for closed days.
const CLOSE_EVERY: Duration = Duration::from_secs(60);

/// How much of a round may go into purges; the lanes shall hardly notice them.
const PURGING: Duration = Duration::from_millis(500);

/// How much of a round may go into rows that are past their retention.
const EXPIRING: Duration = Duration::from_millis(300);

/// How long one round may take before its connection is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Follows the lanes until `stop` says so. Several nodes may do so at once.
pub(super) async fn follow(database: Database, clock: SharedClock, mut stop: watch::Receiver<bool>) {
    let mut follower =
        Follower { database, clock, client: None, summaries: Summaries::default(), failing: false };
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let work = async {
        loop {
            ticks.tick().await;
            follower.round().await;
        }
    };
    tokio::select! {
        () = work => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

struct Follower {
    database: Database,
    clock: SharedClock,
    /// A connection of its own: its limits are those of work that may wait.
    client: Option<Client>,
    summaries: Summaries,
    /// Whether the log knows already that it fails.
    failing: bool,
}

impl Follower {
    async fn round(&mut self) {
        let done = timeout(PATIENCE, self.advance()).await;
        match done.unwrap_or(Err(StoreError::TimedOut(PATIENCE))) {
            Ok(()) => self.failing = false,
            Err(error) => {
                self.client = None;
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(%error, "upkeep falls behind");
                }
            }
        }
    }

    async fn advance(&mut self) -> Result<(), StoreError> {
        let client = match &mut self.client {
            Some(client) if !client.is_closed() => client,
            empty => empty.insert(self.database.connect(Role::Upkeep).await?),
        };
        // One that cannot go on must not keep the others back.
        let outcomes = [
            tally_some(client).await,
            purge_some(client, &self.clock).await,
            expire_some(client, &self.clock).await,
            self.summaries.advance(client, self.clock.now()).await.map(|_| ()),
        ];
        outcomes.into_iter().collect()
    }
}

/// Adds the lots that are settled to the totals of their datasources.
async fn tally_some(client: &mut Client) -> Result<(), StoreError> {
    for project in tally::behind(client, tally::LEFT).await? {
        while tally::advance(client, project, tally::STEP).await?.is_some_and(|step| step.more) {}
    }
    Ok(())
}

/// Does the next steps of the purges that were asked for, one after the other.
async fn purge_some(client: &mut Client, clock: &SharedClock) -> Result<(), StoreError> {
    let began = clock.monotonic();
    for datasource in purge::open(client, clock.now()).await? {
        loop {
            if Duration::from_nanos(clock.monotonic().saturating_sub(began)) > PURGING {
                return Ok(());
            }
            match purge::step(client, datasource, clock.now()).await? {
                Some(step) if step.next == Next::More => {}
                Some(step) if step.next == Next::Done => {
                    tracing::info!(datasource, "purged a datasource");
                    break;
                }
                _ => break,
            }
        }
    }
    Ok(())
}

/// Removes the next lots that lie before the beginnings of their streams; each project has its turn.
async fn expire_some(client: &mut Client, clock: &SharedClock) -> Result<(), StoreError> {
    let began = clock.monotonic();
    let mut projects = retention::behind(client).await?;
    while !projects.is_empty() {
        let mut left = Vec::new();
        for project in projects {
            if Duration::from_nanos(clock.monotonic().saturating_sub(began)) > EXPIRING {
                return Ok(());
            }
            if retention::step(client, project).await?.is_some() {
                left.push(project);
            }
        }
        projects = left;
    }
    Ok(())
}

/// Moves on where streams begin, and drops days that no project keeps.
async fn let_go(database: &Database, clock: &SharedClock) {
    let raise =
        async { retention::raise(&mut database.connect(Role::Upkeep).await?, None, clock.now()).await };
    let raised = timeout(PATIENCE, raise).await;
    if let Err(error) = raised.unwrap_or(Err(StoreError::TimedOut(PATIENCE))) {
        tracing::warn!(%error, "what is past its retention could not be let go");
        return;
    }
    loop {
        match retention::drop_one(database, clock.now()).await {
            Ok(Some(day)) => tracing::info!(day, "dropped a day of the log"),
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "a day of the log could not be dropped");
                return;
            }
        }
    }
}

/// Indexes days that closed, until `stop` says so, and lets go of those that are past.
pub(super) async fn close(database: Database, clock: SharedClock, mut stop: watch::Receiver<bool>) {
    let mut ticks = interval(CLOSE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let work = async {
        loop {
            ticks.tick().await;
            let_go(&database, &clock).await;
            loop {
                match closed::index_one(&database, clock.now()).await {
                    Ok(Some(day)) => tracing::info!(day, "indexed a closed day of the log"),
                    Ok(None) => break,
                    Err(error) => {
                        tracing::warn!(%error, "a closed day of the log could not be indexed");
                        break;
                    }
                }
            }
        }
    };
    tokio::select! {
        () = work => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}
