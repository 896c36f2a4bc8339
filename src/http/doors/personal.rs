//! Contacts and conversations by personal key, under `/api/v1`: everything in an envelope, what is invalid in a list of its own.
//!
//! A conversation is the events of the catalogue's conversation types with one `conversation_id`, which is its id here. It is closed
//! when nothing opened it since it was closed last; a message does not.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Payload};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use super::{
    fields::{self, Fields, defect, raw},
    listing::Numbered,
    person::{self, Attributes},
    writing,
};
use crate::{
    domain::{
        catalogue::Catalogue,
        date::{date, datetime},
    },
    http::{
        answer::{self, Answer},
        audience::away,
        door::Member,
        intake::{parameter, segment},
        problem::{Code, Problem},
        state::State,
        trace::RequestId,
    },
    limit::Pass,
    store::{
        contacts::{ContactKey, ContactRecord},
        conversations::{self, CLOSINGS, LONGEST, Mark, Step, Told},
        people::{self, Field, Known, Search, Sort, Wanted},
    },
    stream::mask::{self, Sight},
};

/// Entries of a page, and the most of them.
const USUAL: i64 = 50;
const MOST: i64 = 100;

/// Members with a name of their own here; of one attribute's, the first one is in answers and counts before the other.
const NAMES: [(&str, &str); 5] = [
    ("email", "_email"),
    ("phone_number", "_phone_mobile"),
    ("phone", "_phone_mobile"),
    ("first_name", "_first_name"),
    ("last_name", "_last_name"),
];

/// The object of attributes that are the sender's own.
const CUSTOM: &str = "custom_fields";

/// What the server says of a contact, and what stands in a query. A client that sends back what it read changes nothing by them.
const OF_THE_SERVER: [&str; 5] = ["id", "user_id", "created_at", "updated_at", "api_key"];

/// What is wrong where something is missing.
const REQUIRED: &str = "is required";

/// What an answer is in.
#[derive(Serialize)]
struct Envelope<'a, D> {
    message: &'a str,
    meta: Meta<'a>,
    data: D,
}

/// Nothing, where all is well.
#[derive(Default, Serialize)]
struct Meta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

fn good(data: impl Serialize) -> Result<Answer, Problem> {
    Answer::ok(&Envelope { message: "success", meta: Meta::default(), data })
}

/// A page of a list.
#[derive(Serialize)]
struct List {
    items: Vec<Fields>,
    total: i64,
    page: i64,
    size: i64,
    pages: i64,
    previous_page: Option<i64>,
    next_page: Option<i64>,
}

impl List {
    fn of(page: Numbered, total: i64, items: Vec<Fields>) -> Self {
        let Numbered { page: number, size } = page;
        let pages = page.pages(total);
        let previous_page = Some((number - 1).min(pages)).filter(|previous| *previous > 0);
        let next_page = Some(number + 1).filter(|next| *next <= pages);
        Self { items, total, page: number, size, pages, previous_page, next_page }
    }
}

/// A problem in the words of this door, as a response. What is wrong with a query or a body is 422.
pub(super) fn refuse(problem: &Problem, id: &RequestId, pass: Option<&Pass>) -> HttpResponse {
    #[derive(Serialize)]
    struct Invalid<'a> {
        detail: Vec<One<'a>>,
    }
    #[derive(Serialize)]
    struct One<'a> {
        loc: Vec<String>,
        msg: &'a str,
        r#type: &'static str,
    }
    if problem.code.status() == 400 && !problem.errors.is_empty() {
        let invalid = problem.errors.iter().map(|error| One {
            loc: places(&error.pointer),
            msg: &error.detail,
            r#type: match problem.code {
                Code::MalformedJson => "json_invalid",
                _ if error.detail == REQUIRED => "missing",
                _ => "value_error",
            },
        });
        let mut response = answer::refuse_as(problem, &Invalid { detail: invalid.collect() }, pass);
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return response;
    }
    let message = match problem.code.status() {
        401 => "Invalid or revoked API key",
        _ => problem.detail.as_ref(),
    };
    let meta = Meta { code: Some(problem.code.as_str()), request_id: Some(id.as_str()) };
    answer::refuse_as(problem, &Envelope { message, meta, data: Fields::new() }, pass)
}

