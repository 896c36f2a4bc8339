//! How far an endpoint is: up to where everything is settled, whatever was fetched or came back out of order behind that.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::domain::cursor::Cursor;

/// The items between what is settled without a gap and what was fetched.
#[derive(Debug)]
pub(super) struct Track {
    open: VecDeque<Open>,
    /// Everything up to here is settled.
    settled: Cursor,
    /// Everything up to here was fetched.
    fetched: Cursor,
}

#[derive(Debug)]
struct Open {
    cursor: Cursor,
    received_at: Timestamp,
    settled: bool,
}

impl Track {
    /// One that begins behind this place.
    pub(super) fn from(position: Cursor) -> Self {
        Self { open: VecDeque::new(), settled: position, fetched: position }
    }

    /// Notes an item that was fetched; they come in their order.
    pub(super) fn fetch(&mut self, cursor: Cursor, received_at: Timestamp) {
        self.open.push_back(Open { cursor, received_at, settled: false });
        self.fetched = cursor;
    }

    /// Notes up to where there is nothing more.
    pub(super) fn pass(&mut self, to: Cursor) {
        self.fetched = self.fetched.max(to);
        self.close();
    }

    /// Forgets the items from this one on, none of which is settled: they are fetched again.
    pub(super) fn give_back(&mut self, from: Cursor) {
        while self.open.back().is_some_and(|last| last.cursor >= from) {
            self.open.pop_back();
        }
        self.fetched = self.open.back().map_or(self.settled, |last| last.cursor);
        self.close();
    }

    /// Notes that an item was delivered, is kept to be sent again, or was given up.
    pub(super) fn settle(&mut self, cursor: Cursor) {
        if let Ok(place) = self.open.binary_search_by_key(&cursor, |open| open.cursor) {
            self.open[place].settled = true;
        }
        self.close();
    }

    fn close(&mut self) {
        while let Some(first) = self.open.front().filter(|first| first.settled) {
            self.settled = first.cursor;
            self.open.pop_front();
        }
        if self.open.is_empty() {
            self.settled = self.fetched;
        }
    }

    /// Everything up to here is settled: what is written down, and where another node would go on.
    pub(super) const fn position(&self) -> Cursor {
        self.settled
    }

    /// Where to fetch on.
    pub(super) const fn fetched(&self) -> Cursor {
        self.fetched
    }

    /// Items that keep the position back, or lie behind one that does.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// When the item came in that keeps the position back.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.open.front().map(|first| first.received_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(id: u64) -> Cursor {
        Cursor { epoch: 1, tx: 7, id }
    }

    #[test]
    fn the_position_stays_before_the_first_that_is_not_settled() {
        let mut track = Track::from(at(0));
        for id in [2, 4, 6] {
            track.fetch(at(id), Timestamp::UNIX_EPOCH);
        }
        track.pass(at(9));
        assert_eq!((track.position(), track.fetched(), track.open()), (at(0), at(9), 3));
        track.settle(at(4));
        assert_eq!(track.position(), at(0));
        track.settle(at(2));
        assert_eq!((track.position(), track.open()), (at(4), 1));
        assert!(track.oldest().is_some());
        track.settle(at(6));
        assert_eq!((track.position(), track.open(), track.oldest()), (at(9), 0, None));
    }

    #[test]
    fn what_is_given_back_is_fetched_again_and_nothing_before_it() {
        let mut track = Track::from(at(0));
        for id in [2, 4, 6, 8] {
            track.fetch(at(id), Timestamp::UNIX_EPOCH);
        }
        track.pass(at(9));
        track.settle(at(4));
        track.give_back(at(6));
        assert_eq!((track.position(), track.fetched(), track.open()), (at(0), at(4), 2));
        track.settle(at(2));
        assert_eq!((track.position(), track.fetched(), track.open()), (at(4), at(4), 0));
        track.fetch(at(6), Timestamp::UNIX_EPOCH);
        track.give_back(at(6));
        assert_eq!((track.position(), track.fetched(), track.open()), (at(4), at(4), 0));
    }

    #[test]
    fn what_nobody_wants_moves_it_on_and_nothing_moves_it_back() {
        let mut track = Track::from(at(3));
        track.pass(at(8));
        assert_eq!(track.position(), at(8));
        track.pass(at(5));
        track.settle(at(1));
        assert_eq!((track.position(), track.fetched()), (at(8), at(8)));
    }
}
