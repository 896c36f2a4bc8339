//! Each row becomes what is to be stored, or a refusal: by the rules that the API judges items by, as they are now.

use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use memchr::memmem;
use serde_json::value::RawValue;

use super::{
    Kind,
    chunk::{Refusal, Verdict},
    rows::LONGEST,
    streamed::{self, Told},
    table::Table,
};
use crate::{
    auth::{Authority, Datasource, Project},
    domain::{
        batch::{Batch, Draft, Malformed, Rules},
        caps::Caps,
        clock::SharedClock,
        contact::{ContactDraft, Departure},
        country::Country,
        event::EventDraft,
        ids::Inlet,
        json::raw_members,
        rejection::Fault,
    },
    ingest::ContactOp,
};
/// What the stream may add to an event that just fitted: a date that the sender did not give. Bytes.
const DATE: usize = 64;

/// Judges rows.
pub(super) struct Judge {
    pub(super) authority: Authority,
    pub(super) clock: SharedClock,
    /// Uid of the datasource.
    pub(super) datasource: String,
    /// The limits of one item.
    pub(super) caps: Caps,
    /// What is wanted of a file that holds both.
    pub(super) wanted: Option<Kind>,
    /// What rows are that do not say it themselves.
    pub(super) plain: Option<Kind>,
    pub(super) table: Option<Table>,
}

/// What rows are judged by for a while.
pub(super) struct Standing {
    pub(super) project: Arc<Project>,
    datasource: Arc<Datasource>,
    now: jiff::Timestamp,
}

/// Room to work in.
#[derive(Default)]
pub(super) struct Scratch {
    item: String,
    body: Vec<u8>,
}

impl Judge {
    /// What holds now.
    ///
    /// # Errors
    /// When nothing can be pushed to the datasource any more.
    pub(super) fn standing(&self) -> anyhow::Result<Standing> {
        let uid = &self.datasource;
        let found = self.authority.datasource_here(uid);
        let (project, datasource) = found.with_context(|| format!("the datasource {uid} was deleted"))?;
        ensure!(!datasource.closed, "the datasource {uid} is being purged; go on once that is done");
        Ok(Standing { project, datasource, now: self.clock.now() })
    }

    /// Judges one row, `line` being its first line.
    ///
    /// # Errors
    /// When it cannot be told what the rows of the input are.
    pub(super) fn row(
        &mut self,
        standing: &Standing,
        scratch: &mut Scratch,
        (line, text, whole): (u64, &[u8], bool),
    ) -> anyhow::Result<Verdict> {
        let kind = self.plain.unwrap_or(Kind::Events);
        if !whole {
            let rule = format!("is longer than {LONGEST} bytes, or its quotes are never closed");
            return Ok(Verdict::Refused(Refusal::of("line_too_long", kind, Fault::whole(rule))));
        }
        if let Some(table) = &self.table {
            let kind = table.kind();
            return Ok(match table.item(text, &standing.project.catalogue, &mut scratch.item) {
                Ok(()) => self.plain_item(standing, kind, scratch, None),
                Err(fault) => Verdict::Refused(Refusal::of("malformed", kind, fault)),
            });
        }
        match from_stream(text, &mut scratch.item) {
            Ok(Some(told)) => Ok(self.streamed(standing, told, scratch)),
            Err(fault) => Ok(Verdict::Refused(Refusal::of("invalid", Kind::Contacts, fault))),
            Ok(None) => {
                let kind = match self.plain {
                    Some(kind) => kind,
                    None => *self.plain.insert(tell(text, line)?),
                };
                Ok(self.plain_item(standing, kind, scratch, Some(text)))
            }
        }
    }

    fn streamed(&self, standing: &Standing, told: Told, scratch: &mut Scratch) -> Verdict {
        let kind = if told == Told::Event { Kind::Events } else { Kind::Contacts };
        if self.wanted.is_some_and(|wanted| wanted != kind) {
            return Verdict::Skipped;
        }
        let caps = Caps { item_bytes: self.caps.item_bytes.saturating_add(DATE), ..self.caps.clone() };
        if told != Told::Gone {
            return judged(standing, &caps, kind, scratch, None);
        }
        match one::<Departure>(standing, &caps, kind, scratch, None) {
            Ok(Departure { user_id }) => Verdict::Contact(ContactOp::Delete { user_id }),
            Err(refusal) => Verdict::Refused(refusal),
        }
    }