/// The parts of a JSON pointer.
fn places(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

/// The same problem with its pointers below a place: `query` or `body`.
fn placed(mut problem: Problem, place: &str) -> Problem {
    for error in &mut problem.errors {
        error.pointer.insert_str(0, &format!("/{place}"));
    }
    problem
}

/// A problem of one thing in the query.
fn invalid(name: &str, rule: impl Into<String>) -> Problem {
    let rule = rule.into();
    Problem::new(Code::InvalidParameter, format!("the query parameter {name} {rule}"))
        .at(format!("/query/{name}"), rule)
}

fn page(request: &HttpRequest) -> Result<Numbered, Problem> {
    Numbered::asked(request, "size", USUAL, MOST).map_err(|problem| placed(problem, "query"))
}

/// What is sent of a contact, in the query, in the body, or in both; the body counts then.
#[derive(Debug)]
struct Sent {
    members: Fields,
    /// Those of the query.
    in_query: Vec<String>,
}

impl Sent {
    async fn read(state: &State, request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        let body = fields::read(state, request, payload).await.map_err(|problem| placed(problem, "body"))?;
        let mut members = of_query(request)?;
        let in_query = members.keys().filter(|name| !body.contains_key(*name)).cloned().collect();
        members.extend(body);
        Ok(Self { members, in_query })
    }

    fn place(&self, member: &str) -> &'static str {
        if self.in_query.iter().any(|name| name == member) { "query" } else { "body" }
    }

    /// The attributes by our own names.
    fn attributes(&self, catalogue: &Catalogue) -> Result<Attributes, Problem> {
        let mut attributes = Attributes::new();
        for (name, value) in &self.members {
            let known = NAMES.iter().find(|(theirs, _)| theirs == name);
            match (name.as_str(), known) {
                ("phone", _) if self.members.contains_key("phone_number") => {}
                (CUSTOM, _) => attributes.extend(self.custom(value)?),
                // Numbers are the text of one.
                (_, Some((_, ours))) => {
                    let text = fields::text(&self.members, name).map(|text| raw(text.trim())).transpose()?;
                    attributes.insert((*ours).to_owned(), text.unwrap_or_else(|| value.clone()));
                }
                (name, _) if OF_THE_SERVER.contains(&name) => {}
                (name, _) => {
                    let ours = format!("_{name}");
                    let is_known = catalogue.attribute(&ours).is_some();
                    attributes.insert(if is_known { ours } else { name.to_owned() }, value.clone());
                }
            }
        }
        Ok(attributes)
    }

    /// Attributes of the sender's own: an object, or the text of one.
    fn custom(&self, value: &RawValue) -> Result<Fields, Problem> {
        let text = fields::text(&self.members, CUSTOM);
        let object = match text.as_deref() {
            Some(text) if text.trim().is_empty() => return Ok(Fields::new()),
            Some(text) => text,
            None if value.get() == "null" => return Ok(Fields::new()),
            None => value.get(),
        };
        serde_json::from_str(object).map_err(|_| {
            let pointer = format!("/{}/{CUSTOM}", self.place(CUSTOM));
            let rule = "must be a JSON object";
            Problem::new(Code::InvalidBody, format!("{CUSTOM} {rule}")).at(pointer, rule)
        })
    }

    /// What is wrong with attributes, by the names of this door.
    fn in_our_words(&self, catalogue: &Catalogue, mut problem: Problem) -> Problem {
        for error in &mut problem.errors {
            let Some(attribute) = error.pointer.strip_prefix('/').filter(|attribute| !attribute.is_empty())
            else {
                continue;
            };
            error.pointer = match member_of(catalogue, attribute) {
                Some("phone_number") if !self.members.contains_key("phone_number") => {
                    format!("/{}/phone", self.place("phone"))
                }
                Some(member) => format!("/{}/{member}", self.place(member)),
                None => format!("/{}/{CUSTOM}/{attribute}", self.place(CUSTOM)),
            };
        }
        problem
    }
}

