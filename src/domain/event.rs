//! An event: something that happened to a contact. Append-only and immutable once stored.

use std::{borrow::Cow, collections::HashMap, ops::Range};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{
    batch::{Draft, Rules, identifier, value_of},
    canon::canonical_into,
    catalogue::nearest,
    claim::first,
    date::event_date,
    json::{Member, duplicate, members, quote_into, unquote},
    rejection::{Fault, Faults, Rejection, Rule},
    spec::EventSpec,
    value::{Shape, normalise_into},
};

/// The members of an event's envelope.
const MEMBERS: [&str; 5] = ["_user_id", "_event_id", "_event_type", "_event_date", "_event_parameters"];

/// An event that is fit to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDraft {
    /// The contact it happened to, 1 to 255 bytes, which need not exist; empty for one of [`NobodysEvent`].
    pub user_id: String,
    /// Its name inside the datasource, 1 to 255 bytes.
    pub event_id: String,
    /// Its type, 1 to 128 bytes.
    pub event_type: String,
    /// When it happened, to the microsecond; the server's time where the client gave none.
    pub occurred_at: Timestamp,
    /// Whether the client said when it happened.
    pub date_given: bool,
    /// A JSON object: declared parameters in their stored form, others as sent, no name twice.
    pub parameters: String,
    /// What tells a retry from a conflict: the first 16 bytes of SHA-256 over user id, type and canonical parameters.
    pub content: [u8; 16],
}

impl Draft for EventDraft {
    const ID: &'static str = "_event_id";

    fn parse(envelope: &[Member<'_>], rules: &Rules<'_>) -> Result<Self, Rejection> {
        let mut faults = Faults::up_to(rules.caps.faults);
        let user_id = required(envelope, "_user_id", rules.caps.id_bytes, &mut faults);
        judged(user_id, envelope, rules, faults)
    }
}

/// An event that happened to no contact: its `_user_id` is empty. No push can send one; it is made by a door, and is held to every
/// other rule of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NobodysEvent(pub EventDraft);

impl Draft for NobodysEvent {
    const ID: &'static str = EventDraft::ID;

