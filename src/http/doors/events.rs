//! Events by event-stream key, under `/v1/events` and `/crm/api/v2/event-streams`: what happened in words, to nobody in particular.
//!
//! Each is an ordinary event of the project with an empty `_user_id`: its `uuid` is the `_event_id`, `datetime` the `_event_date`,
//! `type` the `_event_type`, and everything else a parameter.

use actix_web::{HttpRequest, http::StatusCode, web::Payload};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{
    fields::{self, Fields, defect, raw},
    listing::Numbered,
    refusal::faulty,
    writing,
};
use crate::{
    domain::{
        date::{date, datetime},
        event::{EventDraft, NobodysEvent},
        ids::random_uuid,
        json::unquote,
    },
    http::{
        answer::Answer,
        audience::away,
        door::Member,
        intake::parameter,
        problem::{Code, Problem},
        push,
        state::State,
    },
    ingest::fates::Kind,
    store::{
        activity::{self, Listed, Wanted},
        timeline::TimelineRow,
    },
    stream::mask::{self, Sight},
};

/// Entries of a page, and the most of them.
const USUAL: i64 = 10;
const MOST: i64 = 100;

/// The type of an event that names none.
const ACTIVITY: &str = "activity";

/// Members that are no parameters.
const ENVELOPE: [&str; 3] = ["uuid", "datetime", "type"];

/// How far a sender's clock may be ahead: what happened at a time was received no earlier than so long before.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// What a time that is none breaks.
const NOT_A_TIME: &str = "takes epoch seconds, or an RFC 3339 time such as 2026-11-20T12:00:00Z";

/// `POST`: appends an event. With a `uuid` of the sender's, sending it again does nothing.
pub(in crate::http) async fn append(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    #[derive(Serialize)]
    struct Stored {
        uuid: String,
    }
    let sent = fields::read(state, request, payload).await?;
    let uuid = match given(&sent, "uuid") {
        Some(uuid) => uuid,
        None => random_uuid(state.entropy.as_ref())
            .map_err(|error| {
                tracing::error!(%error, "an event could not be named");
                Problem::plain(Code::Internal)
            })?
            .to_string(),
    };
    let text = item(&sent, &uuid)?;
    let guest = writing::inlet(state, request, member).await?;
    let work = |drafts: Vec<NobodysEvent>| {
        let drafts: Vec<EventDraft> = drafts.into_iter().map(|draft| draft.0).collect();
        push::appended(&drafts)
    };
    push::one(state, &guest, Kind::Event, &text, work).await.map_err(in_our_words)?;
    Answer::with(StatusCode::CREATED, &Stored { uuid })
}

/// The event in our own form, as the text of a batch of one.
fn item(sent: &Fields, uuid: &str) -> Result<String, Problem> {
    let Some(description) = given(sent, "description") else {
        return Err(faulty("description", "is required"));
    };
    let mut parameters: Fields = sent
        .iter()
        .filter(|(name, value)| !ENVELOPE.contains(&name.as_str()) && value.get() != "null")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    parameters.insert("description".into(), raw(&description)?);
    if let Some(log) = parameters.remove("log")
        && let Some(log) = log_of(&log)?
    {
        parameters.insert("log".into(), log);
    }
    let written = to_raw_value(&parameters).map_err(|error| defect(&error))?;
    let mut item = Fields::from([("_event_parameters".to_owned(), written)]);
    item.insert("_event_id".into(), raw(uuid)?);
    item.insert("_event_type".into(), raw(given(sent, "type").as_deref().unwrap_or(ACTIVITY))?);
    if let Some(text) = given(sent, "datetime") {
        let at = time(&text).ok_or_else(|| faulty("datetime", NOT_A_TIME))?;
        item.insert("_event_date".into(), raw(&at.to_string())?);
    }
    serde_json::to_string(&[item]).map_err(|error| defect(&error))
}

/// The text of a member that says something.
fn given(fields: &Fields, name: &str) -> Option<String> {
    fields::text(fields, name).filter(|text| !text.trim().is_empty())
}