/// The members of a contact in the query; empty ones are not meant. A plus is a plus where a space would make no sense.
fn of_query(request: &HttpRequest) -> Result<Fields, Problem> {
    let as_form = |name: &str| {
        let pairs = form_urlencoded::parse(request.query_string().as_bytes());
        pairs.filter(|(found, _)| found == name).last().map(|(_, value)| value.into_owned())
    };
    let mut members = Fields::new();
    for name in NAMES.map(|(theirs, _)| theirs).into_iter().chain([CUSTOM]) {
        let text = match name {
            "email" | "phone_number" | "phone" => parameter(request, name),
            _ => as_form(name),
        };
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            members.insert(name.to_owned(), raw(&text)?);
        }
    }
    Ok(members)
}

/// This door's name of an attribute; `None` for one of the sender's own.
fn member_of<'a>(catalogue: &Catalogue, attribute: &'a str) -> Option<&'a str> {
    if let Some((theirs, _)) = NAMES.iter().find(|(_, ours)| *ours == attribute) {
        return Some(theirs);
    }
    attribute.strip_prefix('_').filter(|_| catalogue.attribute(attribute).is_some())
}

/// `POST /api/v1/contact/upsert`: merges into the contact with this e-mail address or this number, or makes it.
pub(in crate::http) async fn upsert(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let catalogue = &member.project.catalogue;
    let sent = Sent::read(state, request, payload).await?;
    let mut attributes = sent.attributes(catalogue)?;
    // What is named is not cleared.
    for name in ["_email", "_phone_mobile"] {
        if attributes.get(name).is_some_and(|value| matches!(value.get(), "null" | "\"\"")) {
            attributes.remove(name);
        }
    }
    if !attributes.contains_key("_email") && !attributes.contains_key("_phone_mobile") {
        let rule = "email or phone_number must be present";
        return Err(Problem::new(Code::InvalidBody, rule).at("/body/email", rule));
    }
    let names = person::names(state, member, &attributes);
    let id = person::upsert(state, request, member, &attributes, &names).await;
    let id = id.map_err(|problem| sent.in_our_words(catalogue, problem))?;
    one(state, member, id).await
}

/// `GET /api/v1/contact/{id}`.
pub(in crate::http) async fn read(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    one(state, member, uuid(request)?).await
}

/// `PUT /api/v1/contact/{id}`: what is not sent stays.
pub(in crate::http) async fn change(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let (id, catalogue) = (uuid(request)?, &member.project.catalogue);
    let sent = Sent::read(state, request, payload).await?;
    let attributes = sent.attributes(catalogue)?;
    let found = person::find(state, member, id).await?;
    let gone = || Problem::plain(Code::ContactNotFound);
    let home = writing::home(state, member, found.key.datasource).ok_or_else(gone)?;
    let there = person::amend(state, &home, &found.key.user_id, &attributes).await;
    if !there.map_err(|problem| sent.in_our_words(catalogue, problem))? {
        return Err(gone());
    }
    one(state, member, id).await
}

/// `DELETE /api/v1/contact/{id}`.
pub(in crate::http) async fn delete(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    #[derive(Serialize)]
    struct Deleted {
        id: Uuid,
    }
    let id = uuid(request)?;
    person::delete(state, member, id).await?;
    good(Deleted { id })
}

/// `GET /api/v1/contact`: the oldest first, so that pages stay as they are while contacts come.
pub(in crate::http) async fn list(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    let page = page(request)?;
    let search = search(state, request, member)?;
    let (project, offset, limit) = (member.project.id, page.offset(), page.size);
    let wanted = Wanted { project, sort: Sort::Created, descending: false, search, offset, limit };
    let listed = people::list(&state.reads, &wanted).await.map_err(|error| away(state, &error))?;
    let items = listed.people.iter().map(|Known { key, record }| contact(member, key, record));
    let items = items.collect::<serde_json::Result<_>>().map_err(|error| defect(&error))?;
    good(List::of(page, listed.total, items))
}