    fn plain_item(
        &self,
        standing: &Standing,
        kind: Kind,
        scratch: &mut Scratch,
        text: Option<&[u8]>,
    ) -> Verdict {
        judged(standing, &self.caps, kind, scratch, text)
    }
}

/// Judges the item of `text`, or of the scratch.
fn judged(
    standing: &Standing,
    caps: &Caps,
    kind: Kind,
    scratch: &mut Scratch,
    text: Option<&[u8]>,
) -> Verdict {
    let verdict = match kind {
        Kind::Events => one::<EventDraft>(standing, caps, kind, scratch, text).map(Verdict::Event),
        Kind::Contacts => one::<ContactDraft>(standing, caps, kind, scratch, text)
            .map(|draft| Verdict::Contact(ContactOp::Upsert(draft))),
    };
    verdict.unwrap_or_else(Verdict::Refused)
}

/// Judges one item as a batch of its own, so that what is no JSON at all fails alone.
fn one<T: Draft>(
    standing: &Standing,
    caps: &Caps,
    kind: Kind,
    scratch: &mut Scratch,
    text: Option<&[u8]>,
) -> Result<T, Refusal> {
    let Standing { project, datasource, now } = standing;
    let rules = Rules {
        caps,
        catalogue: &project.catalogue,
        strict: datasource.strict,
        default_country: datasource.default_country.as_deref().and_then(Country::parse),
        now: *now,
    };
    let text = text.unwrap_or(scratch.item.as_bytes());
    scratch.body.clear();
    scratch.body.push(b'[');
    scratch.body.extend_from_slice(text.trim_ascii());
    scratch.body.push(b']');
    let inlet = Inlet { project: project.id, datasource: datasource.id };
    let batch = Batch::<T>::parse(inlet, &scratch.body, &rules)
        .map_err(|malformed| Refusal::of("malformed", kind, Fault::whole(no_item(&malformed, text))))?;
    let mut items = batch.items;
    match items.pop() {
        Some(item) if items.is_empty() => item.verdict.map_err(|rejection| Refusal {
            code: "invalid",
            kind,
            faults: rejection.faults().to_vec(),
            excerpt: item.excerpt,
        }),
        _ => Err(Refusal::of("malformed", kind, Fault::whole("holds more than one item"))),
    }
}

/// Why a line is no item; the column is that of the line.
fn no_item(malformed: &Malformed, text: &[u8]) -> String {
    let Malformed::NotUtf8OrJson { detail } = malformed else { return "holds more than one item".to_owned() };
    let error =
        serde_json::from_slice::<&RawValue>(text).err().filter(|error| error.is_syntax() || error.is_eof());
    let detail = error.map_or_else(|| detail.clone(), |error| error.to_string());
    let place = detail.replace(" at line 1 column ", " at column ");
    format!("is not valid JSON: {place}")
}

/// Whether a line is an item of the stream, whose item is in `item` then.
fn from_stream(text: &[u8], item: &mut String) -> Result<Option<Told>, Fault> {
    // Most lines are no such items, and need not be read twice.
    if memmem::find(text, b"\"cursor\"").is_none() {
        return Ok(None);
    }
    let Ok(line) = std::str::from_utf8(text.trim_ascii()) else { return Ok(None) };
    match serde_json::from_str::<&RawValue>(line) {
        Ok(_) => streamed::read(line, item),
        Err(_) => Ok(None),
    }
}

/// What the items of a file are, by its first one.
fn tell(text: &[u8], line: u64) -> anyhow::Result<Kind> {
    let text = std::str::from_utf8(text.trim_ascii()).unwrap_or_default();
    if text.starts_with('[') {
        bail!("line {line} begins an array; give one item a line, as `jq -c '.[]'` makes of an array");
    }
    let object = serde_json::from_str::<&RawValue>(text).is_ok() && text.starts_with('{');
    let has = |wanted: &[&str]| raw_members(text).any(|(name, _)| wanted.contains(&name));
    if object && has(&["\"_event_id\"", "\"_event_type\""]) {
        return Ok(Kind::Events);
    }
    if object && has(&["\"_user_id\""]) {
        return Ok(Kind::Contacts);
    }
    bail!(
        "line {line} tells neither an event (by _event_id or _event_type) nor a contact (by _user_id): say what the file holds by \
         --kind events or --kind contacts"
    )
}
