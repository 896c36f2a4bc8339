//! Core data by instance key: contacts under `/crm/api/v2/contacts`, flat, by a `uuid` that is their own id.

use std::borrow::Cow;

use actix_web::{HttpRequest, http::StatusCode, web::Payload};
use serde::Serialize;
use serde_json::value::to_raw_value;
use uuid::Uuid;

use super::{
    fields::{self, Fields, defect},
    listing::Numbered,
    person::{self, Attributes},
    refusal::faulty,
    writing,
};
use crate::{
    domain::catalogue::Catalogue,
    http::{
        answer::Answer,
        audience::away,
        door::Member,
        intake::{parameter, segment},
        problem::{Code, Problem},
        push::flag,
        state::State,
    },
    store::{
        contacts::{ContactKey, ContactRecord},
        people::{self, Field, Known, Names, Search, Sort, Wanted},
    },
    stream::mask::{self, Sight},
};

/// Entries of a page, and the most of them.
const USUAL: i64 = 10;
const MOST: i64 = 100;

/// What the server says of a contact. A client that sends back what it read changes nothing by them.
const OF_THE_SERVER: [&str; 7] =
    ["uuid", "user_id", "contact_id", "created", "created_at", "last_updated", "updated_at"];

/// Names that differ by more than the underscore; of one attribute's, the first is the one in answers.
const NAMES: [(&str, &str); 6] = [
    ("phone", "_phone_mobile"),
    ("phone_number", "_phone_mobile"),
    ("mobile", "_phone_mobile"),
    ("address", "_street"),
    ("state", "_region"),
    ("zip", "_postal_code"),
];

/// What attributes of the sender's own begin with.
const CUSTOM: &str = "custom_field.";

/// Our name of a member.
fn attribute<'a>(catalogue: &Catalogue, name: &'a str) -> Cow<'a, str> {
    if let Some(custom) = name.strip_prefix(CUSTOM) {
        return custom.into();
    }
    if let Some((_, ours)) = NAMES.iter().find(|(theirs, _)| *theirs == name) {
        return (*ours).into();
    }
    let known = format!("_{name}");
    if catalogue.attribute(&known).is_some() { known.into() } else { name.into() }
}

/// This door's name of an attribute.
fn member_of(attribute: &str) -> String {
    if let Some((theirs, _)) = NAMES.iter().find(|(_, ours)| *ours == attribute) {
        return (*theirs).to_owned();
    }
    attribute.strip_prefix('_').map_or_else(|| format!("{CUSTOM}{attribute}"), str::to_owned)
}

/// What is sent of a contact, by our names; `custom_field` and `custom_fields` may be objects of their own.
fn attributes(catalogue: &Catalogue, sent: &Fields) -> Attributes {
    let mut attributes = Attributes::new();
    for (name, value) in sent.iter().filter(|(name, _)| !OF_THE_SERVER.contains(&name.as_str())) {
        let nested = matches!(name.as_str(), "custom_field" | "custom_fields");
        match serde_json::from_str::<Fields>(value.get()) {
            Ok(custom) if nested => attributes.extend(custom),
            _ => drop(attributes.insert(attribute(catalogue, name).into_owned(), value.clone())),
        }
    }
    attributes
}

/// `POST /crm/api/v2/contacts`: merges into the contact with this e-mail address, or makes it.
pub(in crate::http) async fn create(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let sent = fields::read(state, request, payload).await?;
    if fields::text(&sent, "email").is_none_or(|text| text.trim().is_empty()) {
        return Err(faulty("email", "is required"));
    }
    let attributes = attributes(&member.project.catalogue, &sent);
    let names = Names { phone: None, ..person::names(state, member, &attributes) };
    let id = person::upsert(state, request, member, &attributes, &names).await.map_err(in_our_words)?;
    answer(state, member, id, StatusCode::CREATED).await
}

/// `GET /crm/api/v2/contacts/{uuid}`.
pub(in crate::http) async fn read(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    answer(state, member, uuid(request)?, StatusCode::OK).await
}

/// `PATCH` and `PUT /crm/api/v2/contacts/{uuid}`: what is not sent stays.
pub(in crate::http) async fn change(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let id = uuid(request)?;
    let sent = fields::read(state, request, payload).await?;
    if sent.contains_key("email") && fields::text(&sent, "email").is_none_or(|text| text.trim().is_empty()) {
        return Err(faulty("email", "must not be empty"));
    }
    let found = person::find(state, member, id).await?;
    let gone = || Problem::plain(Code::ContactNotFound);
    let home = writing::home(state, member, found.key.datasource).ok_or_else(gone)?;
    let attributes = attributes(&member.project.catalogue, &sent);
    let there = person::amend(state, &home, &found.key.user_id, &attributes).await.map_err(in_our_words)?;
    if !there {
        return Err(gone());
    }
    answer(state, member, id, StatusCode::OK).await
}

/// `DELETE /crm/api/v2/contacts/{uuid}`.
pub(in crate::http) async fn delete(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    #[derive(Serialize)]
    struct Deleted {
        uuid: Uuid,
    }
    let uuid = uuid(request)?;
    person::delete(state, member, uuid).await?;
    Answer::ok(&Deleted { uuid })
}