/// The contacts with an e-mail address, or else with a number; all where neither is asked for.
fn search(state: &State, request: &HttpRequest, member: &Member) -> Result<Option<Search>, Problem> {
    let sent = Sent { members: of_query(request)?, in_query: Vec::new() };
    let asked = |name| fields::text(&sent.members, name);
    let names = person::names(state, member, &sent.attributes(&member.project.catalogue)?);
    let (field, name, keyword) = match (asked("email"), asked("phone_number").or_else(|| asked("phone"))) {
        (Some(text), _) => (Field::Email, "email", names.email.unwrap_or(text)),
        (None, Some(text)) => (Field::Phone, "phone_number", names.phone.unwrap_or(text)),
        (None, None) => return Ok(None),
    };
    if keyword.contains('\0') {
        return Err(invalid(name, "takes no NUL"));
    }
    Ok(Some(Search { field, keyword, exact: true }))
}

/// The contact's own id in the path; what is none names nobody.
fn uuid(request: &HttpRequest) -> Result<Uuid, Problem> {
    segment(request, "uuid")?.parse().map_err(|_| Problem::plain(Code::ContactNotFound))
}

/// The contact as it stands.
async fn one(state: &State, member: &Member, id: Uuid) -> Result<Answer, Problem> {
    let found = person::find(state, member, id).await?;
    good(contact(member, &found.key, &found.record).map_err(|error| defect(&error))?)
}

/// A contact as this door shows it, and as the caller may see it.
fn contact(member: &Member, key: &ContactKey, record: &ContactRecord) -> serde_json::Result<Fields> {
    let catalogue = &member.project.catalogue;
    let mut shown: Fields =
        NAMES.iter().map(|(theirs, _)| ((*theirs).to_owned(), RawValue::NULL.to_owned())).collect();
    shown.remove("phone");
    let mut custom = Fields::new();
    for (attribute, value) in mask::seen(Sight::of(&member.caller), catalogue, &record.attributes)? {
        match member_of(catalogue, &attribute) {
            Some(name) => shown.insert(name.to_owned(), value),
            None => custom.insert(attribute, value),
        };
    }
    shown.insert(CUSTOM.into(), to_raw_value(&custom)?);
    shown.insert("id".into(), to_raw_value(&record.contact_id)?);
    shown.insert("user_id".into(), to_raw_value(&key.user_id)?);
    shown.insert("created_at".into(), to_raw_value(&record.created_at)?);
    shown.insert("updated_at".into(), to_raw_value(&record.updated_at)?);
    Ok(shown)
}

/// `GET /api/v1/conversation`: those that were closed within a span, in the order in which the server heard of it.
pub(in crate::http) async fn conversations(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    let page = page(request)?;
    let (from, to) = span(request)?;
    let closed = conversations::closed(&state.reads, member.project.id, from, to).await;
    let Some(closed) = closed.map_err(|error| away(state, &error))? else {
        let rule = format!(
            "is too far from date_from: the span holds more than {CLOSINGS} closings; ask for a shorter one"
        );
        return Err(invalid("date_to", rule));
    };
    let place = |number: i64| usize::try_from(number).unwrap_or(usize::MAX).min(closed.len());
    let (begin, end) = (place(page.offset()), place(page.offset() + page.size));
    let ids = closed.get(begin..end).unwrap_or_default();
    let marks = marks(state, member, ids).await?;
    let items = describe(state, member, ids, &marks).await?;
    good(List::of(page, i64::try_from(closed.len()).unwrap_or(i64::MAX), items))
}

/// `GET /api/v1/conversation/{id}`: with its first messages.
pub(in crate::http) async fn conversation(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    let (ids, marks) = named(state, request, member).await?;
    let mut described = describe(state, member, &ids, std::slice::from_ref(&marks)).await?;
    let Some(mut shown) = described.pop() else { return Err(no_conversation()) };
    let first: Vec<&Mark> = messages_of(&marks).take(usize::try_from(MOST).unwrap_or(usize::MAX)).collect();
    let messages = messages(state, member, &ids, &first).await?;
    shown.insert("messages".into(), to_raw_value(&messages).map_err(|error| defect(&error))?);
    good(shown)
}

