//! A contact: what an upsert asks for, what is stored, and what the one changes in the other.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{
    batch::{Draft, Rules},
    canon::same,
    event::required,
    json::{Member, quote, unquote},
    rejection::{Fault, Faults, Rejection, Rule},
    value::{Normalised, Shape, normalise},
};

/// What an upsert asks of one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Store this JSON text.
    Set(String),
    /// Remove the attribute.
    Clear,
}

/// An upsert that is fit to be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactDraft {
    /// The contact's name inside the datasource, 1 to 255 bytes.
    pub user_id: String,
    /// The attributes that were sent, `_user_id` aside, in their order and none twice.
    pub changes: Vec<(String, Change)>,
}

impl Draft for ContactDraft {
    const ID: &'static str = "_user_id";

    fn parse(envelope: &[Member<'_>], rules: &Rules<'_>) -> Result<Self, Rejection> {
        let mut faults = Faults::up_to(rules.caps.faults);
        let user_id = required(envelope, Self::ID, rules.caps.id_bytes, &mut faults);
        let mut changes = Vec::with_capacity(envelope.len());
        for Member { name, value } in envelope.iter().filter(|member| member.name != Self::ID) {
            if faults.is_full() {
                break;
            }
            match change(name, value, rules) {
                Ok(change) => changes.push((name.to_string(), change)),
                Err(rule) => faults.add(Fault::at([&**name], rule)),
            }
        }
        for spec in rules.catalogue.attributes().iter().filter(|spec| spec.required_in_webhook) {
            if spec.uid != Self::ID && !envelope.iter().any(|member| member.name == spec.uid) {
                faults.add(Fault::at([spec.uid.as_str()], "is required"));
            }
        }
        faults.verdict()?;
        Ok(Self { user_id, changes })
    }
}

/// The name of a contact that is to be deleted: of the item nothing but `_user_id` is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// The contact's name inside the datasource, 1 to 255 bytes.
    pub user_id: String,
}

impl Draft for Departure {
    const ID: &'static str = ContactDraft::ID;

    fn parse(envelope: &[Member<'_>], rules: &Rules<'_>) -> Result<Self, Rejection> {
        let mut faults = Faults::up_to(rules.caps.faults);
        let user_id = required(envelope, Self::ID, rules.caps.id_bytes, &mut faults);
        faults.verdict()?;
        Ok(Self { user_id })
    }
}

/// Judges one member: by its spec where there is one; a name without underscore is a custom attribute, kept as sent.
fn change(name: &str, raw: &str, rules: &Rules<'_>) -> Result<Change, Rule> {
    match rules.catalogue.attribute(name) {
        Some(spec) if spec.read_only => Err("is set by the server; leave it out".into()),
        Some(spec) => normalise(raw, Shape::from(spec), rules).map(|normalised| match normalised {
            Normalised::Set(text) => Change::Set(text),
            Normalised::Clear => Change::Clear,
        }),
        None if name.is_empty() => Err("is an attribute without a name; name it".into()),
        None if name.starts_with('_') => Err(match rules.catalogue.nearest_attribute(name) {
            Some(known) => format!("unknown attribute; did you mean {known}?").into(),
            None => "unknown attribute; custom attributes must not begin with an underscore".into(),
        }),
        None if raw == "null" => Ok(Change::Clear),
        None => Ok(Change::Set(raw.to_owned())),
    }
}

/// What a merge changed: by name, the JSON text before and after; none stands for an absent attribute.
pub type FieldChanges = BTreeMap<String, (Option<String>, Option<String>)>;

/// A stored text is not a JSON object.
#[derive(Debug, thiserror::Error)]
#[error("the stored contact is not a JSON object")]
pub struct NotAContact;

/// A contact as stored: its attributes, without `_user_id`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact {
    /// The JSON text of each attribute, by name.
    pub attributes: BTreeMap<String, String>,
}

