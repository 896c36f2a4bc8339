//! Where batches wait for a lane: bounded in items and bytes, and fair between datasources.
//!
//! A lane takes one batch of each waiting datasource in turn, so a hot one cannot starve a quiet one. A datasource may
//! hold no more room than is left free (the dynamic threshold of Choudhury and Hahne, IEEE/ACM Trans. Networking 6(2),
//! 1998): one hot datasource fills half, two fill a third each, and a quiet one always finds room.
//!
//! While one lane writes, another begins only with what is worth a lot of its own: a lot costs PostgreSQL a write to the disk and
//! some pages of WAL whatever it holds.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{
    job::Job,
    ledger::Ledger,
    receipt::{Receipt, Refused},
};

/// Items that are worth a lot of their own while another lane writes.
const ENOUGH: usize = 256;

/// How much may be in the house at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) items: usize,
    pub(super) bytes: usize,
    pub(super) lot_items: usize,
    pub(super) lot_bytes: usize,
}

#[derive(Debug, Default)]
struct Share {
    items: usize,
    bytes: usize,
    waiting: VecDeque<Arc<Job>>,
}

#[derive(Debug, Default)]
struct State {
    shares: HashMap<i64, Share>,
    /// Datasources with waiting batches, in the order in which it is their turn.
    turns: VecDeque<i64>,
    items: usize,
    bytes: usize,
    /// Items that no lane has taken yet.
    waiting: usize,
    /// Lanes that are at a lot.
    writing: usize,
    /// Whether a lane was woken that has not looked yet.
    summoned: bool,
    /// Whether nothing new comes in, so that what waits is all that is left to write.
    closed: bool,
    /// Whether there is no lane any more that could take anything.
    ended: bool,
}

impl State {
    /// Whether a lane that is free now ought to take what waits.
    fn is_worth_a_lot(&self) -> bool {
        self.waiting >= ENOUGH || (self.closed || self.writing == 0) && !self.turns.is_empty()
    }
}

/// The queue of a writer.
#[derive(Debug)]
pub(super) struct Queue {
    bounds: Bounds,
    state: Mutex<State>,
    wake: Notify,
}

/// Room taken for one batch, from before its body is read until it is answered.
#[derive(Debug)]
pub struct Room {
    queue: Arc<Queue>,
    datasource: i64,
    items: usize,
    bytes: usize,
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut state = self.queue.state.lock();
        state.items -= self.items;
        state.bytes -= self.bytes;
        if let Some(share) = state.shares.get_mut(&self.datasource) {
            share.items -= self.items;
            share.bytes -= self.bytes;
            if share.items == 0 && share.bytes == 0 && share.waiting.is_empty() {
                state.shares.remove(&self.datasource);
            }
        }
    }
}

