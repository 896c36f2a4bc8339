//! What has to happen while the server runs: partitions ahead of time, and the levels that only the database or the queue
//! can tell.

use std::time::Duration;

use tokio::{sync::watch, time::timeout};

use super::{behind, fates, handle::Handle, lane};
use crate::{
    domain::clock::SharedClock,
    store::{Database, Pool, Role, StoreError, horizon, idempotency, partitions, rejected},
    telemetry::{self, Gauge},
};

/// Time between two looks at the database.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks between two rounds over partitions and old rows.
const LOOKS_A_ROUND: u32 = 60;

/// How long making partitions may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Keeps partitions ahead, levels current, and what may lag not far behind, until `stop` says so.
pub async fn run(
    handle: Handle,
    database: Database,
    pool: Pool,
    clock: SharedClock,
    stop: watch::Receiver<bool>,
) {
    tokio::join!(
        look(handle, database.clone(), pool, clock.clone(), stop.clone()),
        behind::follow(database.clone(), clock.clone(), stop.clone()),
        behind::close(database, clock, stop),
    );
}

async fn look(
    handle: Handle,
    database: Database,
    pool: Pool,
    clock: SharedClock,
    mut stop: watch::Receiver<bool>,
) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut look = 0;
    // Counts that appear at 1 look as if nothing had happened: an increase is seen from a number to the next.
    fates::begin();
    lane::begin();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let (items, bytes) = handle.depth();
        telemetry::gauge(Gauge::QueueItems, items as f64);
        telemetry::gauge(Gauge::QueueBytes, bytes as f64);
        match horizon::age(&pool).await {
            Ok(age) => telemetry::gauge(Gauge::HorizonAge, age),
            Err(error) => tracing::debug!(%error, "the horizon cannot be read"),
        }
        if look % LOOKS_A_ROUND == 0
            && let Err(error) = keep_house(&database, &pool, &clock).await
        {
            tracing::error!(%error, "partitions of the log could not be made ahead, or old rows not be dropped");
        }
        look += 1;
    }
}

async fn keep_house(database: &Database, pool: &Pool, clock: &SharedClock) -> Result<(), StoreError> {
    // A connection of its own: one that is given up in the middle must not go back to a pool with the lock it holds.
    let make = async { partitions::ensure(&database.connect(Role::Meta).await?, clock.now()).await };
    let made = within(make).await;
    // Told also when none could be made, or the level would stay where it was until no batch can be stored.
    let count = async { partitions::days_ahead(&database.connect(Role::Meta).await?, clock.now()).await };
    telemetry::gauge(Gauge::PartitionDaysAhead, within(count).await? as f64);
    let made = made?;
    if made > 0 {
        tracing::info!(made, "made partitions of the log");
    }
    rejected::expire(pool, clock.now()).await?;
    idempotency::expire(pool, clock.now()).await
}

async fn within<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(PATIENCE, work).await.unwrap_or(Err(StoreError::TimedOut(PATIENCE)))
}
