//! The items of a load as JSON. Each is made from its number alone, so that it can be sent again with the same content.

use super::mix::scatter;

/// Users that events are spread over.
const USERS: u64 = 100_000;

/// What all items of a connection have in common.
#[derive(Debug, Clone)]
pub(super) struct Series {
    /// Begins every id: the run and the connection, unlike those of any other run.
    pub(super) prefix: String,
    /// What its numbers are scattered by, so that connections do not send alike.
    pub(super) salt: u64,
    /// When the run began, RFC 3339; the date of its events.
    pub(super) date: String,
}

/// A word for each of a few things, drawn by number.
fn one_of<'a>(words: &[&'a str], drawn: u64) -> &'a [u8] {
    words[usize::try_from(drawn % words.len() as u64).unwrap_or(0)].as_bytes()
}

const CURRENCIES: [&str; 4] = ["EUR", "USD", "GBP", "JPY"];
const CHANNELS: [&str; 4] = ["web", "app", "store", "phone"];
const NAMES: [&str; 8] = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Radia", "Tony"];
const CITIES: [&str; 8] = ["Vienna", "Porto", "Turin", "Ghent", "Malmo", "Lyon", "Graz", "Cork"];
const COUNTRIES: [&str; 4] = ["AT", "PT", "IT", "BE"];
const TIERS: [&str; 3] = ["bronze", "silver", "gold"];

impl Series {
    /// A number that looks drawn, the same for the same item.
    pub(super) fn draw(&self, number: u64) -> u64 {
        scatter(number ^ self.salt)
    }

    /// The id of an event or a contact.
    pub(super) fn id(&self, out: &mut Vec<u8>, number: u64) {
        out.extend_from_slice(self.prefix.as_bytes());
        decimal(out, number);
    }

    /// A purchase of about 250 bytes. A broken one has an empty user, which the server refuses.
    pub(super) fn event(&self, out: &mut Vec<u8>, number: u64, broken: bool) {
        let drawn = self.draw(number);
        out.extend_from_slice(b"{\"_user_id\":\"");
        if !broken {
            out.extend_from_slice(b"user-");
            decimal(out, drawn % USERS);
        }
        out.extend_from_slice(b"\",\"_event_id\":\"");
        self.id(out, number);
        out.extend_from_slice(b"\",\"_event_type\":\"purchase\",\"_event_date\":\"");
        out.extend_from_slice(self.date.as_bytes());
        out.extend_from_slice(b"\",\"_event_parameters\":{\"order_id\":\"order-");
        decimal(out, drawn >> 32);
        out.extend_from_slice(b"\",\"amount\":\"");
        decimal(out, 1 + (drawn >> 20) % 400);
        out.extend_from_slice(b".95\",\"currency\":\"");
        out.extend_from_slice(one_of(&CURRENCIES, drawn >> 8));
        out.extend_from_slice(b"\",\"sku\":[\"sku-");
        decimal(out, (drawn >> 12) % 5_000);
        out.extend_from_slice(b"\",\"sku-");
        decimal(out, (drawn >> 28) % 5_000);
        out.extend_from_slice(b"\"],\"channel\":\"");
        out.extend_from_slice(one_of(&CHANNELS, drawn >> 16));
        out.extend_from_slice(b"\",\"gift\":false}}");
    }

    /// A contact of about 250 bytes. A broken one has an address that the server refuses.
    pub(super) fn contact(&self, out: &mut Vec<u8>, number: u64, version: u64, broken: bool) {
        let drawn = self.draw(number);
        out.extend_from_slice(b"{\"_user_id\":\"");
        self.id(out, number);
        out.extend_from_slice(b"\",\"_email\":\"");
        self.id(out, number);
        out.extend_from_slice(if broken { b"".as_slice() } else { b"@example.com".as_slice() });
        out.extend_from_slice(b"\",\"_first_name\":\"");
        out.extend_from_slice(one_of(&NAMES, drawn));
        out.extend_from_slice(b"\",\"_last_name\":\"Family-");
        decimal(out, (drawn >> 20) % 10_000);
        out.extend_from_slice(b"\",\"_city\":\"");
        out.extend_from_slice(one_of(&CITIES, drawn >> 8));
        out.extend_from_slice(b"\",\"_country\":\"");
        out.extend_from_slice(one_of(&COUNTRIES, drawn >> 8));
        out.extend_from_slice(b"\",\"_loyalty_tier\":\"");
        out.extend_from_slice(one_of(&TIERS, drawn >> 16));
        out.extend_from_slice(b"\",\"_consent_email\":true,\"_segments\":[\"newsletter\",\"segment-");
        decimal(out, (drawn >> 12) % 50);
        out.extend_from_slice(b"\"],\"_loyalty_points\":");
        decimal(out, version);
        out.push(b'}');
    }
}

/// Appends a number in decimal digits.
pub(super) fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        // A remainder below ten.
        digits[at] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series() -> Series {
        Series { prefix: "k3f9x2a1-12-".into(), salt: 12, date: "2026-11-26T05:00:00Z".into() }
    }

    fn json(render: impl FnOnce(&mut Vec<u8>)) -> (usize, serde_json::Value) {
        let mut out = Vec::new();
        render(&mut out);
        (out.len(), serde_json::from_slice(&out).unwrap())
    }

    #[test]
    fn items_are_json_of_a_usual_size_and_depend_on_their_number() {
        for number in [0, 7, 123_456, u64::MAX] {
            let (length, event) = json(|out| series().event(out, number, false));
            assert!((220..330).contains(&length), "{length}");
            assert_eq!(event["_event_id"], format!("k3f9x2a1-12-{number}"));
            assert_eq!(event, json(|out| series().event(out, number, false)).1);
            let (length, contact) = json(|out| series().contact(out, number, 5, false));
            assert!((220..330).contains(&length), "{length}");
            assert_eq!(contact["_user_id"], format!("k3f9x2a1-12-{number}"));
            assert_eq!(contact["_loyalty_points"], 5);
        }
        assert_ne!(json(|out| series().event(out, 1, false)), json(|out| series().event(out, 2, false)));
        assert_eq!(json(|out| series().event(out, 1, true)).1["_user_id"], "");
    }

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 9, 10, 12_345, u64::MAX] {
            let mut out = Vec::new();
            decimal(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }
}