impl Room {
    /// Gives back what the body turned out not to need. Bytes.
    pub fn shrink(&mut self, bytes: usize) {
        let surplus = self.bytes.saturating_sub(bytes);
        let mut state = self.queue.state.lock();
        state.bytes -= surplus;
        if let Some(share) = state.shares.get_mut(&self.datasource) {
            share.bytes -= surplus;
        }
        self.bytes -= surplus;
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes room for the items of the batch as well.
    pub(super) fn furnish(&mut self, items: usize) -> Result<(), Refused> {
        let mut state = self.queue.state.lock();
        if state.ended {
            return Err(Refused::Unavailable);
        }
        let held = state.shares.get(&self.datasource).map_or(0, |share| share.items);
        if held + items > self.queue.bounds.items.saturating_sub(state.items) {
            return Err(Refused::Overloaded);
        }
        state.items += items;
        state.shares.entry(self.datasource).or_default().items += items;
        self.items += items;
        Ok(())
    }
}

/// What a lane has taken to write.
#[derive(Debug)]
pub(super) struct Lot {
    pub(super) jobs: Vec<Arc<Job>>,
    pub(super) turn: Turn,
}

/// Kept by a lane while it writes: meanwhile others wait until there is enough for a lot.
#[derive(Debug)]
pub(super) struct Turn {
    queue: Arc<Queue>,
}

impl Turn {
    /// Lets another lane take what waits, which this one cannot do soon.
    pub(super) fn pass_on(self) {
        let queue = self.queue.clone();
        drop(self);
        queue.summon(&mut queue.state.lock());
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.queue.state.lock().writing -= 1;
    }
}

impl Queue {
    pub(super) fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self { bounds, state: Mutex::default(), wake: Notify::new() })
    }

    /// Takes room for a body of at most `bytes`, before it is read.
    pub(super) fn enter(self: &Arc<Self>, datasource: i64, bytes: usize) -> Result<Room, Refused> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Refused::Unavailable);
        }
        let held = state.shares.get(&datasource).map_or((0, 0), |share| (share.items, share.bytes));
        let full = held.0 >= self.bounds.items.saturating_sub(state.items)
            || held.1 + bytes > self.bounds.bytes.saturating_sub(state.bytes);
        if full {
            return Err(Refused::Overloaded);
        }
        state.bytes += bytes;
        state.shares.entry(datasource).or_default().bytes += bytes;
        Ok(Room { queue: self.clone(), datasource, items: 0, bytes })
    }

    /// Queues a batch; [`Refused::Unavailable`] where nobody is left to write it.
    pub(super) fn push(&self, job: Arc<Job>) -> Result<(), Refused> {
        let mut state = self.state.lock();
        if state.ended {
            // The room of the batch takes the lock when it is given back.
            drop(state);
            return Err(Refused::Unavailable);
        }
        let datasource = job.inlet.datasource;
        state.waiting += job.work.len();
        let share = state.shares.entry(datasource).or_default();
        share.waiting.push_back(job);
        if share.waiting.len() == 1 {
            state.turns.push_back(datasource);
        }
        self.summon(&mut state);
        Ok(())
    }

    /// Wakes a lane where there is something for it.
    fn summon(&self, state: &mut State) {
        if state.is_worth_a_lot() && !std::mem::replace(&mut state.summoned, true) {
            self.wake.notify_one();
        }
    }

    /// Waits for work and takes all of it that a lot may hold; `None` once the queue is closed and empty. Of a closed queue nothing
    /// is waited for.
    pub(super) async fn take(self: &Arc<Self>) -> Option<Lot> {
        loop {
            let woken = self.wake.notified();
            // Let go of after the lock, which the room of a batch takes when it is given back.
            let mut left = Vec::new();
            {
                let mut state = self.state.lock();
                state.summoned = false;
                if state.is_worth_a_lot() {
                    let jobs = take_lot(&mut state, self.bounds, &mut left);
                    if !jobs.is_empty() {
                        state.writing += 1;
                        self.summon(&mut state);
                        return Some(Lot { jobs, turn: Turn { queue: self.clone() } });
                    }
                }
                if state.closed && state.turns.is_empty() {
                    return None;
                }
            }
            drop(left);
            woken.await;
        }
    }

    /// Answers everything that waits.
    pub(super) fn refuse_all(&self, answer: &Result<Receipt, Refused>, ledger: &Ledger) {
        loop {
            let mut left = Vec::new();
            let lot = take_lot(&mut self.state.lock(), self.bounds, &mut left);
            if lot.is_empty() {
                return;
            }
            Job::answer_all(&lot, std::iter::repeat_n(answer.clone(), lot.len()), ledger);
        }
    }

    /// Takes nothing new; what waits is still written, by every lane that is free.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.wake.notify_waiters();
    }

    /// Answers everything that waits, and whatever still comes: no lane is left.
    pub(super) fn end(&self, ledger: &Ledger) {
        self.state.lock().ended = true;
        self.refuse_all(&Err(Refused::Unavailable), ledger);
    }

    /// Whether a lane that asks for work gets none ever again.
    pub(super) fn is_finished(&self) -> bool {
        let state = self.state.lock();
        state.closed && state.turns.is_empty()
    }

    /// Items and bytes in the house.
    pub(super) fn depth(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.items, state.bytes)
    }
}

