//! The tail: one task of a node that looks for what is new in each project that somebody follows, and hands it to all of them.
//!
//! Only where it is the same for everybody: filters and what a reader may see are the followers' own matter.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, broadcast, watch},
    time::sleep,
};

use crate::{
    domain::{cursor::Cursor, pattern::Patterns},
    store::{
        Pool, StoreError,
        outbound::{self, Item, Wanted},
    },
    telemetry::{self, Gauge},
};

/// Time between two looks.
const POLL: Duration = Duration::from_millis(50);

/// The longest pause after looks that failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Items that one look at a project reads at once.
const AT_ONCE: usize = 500;

/// About how many bytes of items go to the followers as one batch.
const BATCH_BYTES: usize = 1 << 18;

/// Batches that wait for the slowest follower of a project; one who is further behind reads pages instead.
const BATCHES: usize = 32;

/// Clients that may follow at once on one node.
pub const FOLLOWERS: usize = 1_000;

/// Consecutive items of a project: all that there are behind `from`, up to `to`.
#[derive(Debug)]
pub struct Batch {
    /// The place that they begin behind.
    pub from: Cursor,
    /// The items, in their order.
    pub items: Vec<Item>,
    /// The place behind them.
    pub to: Cursor,
}

/// What a follower hears.
#[derive(Debug)]
pub enum News {
    /// These are new.
    Batch(Arc<Batch>),
    /// There was more than waits for anybody: to be read from the store.
    Missed,
    /// The tail has ended.
    Over,
}

/// The tail of a node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tail {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pool: Pool,
    followed: Mutex<HashMap<i64, Followed>>,
    /// Somebody follows a project that nobody did.
    begun: Notify,
    followers: AtomicUsize,
}

/// A project that is followed.
#[derive(Debug)]
struct Followed {
    news: broadcast::Sender<Arc<Batch>>,
    /// Up to where was looked; nowhere before the first look.
    place: Option<Cursor>,
    /// The end of the last batch. Behind it there is nothing up to the place.
    told: Cursor,
}

/// One who follows a project.
#[derive(Debug)]
pub struct Follower {
    news: broadcast::Receiver<Arc<Batch>>,
    /// Where its place is counted; nowhere for one that takes none.
    place: Option<Arc<Inner>>,
}

impl Follower {
    /// Waits for what is new. A batch may begin behind the place where the follower is: what lies between is to be read from the
    /// store, like everything before the first one.
    pub async fn next(&mut self) -> News {
        match self.news.recv().await {
            Ok(batch) => News::Batch(batch),
            Err(broadcast::error::RecvError::Lagged(_)) => News::Missed,
            Err(broadcast::error::RecvError::Closed) => News::Over,
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(inner) = &self.place {
            let before = inner.followers.fetch_sub(1, Ordering::Relaxed);
            telemetry::gauge(Gauge::StreamFollowers, before.saturating_sub(1) as f64);
        }
    }
}

impl Tail {
    /// One that reads with connections of this pool.
    pub fn new(pool: Pool) -> Self {
        let inner =
            Inner { pool, followed: Mutex::default(), begun: Notify::new(), followers: AtomicUsize::new(0) };
        Self { inner: Arc::new(inner) }
    }

    /// Follows a project, by row; `None` when [`FOLLOWERS`] follow already.
    pub fn follow(&self, project: i64) -> Option<Follower> {
        let before = self.inner.followers.fetch_add(1, Ordering::Relaxed);
        if before >= FOLLOWERS {
            self.inner.followers.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        telemetry::gauge(Gauge::StreamFollowers, (before + 1) as f64);
        let mut follower = self.listen(project);
        follower.place = Some(self.inner.clone());
        Some(follower)
    }

    /// The same for this node's own purposes, which take no place of a client and are not counted.
    pub fn listen(&self, project: i64) -> Follower {
        let mut followed = self.lock();
        let project = followed.entry(project).or_insert_with(|| {
            self.inner.begun.notify_one();
            let news = broadcast::channel(BATCHES).0;
            Followed { news, place: None, told: Cursor { epoch: 0, tx: 0, id: 0 } }
        });
        Follower { news: project.news.subscribe(), place: None }
    }

    /// Looks for what is new until `stop` says so. A look that fails is repeated; followers only wait meanwhile.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut pause = POLL;
        loop {
            tokio::select! {
                () = sleep(pause) => {}
                () = self.inner.begun.notified() => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
            pause = match self.look().await {
                Ok(true) => Duration::ZERO,
                Ok(false) => POLL,
                Err(error) => {
                    tracing::warn!(%error, "the stream could not be read; its followers wait");
                    LONGEST_PAUSE.min(POLL.max(pause * 2))
                }
            };
        }
        // Ends the followers.
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Followed>> {
        self.inner.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One look at every project that is followed, of a page each, so that a busy one holds up no other; answers whether one of them has
    /// more. A project that cannot be read holds up no other either.
    async fn look(&self) -> Result<bool, StoreError> {
        let projects: Vec<(i64, Option<Cursor>)> = {
            let mut followed = self.lock();
            followed.retain(|_, project| project.news.receiver_count() > 0);
            followed.iter().map(|(id, project)| (*id, project.place)).collect()
        };
        if projects.is_empty() {
            return Ok(false);
        }
        let head = outbound::head(&self.inner.pool).await?;
        let (mut more, mut failed) = (false, None);
        for (project, place) in projects {
            match place {
                None => self.begin(project, head),
                Some(place) if place < head => match self.go_on(project, place).await {
                    Ok(caught_up) => more |= !caught_up,
                    Err(error) => failed = Some(error),
                },
                Some(_) => {}
            }
        }
        failed.map_or(Ok(more), Err)
    }

    /// Begins with a project. An empty batch tells whoever has read up to less than here to read on.
    fn begin(&self, project: i64, head: Cursor) {
        if let Some(project) = self.lock().get_mut(&project) {
            (project.place, project.told) = (Some(head), head);
            project.tell(Batch { from: head, items: Vec::new(), to: head });
        }
    }

    /// Tells the next page of a project; answers whether there is no more.
    async fn go_on(&self, project: i64, place: Cursor) -> Result<bool, StoreError> {
        let patterns = Patterns::default();
        let wanted =
            Wanted { project, after: Some(place), patterns: &patterns, datasources: None, limit: AT_ONCE };
        let page = match outbound::page(&self.inner.pool, &wanted).await {
            Err(StoreError::Expired(floor)) => {
                self.begin(project, floor);
                return Ok(true);
            }
            page => page?,
        };
        if let Some(project) = self.lock().get_mut(&project) {
            for items in batches(page.items) {
                let from = project.told;
                project.told = items.last().map_or(from, |item| item.cursor);
                project.tell(Batch { from, items, to: project.told });
            }
            project.place = Some(page.next);
        }
        Ok(page.caught_up)
    }
}

impl Followed {
    fn tell(&self, batch: Batch) {
        // Nobody may be left; the next look forgets the project then.
        let _nobody = self.news.send(Arc::new(batch));
    }
}

/// Cuts items into batches of bounded size.
fn batches(items: Vec<Item>) -> Vec<Vec<Item>> {
    let mut batches = Vec::new();
    let mut bytes = BATCH_BYTES;
    for item in items {
        if bytes >= BATCH_BYTES {
            batches.push(Vec::new());
            bytes = 0;
        }
        bytes += item.body.len() + item.user_id.len() + 256;
        if let Some(batch) = batches.last_mut() {
            batch.push(item);
        }
    }
    batches
}