/// `GET /crm/api/v2/contacts`.
pub(in crate::http) async fn list(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    let page = Numbered::asked(request, "size", USUAL, MOST)?;
    let (sort, descending) = order(request)?;
    let search = search(&member.project.catalogue, request)?;
    let (offset, limit) = (page.offset(), page.size);
    let wanted = Wanted { project: member.project.id, sort, descending, search, offset, limit };
    let listed = people::list(&state.reads, &wanted).await.map_err(|error| away(state, &error))?;
    let results = listed.people.iter().map(|Known { key, record }| shape(member, key, record));
    Answer::ok(&List {
        total_entries: listed.total,
        total_pages: page.pages(listed.total),
        page: page.page,
        size: page.size,
        results: results.collect::<serde_json::Result<_>>().map_err(|error| defect(&error))?,
    })
}

#[derive(Serialize)]
struct List {
    total_entries: i64,
    total_pages: i64,
    page: i64,
    size: i64,
    results: Vec<Attributes>,
}

fn order(request: &HttpRequest) -> Result<(Sort, bool), Problem> {
    let given = |name| parameter(request, name).filter(|text| !text.is_empty());
    let sort = match given("sort_by").as_deref() {
        None | Some("last_updated") => Sort::Updated,
        Some("created") => Sort::Created,
        Some("email") => Sort::Email,
        Some(_) => return Err(invalid("sort_by takes last_updated, created or email")),
    };
    let descending = match given("sort_order").map(|text| text.to_ascii_uppercase()).as_deref() {
        None | Some("DESC") => true,
        Some("ASC") => false,
        Some(_) => return Err(invalid("sort_order takes DESC or ASC")),
    };
    Ok((sort, descending))
}

/// What is looked for; nothing without a keyword.
fn search(catalogue: &Catalogue, request: &HttpRequest) -> Result<Option<Search>, Problem> {
    let exact = flag(request, "exact")?;
    let Some(keyword) = parameter(request, "keyword").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if keyword.contains('\0') {
        return Err(invalid("keyword takes no NUL"));
    }
    let by = parameter(request, "search_by").filter(|text| !text.is_empty() && !text.contains('\0'));
    let field = match attribute(catalogue, by.as_deref().unwrap_or("email")).as_ref() {
        "_email" => Field::Email,
        "_phone_mobile" => Field::Phone,
        "uuid" => Field::Id,
        "_user_id" => Field::User,
        other => Field::Attribute(other.to_owned()),
    };
    Ok(Some(Search { field, keyword, exact }))
}

fn invalid(what: &str) -> Problem {
    Problem::new(Code::InvalidParameter, format!("the query parameter {what}"))
}

/// The contact's own id in the path; what is none names nobody.
fn uuid(request: &HttpRequest) -> Result<Uuid, Problem> {
    segment(request, "uuid")?.parse().map_err(|_| Problem::plain(Code::ContactNotFound))
}

/// The contact as it stands.
async fn answer(state: &State, member: &Member, id: Uuid, status: StatusCode) -> Result<Answer, Problem> {
    let found = person::find(state, member, id).await?;
    let contact = shape(member, &found.key, &found.record).map_err(|error| defect(&error))?;
    Answer::with(status, &contact)
}

/// A contact as this door shows it, and as the caller may see it.
fn shape(member: &Member, key: &ContactKey, record: &ContactRecord) -> serde_json::Result<Attributes> {
    let seen = mask::seen(Sight::of(&member.caller), &member.project.catalogue, &record.attributes)?;
    let mut shown: Attributes =
        seen.into_iter().map(|(attribute, value)| (member_of(&attribute), value)).collect();
    shown.insert("uuid".into(), to_raw_value(&record.contact_id)?);
    shown.insert("user_id".into(), to_raw_value(&key.user_id)?);
    shown.insert("created".into(), to_raw_value(&record.created_at)?);
    shown.insert("last_updated".into(), to_raw_value(&record.updated_at)?);
    Ok(shown)
}

/// What is wrong with attributes, by the names of this door.
fn in_our_words(mut problem: Problem) -> Problem {
    for error in &mut problem.errors {
        if let Some(attribute) = error.pointer.strip_prefix('/') {
            error.pointer = format!("/{}", member_of(attribute));
        }
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::intake;

    #[test]
    fn names_go_there_and_back() {
        let catalogue = Catalogue::builtin();
        for (theirs, ours) in [
            ("email", "_email"),
            ("phone", "_phone_mobile"),
            ("first_name", "_first_name"),
            ("country", "_country"),
            ("zip", "_postal_code"),
            ("custom_field.shoe size", "shoe size"),
        ] {
            assert_eq!(attribute(catalogue, theirs), ours);
            assert_eq!(member_of(ours), theirs);
        }
        assert_eq!(attribute(catalogue, "lead_score"), "lead_score", "unknown members are kept");
        assert_eq!(attribute(catalogue, "phone_number"), "_phone_mobile");
    }

    #[test]
    fn what_the_server_says_is_not_asked_for() {
        let sent: Fields = intake::form(
            br#"{"uuid":"x","created":"y","email":"a@b.de","custom_field.a":1,"custom_fields":{"b":2},"custom_field":3}"#,
        )
        .unwrap();
        let asked = attributes(Catalogue::builtin(), &sent);
        let names: Vec<&str> = asked.keys().map(String::as_str).collect();
        assert_eq!(names, ["_email", "a", "b", "custom_field"]);
    }
}