/// Takes a lot. Batches whose senders gave up go to `left`, for the caller to drop without the lock.
fn take_lot(state: &mut State, bounds: Bounds, left: &mut Vec<Arc<Job>>) -> Vec<Arc<Job>> {
    let (mut lot, mut items, mut bytes) = (Vec::new(), 0, 0);
    while let Some(datasource) = state.turns.front().copied() {
        let Some(share) = state.shares.get_mut(&datasource) else {
            state.turns.pop_front();
            continue;
        };
        if let Some(next) = share.waiting.front() {
            let fits =
                items + next.work.len() <= bounds.lot_items && bytes + next.room.bytes() <= bounds.lot_bytes;
            if !fits && !lot.is_empty() {
                return lot;
            }
        }
        let job = share.waiting.pop_front();
        state.turns.pop_front();
        if !share.waiting.is_empty() {
            state.turns.push_back(datasource);
        }
        state.waiting -= job.as_ref().map_or(0, |job| job.work.len());
        match job {
            Some(job) if job.take() => {
                items += job.work.len();
                bytes += job.room.bytes();
                lot.push(job);
            }
            Some(job) => left.push(job),
            None => {}
        }
    }
    lot
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio_postgres::Config;

    use super::*;
    use crate::{
        domain::{clock::SystemClock, ids::Inlet},
        ingest::{
            fates::Kind,
            job::{ContactOp, Work},
            ledger::{Account, Asked},
        },
        store::{Database, Role},
    };

    fn queue(items: usize, bytes: usize, lot_items: usize) -> Arc<Queue> {
        Queue::new(Bounds { items, bytes, lot_items, lot_bytes: 1 << 20 })
    }

    fn push(queue: &Arc<Queue>, datasource: i64, items: usize) -> Result<Arc<Job>, Refused> {
        let mut room = queue.enter(datasource, 10)?;
        room.furnish(items)?;
        push_into(queue, room, datasource, items)
    }

    fn push_into(queue: &Arc<Queue>, room: Room, datasource: i64, items: usize) -> Result<Arc<Job>, Refused> {
        let ops = (0..items).map(|n| ContactOp::Delete { user_id: n.to_string() }).collect();
        let inlet = Inlet { project: 1, datasource };
        let account = Account { kind: Kind::Contact, asked: Asked::Push, bad: 0 };
        let (job, _answer) = Job::new(inlet, Work::Contacts(ops), 0, room, account);
        let job = Arc::new(job);
        queue.push(job.clone())?;
        Ok(job)
    }

    /// One that is never flushed, so that nobody answers on the other side.
    fn ledger() -> Ledger {
        let pool = Database::new(Config::new()).pool(Role::Meta, 1).unwrap();
        Ledger::new(pool.clone(), pool, SystemClock::shared())
    }

    #[tokio::test]
    async fn a_quiet_datasource_is_in_the_next_lot() {
        let queue = queue(1_000, 1 << 20, 20);
        for _ in 0..30 {
            push(&queue, 1, 10).unwrap();
        }
        push(&queue, 2, 10).unwrap();
        let lot = queue.take().await.unwrap();
        let datasources: Vec<i64> = lot.jobs.iter().map(|job| job.inlet.datasource).collect();
        assert_eq!(datasources, [1, 2]);
    }

    #[tokio::test]
    async fn a_lot_is_bounded_and_nothing_is_left_behind() {
        let queue = queue(10_000, 1 << 20, 25);
        for _ in 0..7 {
            push(&queue, 1, 10).unwrap();
        }
        queue.close();
        let mut sizes = Vec::new();
        while let Some(lot) = queue.take().await {
            sizes.push(lot.jobs.len());
        }
        assert_eq!(sizes, [2, 2, 2, 1]);
        assert_eq!(queue.depth(), (0, 0));
    }

    #[test]
    fn a_hot_datasource_leaves_room_for_a_quiet_one() {
        let queue = queue(100, 1 << 20, 10);
        let hot = (0..100).filter_map(|_| push(&queue, 1, 1).ok()).collect::<Vec<_>>();
        assert_eq!(hot.len(), 50);
        assert_eq!(push(&queue, 1, 1).unwrap_err(), Refused::Overloaded);
        assert!(push(&queue, 2, 10).is_ok());
    }

    #[test]
    fn bytes_are_bounded_before_a_body_is_read() {
        let queue = queue(100, 1_000, 10);
        let room = queue.enter(1, 500).unwrap();
        assert_eq!(queue.enter(1, 1).unwrap_err(), Refused::Overloaded);
        drop(room);
        assert_eq!(queue.depth(), (0, 0));
        let mut room = queue.enter(1, 500).unwrap();
        room.shrink(20);
        assert!(queue.enter(1, 300).is_ok());
    }

    #[tokio::test]
    async fn a_second_lane_waits_until_there_is_enough() {
        let queue = queue(10_000, 1 << 20, 2_000);
        push(&queue, 1, 1).unwrap();
        let first = queue.take().await.unwrap();
        push(&queue, 1, ENOUGH - 1).unwrap();
        let mut second = Box::pin(queue.take());
        assert!((&mut second).now_or_never().is_none());
        push(&queue, 1, 1).unwrap();
        assert_eq!(second.await.unwrap().jobs.len(), 2);
        drop(first);
    }

    #[tokio::test]
    async fn closing_wakes_every_lane_and_makes_little_enough() {
        let queue = queue(10_000, 1 << 20, 2_000);
        push(&queue, 1, 1).unwrap();
        let first = queue.take().await.unwrap();
        let (mut second, mut third) = (Box::pin(queue.take()), Box::pin(queue.take()));
        push(&queue, 1, 1).unwrap();
        assert!((&mut second).now_or_never().is_none() && (&mut third).now_or_never().is_none());
        queue.close();
        let rest = second.now_or_never().unwrap().unwrap();
        assert_eq!(rest.jobs.len(), 1, "the first is still at its own");
        assert!(third.now_or_never().unwrap().is_none(), "nothing is left for it to wait for");
        drop((first, rest));
        assert!(queue.take().now_or_never().unwrap().is_none());
    }

    #[tokio::test]
    async fn closing_with_nothing_left_wakes_every_lane() {
        let queue = queue(10_000, 1 << 20, 2_000);
        let mut lanes: Vec<_> = (0..3).map(|_| Box::pin(queue.take())).collect();
        assert!(lanes.iter_mut().all(|lane| lane.now_or_never().is_none()));
        queue.close();
        assert!(lanes.into_iter().all(|lane| lane.now_or_never().is_some_and(|taken| taken.is_none())));
    }

    #[tokio::test]
    async fn a_lane_that_cannot_go_on_passes_its_turn() {
        let queue = queue(10_000, 1 << 20, 2_000);
        push(&queue, 1, 1).unwrap();
        let first = queue.take().await.unwrap();
        let mut second = Box::pin(queue.take());
        push(&queue, 1, 1).unwrap();
        assert!((&mut second).now_or_never().is_none());
        first.turn.pass_on();
        assert_eq!(second.await.unwrap().jobs.len(), 1);
    }

    #[tokio::test]
    async fn a_lane_that_is_done_takes_what_came_meanwhile() {
        let queue = queue(10_000, 1 << 20, 2_000);
        push(&queue, 1, 1).unwrap();
        let first = queue.take().await.unwrap();
        push(&queue, 1, 1).unwrap();
        drop(first);
        assert_eq!(queue.take().await.unwrap().jobs.len(), 1);
    }

    #[tokio::test]
    async fn what_comes_between_the_last_lot_and_the_end_is_refused_as_well() {
        let queue = queue(100, 1_000, 10);
        let mut rooms: Vec<Room> = (0..3).map(|_| queue.enter(1, 10).unwrap()).collect();
        rooms[..2].iter_mut().for_each(|room| room.furnish(1).unwrap());
        queue.close();
        let mut rooms = rooms.into_iter();
        let before = push_into(&queue, rooms.next().unwrap(), 1, 1).unwrap();
        queue.end(&ledger());
        assert!(!before.leave(), "it was answered");
        assert_eq!(push_into(&queue, rooms.next().unwrap(), 1, 1).unwrap_err(), Refused::Unavailable);
        assert_eq!(rooms.next().unwrap().furnish(1).unwrap_err(), Refused::Unavailable);
        drop(before);
        assert_eq!(queue.depth(), (0, 0));
    }

    #[tokio::test]
    async fn who_gave_up_is_not_written() {
        let queue = queue(100, 1_000, 10);
        let gone = push(&queue, 1, 1).unwrap();
        let stays = push(&queue, 1, 1).unwrap();
        assert!(gone.leave());
        let lot = queue.take().await.unwrap();
        assert_eq!(lot.jobs.len(), 1);
        assert!(!stays.leave(), "a lane has it");
    }
}
