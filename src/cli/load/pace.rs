//! When to send: as fast as answers come, or on a schedule that waits for nobody.
//!
//! On a schedule the intended times are fixed before the first request. A connection that becomes free takes the earliest that was
//! not taken yet, however long ago it was; so a slow server makes requests late, but never fewer, and latency counts from the
//! intended time.

use std::{
    collections::VecDeque,
    io,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    task::{Context, Poll, Waker},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::timeout};

use super::timer::Timer;
use crate::domain::clock::SharedClock;

/// How fast to send.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// Every connection sends as soon as its last request is answered. Latency counts from sending.
    Max,
    /// So many requests per second, all connections together, whether or not earlier ones are answered. Latency counts from
    /// the intended time.
    Rate(f64),
}

/// Requests whose times are closer together than this are released together.
const GRAIN: Duration = Duration::from_micros(100);

/// The longest time without a look at whether to stop.
const LOOK: Duration = Duration::from_millis(20);

/// The times at which to send. Nanoseconds are those of the clock.
#[derive(Debug)]
pub(super) struct Schedule {
    clock: SharedClock,
    start: u64,
    end: AtomicU64,
    /// Nanoseconds between two requests; `None` for as fast as answers come.
    interval: Option<f64>,
    taken: AtomicU64,
    waiting: Mutex<VecDeque<Waker>>,
    /// Told when the first connection begins to wait.
    wanted: Notify,
}

impl Schedule {
    /// A schedule that begins now.
    pub(super) fn new(pace: Pace, duration: Duration, clock: SharedClock) -> Self {
        let start = clock.monotonic();
        let interval = match pace {
            Pace::Max => None,
            Pace::Rate(rate) => Some(1e9 / rate),
        };
        let end = AtomicU64::new(start.saturating_add(nanos(duration)));
        Self {
            clock,
            start,
            end,
            interval,
            taken: AtomicU64::new(0),
            waiting: Mutex::default(),
            wanted: Notify::new(),
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.monotonic()
    }

    /// Ends the schedule now, unless it has ended.
    pub(super) fn stop(&self) {
        self.end.fetch_min(self.now(), Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.now() >= self.end.load(Relaxed)
    }

    /// Whether it ended at least so long ago.
    pub(super) fn is_over_since(&self, since: Duration) -> bool {
        self.now() >= self.end.load(Relaxed).saturating_add(nanos(since))
    }

    /// From the start until a time of the clock.
    pub(super) fn since_start(&self, at: u64) -> Duration {
        Duration::from_nanos(at.saturating_sub(self.start))
    }

    /// From the start until now, or until the end.
    pub(super) fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.now().min(self.end.load(Relaxed)).saturating_sub(self.start))
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    fn due(&self, nth: u64, interval: f64) -> u64 {
        self.start + (nth as f64 * interval) as u64
    }

    /// Waits for the next time at which to send; `None` after the end.
    pub(super) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<u64>> {
        let now = self.now();
        let end = self.end.load(Relaxed);
        if now >= end {
            return Poll::Ready(None);
        }
        let Some(interval) = self.interval else { return Poll::Ready(Some(now)) };
        loop {
            let nth = self.taken.load(Relaxed);
            let due = self.due(nth, interval);
            if due > now || due >= end {
                let mut waiting = self.waiting.lock();
                // Whoever is woken for the last time is in the list by the end; who comes later has to see it.
                if self.is_over() {
                    return Poll::Ready(None);
                }
                if waiting.is_empty() {
                    self.wanted.notify_one();
                }
                waiting.push_back(context.waker().clone());
                return Poll::Pending;
            }
            if self.taken.compare_exchange(nth, nth + 1, Relaxed, Relaxed).is_ok() {
                return Poll::Ready(Some(due));
            }
        }
    }

    /// Wakes as many connections as there are requests to send, until the end, and then all.
    ///
    /// # Errors
    /// When the operating system gives no timer; the schedule ends then.
    pub(super) async fn run(&self) -> io::Result<()> {
        let Some(interval) = self.interval else { return Ok(()) };
        self.run_by(Timer::new(), interval).await
    }

    async fn run_by(&self, timer: io::Result<Timer>, interval: f64) -> io::Result<()> {
        let ran = match timer {
            Ok(timer) => self.release(&timer, interval).await,
            Err(error) => Err(error),
        };
        // Nobody wakes anybody any more, so there is nothing to wait for.
        self.stop();
        for waker in self.waiting.lock().drain(..) {
            waker.wake();
        }
        ran
    }

    async fn release(&self, timer: &Timer, interval: f64) -> io::Result<()> {
        while !self.is_over() {
            // Where every connection is busy nobody has to be woken: whoever becomes free takes what is overdue.
            if self.waiting.lock().is_empty() {
                // The end of the wait is a look at whether to stop.
                let _nobody = timeout(LOOK, self.wanted.notified()).await;
                continue;
            }
            let now = self.now();
            let mut next = self.taken.load(Relaxed);
            {
                let mut waiting = self.waiting.lock();
                while self.due(next, interval) <= now
                    && let Some(waker) = waiting.pop_front()
                {
                    waker.wake();
                    next += 1;
                }
            }
            let due = Duration::from_nanos(self.due(next, interval).saturating_sub(now));
            let left = Duration::from_nanos(self.end.load(Relaxed).saturating_sub(now));
            timer.sleep(due.max(GRAIN).min(LOOK).min(left)).await?;
        }
        Ok(())
    }

    /// After the end: how long each request that was due and not taken had waited by then.
    pub(super) fn unsent(&self) -> impl Iterator<Item = u64> + '_ {
        let end = self.end.load(Relaxed);
        let first = self.taken.load(Relaxed);
        self.interval.into_iter().flat_map(move |interval| {
            (first..)
                .map(move |nth| self.due(nth, interval))
                .take_while(move |due| *due < end)
                .map(move |due| end - due)
        })
    }
}