/// `GET /api/v1/conversation/{id}/transcript`: its messages, the first one first.
pub(in crate::http) async fn transcript(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    let page = page(request)?;
    let (ids, marks) = named(state, request, member).await?;
    let place = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    let wanted: Vec<&Mark> = messages_of(&marks).skip(place(page.offset())).take(place(page.size)).collect();
    let items = messages(state, member, &ids, &wanted).await?;
    good(List::of(page, i64::try_from(messages_of(&marks).count()).unwrap_or(i64::MAX), items))
}

/// From when on, and before when: a day that ends the span is meant whole.
fn span(request: &HttpRequest) -> Result<(Timestamp, Timestamp), Problem> {
    let asked = |name: &'static str| {
        let text = parameter(request, name).unwrap_or_default();
        let text = text.trim().to_owned();
        if text.is_empty() {
            return Err(invalid(name, REQUIRED));
        }
        let seconds = text.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        let rule = "takes a day such as 2026-11-20, an RFC 3339 time, or epoch seconds";
        let at = seconds.or_else(|| datetime(&text)).ok_or_else(|| invalid(name, rule))?;
        Ok((at, date(&text).is_some()))
    };
    let ((from, _), (to, is_day)) = (asked("date_from")?, asked("date_to")?);
    let length = SignedDuration::from_hours(if is_day { 24 } else { 0 });
    let to = to.saturating_add(length).unwrap_or(to);
    if to <= from {
        return Err(invalid("date_to", "must be later than date_from"));
    }
    Ok((from, to))
}

async fn marks(state: &State, member: &Member, ids: &[String]) -> Result<Vec<Vec<Mark>>, Problem> {
    let marks = conversations::marks(&state.reads, member.project.id, ids).await;
    marks.map_err(|error| away(state, &error))
}