/// The log as JSON: an object, or the text of one.
fn log_of(sent: &RawValue) -> Result<Option<Box<RawValue>>, Problem> {
    let text = match unquote(sent.get()) {
        Some(text) if sent.get().starts_with('"') => text,
        _ => sent.get().into(),
    };
    let text = text.trim();
    match serde_json::from_str::<Box<RawValue>>(text) {
        _ if text.is_empty() => Ok(None),
        Ok(log) if text.starts_with(['{', '[']) => Ok(Some(log)),
        _ => Err(faulty("log", "must be a JSON object, or the text of one")),
    }
}

/// A time in epoch seconds, or in RFC 3339.
fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    match whole.parse::<i64>() {
        Ok(seconds) if rest.bytes().all(|byte| byte.is_ascii_digit()) => Timestamp::from_second(seconds).ok(),
        _ => datetime(text),
    }
}

/// What is wrong with an event, by the names of this door.
fn in_our_words(mut problem: Problem) -> Problem {
    for error in &mut problem.errors {
        let ours = error.pointer.trim_start_matches('/');
        let theirs = match ours {
            "_event_id" => "uuid",
            "_event_type" => "type",
            "_event_date" => "datetime",
            _ => ours.strip_prefix("_event_parameters/").unwrap_or(ours),
        };
        error.pointer = format!("/{theirs}");
    }
    problem
}

/// `GET`: lists events, newest first.
pub(in crate::http) async fn list(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    let page = Numbered::asked(request, "per_page", USUAL, MOST)?;
    let filter = Filter::asked(request)?;
    let listed = match writing::first(state, member) {
        None => Listed { whole: true, ..Listed::default() },
        Some(guest) => {
            let takes = |row: &TimelineRow| filter.takes(row);
            let wanted = Wanted {
                inlet: guest.inlet(),
                since: filter.from.map(|from| from.saturating_sub(AHEAD).unwrap_or(from)),
                takes: &takes,
                offset: page.offset(),
                limit: page.size,
            };
            activity::list(&state.reads, &wanted).await.map_err(|error| away(state, &error))?
        }
    };
    let results = listed.rows.into_iter().map(|row| shape(member, row));
    Answer::ok(&List {
        total_entries: listed.total,
        total_pages: page.pages(listed.total),
        total_is_exact: listed.whole,
        page: page.page,
        per_page: page.size,
        results: results.collect::<serde_json::Result<_>>().map_err(|error| defect(&error))?,
    })
}

#[derive(Serialize)]
struct List {
    total_entries: i64,
    total_pages: i64,
    /// Whether nothing older was left out of the count.
    total_is_exact: bool,
    page: i64,
    per_page: i64,
    results: Vec<Fields>,
}

/// An event as this door shows it, and as the caller may see it.
fn shape(member: &Member, row: TimelineRow) -> serde_json::Result<Fields> {
    let spec = member.project.catalogue.event(&row.event_type);
    let seen = mask::seen_parameters(Sight::of(&member.caller), spec, row.parameters)?;
    let mut shown: Fields = serde_json::from_str(seen.get())?;
    shown.insert("uuid".into(), to_raw_value(&row.event_id)?);
    shown.insert("type".into(), to_raw_value(&row.event_type)?);
    shown.insert("datetime".into(), to_raw_value(&row.occurred_at.as_second())?);
    Ok(shown)
}

/// Which events are wanted.
#[derive(Debug, Default)]
struct Filter {
    from: Option<Timestamp>,
    /// Without this instant itself.
    to: Option<Timestamp>,
    /// In lower case.
    description: Option<String>,
    /// Parameters that have exactly this text.
    exactly: Vec<(&'static str, String)>,
}

impl Filter {
    /// Reads the filters of the query; an empty one is none.
    ///
    /// # Errors
    /// 400 `invalid_parameter` for what is no time.
    fn asked(request: &HttpRequest) -> Result<Self, Problem> {
        let asked = |name| parameter(request, name).filter(|text| !text.is_empty());
        let time_of = |name: &'static str| {
            let read = |text: String| {
                let detail = || format!("the query parameter {name} {NOT_A_TIME}");
                let at = time(&text).ok_or_else(|| Problem::new(Code::InvalidParameter, detail()))?;
                Ok((at, date(text.trim()).is_some()))
            };
            asked(name).map(read).transpose()
        };
        // A second, or a day, ends when the next one begins.
        let end = |(at, is_day): (Timestamp, bool)| {
            at.saturating_add(SignedDuration::from_secs(if is_day { 86_400 } else { 1 })).unwrap_or(at)
        };
        let names = ["module_source", "module_feature", "administrator_uuid"];
        Ok(Self {
            from: time_of("start_date")?.map(|(at, _)| at),
            to: time_of("end_date")?.map(end),
            description: asked("description").map(|text| text.to_lowercase()),
            exactly: names.into_iter().filter_map(|name| Some((name, asked(name)?))).collect(),
        })
    }

