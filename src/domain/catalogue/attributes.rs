//! The built-in attributes of a contact.

use crate::domain::spec::{AttributeSpec, DataType, DataType::*};

/// How an attribute differs from a plain one.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Optional, writable, in the long list.
    Plain,
    /// In the short list too.
    Important,
    /// An array.
    Many,
    /// In the short list, and no upsert is taken without it.
    Required,
    /// Set by the server alone.
    ReadOnly,
    /// Writable, but no form needs to show it.
    Hidden,
}

use Kind::{Hidden, Important, Many, Plain, ReadOnly, Required};

/// Name, label, description, type, kind.
type Row = (&'static str, &'static str, &'static str, DataType, Kind);

#[rustfmt::skip]
static ROWS: &[Row] = &[
    ("_user_id", "User id", "The sender's own name for the person; the key of every upsert.", String, Required),
    ("_contact_id", "Contact id", "The server's own identifier of the contact, a UUID.", String, ReadOnly),
    ("_created_at", "Created at", "When the contact was first stored.", Datetime, ReadOnly),
    ("_updated_at", "Updated at", "When the contact last changed.", Datetime, ReadOnly),
    ("_email", "E-mail", "The main e-mail address; its domain is stored in lower case.", Email, Important),
    ("_email_verified", "E-mail verified", "Whether the person has proved that the e-mail address is theirs.", Bool, Plain),
    ("_phone_mobile", "Mobile phone", "The mobile number, stored as E.164; a national one is completed by the datasource's default country.", Phone, Important),
    ("_phone_verified", "Phone verified", "Whether the person has proved that the mobile number is theirs.", Bool, Plain),
    ("_phone_landline", "Landline", "A second, usually fixed, phone number, stored as E.164.", Phone, Plain),
    ("_salutation", "Salutation", "How letters address the person, such as Ms or Dr.", String, Plain),
    ("_first_name", "First name", "The given name.", String, Important),
    ("_middle_name", "Middle name", "Further given names.", String, Plain),
    ("_last_name", "Last name", "The family name.", String, Important),
    ("_full_name", "Full name", "The whole name as the person writes it.", String, Plain),
    ("_gender", "Gender", "The gender in the sender's own terms.", String, Plain),
    ("_birth_date", "Birth date", "The day of birth.", Date, Plain),
    ("_language", "Language", "The language to address the person in, a BCP 47 tag such as de-AT.", Language, Important),
    ("_timezone", "Time zone", "The IANA name of the person's time zone, such as Europe/Vienna.", String, Plain),
    ("_currency", "Currency", "The currency the person pays in, an ISO 4217 code.", Currency, Plain),
    ("_country", "Country", "The country of residence, an ISO 3166-1 alpha-2 code.", Country, Important),
    ("_region", "Region", "The state, province or canton of the postal address.", String, Plain),
    ("_city", "City", "The place of the postal address.", String, Plain),
    ("_postal_code", "Postal code", "The postal code; a string, because zeros may lead.", String, Plain),
    ("_street", "Street", "Street and house number of the postal address.", String, Plain),
    ("_address_extra", "Address line 2", "Floor, door, care-of and the like.", String, Plain),
    ("_company", "Company", "The organization the person works for.", String, Plain),
    ("_job_title", "Job title", "The person's position in the company.", String, Plain),
    ("_website", "Website", "The person's or the company's web address.", Url, Plain),
    ("_avatar_url", "Picture", "Where a picture of the person can be fetched.", Url, Hidden),
    ("_consent_email", "E-mail consent", "Whether the person agreed to marketing by e-mail.", Bool, Important),
    ("_consent_sms", "SMS consent", "Whether the person agreed to marketing by text message.", Bool, Important),
    ("_consent_phone", "Phone consent", "Whether the person agreed to marketing calls.", Bool, Plain),
    ("_consent_push", "Push consent", "Whether the person agreed to push notifications.", Bool, Plain),
    ("_consent_post", "Post consent", "Whether the person agreed to marketing by letter.", Bool, Plain),
    ("_consent_profiling", "Profiling consent", "Whether the person agreed to an evaluation of their behaviour.", Bool, Plain),
    ("_consent_updated_at", "Consent updated at", "When the person last gave or withdrew a consent.", Datetime, Plain),
    ("_registered_at", "Registered at", "When the person opened their account with the sender.", Datetime, Plain),
    ("_last_seen_at", "Last seen at", "When the sender last saw the person active.", Datetime, Plain),
    ("_customer_since", "Customer since", "The day of the first purchase.", Date, Plain),
    ("_loyalty_tier", "Loyalty tier", "The level reached in a loyalty programme.", String, Plain),
    ("_loyalty_points", "Loyalty points", "The balance in a loyalty programme.", Int, Plain),
    ("_lifetime_value", "Lifetime value", "What the person has spent so far, in their currency.", Decimal, Plain),
    ("_source", "Source", "Where the person was first met, such as a campaign or a shop.", String, Plain),
    ("_segments", "Segments", "The sender's groups that the person belongs to.", String, Many),
    ("_interests", "Interests", "Topics the person cares about.", String, Many),
    ("_push_tokens", "Push tokens", "Device tokens for push notifications.", String, Many),
    ("_note", "Note", "Free text about the person.", Text, Plain),
];

/// The specs, in listing order.
pub(super) fn all() -> impl Iterator<Item = AttributeSpec> {
    ROWS.iter().map(|(uid, display_label, description, data_type, kind)| AttributeSpec {
        uid: (*uid).to_owned(),
        display_label: (*display_label).to_owned(),
        description: (*description).to_owned(),
        data_type: *data_type,
        multivalue: *kind == Many,
        required_in_webhook: *kind == Required,
        read_only: *kind == ReadOnly,
        important: matches!(kind, Important | Required),
        visible: *kind != Hidden,
        custom: false,
    })
}