/// The conversation in the path: its id, and what is known of its events.
async fn named(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<([String; 1], Vec<Mark>), Problem> {
    let ids = [segment(request, "conversation_id")?];
    let marks = marks(state, member, &ids).await?.pop().filter(|marks| !marks.is_empty());
    Ok((ids, marks.ok_or_else(no_conversation)?))
}

fn no_conversation() -> Problem {
    Problem::new(Code::NotFound, "no conversation of the project has this id")
}

fn messages_of(marks: &[Mark]) -> impl Iterator<Item = &Mark> {
    marks.iter().filter(|mark| mark.step == Step::Message)
}

/// The last event of a kind.
fn last(marks: &[Mark], step: Step) -> Option<&Mark> {
    marks.iter().rev().find(|mark| mark.step == step)
}

/// Whose a conversation is: of whom its last event is that is not nobody's.
fn party(marks: &[Mark]) -> Option<&ContactKey> {
    marks.iter().rev().map(|mark| &mark.of).find(|of| !of.user_id.is_empty())
}

async fn read_events(
    state: &State,
    member: &Member,
    ids: &[String],
    marks: &[&Mark],
) -> Result<HashMap<i64, Told>, Problem> {
    let told = conversations::events(&state.reads, member.project.id, ids, marks).await;
    told.map_err(|error| away(state, &error))
}

/// Conversations without their messages.
async fn describe(
    state: &State,
    member: &Member,
    ids: &[String],
    marks: &[Vec<Mark>],
) -> Result<Vec<Fields>, Problem> {
    let ends = marks.iter().flat_map(|marks| [last(marks, Step::Opened), last(marks, Step::Closed)]);
    let told = read_events(state, member, ids, &ends.flatten().collect::<Vec<_>>()).await?;
    let parties: Vec<ContactKey> = marks.iter().filter_map(|marks| party(marks)).cloned().collect();
    let people = conversations::people(&state.reads, &parties).await.map_err(|error| away(state, &error))?;
    let people: HashMap<&ContactKey, &ContactRecord> =
        people.iter().map(|Known { key, record }| (key, record)).collect();
    let shown = ids.iter().zip(marks).map(|(id, marks)| shape(member, id, marks, &told, &people));
    shown.collect::<serde_json::Result<_>>().map_err(|error| defect(&error))
}

fn shape(
    member: &Member,
    id: &str,
    marks: &[Mark],
    told: &HashMap<i64, Told>,
    people: &HashMap<&ContactKey, &ContactRecord>,
) -> serde_json::Result<Fields> {
    let mut shown = Fields::new();
    let said = |step, names: &[&str], shown: &mut Fields| {
        let read = last(marks, step).and_then(|mark| told.get(&mark.id));
        let mut parameters = read.map(|told| parameters(member, step, told)).transpose()?.unwrap_or_default();
        for name in names {
            let value = parameters.remove(*name).unwrap_or_else(|| RawValue::NULL.to_owned());
            shown.insert((*name).to_owned(), value);
        }
        serde_json::Result::Ok(())
    };
    said(Step::Opened, &["channel", "subject", "priority"], &mut shown)?;
    said(Step::Closed, &["agent", "resolution", "rating"], &mut shown)?;
    let ended = marks.iter().rev().find(|mark| mark.step != Step::Message);
    let is_closed = ended.is_some_and(|mark| mark.step == Step::Closed);
    let at = |mark: Option<&Mark>| to_raw_value(&mark.map(|mark| mark.occurred_at));
    shown.insert("id".into(), to_raw_value(id)?);
    shown.insert("status".into(), to_raw_value(if is_closed { "closed" } else { "open" })?);
    shown.insert("message_count".into(), to_raw_value(&messages_of(marks).count())?);
    shown.insert("is_complete".into(), to_raw_value(&(marks.len() < LONGEST))?);
    shown.insert("created_at".into(), at(marks.first())?);
    shown.insert("opened_at".into(), at(last(marks, Step::Opened))?);
    shown.insert("last_message_at".into(), at(last(marks, Step::Message))?);
    shown.insert("closed_at".into(), at(last(marks, Step::Closed))?);
    shown.insert("updated_at".into(), at(marks.last())?);
    shown.insert("contact".into(), to_raw_value(&who(member, marks, people)?)?);
    Ok(shown)
}

/// The contact of a conversation; of one that is not stored what its sender calls it.
fn who(
    member: &Member,
    marks: &[Mark],
    people: &HashMap<&ContactKey, &ContactRecord>,
) -> serde_json::Result<Option<Fields>> {
    let Some(key) = party(marks) else { return Ok(None) };
    match people.get(key) {
        Some(record) => contact(member, key, record).map(Some),
        None => {
            let user_id = ("user_id".to_owned(), to_raw_value(&key.user_id)?);
            Ok(Some(Fields::from([("id".to_owned(), RawValue::NULL.to_owned()), user_id])))
        }
    }
}

/// Some messages of a conversation, in the order given.
async fn messages(
    state: &State,
    member: &Member,
    ids: &[String],
    marks: &[&Mark],
) -> Result<Vec<Fields>, Problem> {
    let told = read_events(state, member, ids, marks).await?;
    let shown = marks.iter().filter_map(|mark| Some((mark, told.get(&mark.id)?))).map(|(mark, told)| {
        let mut shown = parameters(member, mark.step, told)?;
        shown.remove("conversation_id");
        shown.insert("id".into(), to_raw_value(&told.event_id)?);
        shown.insert("user_id".into(), to_raw_value(&mark.of.user_id)?);
        shown.insert("sent_at".into(), to_raw_value(&mark.occurred_at)?);
        serde_json::Result::Ok(shown)
    });
    shown.collect::<serde_json::Result<_>>().map_err(|error| defect(&error))
}

/// The parameters of an event, as the caller may see them.
fn parameters(member: &Member, step: Step, told: &Told) -> serde_json::Result<Fields> {
    let spec = member.project.catalogue.event(step.event_type());
    let seen = mask::seen_parameters(Sight::of(&member.caller), spec, told.parameters.clone())?;
    serde_json::from_str(seen.get())
}
