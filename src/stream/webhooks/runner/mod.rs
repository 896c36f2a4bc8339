//! Delivering to one endpoint, as long as this node holds it: fetch, send, hear, write down, in this order for each message.
//!
//! What is written down lags behind what was delivered by no more than 100 attempts and a second: as much as that comes
//! twice after a crash, and nothing is lost.

mod outcome;

mod saving;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use saving::UNSAVED;

use super::{
    endpoint::{Endpoint, Flown, What},
    station::Station,
    track::Track,
};
use crate::{
    domain::cursor::Cursor,
    store::{
        StoreError,
        outbound::{self, Item, Wanted},
        webhooks::work::{Pending, Progress},
    },
    stream::tail::{Batch, Follower, News},
};

/// Items that are fetched at once.
const AT_ONCE: usize = 100;

/// How often it is looked for what is new where nobody says so, and all the same where somebody does.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const LOOK_ANYWAY: Duration = Duration::from_secs(30);

/// Messages that may wait to be sent again while others go on; beyond it nothing new is sent.
const WAITING: usize = 1_000;

/// Items behind the first that is not settled.
const AHEAD: usize = 1_000;

/// How long items that were fetched may wait to be sent: they may be erased meanwhile, so they are fetched again after that.
const FRESH: Duration = Duration::from_secs(5);

/// Pause after the database failed.
const PAUSE: Duration = Duration::from_secs(1);

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It was told to, and everything is written down.
    Told,
    /// Another node delivers, or somebody moved the endpoint: what was not written down is done again.
    Lost,
    /// The receiver wants no more.
    Disabled,
    /// Something is wrong with this program; better not at once again.
    Broken,
}

/// What is under way for one endpoint.
pub(super) struct Runner {
    endpoint: Arc<Endpoint>,
    track: Track,
    queue: VecDeque<Item>,
    waiting: BTreeMap<Cursor, Pending>,
    flying: BTreeSet<Cursor>,
    flights: JoinSet<Flown>,
    progress: Progress,
    failures: i32,
    saved: Cursor,
    caught_up: bool,
    /// When something was first not written down, and when that was last tried in vain.
    unsaved_since: Option<Instant>,
    passed_since: Option<Instant>,
    not_before: Option<Instant>,
    looked_at: Instant,
    fetched_at: Instant,
    urgent: bool,
    unwanted: bool,
    broken: bool,
    follower: Option<Follower>,
}

impl Runner {
    pub(super) fn new(station: &Station, endpoint: Endpoint) -> Self {
        let work = &endpoint.work;
        Self {
            track: Track::from(work.position),
            queue: VecDeque::new(),
            waiting: work.pending.iter().map(|pending| (pending.cursor, *pending)).collect(),
            flying: BTreeSet::new(),
            flights: JoinSet::new(),
            progress: Progress::default(),
            failures: work.failures,
            saved: work.position,
            caught_up: false,
            unsaved_since: None,
            passed_since: None,
            not_before: None,
            looked_at: Instant::now(),
            fetched_at: Instant::now(),
            urgent: false,
            unwanted: false,
            broken: false,
            follower: Some(station.tail.listen(work.project)),
            endpoint: Arc::new(endpoint),
        }
    }