impl Contact {
    /// Reads the JSON object that the database holds.
    ///
    /// # Errors
    /// [`NotAContact`] for any other text.
    pub fn from_json(text: &str) -> Result<Self, NotAContact> {
        let raw: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(|_| NotAContact)?;
        Ok(Self { attributes: raw.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect() })
    }

    /// The JSON object to store, names in order.
    pub fn to_json(&self) -> String {
        object(self.attributes.iter().map(|(name, value)| (name, value.as_str())))
    }

    /// The length of [`Contact::to_json`] in bytes with every number written out, as PostgreSQL keeps it in `jsonb`; to
    /// be held against `caps.contact_bytes` after a merge.
    pub fn size(&self) -> usize {
        let one =
            |(name, value): (&String, &String)| quote(name).len() + value.len() + zeros_to_come(value) + 2;
        self.attributes.iter().map(one).sum::<usize>().max(1) + 1
    }

    /// `_email` in lower case as a whole, for the search column. None when absent.
    pub fn email(&self) -> Option<String> {
        self.text("_email").map(|email| email.to_lowercase())
    }

    /// `_phone_mobile` as E.164, for the search column. None when absent.
    pub fn phone(&self) -> Option<String> {
        self.text("_phone_mobile")
    }

    fn text(&self, name: &str) -> Option<String> {
        unquote(self.attributes.get(name)?).map(|text| text.into_owned())
    }

    /// Lays an upsert over the contact: absent attributes stay, set ones replace, cleared ones go.
    ///
    /// Returns what changed; a value that means the same as the stored one (canonically) changes nothing and leaves
    /// the stored text alone.
    pub fn merge(&mut self, draft: &ContactDraft) -> FieldChanges {
        let mut changed = FieldChanges::new();
        for (name, change) in &draft.changes {
            let to = match change {
                Change::Set(text) => Some(text),
                Change::Clear => None,
            };
            let unchanged = match (self.attributes.get(name), to) {
                (Some(from), Some(to)) => same(from, to),
                (from, to) => from.is_none() && to.is_none(),
            };
            if unchanged {
                continue;
            }
            let from = match to {
                Some(text) => self.attributes.insert(name.clone(), text.clone()),
                None => self.attributes.remove(name),
            };
            changed.insert(name.clone(), (from, to.cloned()));
        }
        changed
    }
}

/// The JSON text of what changed: `{"_email":{"from":null,"to":"a@b.de"}}`.
pub fn changes_json(changes: &FieldChanges) -> String {
    let null = |side: &Option<String>| side.clone().unwrap_or_else(|| "null".to_owned());
    object(
        changes
            .iter()
            .map(|(name, (from, to))| (name, format!(r#"{{"from":{},"to":{}}}"#, null(from), null(to)))),
    )
}

fn object<'a, V: AsRef<str>>(members: impl Iterator<Item = (&'a String, V)>) -> String {
    let mut text = String::from("{");
    for (name, value) in members {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&quote(name));
        text.push(':');
        text.push_str(value.as_ref());
    }
    text.push('}');
    text
}

/// How many digits a JSON text gains, at the most, when its numbers are written out without exponents.
fn zeros_to_come(json: &str) -> usize {
    let bytes = json.as_bytes();
    let (mut quoted, mut escaped, mut zeros) = (false, false, 0);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            // The letters of `true` and `false` follow no digit.
            b'e' | b'E' if !quoted && bytes[at - 1].is_ascii_digit() => zeros += exponent(&bytes[at + 1..]),
            _ => {}
        }
    }
    zeros
}

