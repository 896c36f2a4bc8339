//! The outbound stream: what a reader asks for, and pages of it.

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderName, HeaderValue},
};
use jiff::Timestamp;

use super::{
    answer::{Answer, NDJSON},
    audience::away,
    cursor,
    door::Member,
    intake::{parameter, parameters},
    problem::{Code, Problem},
    state::State,
    wire::StreamPage,
};
use crate::{
    domain::{
        cursor::Cursor,
        date::{NOT_A_TIME, datetime},
        pattern::Patterns,
    },
    store::{
        StoreError,
        outbound::{self, Item, LONGEST, Wanted},
    },
    stream::{item::StreamItem, mask::Sight},
};

/// Items of a page where no other number is asked for.
pub(super) const USUAL: usize = 100;

/// Where to go on, and whether there is more, for readers of lines: a line has room for an item alone.
const NEXT: HeaderName = HeaderName::from_static("x-next-cursor");
const CAUGHT_UP: HeaderName = HeaderName::from_static("x-caught-up");

/// `GET …/stream`.
pub(super) async fn page(state: &State, request: &HttpRequest, member: &Member) -> Result<Answer, Problem> {
    let limit = limit(request)?;
    let filter = Filter::asked(state, request, member)?;
    let after = start(state, request, member, parameter(request, "after")).await?;
    let wanted = filter.wanted(member.project.id, after, limit);
    let page = outbound::page(&state.stream, &wanted).await.map_err(|error| match error {
        StoreError::Expired(begins) => cursor::expired(begins),
        error => away(state, &error),
    })?;
    let sight = Sight::of(&member.caller);
    let items = page.items.into_iter().map(|item| written(item, sight, member));
    let items = items.collect::<Result<Vec<_>, _>>()?;
    let next = page.next.encode();
    let answer = if wants_lines(request) {
        lines(&items, &next, page.caught_up)?
    } else {
        Answer::ok(&StreamPage { items, next, caught_up: page.caught_up })?
    };
    Ok(answer.header(header::VARY, HeaderValue::from_static("Accept")))
}

/// Items one a line, and what is said of the page in headers.
fn lines(items: &[StreamItem], next: &str, caught_up: bool) -> Result<Answer, Problem> {
    let mut body = Vec::with_capacity(items.len() * 256);
    for item in items {
        serde_json::to_writer(&mut body, item).map_err(|error| defect(&error))?;
        body.push(b'\n');
    }
    // The letters of a cursor always make a value.
    let next = HeaderValue::from_str(next).unwrap_or(HeaderValue::from_static(""));
    let caught_up = HeaderValue::from_static(if caught_up { "true" } else { "false" });
    Ok(Answer::lines(body).header(NEXT, next).header(CAUGHT_UP, caught_up))
}

/// An item as the caller may see it.
pub(super) fn written(item: Item, sight: Sight, member: &Member) -> Result<StreamItem, Problem> {
    StreamItem::of(item, sight, &member.project.catalogue).map_err(|error| defect(&error))
}

fn defect(error: &serde_json::Error) -> Problem {
    tracing::error!(%error, "what the log holds is not an object");
    Problem::plain(Code::Internal)
}

/// Whether the client asks for lines rather than for one document.
fn wants_lines(request: &HttpRequest) -> bool {
    let accepted = request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    let mut ranges = accepted.flat_map(|value| value.split(','));
    ranges.any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().is_some_and(|media_type| media_type.eq_ignore_ascii_case(NDJSON));
        // `q=0` means "not this one" (RFC 9110, section 12.4.2).
        let refused = |part: &str| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
        named && !parts.any(refused)
    })
}

/// Which items a reader wants.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    pub(super) patterns: Patterns,
    /// By row and by public name; every one without.
    datasources: Option<(Vec<i64>, Vec<String>)>,
}

impl Filter {
    /// Reads `type` and `datasource` of the query, which may come several times.
    ///
    /// # Errors
    /// 400 `invalid_parameter` for what is no pattern of a type, or names no datasource of the project.
    pub(super) fn asked(state: &State, request: &HttpRequest, member: &Member) -> Result<Self, Problem> {
        let patterns = Patterns::parse(&parameters(request, "type"), state.caps.type_bytes)
            .map_err(|error| invalid(&format!("type {error}")))?;
        let names = parameters(request, "datasource");
        let mut datasources = (Vec::new(), Vec::new());
        for name in &names {
            let found = state.authority.datasource(&member.caller, member.project.uid.as_str(), name);
            let (_, one) = found.ok_or_else(|| {
                invalid("datasource takes the uid of a datasource of this project, or several of them")
            })?;
            datasources.0.push(one.id);
            datasources.1.push(one.uid.as_str().to_owned());
        }
        Ok(Self { patterns, datasources: (!names.is_empty()).then_some(datasources) })
    }

    pub(super) fn wanted(&self, project: i64, after: Option<Cursor>, limit: usize) -> Wanted<'_> {
        let datasources = self.datasources.as_ref().map(|(rows, _)| rows.as_slice());
        Wanted { project, after, patterns: &self.patterns, datasources, limit }
    }

    /// Whether an item is wanted.
    pub(super) fn takes(&self, item: &Item) -> bool {
        let names = self.datasources.as_ref().map(|(_, names)| names);
        names.is_none_or(|names| names.contains(&item.datasource)) && self.patterns.matches(&item.event_type)
    }
}

/// Where a reader begins: behind a cursor, which comes first, or at a time; `None` where it names neither.
///
/// # Errors
/// As [`cursor::cursor`]; 400 `invalid_parameter` for what is no time.
pub(super) async fn start(
    state: &State,
    request: &HttpRequest,
    member: &Member,
    after: Option<String>,
) -> Result<Option<Cursor>, Problem> {
    let from = parameter(request, "from").map(|text| {
        let from: Option<Timestamp> = datetime(&text);
        from.ok_or_else(|| invalid(&format!("from {NOT_A_TIME}")))
    });
    let from = from.transpose()?;
    if let Some(text) = after {
        return cursor::cursor(state, member.project.id, &text).await.map(Some);
    }
    let Some(from) = from else { return Ok(None) };
    let place = outbound::since(&state.stream, member.project.id, from).await;
    place.map(Some).map_err(|error| away(state, &error))
}

fn limit(request: &HttpRequest) -> Result<usize, Problem> {
    let Some(text) = parameter(request, "limit") else { return Ok(USUAL) };
    let number = text.parse().ok().filter(|number| (1..=LONGEST).contains(number));
    number.ok_or_else(|| invalid(&format!("limit takes a whole number from 1 to {LONGEST}")))
}

fn invalid(what: &str) -> Problem {
    Problem::new(Code::InvalidParameter, format!("the query parameter {what}"))
}