    fn takes(&self, row: &TimelineRow) -> bool {
        if self.from.is_some_and(|from| row.occurred_at < from)
            || self.to.is_some_and(|to| row.occurred_at >= to)
        {
            return false;
        }
        if self.description.is_none() && self.exactly.is_empty() {
            return true;
        }
        let Ok(parameters) = serde_json::from_str::<Fields>(&row.parameters) else { return false };
        let says = |part: &String| {
            fields::text(&parameters, "description").is_some_and(|text| text.to_lowercase().contains(part))
        };
        self.description.as_ref().is_none_or(says)
            && self.exactly.iter().all(|(name, text)| fields::text(&parameters, name).as_ref() == Some(text))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::http::intake;

    fn written(body: &str) -> Result<serde_json::Value, String> {
        let sent: Fields = intake::form(body.as_bytes()).unwrap();
        let text = item(&sent, "id").map_err(|problem| problem.detail.into_owned())?;
        Ok(serde_json::from_str::<serde_json::Value>(&text).unwrap()[0].clone())
    }

    #[test]
    fn an_event_is_put_into_our_form() {
        let item = written(
            r#"{"description":"<b>Hi</b>","datetime":"1700000000","log":"{\"a\": 1}","type":"note","n":1,"x":null}"#,
        );
        let wanted = serde_json::json!({
            "_event_id": "id", "_event_type": "note", "_event_date": "2023-11-14T22:13:20Z",
            "_event_parameters": {"description": "<b>Hi</b>", "log": {"a": 1}, "n": 1},
        });
        assert_eq!(item, Ok(wanted));
        assert_eq!(written(r#"{"description":"x","log":""}"#).unwrap()["_event_type"], "activity");
    }

    #[rstest::rstest]
    #[case(r#"{}"#, "description: is required")]
    #[case(r#"{"description":" "}"#, "description: is required")]
    #[case(r#"{"description":"x","log":"{"}"#, "log: must be a JSON object, or the text of one")]
    #[case(r#"{"description":"x","log":7}"#, "log: must be a JSON object, or the text of one")]
    #[case(r#"{"description":"x","datetime":1700000000000}"#, "datetime: takes epoch seconds")]
    #[case(r#"{"description":"x","datetime":"soon"}"#, "datetime: takes epoch seconds")]
    fn faults_are_named(#[case] body: &str, #[case] fault: &str) {
        let text = written(body).unwrap_err();
        assert!(text.starts_with(fault), "{text}");
    }

    #[test]
    fn times_are_seconds_or_iso() {
        let at = |text: &str| time(text).map(|at| at.to_string());
        assert_eq!(at("1700000000").as_deref(), Some("2023-11-14T22:13:20Z"));
        assert_eq!(at("1700000000.75").as_deref(), Some("2023-11-14T22:13:20Z"), "cut to seconds");
        assert_eq!(at("2023-11-14T23:13:20+01:00").as_deref(), Some("2023-11-14T22:13:20Z"));
        assert_eq!(at("2023-11-14").as_deref(), Some("2023-11-14T00:00:00Z"));
        assert_eq!([at("x"), at("17.x"), at("")], [None, None, None]);
    }

    #[test]
    fn an_end_is_meant_whole() {
        let filter = |query: &str| {
            let request = TestRequest::with_uri(&format!("/x?{query}")).to_http_request();
            Filter::asked(&request).map_err(|problem| problem.code)
        };
        let to = |query| filter(query).unwrap().to.unwrap().to_string();
        assert_eq!(to("end_date=2023-11-14"), "2023-11-15T00:00:00Z");
        assert_eq!(to("end_date=1700000000"), "2023-11-14T22:13:21Z");
        assert_eq!(filter("start_date=soon").unwrap_err(), Code::InvalidParameter);
        assert!(filter("start_date=&description=").unwrap().from.is_none());
    }
}