/// Nanoseconds of a duration, at most 584 years.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::{Clock, FakeClock};

    fn schedule(pace: Pace) -> (std::sync::Arc<FakeClock>, Schedule) {
        let clock = FakeClock::at(jiff::Timestamp::UNIX_EPOCH);
        clock.advance(Duration::from_secs(7));
        let schedule = Schedule::new(pace, Duration::from_secs(1), clock.clone());
        (clock, schedule)
    }

    fn next(schedule: &Schedule) -> Poll<Option<u64>> {
        schedule.poll_next(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn what_was_held_up_keeps_its_intended_time() {
        let (clock, schedule) = schedule(Pace::Rate(1_000.0));
        let start = clock.monotonic();
        assert_eq!(next(&schedule), Poll::Ready(Some(start)));
        assert_eq!(next(&schedule), Poll::Pending, "nothing is sent before its time");
        clock.advance(Duration::from_millis(3));
        let taken: Vec<_> = std::iter::repeat_with(|| next(&schedule)).take_while(Poll::is_ready).collect();
        let wanted = [1, 2, 3].map(|ms| Poll::Ready(Some(start + ms * 1_000_000)));
        assert_eq!(taken, wanted, "the backlog waits and is not skipped");
    }

    #[test]
    fn the_end_leaves_the_rest_unsent_and_tells_how_long_it_waited() {
        let (clock, schedule) = schedule(Pace::Rate(4.0));
        assert!(next(&schedule).is_ready());
        clock.advance(Duration::from_secs(2));
        assert_eq!(next(&schedule), Poll::Ready(None));
        assert!(schedule.is_over());
        assert_eq!(schedule.unsent().collect::<Vec<_>>(), [750_000_000, 500_000_000, 250_000_000]);
        assert_eq!(schedule.elapsed(), Duration::from_secs(1));
    }

    /// Comes to its end after it was looked at for the first time.
    #[derive(Debug)]
    struct Passing {
        looks: AtomicU64,
    }

    impl Clock for Passing {
        fn now(&self) -> jiff::Timestamp {
            jiff::Timestamp::UNIX_EPOCH
        }

        fn monotonic(&self) -> u64 {
            match self.looks.fetch_add(1, Relaxed) {
                // The start, and the first look.
                0 | 1 => 0,
                _ => nanos(Duration::from_secs(1)),
            }
        }
    }

    #[test]
    fn who_begins_to_wait_at_the_end_sees_it() {
        let clock = std::sync::Arc::new(Passing { looks: AtomicU64::new(0) });
        let schedule = Schedule::new(Pace::Rate(4.0), Duration::from_secs(1), clock);
        schedule.taken.store(1, Relaxed);
        // Between the look and the lock, another thread may have woken everybody for the last time.
        assert_eq!(next(&schedule), Poll::Ready(None));
        assert!(schedule.waiting.lock().is_empty());
    }

    /// Counts how often it is woken.
    struct Sleeper {
        woken: AtomicU64,
    }

    impl std::task::Wake for Sleeper {
        fn wake(self: std::sync::Arc<Self>) {
            self.woken.fetch_add(1, Relaxed);
        }
    }

    #[tokio::test]
    async fn without_a_timer_it_ends_and_nobody_is_left_waiting() {
        let (_clock, schedule) = schedule(Pace::Rate(4.0));
        assert!(next(&schedule).is_ready());
        let sleeper = std::sync::Arc::new(Sleeper { woken: AtomicU64::new(0) });
        let waker = Waker::from(sleeper.clone());
        let mut context = Context::from_waker(&waker);
        assert_eq!(schedule.poll_next(&mut context), Poll::Pending);
        let failed = schedule.run_by(Err(io::ErrorKind::Other.into()), 0.25e9).await;
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::Other);
        assert_eq!(sleeper.woken.load(Relaxed), 1);
        assert_eq!(schedule.poll_next(&mut context), Poll::Ready(None));
    }

    #[test]
    fn a_stop_ends_it_early() {
        let (clock, schedule) = schedule(Pace::Rate(4.0));
        clock.advance(Duration::from_millis(300));
        schedule.stop();
        assert_eq!(next(&schedule), Poll::Ready(None));
        assert_eq!(schedule.unsent().collect::<Vec<_>>(), [300_000_000, 50_000_000]);
        clock.advance(Duration::from_millis(300));
        assert_eq!(schedule.elapsed(), Duration::from_millis(300));
    }

    #[test]
    fn as_fast_as_answers_come_is_always_due() {
        let (clock, schedule) = schedule(Pace::Max);
        for _ in 0..3 {
            assert_eq!(next(&schedule), Poll::Ready(Some(clock.monotonic())));
        }
        assert_eq!(schedule.unsent().count(), 0);
    }
}
