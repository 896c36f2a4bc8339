//! What stands in paths and queries.

use serde_json::{Value, json};
use utoipa::openapi::{
    KnownFormat, ObjectBuilder, RefOr, Required, Schema, SchemaFormat, Type,
    path::{Parameter, ParameterBuilder, ParameterIn},
    schema::OneOfBuilder,
};

use super::examples::{DATASOURCE, PROJECT};
use crate::{
    domain::{
        caps::Caps,
        mark::{self, List},
    },
    http::{paging, repeat, stream},
    store::{outbound, timeline::LONGEST},
};

/// The parameters that the path of a route has, in order.
pub(super) fn of_path(path: &str) -> Vec<Parameter> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(in_path).collect()
}

fn in_path(name: &str) -> Parameter {
    let caps = Caps::default();
    let (description, schema, example): (&str, RefOr<Schema>, _) = match name {
        "project" => ("The uid of the project.", uid("proj").into(), PROJECT),
        "datasource" => (
            "The uid of the datasource, or `dsapi` for the first one of the project.",
            OneOfBuilder::new().item(uid("ds")).item(word("dsapi")).into(),
            DATASOURCE,
        ),
        "user_id" => (
            "The contact's name inside the datasource, percent-encoded; `+` means plus.",
            segment(caps.id_bytes),
            "ada",
        ),
        "event_type" => ("The uid of the event type, percent-encoded.", segment(caps.type_bytes), "purchase"),
        "attribute" => ("The uid of the attribute, percent-encoded.", segment(caps.name_bytes), "shoe_size"),
        "parameter" => ("The name of the parameter, percent-encoded.", segment(caps.name_bytes), "days"),
        "contact_id" => (
            "The contact's own id, `contactId`.",
            string().format(Some(uuid())).into(),
            "93cac74a-90b5-4c5e-b0a5-2d7a1e0f7a11",
        ),
        "key_id" => (
            "The id of the key.",
            string().format(Some(uuid())).into(),
            "5b0f4a3e-6d1c-4f0e-9a52-c1d1a4a3a0b7",
        ),
        "webhook_id" => (
            "The id of the webhook.",
            string().format(Some(uuid())).into(),
            "0d9c8f6e-7a1b-4c55-9a52-3f1d2c6e8b90",
        ),
        "email" => (
            "The address, percent-encoded; upper and lower case are the same.",
            string().format(Some(SchemaFormat::Custom("email".into()))).into(),
            "ada@example.com",
        ),
        "phone" => (
            "The number, percent-encoded, in E.164 or as it is dialled in the default country of one of the datasources.",
            string().format(Some(SchemaFormat::Custom("phone".into()))).into(),
            "+34600111221",
        ),
        _ => ("", segment(caps.name_bytes), ""),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(schema))
        .example(Some(json!(example)))
        .build()
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn uid(prefix: &str) -> ObjectBuilder {
    string().pattern(Some(format!("^{prefix}_[0-9A-Za-z]{{22}}$")))
}

fn word(word: &str) -> ObjectBuilder {
    string().enum_values(Some([word]))
}

/// Text of a length that counts bytes, without NUL.
fn segment(longest: usize) -> RefOr<Schema> {
    string().min_length(Some(1)).max_length(Some(longest)).pattern(Some(r"^[^\u0000]+$")).into()
}

fn uuid() -> SchemaFormat {
    SchemaFormat::Custom("uuid".into())
}

/// A parameter of the query that is no flag; what it belongs to stands before its name where several things have one.
pub(super) fn of_query(name: &str) -> Parameter {
    let (description, schema, example) = of_stream(name).unwrap_or_else(|| of_others(name));
    ParameterBuilder::new()
        .name(name.rsplit_once('.').map_or(name, |(_, name)| name))
        .parameter_in(ParameterIn::Query)
        .required(if matches!(name, "from" | "to") { Required::True } else { Required::False })
        .description(Some(description))
        .schema(Some(schema))
        .example(Some(example))
        .build()
}

type Said = (&'static str, ObjectBuilder, Value);

fn whole() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer)
}

