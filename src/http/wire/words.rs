//! Words, names and numbers with rules of their own: their schemas are made from the lists and limits that the values are judged
//! by, so that a member only names which one it is.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Object, ObjectBuilder, RefOr, Schema, SchemaFormat, Type,
        schema::{AdditionalProperties, SchemaType},
    },
};

use crate::{
    auth::{
        scope::{Role, Scope},
        text::Kind,
    },
    domain::{
        budget::{Class, PER_MINUTE, Plan},
        caps::Caps,
        declare::{DESCRIPTION, LABEL, LENGTH},
        settings::{NAME, PRIORITY, RETENTION},
        spec::DataType,
    },
    store::key_list::KeyState,
    stream::webhooks::{address::LONGEST as LONGEST_URL, rules::PARALLEL, standing::Standing},
};

/// Types that stand for a rule in a schema and have no values.
macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident = $schema:expr;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub(in crate::http) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.description(Some(concat!($($doc),+).trim())).into()
            }
        }

        impl ToSchema for $name {}
    )+};
}

words! {
    /// The plan of a datasource, which sets its budgets.
    PlanName = one_of(Plan::ALL.map(Plan::name));
    /// What a key is.
    KeyKind = one_of(Kind::ALL.map(Kind::name));
    /// The kinds of keys that are made for a project.
    NewKeyKind = one_of([Kind::Datasource, Kind::Product].map(Kind::name));
    /// What a user or a personal key may do.
    RoleName = one_of(Role::ALL.map(Role::name));
    /// What a key is for; white space around it is cut.
    Purpose = line(1, DESCRIPTION).pattern(Some(VISIBLE_LINE));
    /// How a key stands: it holds; it holds until its deadline, and has a successor; it ended by itself; it was ended.
    KeyStanding = one_of(KeyState::ALL.map(KeyState::name));
    /// How long a rotated key goes on beside its successor: a whole number and its unit (`s`, `m`, `h`, `d`), from `0s` to `30d`.
    /// Default: `24h`.
    OverlapTime = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]+[smhd]$"));
    /// How a webhook stands: messages are sent; the last attempt failed; it was disabled by hand; it was disabled, because the receiver
    /// answered 410; no secret key at hand opens its secret.
    WebhookState = one_of(Standing::ALL.map(Standing::name));
    /// Where messages go: https, on port 443, of the public internet, but for ranges that the server opens. Its length counts bytes.
    ReceiverUrl = text("http-url").max_length(Some(LONGEST_URL));
    /// The most messages under way at once. One keeps the order of the stream, and a message that fails keeps those behind it; with
    /// more, others go on meanwhile. Default: 1.
    ParallelDeliveries = integer(*PARALLEL.start(), *PARALLEL.end());
    /// A display name; white space around it is cut.
    Name = line(1, NAME).pattern(Some(VISIBLE_LINE));
    /// A BCP 47 language tag, such as `de-AT`.
    Locale = text("bcp47");
    /// The IANA name of a time zone, such as `Europe/Vienna`.
    TimeZone = text("iana-timezone");
    /// An ISO 3166-1 alpha-2 country code, such as `ES`.
    CountryCode = text("iso3166-alpha2");
    /// The name of an attribute of one's own; those that begin with `_` are the server's. Its length counts bytes.
    AttributeName = line(1, Caps::default().name_bytes).pattern(Some(OWN_LINE));
    /// The value of `_event_type`. Its length counts bytes.
    EventTypeName = line(1, Caps::default().type_bytes);
    /// The name of a member of `_event_parameters`. Its length counts bytes.
    ParameterName = line(1, Caps::default().name_bytes);
    /// What a form or a list would call it. Default: its name.
    Label = line(1, LABEL);
    /// A short text for show.
    Word = line(0, LABEL);
    /// What it means, in one sentence.
    Description = line(0, DESCRIPTION);
    /// Longest value in characters; `null` leaves it to the server's limits.
    MaxLength = integer(i64::from(*LENGTH.start()), i64::from(*LENGTH.end()));
    /// The place of a datasource among those that know the same person; lower first.
    Priority = integer(*PRIORITY.start(), *PRIORITY.end());
    /// Days for which a project keeps what it received.
    RetentionDays = integer(*RETENTION.start(), *RETENTION.end());
    /// Budgets of one's own by class, in requests per minute.
    Limits = budgets(&Class::ALL, false);
    /// The budgets in force by class, in requests per minute.
    DatasourceBudgets = Class::OF_DATASOURCES.iter().fold(budgets(&Class::OF_DATASOURCES, false), |object, class| object.required(class.name()));
    /// Budgets to set by class, in requests per minute; `null` takes one back.
    LimitChanges = budgets(&Class::ALL, true).additional_properties(Some(AdditionalProperties::FreeForm(false)));
}

impl PartialSchema for Scope {
    fn schema() -> RefOr<Schema> {
        one_of(Self::ALL.iter().map(|scope| scope.name())).description(Some("What a key may do.")).into()
    }
}

impl ToSchema for Scope {}

impl PartialSchema for DataType {
    fn schema() -> RefOr<Schema> {
        let what = "The type of a value, which decides what is accepted and how it is stored.";
        one_of(Self::ALL.map(Self::as_str)).description(Some(what)).into()
    }
}

impl ToSchema for DataType {}

/// A text without control characters.
const LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// The same, with something to see in it.
const VISIBLE_LINE: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";
/// The same, without an underscore at its beginning.
const OWN_LINE: &str = r"^[^_\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";

/// One of these words.
pub(super) fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words))
}

/// A text of a named form.
pub(super) fn text(format: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::Custom(format.to_owned())))
}

fn line(least: usize, most: usize) -> ObjectBuilder {
    let line = ObjectBuilder::new().schema_type(Type::String).pattern(Some(LINE)).max_length(Some(most));
    if least > 0 { line.min_length(Some(least)) } else { line }
}

fn integer(least: i64, most: i64) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least as isize)).maximum(Some(most as isize))
}

fn budgets(classes: &[Class], removable: bool) -> ObjectBuilder {
    let number = || -> Object {
        let number = integer(i64::from(*PER_MINUTE.start()), i64::from(*PER_MINUTE.end()));
        let nullable = SchemaType::from_iter([Type::Integer, Type::Null]);
        if removable { number.schema_type(nullable).build() } else { number.build() }
    };
    classes.iter().fold(ObjectBuilder::new().schema_type(Type::Object), |object, class| {
        object.property(class.name(), number())
    })
}