    /// Delivers until it is told to stop or has to.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) -> End {
        while !*stop.borrow() {
            self.start_due();
            self.fetch().await;
            self.start_due();
            self.endpoint.lag.set(self.oldest());
            match self.save_when_due().await {
                Some(end) => return end,
                None if self.broken => return End::Broken,
                None if self.unwanted && self.flights.is_empty() => return self.disable().await,
                None => {}
            }
            let wake = self.wake();
            tokio::select! {
                Some(flown) = self.flights.join_next() => self.land(flown),
                () = sleep_until(wake) => self.caught_up &= self.looked_at.elapsed() < self.look_every(),
                news = news(&mut self.follower), if self.caught_up => self.heard(&news),
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
        self.endpoint.lag.set(None);
        self.finish().await
    }

    fn heard(&mut self, news: &News) {
        match news {
            News::Batch(batch) if self.is_of_no_interest(batch) => return self.track.pass(batch.to),
            News::Batch(_) | News::Missed => {}
            News::Over => self.follower = None,
        }
        self.caught_up = false;
    }

    /// Whether a batch goes on where this endpoint is, with nothing that it wants.
    fn is_of_no_interest(&self, batch: &Batch) -> bool {
        let fetched = self.track.fetched();
        let mut new = batch.items.iter().filter(|item| item.cursor > fetched);
        batch.from <= fetched && !new.any(|item| self.endpoint.patterns.matches(&item.event_type))
    }

    fn look_every(&self) -> Duration {
        if self.follower.is_some() { LOOK_ANYWAY } else { LOOK_EVERY }
    }

    /// Whether messages go out one after the other.
    fn is_ordered(&self) -> bool {
        self.endpoint.work.parallel == 1
    }

    /// Whether a message that failed keeps those behind it.
    fn is_blocked(&self) -> bool {
        self.is_ordered() && self.waiting.values().any(|waiting| !waiting.by_hand)
    }

    /// What waits and may be sent when its time comes: in order, that is the first, and what somebody asked for.
    fn in_turn(&self) -> impl Iterator<Item = &Pending> {
        let first = self.waiting.values().find(|one| !one.by_hand).map(|one| one.cursor);
        let first = first.filter(|_| self.is_ordered());
        self.waiting.values().filter(move |one| {
            let may = one.by_hand || first.is_none_or(|first| first == one.cursor);
            may && !self.flying.contains(&one.cursor)
        })
    }

    /// Forgets what was fetched and not sent: it is fetched again, as it is then.
    fn drop_queue(&mut self) {
        if let Some(first) = self.queue.front() {
            self.track.give_back(first.cursor);
            self.queue.clear();
            self.caught_up = false;
        }
    }

    /// Starts what is due, as far as there is room.
    fn start_due(&mut self) {
        if self.fetched_at.elapsed() > FRESH {
            self.drop_queue();
        }
        let now = self.endpoint.clock.now();
        while !self.unwanted
            && self.flights.len() < self.endpoint.work.parallel
            && self.flights.len() + self.progress.attempts.len() < UNSAVED
        {
            let due = self.in_turn().find(|one| one.next_at <= now).copied();
            let what = match due {
                Some(pending) => What::Again(pending),
                None if self.is_blocked() => return,
                None => match self.queue.pop_front() {
                    Some(item) => What::Fresh(Box::new(item)),
                    None => return,
                },
            };
            self.flying.insert(what.cursor());
            let endpoint = self.endpoint.clone();
            self.flights.spawn(async move { endpoint.fly(what).await });
        }
    }

    /// Whether there is room for what comes next, and may be something.
    fn may_fetch(&self) -> bool {
        self.queue.is_empty()
            && !self.caught_up
            && !self.unwanted
            && !self.is_blocked()
            && self.waiting.len() < WAITING
            && self.track.open() < AHEAD
    }

    /// Fetches what comes next, where it is wanted now.
    async fn fetch(&mut self) {
        if !self.may_fetch() || self.not_before.is_some_and(|moment| moment > Instant::now()) {
            return;
        }
        self.looked_at = Instant::now();
        let work = &self.endpoint.work;
        let asked = Wanted {
            project: work.project,
            after: Some(self.track.fetched()),
            patterns: &self.endpoint.patterns,
            datasources: work.datasources.as_deref(),
            limit: AT_ONCE,
        };
        match outbound::page(&self.endpoint.pages, &asked).await {
            Ok(page) => {
                for item in &page.items {
                    self.track.fetch(item.cursor, item.received_at);
                }
                self.track.pass(page.next);
                self.queue.extend(page.items);
                self.fetched_at = Instant::now();
                self.caught_up = page.caught_up;
                self.not_before = None;
            }
            Err(StoreError::Expired(begins)) => {
                tracing::warn!(webhook = %work.id, "a webhook passes over items that are past their retention");
                self.track.pass(begins);
                self.skip();
            }
            Err(error) => self.pause("the stream could not be read for a webhook", &error),
        }
    }

    fn pause(&mut self, what: &'static str, error: &StoreError) {
        tracing::warn!(%error, webhook = %self.endpoint.work.id, "{what}");
        self.not_before = Some(Instant::now() + PAUSE);
    }

    /// When something has to be done even though nothing happens.
    fn wake(&self) -> Instant {
        let now = (Instant::now(), self.endpoint.clock.now());
        let retry = self.in_turn().map(|one| one.next_at).min().map(|at| {
            now.0
                + Duration::try_from(at.duration_since(now.1))
                    .unwrap_or_default()
                    .max(Duration::from_millis(1))
        });
        // One that is due but has no room is started when another lands.
        let retry = retry.filter(|_| self.flights.len() < self.endpoint.work.parallel && !self.unwanted);
        let save = self.next_save();
        // A page that was empty, because how far it looks is bounded, is followed by the next one at once.
        let more = self.may_fetch().then_some(now.0);
        let look = self.caught_up.then(|| self.looked_at + self.look_every());
        let soonest = [retry, save, more, look].into_iter().flatten().fold(now.0 + LOOK_ANYWAY, Instant::min);
        let soonest = self.not_before.map_or(soonest, |moment| soonest.max(moment).min(now.0 + PAUSE));
        soonest.max(now.0 + Duration::from_millis(1))
    }

    /// When the oldest item came in that waits for this receiver.
    fn oldest(&self) -> Option<Timestamp> {
        let waiting = self.waiting.values().filter(|one| !one.by_hand).map(|one| one.received_at).min();
        [waiting, self.track.oldest()].into_iter().flatten().min()
    }
}

/// What is new; never, where nobody says so.
async fn news(follower: &mut Option<Follower>) -> News {
    match follower {
        Some(follower) => follower.next().await,
        None => std::future::pending().await,
    }
}