fn time() -> ObjectBuilder {
    string().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

/// A name or its beginning; of as many characters as a name has bytes.
fn pattern_of_types() -> String {
    format!(r"^[^*\u0000-\u001f\u007f-\u009f]{{0,{}}}\*?$", Caps::default().type_bytes)
}

/// What readers of the stream ask for.
fn of_stream(name: &str) -> Option<Said> {
    Some(match name {
        "stream.from" => {
            ("A time to begin at, where there is no `after`.", time(), json!("2026-11-20T12:00:00Z"))
        }
        "stream.limit" => {
            let range = whole().minimum(Some(1)).maximum(Some(outbound::LONGEST));
            ("How many items a page has at the most.", range.default(Some(json!(stream::USUAL))), json!(500))
        }
        "stream.after" => (
            "The cursor behind which the page begins: `next` of the page before, or the `cursor` of a receipt or an item. Without \
             it and without `from`, a page begins at the oldest item there is.",
            string().pattern(Some("^[0-9A-Za-z_-]{34}$")),
            json!("AQAAAAEAAAAAAAAC8QAAAAAAAAAB8vIYJw"),
        ),
        "live.after" => (
            "The cursor to go on behind; `Last-Event-ID` comes first. Without either and without `from`, what is new from now on.",
            string().pattern(Some("^[0-9A-Za-z_-]{34}$")),
            json!("AQAAAAEAAAAAAAAC8QAAAAAAAAAB8vIYJw"),
        ),
        "type" => (
            "Items of this type alone; may come several times, and end with `*` for all types that begin so.",
            string().min_length(Some(1)).pattern(Some(pattern_of_types())),
            json!("contact.*"),
        ),
        "datasource" => (
            "Items of this datasource alone, by its uid or `dsapi`; may come several times.",
            string().pattern(Some("^(ds_[0-9A-Za-z]{22}|dsapi)$")),
            json!(DATASOURCE),
        ),
        _ => return None,
    })
}

fn of_others(name: &str) -> Said {
    match name {
        "from" => {
            ("The time from which on; cut down to a whole minute.", time(), json!("2026-11-20T12:00:00Z"))
        }
        "to" => (
            "The time up to which, at most 7 days later; rounded up to a whole minute.",
            time(),
            json!("2026-11-20T12:10:00Z"),
        ),
        "list.limit" => {
            let range = whole().minimum(Some(1)).maximum(Some(paging::LONGEST));
            ("How many entities a page has.", range.default(Some(json!(paging::USUAL))), json!(20))
        }
        "list.after" => (
            "The cursor behind which the page begins; from `metadata.next` of the page before.",
            string().pattern(Some("^[0-9A-Za-z_-]{28}$")),
            json!(mark::encode(List::Keys, 0)),
        ),
        "limit" => {
            let range = whole().minimum(Some(1)).maximum(Some(LONGEST)).default(Some(json!(100)));
            ("How many events a page has.", range, json!(20))
        }
        _ => (
            "The cursor behind which the page begins; from `metadata.cursor` of the page before.",
            string().pattern(Some("^[0-9A-Za-z_-]{34}$")),
            json!("AQAAAAEABkPfgVQWAAAAAAAAAAABzlvMDQ"),
        ),
    }
}

/// The name that a client gives a request which it may have to repeat.
pub(super) fn idempotency_key() -> Parameter {
    let description = "A name of the client's own for this request. Whoever sends the same request under the same name within a day \
                       gets the first answer again, with `Idempotency-Replayed: true`, and nothing is made twice. Names are the \
                       calling key's own.";
    let schema = string().min_length(Some(1)).max_length(Some(repeat::LONGEST)).pattern(Some("^[ -~]+$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .example(Some(json!("8e03978e-40d5-43dd-bc93-6894a57f9324")))
        .build()
}

/// A flag of the query.
pub(super) fn flag(name: &str) -> Parameter {
    let description = match name {
        "_dryRun" => "Judge the items and foretell the outcomes, but store nothing.",
        "_sync" => "Wait until everything is stored. Every 2xx means that, so this changes nothing.",
        "_erase" => "Also empty the values that the log kept of this contact.",
        _ => "",
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(format!("{description} No value, `true` and `1` mean yes, `false` and `0` no.")))
        .schema(Some(string().enum_values(Some(["", "true", "1", "false", "0"]))))
        .example(Some(json!("false")))
        .build()
}
