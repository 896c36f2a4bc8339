//! Load: several senders that write an id down only after its 202.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use serde_json::Value;
use tokio::task::JoinSet;

use crate::inlet::{Inlet, event};

/// What the senders saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Ids of events that were acknowledged.
    pub acknowledged: Vec<String>,
    /// Statuses other than 202.
    pub statuses: Vec<u16>,
    /// Requests without an answer, because the server was not there or had begun to turn newcomers away.
    pub refused: usize,
    /// Requests that were taken and got no answer although nobody had been turned away yet.
    pub dropped: usize,
    /// Answers that began and broke off.
    pub broken: usize,
}

/// Senders at work.
#[derive(Debug)]
pub struct Pushers {
    seen: Arc<Mutex<Seen>>,
    acknowledged: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
}

impl Pushers {
    /// Starts `senders`; every other one sends batches. Ids begin with `prefix`.
    pub fn start(inlet: &Inlet, senders: usize, prefix: &str) -> Self {
        let mut pushers = Self {
            seen: Arc::default(),
            acknowledged: Arc::default(),
            stop: Arc::default(),
            tasks: JoinSet::new(),
        };
        for sender in 0..senders {
            let size = if sender % 2 == 0 { 1 } else { 20 };
            let name = format!("{prefix}-{sender}");
            let (seen, count, stop) =
                (pushers.seen.clone(), pushers.acknowledged.clone(), pushers.stop.clone());
            let inlet = Inlet { http: reqwest::Client::new(), ..inlet.clone() };
            pushers.tasks.spawn(async move {
                for round in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let ids: Vec<String> = (0..size).map(|at| format!("{name}-{round}-{at}")).collect();
                    if push(&inlet, &seen, ids).await {
                        count.fetch_add(size, Ordering::Relaxed);
                    } else {
                        // A refused connection comes back at once; there is no use in asking in a circle.
                        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                    }
                }
            });
        }
        pushers
    }

    /// Waits until so many events were acknowledged.
    pub async fn acknowledged(&self, events: usize) {
        crate::home::until("events are acknowledged", crate::home::PATIENCE, async || {
            self.acknowledged.load(Ordering::Relaxed) >= events
        })
        .await;
    }

    /// The ids that were acknowledged so far.
    pub fn so_far(&self) -> Vec<String> {
        self.seen.lock().unwrap().acknowledged.clone()
    }

    /// Ends the senders after the request that each is at, and tells what they saw.
    pub async fn stop(mut self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

/// Pushes one batch and writes down what came of it; whether it was acknowledged.
async fn push(inlet: &Inlet, seen: &Mutex<Seen>, ids: Vec<String>) -> bool {
    let events: Value = ids.iter().map(|id| event(id)).collect();
    let answer = match inlet.push(&events).await {
        Ok(answer) => answer,
        Err(error) => {
            let mut seen = seen.lock().unwrap();
            let turned_away = error.is_connect() || !seen.statuses.is_empty();
            *(if turned_away { &mut seen.refused } else { &mut seen.dropped }) += 1;
            return false;
        }
    };
    let status = answer.status().as_u16();
    let body = answer.json::<Value>().await;
    let mut seen = seen.lock().unwrap();
    match body {
        Err(_) => seen.broken += 1,
        Ok(_) if status != 202 => seen.statuses.push(status),
        Ok(body) => {
            assert_eq!(body["entitiesSuccess"], ids.len(), "{body}");
            seen.acknowledged.extend(ids);
            return true;
        }
    }
    false
}
