//! What one serving thread keeps to itself, so that it shares as little as can be with the others: handles on the metrics,
//! and random characters for request ids.

use std::{cell::RefCell, rc::Rc, time::Duration};

use actix_web::http::{StatusCode, header::HeaderValue};

use super::{places, state::State};
use crate::{
    domain::{clock::Entropy, ids::random_base62},
    telemetry::{Counter, Histogram},
};

/// Characters of a request id: 131 random bits.
const ID_CHARS: usize = 22;

/// Request ids whose characters are drawn at once: the operating system is asked seldom.
const IDS_AT_ONCE: usize = 128;

/// A route as the metrics call it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label {
    place: usize,
    pub(super) name: &'static str,
}

impl Label {
    /// That of a place; one for all paths that no route has.
    pub(super) fn of(place: Option<&'static places::Place>) -> Self {
        match place {
            Some(place) => Self { place: place.number, name: place.pattern },
            None => Self { place: places::count(), name: "unmatched" },
        }
    }

    /// That of the metrics themselves.
    pub(super) fn metrics() -> Self {
        Self { place: places::count() + 1, name: "/metrics" }
    }
}

/// One serving thread.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) state: State,
    counts: RefCell<Vec<Counts>>,
    /// Characters that no id has used yet.
    characters: RefCell<String>,
}

/// The metrics of one route, as far as they were needed.
#[derive(Debug, Default)]
struct Counts {
    requests: Vec<(&'static str, StatusCode, metrics::Counter)>,
    seconds: Option<metrics::Histogram>,
}

impl Worker {
    pub(super) fn new(state: State) -> Rc<Self> {
        let labels = Label::metrics().place + 1;
        let counts = (0..labels).map(|_| Counts::default()).collect();
        Rc::new(Self { state, counts: RefCell::new(counts), characters: RefCell::default() })
    }

    /// Counts an answer. A handle is looked up once: the registry's own look-up would cost more than the count.
    pub(super) fn count(&self, label: Label, method: &'static str, status: StatusCode, elapsed: Duration) {
        let mut all = self.counts.borrow_mut();
        let Some(counts) = all.get_mut(label.place) else { return };
        let known = counts.requests.iter().find(|known| known.0 == method && known.1 == status);
        match known {
            Some((_, _, requests)) => requests.increment(1),
            None => {
                let labels = [
                    ("route", label.name.to_owned()),
                    ("method", method.to_owned()),
                    ("status", status.as_str().to_owned()),
                ];
                let requests = metrics::counter!(Counter::Requests.name(), &labels);
                requests.increment(1);
                counts.requests.push((method, status, requests));
            }
        }
        let seconds = counts.seconds.get_or_insert_with(
            || metrics::histogram!(Histogram::RequestSeconds.name(), "route" => label.name),
        );
        seconds.record(elapsed.as_secs_f64());
    }

    /// Draws a request id.
    pub(super) fn draw_id(&self) -> HeaderValue {
        let mut characters = self.characters.borrow_mut();
        if characters.len() < ID_CHARS {
            let entropy: &dyn Entropy = self.state.entropy.as_ref();
            match random_base62(entropy, ID_CHARS * IDS_AT_ONCE) {
                Ok(drawn) => *characters = drawn,
                Err(_) => return HeaderValue::from_static("unavailable"),
            }
        }
        let rest = characters.len() - ID_CHARS;
        let id = HeaderValue::from_str(&characters[rest..]);
        characters.truncate(rest);
        // Digits and letters always make a header.
        id.unwrap_or_else(|_| HeaderValue::from_static("unavailable"))
    }
}
