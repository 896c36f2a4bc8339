//! What is sent and how the answers are read: the part of a load that differs from one server to the next.

use std::time::Duration;

use super::counts::Counts;

/// What one connection sends, request after request, and what it makes of the answers.
///
/// A connection has one request in flight; its script is told of the fate of each before it is asked for the next.
pub trait Script: Send + 'static {
    /// Appends the next request to an empty buffer, head and body, and tells how many items it carries; `None` when there is
    /// nothing left to send. The same bytes are sent again where an attempt came to nothing.
    fn render(&mut self, request: &mut Vec<u8>) -> Option<usize>;

    /// Reads the answer to the request that was rendered last, and counts what became of its items.
    fn answered(&mut self, answer: &Answer<'_>, counts: &mut Counts) -> Verdict;

    /// An attempt ended without an answer, or with one that cannot tell: the request may have been carried out. It is sent
    /// again, so the next answer may speak of what this attempt did.
    fn unsure(&mut self) {}

    /// The request that was rendered last is given up. `unsure` tells whether one of its attempts may have been carried out.
    fn given_up(&mut self, unsure: bool) {
        let _ = unsure;
    }
}

/// An answer, borrowed from the buffer of its connection.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The body, without its framing.
    pub body: &'a [u8],
    /// What `Retry-After` says, where it names seconds.
    pub retry_after: Option<Duration>,
}

/// What an answer means for its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Carried out.
    Done,
    /// Carried out or not, but not to be sent again: it failed for good.
    Failed,
    /// Not carried out; it may be sent again after `Retry-After`.
    Refused,
    /// Carried out or not, nobody knows; it is sent again after `Retry-After`.
    Unsure,
}

/// One request over and over, every answer of the class 2xx being a success: a bare ping, or any server that takes a fixed body.
#[derive(Debug, Clone)]
pub struct Fixed {
    request: Vec<u8>,
    items: usize,
}

impl Fixed {
    /// `request` is sent as it is, head and body; `items` is what it counts for.
    pub fn new(request: Vec<u8>, items: usize) -> Self {
        Self { request, items }
    }
}

impl Script for Fixed {
    fn render(&mut self, request: &mut Vec<u8>) -> Option<usize> {
        request.extend_from_slice(&self.request);
        Some(self.items)
    }

    fn answered(&mut self, answer: &Answer<'_>, _counts: &mut Counts) -> Verdict {
        by_status(answer.status)
    }
}

/// What a status alone says: 2xx is done, 429 and 503 are refused, anything else has failed.
pub fn by_status(status: u16) -> Verdict {
    match status {
        200..300 => Verdict::Done,
        429 | 503 => Verdict::Refused,
        _ => Verdict::Failed,
    }
}
