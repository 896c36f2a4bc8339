//! What is sent: the same events to everybody, as a JSON array or as InfluxDB's lines, and contacts.
//!
//! Everything is made from a running number, so that two senders never make the same id, and written digit by digit: the generator
//! must not be what is measured.

use jiff::Timestamp;

/// Users that events are spread over.
pub const USERS: u64 = 100_000;

/// Contacts that are sent again and again: more than are ever on their way at once.
pub const POOL: u64 = 20_000;

/// What one request holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing: `GET /health/live`.
    Ping,
    /// Events that were never sent before.
    Events,
    /// The same events as lines of InfluxDB's protocol.
    Lines,
    /// Contacts that were never sent before.
    NewContacts,
    /// Contacts of the pool, always the same.
    SameContacts,
    /// Contacts of the pool, another value in each round.
    ChangedContacts,
}

/// Writes items.
#[derive(Debug, Clone)]
pub struct Writer {
    kind: Kind,
    items: u64,
    /// Set apart whatever another run of the program sent.
    run: u32,
    /// The date of the events, up to the seconds.
    date: String,
    /// Nanoseconds of the first line.
    began: u64,
}

impl Writer {
    /// Writes `items` of a kind per request; `now` is the date of all of them.
    pub fn new(kind: Kind, items: u64, now: Timestamp) -> Self {
        let date = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let began = u64::try_from(now.as_nanosecond()).unwrap_or(0);
        Self { kind, items, run: std::process::id(), date, began }
    }

    /// What it writes.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Items of one request; a ping counts as one.
    pub fn items(&self) -> u64 {
        self.items
    }

    /// Appends the body of the request whose first item has the number `first`.
    pub fn body(&self, first: u64, out: &mut Vec<u8>) {
        let numbers = first..first + self.items;
        match self.kind {
            Kind::Ping => {}
            Kind::Lines => numbers.for_each(|n| self.line(n, out)),
            kind => {
                out.push(b'[');
                for n in numbers {
                    if n > first {
                        out.push(b',');
                    }
                    match kind {
                        Kind::Events => self.event(n, out),
                        Kind::NewContacts => contact(n, Some(self.run), 0, out),
                        Kind::ChangedContacts => contact(n % POOL, None, n / POOL, out),
                        _ => contact(n % POOL, None, 0, out),
                    }
                }
                out.push(b']');
            }
        }
    }

    fn event(&self, n: u64, out: &mut Vec<u8>) {
        text(out, r#"{"_user_id":"user-"#);
        decimal(out, user_of(n), 8);
        text(out, r#"","_event_id":"e-"#);
        hexadecimal(out, u64::from(self.run), 8);
        text(out, "-");
        hexadecimal(out, n, 12);
        text(out, r#"","_event_type":"purchase","_event_date":""#);
        text(out, &self.date);
        text(out, ".");
        decimal(out, n % 1_000, 3);
        text(out, r#"Z","_event_parameters":{"order_id":""#);
        decimal(out, n, 10);
        text(out, r#"","amount":""#);
        decimal(out, 10 + n % 90, 2);
        text(out, r#".50","currency":"EUR","channel":"web"}}"#);
    }

    /// The type as a tag, the rest as fields; the time tells points of one series apart, so each has its own nanosecond.
    fn line(&self, n: u64, out: &mut Vec<u8>) {
        text(out, r#"event,type=purchase user_id="user-"#);
        decimal(out, user_of(n), 8);
        text(out, r#"",event_id="e-"#);
        hexadecimal(out, u64::from(self.run), 8);
        text(out, "-");
        hexadecimal(out, n, 12);
        text(out, r#"",order_id=""#);
        decimal(out, n, 10);
        text(out, r#"",amount=""#);
        decimal(out, 10 + n % 90, 2);
        text(out, r#".50",currency="EUR",channel="web" "#);
        decimal(out, self.began + n, 19);
        text(out, "\n");
    }
}

/// The user of an event: any order but the one of the numbers.
fn user_of(n: u64) -> u64 {
    n.wrapping_mul(2_654_435_761) % USERS
}

/// A contact; `run` sets new ones apart from those of the pool, which are the users of events.
fn contact(n: u64, run: Option<u32>, generation: u64, out: &mut Vec<u8>) {
    text(out, r#"{"_user_id":"user-"#);
    let person = |out: &mut Vec<u8>| {
        if let Some(run) = run {
            hexadecimal(out, u64::from(run), 8);
            text(out, "-");
        }
        decimal(out, n, 8);
    };
    person(out);
    text(out, r#"","_email":"user-"#);
    person(out);
    text(out, r#"@example.org","_first_name":"Ada","_last_name":"Lovelace","_city":"Madrid "#);
    decimal(out, generation, 6);
    text(out, r#""}"#);
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// The last `width` digits, with zeros in front.
fn decimal(out: &mut Vec<u8>, mut number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    for digit in digits[..width].iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits[..width]);
}

fn hexadecimal(out: &mut Vec<u8>, mut number: u64, width: usize) {
    let mut digits = [0; 16];
    for digit in digits[..width].iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number % 16) as usize];
        number /= 16;
    }
    out.extend_from_slice(&digits[..width]);
}
