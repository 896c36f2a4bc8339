//! A limit on waiting that costs nothing where it is not reached: the timer is not set anew for each request, only when it fires.

use std::{
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

/// How long one connection waits for an answer.
#[derive(Debug)]
pub(super) struct Patience {
    limit: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, timer: Box::pin(sleep(limit)) }
    }

    /// What the future gives, or `None` when it took longer than the limit.
    pub(super) async fn hold<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let deadline = Instant::now() + self.limit;
        let mut future = pin!(future);
        std::future::poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            while self.timer.as_mut().poll(context).is_ready() {
                if self.timer.deadline() >= deadline {
                    return Poll::Ready(None);
                }
                // It was set for an earlier request.
                self.timer.as_mut().reset(deadline);
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_future_has_the_whole_limit() {
        let mut patience = Patience::new(Duration::from_secs(10));
        for wait in [9, 9, 1, 9] {
            assert_eq!(patience.hold(sleep(Duration::from_secs(wait))).await, Some(()));
        }
        let begun = Instant::now();
        assert_eq!(patience.hold(std::future::pending::<()>()).await, None);
        assert_eq!(begun.elapsed(), Duration::from_secs(10));
        assert_eq!(patience.hold(sleep(Duration::from_secs(9))).await, Some(()));
    }
}
