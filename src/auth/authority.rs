//! The station itself: who is calling, what a path names, and the poll that keeps both true.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::{
    caller::{Caller, Reach},
    credentials::{Presented, Refusal},
    directory::{Datasource, Directory, Organization, Project},
    keyring::Keyring,
    text,
};
use crate::{
    domain::{budget::Plan, clock::SharedClock},
    store::{
        Pool, StoreError,
        changes::{self, Horizon},
    },
    telemetry,
};

/// How the authority follows the database.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Time between two polls. Default 500 ms; a change elsewhere is in force here within twice that.
    pub poll_every: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { poll_every: Duration::from_millis(500) }
    }
}

/// Pause after the first poll that failed; doubled after each further one, up to the time between two polls.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// Authenticates callers and resolves targets, from memory alone. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Authority {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clock: SharedClock,
    pool: Pool,
    keyring: Keyring,
    directory: ArcSwap<Directory>,
    /// One poll at a time; holds where the next one starts.
    horizon: tokio::sync::Mutex<Horizon>,
    polled_at: AtomicU64,
}

impl Authority {
    /// Loads every key, project and datasource.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn load(pool: Pool, clock: SharedClock) -> Result<Self, StoreError> {
        let all = changes::since(&pool, None).await?;
        let mut directory = Directory::new(&all.organization);
        directory.apply(&all);
        let keyring = Keyring::default();
        keyring.apply(&all.keys);
        let polled_at = AtomicU64::new(clock.monotonic());
        Ok(Self {
            inner: Arc::new(Inner {
                clock,
                pool,
                keyring,
                directory: ArcSwap::from_pointee(directory),
                horizon: tokio::sync::Mutex::new(all.horizon),
                polled_at,
            }),
        })
    }

    /// Follows the database until `stop` says so. A poll that fails leaves everything as it was known, and is tried again.
    pub async fn run(self, options: Options, mut stop: watch::Receiver<bool>) {
        let (mut pause, mut failures) = (Duration::ZERO, 0);
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            pause = match self.refresh().await {
                Ok(()) => {
                    failures = 0;
                    options.poll_every
                }
                Err(error) => {
                    tracing::warn!(%error, "the keyring could not be refreshed; keys stay as they were known");
                    // A connection that was lost is replaced at once; a database that is away is asked as often as always.
                    failures = u32::min(failures + 1, 16);
                    options.poll_every.min(FIRST_PAUSE * 2_u32.pow(failures - 1))
                }
            };
            telemetry::gauge(telemetry::Gauge::KeyringAge, self.age().as_secs_f64());
            telemetry::gauge(telemetry::Gauge::KeyringKeys, self.inner.keyring.len() as f64);
        }
    }

    /// Learns now what changed since the last poll; what this node itself changes is applied this way before it answers.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read; what was known stays.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let mut horizon = self.inner.horizon.lock().await;
        let found = changes::since(&self.inner.pool, Some(*horizon)).await?;
        if found.whole {
            let mut directory = Directory::new(&found.organization);
            directory.apply(&found);
            self.inner.directory.store(Arc::new(directory));
            self.inner.keyring.replace(&found.keys);
        } else {
            // The directory first: a key must not be known before what it is bound to.
            let known = self.inner.directory.load();
            if known.concerns(&found) {
                let mut next = Directory::clone(&known);
                next.apply(&found);
                self.inner.directory.store(Arc::new(next));
            }
            self.inner.keyring.apply(&found.keys);
        }
        *horizon = found.horizon;
        self.inner.polled_at.store(self.inner.clock.monotonic(), Ordering::Relaxed);
        Ok(())
    }

    /// Time since what is known was last compared with the database.
    pub fn age(&self) -> Duration {
        let since = self.inner.clock.monotonic().saturating_sub(self.inner.polled_at.load(Ordering::Relaxed));
        Duration::from_nanos(since)
    }

    /// Lets in whoever presents a live key by a channel of its kind.
    ///
    /// # Errors
    /// [`Refusal::Invalid`], the same for every reason that a credential may not hold.
    pub fn authenticate(&self, presented: &Presented<'_>) -> Result<Caller, Refusal> {
        let (shown, channel_of) = presented.text_for();
        let (kind, hash) = text::parse(shown).ok_or(Refusal::Invalid)?;
        let key = self.inner.keyring.get(&hash).filter(|key| key.kind == kind && channel_of(kind));
        let live = key.filter(|key| key.expires_at.is_none_or(|end| self.inner.clock.now() < end));
        live.map(Caller::new).ok_or(Refusal::Invalid)
    }

    /// The organization of this server.
    pub fn organization(&self) -> Arc<Organization> {
        self.inner.directory.load().organization.clone()
    }

    /// The plan of datasources that have none of their own.
    pub fn plan(&self) -> Plan {
        self.inner.directory.load().organization.plan
    }

    /// The projects inside the caller's reach, oldest first; for a datasource's key the one around it.
    pub fn projects(&self, caller: &Caller) -> Vec<Arc<Project>> {
        let directory = self.inner.directory.load();
        match &caller.key().reach {
            Reach::Organization => directory.projects(),
            Reach::Projects(ids) => {
                ids.iter().filter_map(|id| directory.project_by_row(*id).cloned()).collect()
            }
            Reach::Project(id) => directory.project_by_row(*id).cloned().into_iter().collect(),
            Reach::Datasource(_) => self.home(caller).0.into_iter().collect(),
        }
    }

    /// The datasources of a project, oldest first.
    pub fn datasources(&self, project: &Project) -> Vec<Arc<Datasource>> {
        self.inner.directory.load().datasources(project.id)
    }

    /// The project that a path names, when it exists and lies inside the caller's reach.
    pub fn project(&self, caller: &Caller, uid: &str) -> Option<Arc<Project>> {
        let directory = self.inner.directory.load();
        let project = directory.project(uid)?;
        caller.key().reach.holds_project(project.id).then(|| project.clone())
    }

    /// The datasource that a path names, with its project, when both exist and lie inside the caller's reach.
    pub fn datasource(
        &self,
        caller: &Caller,
        project: &str,
        datasource: &str,
    ) -> Option<(Arc<Project>, Arc<Datasource>)> {
        let directory = self.inner.directory.load();
        let project = directory.project(project)?;
        let datasource = directory.datasource(project.id, datasource)?;
        let inside = caller.key().reach.holds_datasource(project.id, datasource.id);
        inside.then(|| (project.clone(), datasource.clone()))
    }

    /// A project by its uid: for commands on the machine of the database, which no key lets in.
    pub fn project_here(&self, uid: &str) -> Option<Arc<Project>> {
        self.inner.directory.load().project(uid).cloned()
    }

    /// A datasource by its uid, with its project, as [`Authority::project_here`] does.
    pub fn datasource_here(&self, uid: &str) -> Option<(Arc<Project>, Arc<Datasource>)> {
        let directory = self.inner.directory.load();
        let datasource = directory.datasource_by_uid(uid)?;
        Some((directory.project_by_row(datasource.project)?.clone(), datasource.clone()))
    }

    /// Whether pushes to a datasource, by row, are refused now, because it is being purged.
    pub fn is_closed(&self, datasource: i64) -> bool {
        self.inner.directory.load().datasource_by_row(datasource).is_some_and(|known| known.closed)
    }

    /// The project and the datasource that a key is bound to; the narrower one pays for what was not found.
    pub fn home(&self, caller: &Caller) -> (Option<Arc<Project>>, Option<Arc<Datasource>>) {
        let directory = self.inner.directory.load();
        match &caller.key().reach {
            Reach::Datasource(id) => {
                let datasource = directory.datasource_by_row(*id).cloned();
                let project =
                    datasource.as_ref().and_then(|own| directory.project_by_row(own.project).cloned());
                (project, datasource)
            }
            Reach::Project(id) => (directory.project_by_row(*id).cloned(), None),
            Reach::Projects(_) | Reach::Organization => (None, None),
        }
    }
}
