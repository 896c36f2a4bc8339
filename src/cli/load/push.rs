//! The two pushes of the API as a load sends them, and what their answers must say.

use super::{
    answer::{self, Minute, Reader},
    body::{Encoding, Frame},
    counts::Counts,
    expected::Expected,
    items::Series,
    mix::{Share, scatter},
    outcomes::Outcome,
    script::{Answer, Script, Verdict, by_status},
};

/// What to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Events, all with ids of their own.
    Events,
    /// Contacts that are not there yet.
    NewContacts,
    /// Contacts that are there, as they are. Each connection has so many, numbered from 0; [`Push::prime`] makes them.
    UnchangedContacts(u64),
    /// The same with one attribute changed.
    UpdatedContacts(u64),
}

/// What every connection of a run sends alike.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Head of the request, from [`Frame::push`].
    pub frame: Frame,
    /// What.
    pub kind: Kind,
    /// Items in a request, at least 1.
    pub batch: usize,
    /// Items that were acknowledged before.
    pub duplicates: Share,
    /// Items that the server has to refuse.
    pub invalid: Share,
    /// Names the run: begins the id of every item.
    pub run: String,
    /// When the run began, RFC 3339.
    pub date: String,
    /// How answers are read.
    pub reading: Reading,
}

/// How answers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// By their status alone, for servers that answer otherwise.
    Status,
    /// Outcomes are counted.
    Outcomes,
    /// Besides, the ids of what was stored are hashed and summed for an audit.
    Audit,
}

/// An item of the request in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    New(u64),
    Again(u64),
    Broken,
}

/// How many acknowledged items are remembered, to be sent again.
const REMEMBERED: usize = 256;

/// One connection's pushes.
#[derive(Debug)]
pub struct Push {
    recipe: Recipe,
    series: Series,
    encoding: Encoding,
    reader: Reader,
    next: u64,
    /// Where it ends by itself.
    end: u64,
    items: Vec<Item>,
    outcomes: Vec<Outcome>,
    /// Items that were acknowledged, the latest overwriting the oldest.
    acknowledged: Vec<u64>,
    acknowledgements: usize,
    /// An attempt at the request in flight may have been carried out.
    unsure: bool,
    id: Vec<u8>,
    /// What is to be found stored.
    pub expected: Expected,
}

impl Push {
    /// The pushes of the connection with this number.
    pub fn new(recipe: &Recipe, connection: usize) -> Self {
        let series = Series {
            prefix: format!("{}-{connection}-", recipe.run),
            salt: scatter(connection as u64),
            date: recipe.date.clone(),
        };
        Self {
            recipe: recipe.clone(),
            series,
            encoding: Encoding::of(&recipe.frame),
            reader: Reader::new(),
            next: 0,
            end: u64::MAX,
            items: Vec::new(),
            outcomes: Vec::new(),
            acknowledged: Vec::new(),
            acknowledgements: 0,
            unsure: false,
            id: Vec::new(),
            expected: Expected::default(),
        }
    }

    /// Makes the contacts that [`Kind::UnchangedContacts`] and [`Kind::UpdatedContacts`] need, and ends.
    pub fn prime(recipe: &Recipe, connection: usize) -> Self {
        let end = match recipe.kind {
            Kind::UnchangedContacts(each) | Kind::UpdatedContacts(each) => each,
            Kind::Events | Kind::NewContacts => 0,
        };
        let none = Share::default();
        let recipe =
            Recipe { kind: Kind::NewContacts, batch: 100, duplicates: none, invalid: none, ..recipe.clone() };
        Self { end, ..Self::new(&recipe, connection) }
    }

    /// The next item.
    fn choose(&mut self) -> Item {
        let number = self.next;
        self.next += 1;
        // Another draw than that of its content.
        let drawn = scatter(self.series.draw(number));
        let Recipe { duplicates, invalid, .. } = self.recipe;
        if invalid.holds(drawn, Share::default()) {
            return Item::Broken;
        }
        if duplicates.holds(drawn, invalid) && !self.acknowledged.is_empty() {
            let which = usize::try_from(drawn % self.acknowledged.len() as u64).unwrap_or(0);
            return Item::Again(self.acknowledged[which]);
        }
        Item::New(number)
    }

    fn write(&self, item: Item, number: u64, body: &mut Vec<u8>) {
        let (number, broken) = match item {
            Item::New(number) | Item::Again(number) => (number, false),
            Item::Broken => (number, true),
        };
        match self.recipe.kind {
            Kind::Events => self.series.event(body, number, broken),
            Kind::NewContacts => self.series.contact(body, number, 0, broken),
            Kind::UnchangedContacts(each) => self.series.contact(body, number % each.max(1), 0, broken),
            Kind::UpdatedContacts(each) => {
                self.series.contact(body, number % each.max(1), 1 + number / each.max(1), broken);
            }
        }
    }

    /// The number in the id of an item.
    fn named(&self, number: u64) -> u64 {
        match self.recipe.kind {
            Kind::Events | Kind::NewContacts => number,
            Kind::UnchangedContacts(each) | Kind::UpdatedContacts(each) => number % each.max(1),
        }
    }

