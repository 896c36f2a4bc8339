//! Items as the outbound stream and `tidegate export` write them, turned back into what the API takes.

use crate::domain::{
    json::{raw_members, unquote},
    rejection::Fault,
};

/// What a line of the stream asks for; its item is written into the buffer that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// To append an event.
    Event,
    /// To change a contact.
    Contact,
    /// To delete a contact.
    Gone,
}

/// The members of a stream item that an import looks at.
#[derive(Default)]
struct Seen<'a> {
    cursor: Option<&'a str>,
    kind: Option<&'a str>,
    received: Option<&'a str>,
    event_type: Option<&'a str>,
    user_id: Option<&'a str>,
    event_id: Option<&'a str>,
    date: Option<&'a str>,
    parameters: Option<&'a str>,
    changed: Option<&'a str>,
}

/// Whether a line that is JSON is an item of the stream; its item in the API's form is written to `out` then. An event becomes an
/// event, of a change of a contact the values after it an upsert, and the deletion of one its deletion.
///
/// # Errors
/// [`Fault`] when it is one, but its changes cannot be read.
pub(super) fn read(line: &str, out: &mut String) -> Result<Option<Told>, Fault> {
    let seen = look(line);
    let (Some(_), Some(_)) = (seen.cursor, seen.received) else { return Ok(None) };
    out.clear();
    out.push('{');
    member(out, "_user_id", seen.user_id);
    let told = match (seen.kind, seen.parameters, seen.changed) {
        (Some("\"event\""), Some(_), _) => {
            member(out, "_event_id", seen.event_id);
            member(out, "_event_type", seen.event_type);
            member(out, "_event_date", seen.date);
            member(out, "_event_parameters", seen.parameters);
            Told::Event
        }
        (Some("\"contact\""), _, Some(_)) if seen.event_type == Some("\"contact.deleted\"") => Told::Gone,
        (Some("\"contact\""), _, Some(changed)) => {
            after(changed, out)?;
            Told::Contact
        }
        _ => return Ok(None),
    };
    out.push('}');
    Ok(Some(told))
}

fn look(line: &str) -> Seen<'_> {
    let mut seen = Seen::default();
    for (name, value) in raw_members(line) {
        let place = match name {
            "\"cursor\"" => &mut seen.cursor,
            "\"kind\"" => &mut seen.kind,
            "\"receivedAt\"" => &mut seen.received,
            "\"type\"" => &mut seen.event_type,
            "\"_user_id\"" => &mut seen.user_id,
            "\"_event_id\"" => &mut seen.event_id,
            "\"_event_date\"" => &mut seen.date,
            "\"parameters\"" => &mut seen.parameters,
            "\"changed\"" => &mut seen.changed,
            _ => continue,
        };
        *place = Some(value);
    }
    seen
}

fn member(out: &mut String, name: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    comma(out);
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
    out.push_str(value);
}

fn comma(out: &mut String) {
    if out.len() > 1 {
        out.push(',');
    }
}

/// The value of each changed attribute after the change.
fn after(changed: &str, out: &mut String) -> Result<(), Fault> {
    if !changed.starts_with('{') {
        return Err(Fault::at(["changed"], "must be an object"));
    }
    for (name, change) in raw_members(changed) {
        let Some((_, to)) = raw_members(change).find(|(name, _)| *name == "\"to\"") else {
            let name = unquote(name).unwrap_or_default();
            return Err(Fault::at(["changed", &*name], "has no `to`"));
        };
        comma(out);
        out.push_str(name);
        out.push(':');
        out.push_str(to);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#""cursor":"AQ","datasource":"ds_x","receivedAt":"2026-11-26T00:00:00Z""#;

    fn read_back(rest: &str) -> Option<(Told, String)> {
        let mut out = String::new();
        read(&format!("{{{HEAD},{rest}}}"), &mut out).unwrap().map(|told| (told, out))
    }

    #[test]
    fn an_event_is_what_was_pushed() {
        let (told, item) = read_back(
            r#""kind":"event","type":"purchase","_user_id":"u\n","_event_id":"e","_event_date":"2026-11-20T00:00:00Z","parameters":{"a":[1.50]}"#,
        )
        .unwrap();
        assert_eq!(told, Told::Event);
        assert_eq!(
            item,
            r#"{"_user_id":"u\n","_event_id":"e","_event_type":"purchase","_event_date":"2026-11-20T00:00:00Z","_event_parameters":{"a":[1.50]}}"#
        );
    }

    #[test]
    fn a_change_becomes_the_values_after_it() {
        let kind = r#""kind":"contact","_user_id":"u""#;
        let (told, item) = read_back(&format!(
            r#"{kind},"type":"contact.updated","changed":{{"_email":{{"from":null,"to":"a@b.de"}},"n":{{"from":1,"to":null}}}}"#
        ))
        .unwrap();
        assert_eq!((told, item.as_str()), (Told::Contact, r#"{"_user_id":"u","_email":"a@b.de","n":null}"#));
        let (told, item) = read_back(&format!(
            r#"{kind},"type":"contact.deleted","changed":{{"n":{{"from":1,"to":null}}}}"#
        ))
        .unwrap();
        assert_eq!((told, item.as_str()), (Told::Gone, r#"{"_user_id":"u"}"#));
    }

    #[test]
    fn other_lines_are_left_alone() {
        let mut out = String::new();
        for line in ["[1]", "5", "{}", r#"{"_user_id":"u","kind":"event","type":"x","cursor":"mouse"}"#] {
            assert_eq!(read(line, &mut out).unwrap(), None, "{line}");
        }
        assert_eq!(read_back(r#""kind":"other","parameters":{}"#), None);
        let broken = format!(r#"{{{HEAD},"kind":"contact","changed":{{"a/b":{{"from":1}}}}}}"#);
        assert_eq!(read(&broken, &mut out).unwrap_err().pointer, "/changed/a~1b");
    }
}