fn exponent(rest: &[u8]) -> usize {
    let digits =
        rest.iter().skip_while(|byte| matches!(byte, b'+' | b'-')).take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |value: usize, digit| value.saturating_mul(10).saturating_add(usize::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{caps::Caps, catalogue::Catalogue, json::members};

    fn parse(item: &str) -> Result<ContactDraft, String> {
        let caps = Caps::default();
        let now = jiff::Timestamp::UNIX_EPOCH;
        let catalogue = Catalogue::builtin();
        let rules = Rules { caps: &caps, catalogue, strict: true, default_country: None, now };
        ContactDraft::parse(&members(item), &rules).map_err(|rejection| rejection.summary())
    }

    #[test]
    fn known_attributes_are_normalised_and_custom_ones_kept() {
        let draft =
            parse(r#"{"_user_id":"u","_email":"A@B.DE","_birth_date":"","shoe": {"size": 1.0},"old":null}"#);
        let set = |text: &str| Change::Set(text.to_owned());
        let changes = [
            ("_email".to_owned(), set("\"A@b.de\"")),
            ("_birth_date".to_owned(), Change::Clear),
            ("shoe".to_owned(), set("{\"size\": 1.0}")),
            ("old".to_owned(), Change::Clear),
        ];
        assert_eq!(draft.unwrap(), ContactDraft { user_id: "u".to_owned(), changes: changes.into() });
    }

    #[rstest::rstest]
    #[case(r#"{}"#, "_user_id: is required")]
    #[case(r#"{"_user_id":7}"#, "_user_id: must be a string; put the value in quotes")]
    #[case(r#"{"_user_id":""}"#, "_user_id: must not be empty")]
    #[case(r#"{"_user_id":"u","_email":"x"}"#, "_email: is not a valid e-mail address")]
    #[case(r#"{"_user_id":"u","_emial":"x"}"#, "_emial: unknown attribute; did you mean _email?")]
    #[case(r#"{"_user_id":"u","_created_at":null}"#, "_created_at: is set by the server; leave it out")]
    #[case(r#"{"_user_id":"u","":1}"#, "is an attribute without a name; name it")]
    fn faults_say_what_to_change(#[case] item: &str, #[case] summary: &str) {
        assert_eq!(parse(item).unwrap_err(), summary);
    }

    #[test]
    fn a_merge_reports_what_changed_and_only_that() {
        let mut contact = Contact::from_json(r#"{"_email": "a@b.de", "n": 1.50, "gone": [1]}"#).unwrap();
        let draft =
            parse(r#"{"_user_id":"u","_email":"c@d.de","n":1.5,"gone":null,"never":null,"new":true}"#)
                .unwrap();
        let changes = contact.merge(&draft);
        assert_eq!(
            changes_json(&changes),
            r#"{"_email":{"from":"a@b.de","to":"c@d.de"},"gone":{"from":[1],"to":null},"new":{"from":null,"to":true}}"#
        );
        assert_eq!(contact.to_json(), r#"{"_email":"c@d.de","n":1.50,"new":true}"#);
        assert!(contact.merge(&draft).is_empty());
    }

    #[test]
    fn the_size_is_that_of_the_text() {
        for text in ["{}", r#"{"a":1}"#, r#"{"a\n":"x","b":[1, 2]}"#] {
            let contact = Contact::from_json(text).unwrap();
            assert_eq!(contact.size(), contact.to_json().len());
        }
        assert!(Contact::from_json("[]").is_err());
    }

    #[test]
    fn search_columns_are_decoded() {
        let contact =
            Contact::from_json(r#"{"_email":"A\u0042@b.de","_phone_mobile":"+4930901820"}"#).unwrap();
        assert_eq!(contact.email().as_deref(), Some("ab@b.de"));
        assert_eq!(contact.phone().as_deref(), Some("+4930901820"));
        assert_eq!(Contact::default().email(), None);
    }

    #[test]
    fn numbers_count_as_they_will_be_written_out() {
        let contact = |value: &str| Contact { attributes: [("x".to_owned(), value.to_owned())].into() };
        let plain = contact("1").size();
        assert_eq!(contact("1e308").size(), plain + 4 + 308);
        assert_eq!(contact("[1E+2,2.5e-3]").size(), contact("[1E+2,2.5e-3]").to_json().len() + 5);
        assert_eq!(contact(r#""1e308 \" 1e308""#).size(), contact(r#""1e308 \" 1e308""#).to_json().len());
        assert_eq!(contact("true").size(), contact("null").size());
    }
}