    fn parse(envelope: &[Member<'_>], rules: &Rules<'_>) -> Result<Self, Rejection> {
        let mut faults = Faults::up_to(rules.caps.faults);
        if value_of(envelope, "_user_id").is_some() {
            faults.add(Fault::at(["_user_id"], "is not a member of an event that happened to nobody"));
        }
        judged(String::new(), envelope, rules, faults).map(Self)
    }
}

/// Judges all of an event but the contact that it happened to.
fn judged(
    user_id: String,
    envelope: &[Member<'_>],
    rules: &Rules<'_>,
    mut faults: Faults,
) -> Result<EventDraft, Rejection> {
    let event_id = required(envelope, "_event_id", rules.caps.id_bytes, &mut faults);
    let event_type = required(envelope, "_event_type", rules.caps.type_bytes, &mut faults);
    let date = occurred_at(value_of(envelope, "_event_date"), rules, &mut faults);
    strangers(envelope, &mut faults);
    let spec = rules.catalogue.event(&event_type);
    if rules.strict && spec.is_none() && !event_type.is_empty() {
        faults.add(Fault::at(["_event_type"], undeclared_type(&event_type, rules)));
    }
    let mut parameters = parameters(value_of(envelope, "_event_parameters"), spec, rules, &mut faults);
    faults.verdict()?;
    let content = content(&user_id, &event_type, &mut parameters);
    let occurred_at = date.unwrap_or(rules.now);
    Ok(EventDraft {
        user_id,
        event_id,
        event_type,
        occurred_at,
        date_given: date.is_some(),
        parameters: parameters.text,
        content,
    })
}

/// A required identifier; empty when there is none, and then a fault is noted.
pub(super) fn required(envelope: &[Member<'_>], name: &str, longest: usize, faults: &mut Faults) -> String {
    let read = match value_of(envelope, name) {
        None | Some("null") => Err("is required".to_owned()),
        Some(raw) => identifier(raw, longest),
    };
    match read {
        Ok(text) => text.into_owned(),
        Err(rule) => {
            faults.add(Fault::at([name], rule));
            String::new()
        }
    }
}

/// The client's time of the event. `null` and `""` count as none.
fn occurred_at(raw: Option<&str>, rules: &Rules<'_>, faults: &mut Faults) -> Option<Timestamp> {
    let raw = raw.filter(|raw| *raw != "null" && *raw != "\"\"")?;
    let read = match unquote(raw) {
        Some(text) => event_date(text.trim(), rules.now),
        None => Err("must be a string, such as 2026-11-20T12:00:00Z".into()),
    };
    read.map_err(|rule| faults.add(Fault::at(["_event_date"], rule))).ok()
}

/// Notes the members that an event does not have.
fn strangers(envelope: &[Member<'_>], faults: &mut Faults) {
    for Member { name, .. } in envelope.iter().filter(|member| !MEMBERS.contains(&&*member.name)) {
        if faults.is_full() {
            return;
        }
        let rule = match nearest(name, MEMBERS) {
            Some(known) if name.starts_with('_') => {
                format!("is not a member of an event; did you mean {known}?")
            }
            _ => "is not a member of an event; put it into _event_parameters".to_owned(),
        };
        faults.add(Fault::at([&**name], rule));
    }
}

fn undeclared_type(event_type: &str, rules: &Rules<'_>) -> String {
    match rules.catalogue.nearest_event(event_type) {
        Some(known) => {
            format!("is not in the catalogue, and this datasource is strict; did you mean {known}?")
        }
        None => "is not in the catalogue, and this datasource is strict".to_owned(),
    }
}

/// The parameters as they will be stored. A declared one that is `null`, or `""` where its type has no empty string,
/// counts as absent; of two with the same name the last one counts.
fn parameters<'a>(
    raw: Option<&'a str>,
    spec: Option<&EventSpec>,
    rules: &Rules<'_>,
    faults: &mut Faults,
) -> Object<'a> {
    let raw = match raw {
        None | Some("null" | "\"\"") => "{}",
        Some(raw) if raw.starts_with('{') => raw,
        Some(_) => {
            faults.add(Fault::at(["_event_parameters"], "must be a JSON object"));
            return Object::with_capacity(0, 0);
        }
    };
    let mut sent = members(raw);
    keep_last(&mut sent);
    let mut stored = Object::with_capacity(raw.len(), sent.len());
    for member in &sent {
        if faults.is_full() {
            break;
        }
        let declared = spec.and_then(|spec| spec.parameter(&member.name));
        let put = stored.put(member.name.clone(), |out| match declared {
            Some(spec) => normalise_into(member.value, Shape::from(spec), rules, out),
            None => {
                out.push_str(member.value);
                Ok(true)
            }
        });
        if let Err(rule) = put {
            faults.add(Fault::at(["_event_parameters", &member.name], rule));
        }
    }
    missing(&sent, spec, faults);
    stored.close();
    stored
}

/// Drops every member that a later one of the same name replaces.
fn keep_last(members: &mut Vec<Member<'_>>) {
    if duplicate(members).is_none() {
        return;
    }
    let last: HashMap<_, _> =
        members.iter().enumerate().map(|(at, member)| (member.name.clone(), at)).collect();
    let mut at = 0..;
    members.retain(|member| last.get(&member.name).copied() == at.next());
}

fn missing(sent: &[Member<'_>], spec: Option<&EventSpec>, faults: &mut Faults) {
    for spec in spec.iter().flat_map(|spec| &spec.parameters).filter(|spec| spec.required) {
        let given = sent.iter().find(|member| member.name == spec.parameter).map(|member| member.value);
        let clears = !spec.data_type.has_empty_string();
        if given.is_none_or(|raw| raw == "null" || (clears && raw == "\"\"")) {
            faults.add(Fault::at(["_event_parameters", &spec.parameter], "is required"));
        }
    }
}

/// A JSON object that is written member by member, and where in its text each member's value is.
struct Object<'a> {
    text: String,
    places: Vec<(Cow<'a, str>, Range<usize>)>,
}

impl<'a> Object<'a> {
    fn with_capacity(bytes: usize, members: usize) -> Self {
        // Brackets around single values and a few zeros may come in.
        let mut text = String::with_capacity(bytes + 16);
        text.push('{');
        Self { text, places: Vec::with_capacity(members) }
    }

    /// Appends a member whose value `write` appends; none where that says `false` or fails.
    fn put(
        &mut self,
        name: Cow<'a, str>,
        write: impl FnOnce(&mut String) -> Result<bool, Rule>,
    ) -> Result<(), Rule> {
        let before = self.text.len();
        if before > 1 {
            self.text.push(',');
        }
        quote_into(&name, &mut self.text);
        self.text.push(':');
        let begin = self.text.len();
        let written = write(&mut self.text);
        if written == Ok(true) {
            self.places.push((name, begin..self.text.len()));
        } else {
            self.text.truncate(before);
        }
        written.map(|_| ())
    }

    fn close(&mut self) {
        self.text.push('}');
    }

    /// Appends the canonical text of the object (see [`canonical_into`]).
    fn canonical_into(&mut self, out: &mut String) {
        self.places.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        out.push('{');
        for (at, (name, place)) in self.places.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            quote_into(name, out);
            out.push(':');
            canonical_into(self.text.get(place.clone()).unwrap_or_default(), out);
        }
        out.push('}');
    }
}

/// User id and type end with the NUL that neither can hold, so that no two triples give the same bytes.
fn content(user_id: &str, event_type: &str, parameters: &mut Object<'_>) -> [u8; 16] {
    let mut bytes = String::with_capacity(user_id.len() + event_type.len() + parameters.text.len() + 2);
    for part in [user_id, event_type] {
        bytes.push_str(part);
        bytes.push('\0');
    }
    parameters.canonical_into(&mut bytes);
    first(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{caps::Caps, catalogue::Catalogue};

    fn parse(item: &str, strict: bool) -> Result<EventDraft, String> {
        let caps = Caps::default();
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let catalogue = Catalogue::builtin();
        let rules = Rules { caps: &caps, catalogue, strict, default_country: None, now };
        EventDraft::parse(&members(item), &rules).map_err(|rejection| rejection.summary())
    }

    fn purchase(parameters: &str) -> Result<EventDraft, String> {
        let head = r#""_user_id":"u","_event_id":"e","_event_type":"purchase""#;
        parse(&format!(r#"{{{head},"_event_parameters":{parameters}}}"#), true)
    }

    #[test]
    fn declared_parameters_are_normalised_and_others_kept() {
        let sent = r#"{"amount":"12.50","sku":"A","x": [1.50, null],"order_id":"7","channel":null}"#;
        let event = purchase(sent).unwrap();
        assert_eq!(event.parameters, r#"{"amount":12.5,"sku":["A"],"x":[1.50, null],"order_id":"7"}"#);
        assert!(!event.date_given);
        assert_eq!(event.occurred_at.to_string(), "2026-11-20T12:00:00Z");
    }

    #[test]
    fn a_retry_has_the_same_content() {
        let one = purchase(r#"{"amount":"12.5","currency":"eur","x":{"b":1,"a":2}}"#).unwrap();
        let two = purchase(r#"{ "x":{"a":2.0,"b":1e0}, "currency":"EUR","amount":1250e-2 }"#).unwrap();
        assert_eq!(one.content, two.content);
        assert_ne!(one.content, purchase(r#"{"amount":12.6}"#).unwrap().content);
        assert_eq!(purchase("{}").unwrap().content, purchase("null").unwrap().content);
        assert_eq!(purchase(r#"{"x":1,"y":0,"x":2,"z":3}"#).unwrap().parameters, r#"{"y":0,"x":2,"z":3}"#);
    }

    #[test]
    fn all_faults_are_named() {
        let text = parse(
            r#"{"_user_id":5,"_event_typ":"x","price":1,"_event_date":"soon","_event_parameters":[]}"#,
            false,
        );
        let text = text.unwrap_err();
        for part in [
            "_user_id: must be a string",
            "_event_id: is required",
            "_event_type: is required",
            "_event_date: is not an RFC 3339 time",
            "_event_typ: is not a member of an event; did you mean _event_type?",
            "price: is not a member of an event; put it into _event_parameters",
            "_event_parameters: must be a JSON object",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn a_bad_parameter_is_pointed_at() {
        let text = purchase(r#"{"amount":"much","currency":"EURO","sku":[1]}"#).unwrap_err();
        assert!(text.contains("_event_parameters.amount: is not a decimal number"), "{text}");
        assert!(text.contains("_event_parameters.currency"), "{text}");
        assert!(text.contains("_event_parameters.sku: value 0 must be a string"), "{text}");
    }

    #[test]
    fn an_event_of_nobody_is_held_to_the_other_rules() {
        let caps = Caps::default();
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let catalogue = Catalogue::builtin();
        let rules = Rules { caps: &caps, catalogue, strict: true, default_country: None, now };
        let parse =
            |item: &str| NobodysEvent::parse(&members(item), &rules).map_err(|rejection| rejection.summary());
        let good = parse(r#"{"_event_id":"e","_event_type":"purchase"}"#).unwrap().0;
        assert_eq!((good.user_id.as_str(), good.event_id.as_str()), ("", "e"));
        let text =
            parse(r#"{"_user_id":"u","_event_type":"purchas","_event_date":"1970-01-01"}"#).unwrap_err();
        for part in
            ["_user_id: is not", "_event_id: is required", "_event_type: is not in", "_event_date: is before"]
        {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn strict_datasources_know_their_types() {
        let item = |kind: &str| format!(r#"{{"_user_id":"u","_event_id":"e","_event_type":"{kind}"}}"#);
        assert!(parse(&item("purchas"), false).is_ok());
        assert!(parse(&item("purchas"), true).unwrap_err().contains("did you mean purchase?"));
        assert!(parse(&item("purchase"), true).is_ok());
        assert!(parse(&item(&"t".repeat(129)), false).is_err());
    }

    #[test]
    fn a_given_date_is_kept() {
        let item = r#"{"_user_id":"u","_event_id":"e","_event_type":"x","_event_date":"2026-11-19"}"#;
        let event = parse(item, false).unwrap();
        assert!(event.date_given);
        assert_eq!(event.occurred_at.to_string(), "2026-11-19T00:00:00Z");
        assert_eq!(event.parameters, "{}");
    }
}