    fn remember(&mut self, number: u64) {
        if self.recipe.duplicates == Share::default() {
            return;
        }
        let at = self.acknowledgements % REMEMBERED;
        self.acknowledgements += 1;
        match self.acknowledged.get_mut(at) {
            Some(oldest) => *oldest = number,
            None => self.acknowledged.push(number),
        }
    }

    /// Holds what became of the items against what they were, and sums what is stored now.
    fn settle(&mut self, minute: Option<Minute>) {
        let (items, outcomes) = (std::mem::take(&mut self.items), std::mem::take(&mut self.outcomes));
        for (item, outcome) in items.iter().zip(&outcomes) {
            self.settle_one(*item, *outcome, minute);
        }
        (self.items, self.outcomes) = (items, outcomes);
        self.expected.latest = self.expected.latest.max(minute);
    }

    fn settle_one(&mut self, item: Item, outcome: Outcome, minute: Option<Minute>) {
        use Outcome::{Created, Duplicate, Invalid, Stored, Unchanged, Updated};
        let is_new = !matches!(self.recipe.kind, Kind::UnchangedContacts(_));
        match (item, outcome) {
            (Item::New(number), Stored | Created | Updated) if is_new => {
                self.remember(number);
                self.stored(number, minute);
            }
            // An attempt that had no answer stored it.
            (Item::New(number), Duplicate | Unchanged) if is_new && self.unsure => {
                self.remember(number);
                self.stored(number, None);
            }
            (Item::New(_), Unchanged) if !is_new => {}
            (Item::Again(_), Duplicate | Unchanged) | (Item::Broken | Item::New(_), Invalid) => {}
            (item, outcome) => {
                let what = match item {
                    Item::New(_) if is_new => "an item that was new",
                    Item::New(_) => "a contact that is as it was",
                    Item::Again(_) => "an item that was acknowledged before",
                    Item::Broken => "an item that is invalid",
                };
                self.expected.surprised(|| format!("{what} was answered {}", outcome.as_str()));
                if let (Item::New(number) | Item::Again(number), Stored | Created | Updated) = (item, outcome)
                {
                    self.stored(number, minute);
                }
            }
        }
    }

    fn stored(&mut self, number: u64, minute: Option<Minute>) {
        if self.recipe.reading != Reading::Audit {
            return;
        }
        let number = self.named(number);
        self.id.clear();
        self.series.id(&mut self.id, number);
        let sum = match minute {
            Some(minute) => self.expected.minutes.entry(minute).or_default(),
            None => &mut self.expected.floating,
        };
        sum.note(&String::from_utf8_lossy(&self.id));
    }

    fn never_settled(&mut self) {
        self.expected.unsettled += self.items.len() as u64;
    }
}

impl Script for Push {
    fn render(&mut self, request: &mut Vec<u8>) -> Option<usize> {
        self.unsure = false;
        self.items.clear();
        let mut body = self.encoding.begin(&self.recipe.frame, request);
        while self.items.len() < self.recipe.batch && self.next < self.end {
            let number = self.next;
            let item = self.choose();
            body.push(if self.items.is_empty() { b'[' } else { b',' });
            self.write(item, number, &mut body);
            self.items.push(item);
        }
        body.push(b']');
        self.encoding.end(request, body);
        (!self.items.is_empty()).then_some(self.items.len())
    }

    fn answered(&mut self, answer: &Answer<'_>, counts: &mut Counts) -> Verdict {
        let verdict = match answer.status {
            // A batch without a good item is told item by item, too.
            422 => Verdict::Done,
            503 if memchr::memmem::find(answer.body, b"outcome_unknown").is_some() => Verdict::Unsure,
            408 => Verdict::Refused,
            500..=599 if answer.status != 503 => Verdict::Unsure,
            status => by_status(status),
        };
        if verdict != Verdict::Done || self.recipe.reading == Reading::Status {
            if verdict == Verdict::Failed && self.unsure {
                self.never_settled();
            }
            return verdict;
        }
        let mut outcomes = std::mem::take(&mut self.outcomes);
        let told = self.reader.outcomes(answer.body, self.items.len(), &mut outcomes);
        self.outcomes = outcomes;
        if !told {
            self.expected.surprised(|| {
                format!("an answer with status {} does not tell what became of its items", answer.status)
            });
            self.never_settled();
            return Verdict::Failed;
        }
        for outcome in &self.outcomes {
            counts.outcomes.note(*outcome);
        }
        let minute = if self.recipe.reading == Reading::Audit { answer::minute(answer.body) } else { None };
        let wanted = answer.status != 422 || self.items.iter().all(|item| *item == Item::Broken);
        self.settle(minute);
        if wanted { Verdict::Done } else { Verdict::Failed }
    }

    fn unsure(&mut self) {
        self.unsure = true;
    }

    fn given_up(&mut self, unsure: bool) {
        if unsure {
            self.never_settled();
        }
    }
}
