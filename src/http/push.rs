//! The two pushes: contacts and events in, each item answered on its own.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, http::StatusCode, web::Payload};
use percent_encoding::percent_decode_str;

use super::{
    answer::Answer,
    door::{self, Guest},
    intake,
    problem::{Code, Problem},
    state::State,
    wire::{
        Accepted, Durability, Each, Entity, Failed, ItemOutcome, ItemShape, ItemStatus, PushAnswer,
        ReceiptShape,
    },
};
use crate::{
    domain::{
        batch::{Batch, Draft},
        contact::ContactDraft,
        event::EventDraft,
        rejection::Rejection,
    },
    ingest::{
        ContactOp, EventRows, Outcome, Receipt, Room, Work,
        fates::{self, Fate, Kind},
        ledger::{Account, Asked, Call},
    },
};

/// `POST …/stream/contacts`.
pub(super) async fn contacts(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    guest: &Guest,
) -> Result<Answer, Problem> {
    let work =
        |drafts: Vec<ContactDraft>| Work::Contacts(drafts.into_iter().map(ContactOp::Upsert).collect());
    push(state, request, payload, guest, Kind::Contact, work).await
}

/// `POST …/stream/events`.
pub(super) async fn events(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    guest: &Guest,
) -> Result<Answer, Problem> {
    let work = |drafts: Vec<EventDraft>| appended(&drafts);
    push(state, request, payload, guest, Kind::Event, work).await
}

/// The work of appending events.
pub(super) fn appended(drafts: &[EventDraft]) -> Work {
    let bytes = drafts.iter().map(|draft| draft.parameters.len() + 64).sum();
    let mut rows = EventRows::with_capacity(drafts.len(), bytes);
    drafts.iter().for_each(|draft| rows.push(draft));
    Work::Events(rows)
}

/// Stores one item that was made here rather than sent, in the way of every push; answers what became of it.
///
/// # Errors
/// 400 `invalid_body` with the faults of the item; what a push is refused as a whole.
pub(super) async fn one<T: Draft>(
    state: &State,
    guest: &Guest,
    kind: Kind,
    text: &str,
    work: impl FnOnce(Vec<T>) -> Work,
) -> Result<Outcome, Problem> {
    let push = Push { state, guest, kind, dry_run: false };
    let (batch, room) =
        door::take_in::<T>(state, guest, text).inspect_err(|_| push.note(Call::failed(kind)))?;
    let judged = push.settle(batch, room, work).await?;
    match judged.items.into_iter().next().map(|item| item.verdict) {
        Some(Ok(outcome)) => Ok(outcome),
        Some(Err((_, rejection))) => Err(intake::invalid(&rejection)),
        None => Err(Problem::plain(Code::Internal)),
    }
}

async fn push<T: Draft>(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    guest: &Guest,
    kind: Kind,
    work: impl FnOnce(Vec<T>) -> Work,
) -> Result<Answer, Problem> {
    let dry_run = flag(request, "_dryRun")?;
    // What `_sync` asks for holds for every 2xx; only its spelling can be wrong.
    flag(request, "_sync")?;
    let push = Push { state, guest, kind, dry_run };
    let (batch, room) = door::receive::<T>(state, request, payload, guest)
        .await
        .inspect_err(|_| push.note(Call::failed(kind)))?;
    let judged = push.settle(batch, room, work).await?;
    answer(state, guest, &judged)
}

/// One push on its way. What becomes of it is noted by the writer once it has the batch, so that it counts also when the client
/// goes away and the framework drops this; what ends before is noted here, without a pause in between.
struct Push<'a> {
    state: &'a State,
    guest: &'a Guest,
    kind: Kind,
    dry_run: bool,
}

/// A batch whose items are all judged.
struct Judged {
    kind: Kind,
    dry_run: bool,
    items: Vec<Settled>,
    receipt: Option<Receipt>,
}

impl Judged {
    fn good(&self) -> usize {
        self.items.iter().filter(|item| item.verdict.is_ok()).count()
    }
}

/// An item and what became of it.
struct Settled {
    position: usize,
    id: String,
    verdict: Result<Outcome, (ItemOutcome, Rejection)>,
}

impl Push<'_> {
    /// Notes a call that does not come to the writer.
    fn note(&self, call: Call) {
        if !self.dry_run {
            self.state.ledger.call(self.guest.datasource.id, call);
        }
    }

    /// Stores the valid items, or foretells what would become of them, and puts all verdicts in order.
    async fn settle<T>(
        &self,
        batch: Batch<T>,
        room: Room,
        work: impl FnOnce(Vec<T>) -> Work,
    ) -> Result<Judged, Problem> {
        let (mut items, drafts) = self.sort(batch);
        let bad = items.len() - drafts.len();
        let mut receipt = None;
        if drafts.is_empty() {
            self.note(Call { kind: self.kind, success: false, good: 0, bad });
        } else {
            let (outcomes, proof) = self.settle_valid(work(drafts), room, bad).await?;
            for (item, outcome) in items.iter_mut().filter(|item| item.verdict.is_ok()).zip(outcomes) {
                item.verdict = verdict_of(outcome);
            }
            receipt = proof;
        }
        Ok(Judged { kind: self.kind, dry_run: self.dry_run, items, receipt })
    }

    /// Tells good items from bad ones, which end here.
    fn sort<T>(&self, batch: Batch<T>) -> (Vec<Settled>, Vec<T>) {
        fates::received(self.kind, batch.items.len());
        let mut drafts = Vec::with_capacity(batch.items.len());
        let mut items = Vec::with_capacity(batch.items.len());
        for item in batch.items {
            let verdict = match item.verdict {
                Ok(draft) => {
                    drafts.push(draft);
                    Ok(Outcome::Unchanged)
                }
                Err(rejection) => {
                    if !self.dry_run {
                        let (datasource, excerpt) = (self.guest.datasource.id, item.excerpt.as_deref());
                        self.state.ledger.reject(datasource, self.kind, &rejection, excerpt);
                    }
                    Err((ItemOutcome::Invalid, rejection))
                }
            };
            items.push(Settled { position: item.position, id: item.id, verdict });
        }
        fates::ended(self.kind, Fate::Invalid, items.len() - drafts.len());
        (items, drafts)
    }

    async fn settle_valid(
        &self,
        work: Work,
        room: Room,
        bad: usize,
    ) -> Result<(Vec<Outcome>, Option<Receipt>), Problem> {
        let (state, kind, valid) = (self.state, self.kind, work.len());
        if let Err(closed) = door::is_open(state, self.guest) {
            // It was closed while the body came in.
            fates::ended(kind, Fate::Refused, valid);
            self.note(Call::failed(kind));
            return Err(closed);
        }
        if self.dry_run {
            let foretold = state.ingest.foretell(self.guest.inlet(), &work).await;
            fates::ended(kind, if foretold.is_ok() { Fate::DryRun } else { Fate::Refused }, valid);
            return Ok((foretold.map_err(|refused| door::store(state, refused))?, None));
        }
        let account = Account { kind, asked: Asked::Push, bad };
        let appended = state.ingest.append(room, self.guest.inlet(), work, account).await;
        let mut receipt = appended.map_err(|refused| door::store(state, refused))?;
        Ok((std::mem::take(&mut receipt.outcomes), Some(receipt)))
    }
}

fn verdict_of(outcome: Outcome) -> Result<Outcome, (ItemOutcome, Rejection)> {
    match outcome.fault() {
        Some(fault) => Err((name_of(outcome), Rejection::of(fault))),
        None => Ok(outcome),
    }
}

const fn name_of(outcome: Outcome) -> ItemOutcome {
    match outcome {
        Outcome::Created => ItemOutcome::Created,
        Outcome::Updated => ItemOutcome::Updated,
        Outcome::Unchanged => ItemOutcome::Unchanged,
        // Where there was nothing to delete, the answer has no item to name.
        Outcome::Deleted | Outcome::Absent => ItemOutcome::Deleted,
        Outcome::TooLarge => ItemOutcome::Invalid,
        Outcome::Stored => ItemOutcome::Stored,
        Outcome::Duplicate => ItemOutcome::Duplicate,
        Outcome::Conflict => ItemOutcome::Conflict,
    }
}

/// The answer of the contract's section 3.2: 202 when at least one item was good, else 422.
fn answer(state: &State, guest: &Guest, judged: &Judged) -> Result<Answer, Problem> {
    let good = judged.good();
    let status = if good > 0 { StatusCode::ACCEPTED } else { StatusCode::UNPROCESSABLE_ENTITY };
    let receipt = judged.receipt.as_ref().filter(|_| good > 0);
    write(state, guest, status, judged, receipt)
}

fn write(
    state: &State,
    guest: &Guest,
    status: StatusCode,
    judged: &Judged,
    receipt: Option<&Receipt>,
) -> Result<Answer, Problem> {
    let Judged { kind, dry_run, items, .. } = judged;
    let good = judged.good();
    let failed = items.len() - good;
    let none_valid = (status == StatusCode::UNPROCESSABLE_ENTITY).then_some(Code::NoValidItem);
    let mut good_ones = items.iter().filter(|item| item.verdict.is_ok()).map(accepted);
    let mut bad_ones = items.iter().filter_map(failure);
    let mut all = items.iter().map(|item| shape(*kind, item));
    let body = PushAnswer {
        success: failed == 0,
        status: status.as_u16(),
        dry_run: *dry_run,
        code: none_valid.map(Code::as_str),
        message: none_valid.map(Code::title),
        entities_success: good,
        entities_failures: failed,
        entities_limit: state.caps.items,
        accepted: Each::of(&mut good_ones),
        errors: Each::of(&mut bad_ones),
        entity: Entity { successful: good, failed, items: Each::of(&mut all) },
        project_uid: guest.project.uid.as_str(),
        datasource_uid: guest.datasource.uid.as_str(),
        receipt: receipt_shape(state, receipt),
    };
    // Each id twice, and what is around them; refused items are longer, and few.
    let bytes = items.iter().map(|item| 2 * item.id.len() + 110).sum::<usize>() + 512;
    Answer::of_size(status, bytes, &body)
}

fn accepted(item: &Settled) -> Accepted<'_> {
    Accepted { position: item.position, item: &item.id }
}

fn failure(item: &Settled) -> Option<Failed<'_>> {
    let (_, rejection) = item.verdict.as_ref().err()?;
    Some(Failed { position: item.position, item: &item.id, error: rejection.summary() })
}

fn shape(kind: Kind, item: &Settled) -> ItemShape<'_> {
    let (status, outcome, errors) = match &item.verdict {
        Ok(outcome) => (ItemStatus::Success, name_of(*outcome), BTreeMap::new()),
        Err((outcome, rejection)) => (ItemStatus::Error, *outcome, rejection.by_field()),
    };
    let (user_id, event_id) = match kind {
        Kind::Contact => (Some(item.id.as_str()), None),
        Kind::Event => (None, Some(item.id.as_str())),
    };
    ItemShape { status, user_id, event_id, outcome, errors }
}

fn receipt_shape(state: &State, receipt: Option<&Receipt>) -> ReceiptShape {
    match receipt {
        Some(receipt) => ReceiptShape {
            durability: Durability::Committed,
            cursor: Some(receipt.cursor.encode()),
            received_at: receipt.received_at,
        },
        None => ReceiptShape { durability: Durability::None, cursor: None, received_at: state.clock.now() },
    }
}

/// The answer to the deletion of one contact, in the same shape.
pub(super) fn deletion(
    state: &State,
    guest: &Guest,
    user_id: &str,
    receipt: &Receipt,
) -> Result<Answer, Problem> {
    let gone = receipt.outcomes.first() == Some(&Outcome::Deleted);
    let item = Settled { position: 0, id: user_id.to_owned(), verdict: Ok(Outcome::Deleted) };
    let items = gone.then_some(item).into_iter().collect();
    let judged = Judged { kind: Kind::Contact, dry_run: false, items, receipt: None };
    write(state, guest, StatusCode::OK, &judged, Some(receipt))
}

/// Whether a flag of the query is set: bare, `true` or `1` mean yes, `false` and `0` no; the last one counts.
///
/// # Errors
/// 400 for any other value: whoever wrote `_dryRun=yes` must not find their data stored.
pub(super) fn flag(request: &HttpRequest, name: &str) -> Result<bool, Problem> {
    let mut set = false;
    for pair in request.query_string().split('&') {
        let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
        if percent_decode_str(found).decode_utf8_lossy() != name {
            continue;
        }
        set = match value {
            "" | "true" | "1" => true,
            "false" | "0" => false,
            _ => {
                let detail = format!(
                    "the query parameter {name} takes true, 1, false or 0, or no value at all for yes"
                );
                return Err(Problem::new(Code::InvalidParameter, detail));
            }
        };
    }
    Ok(set)
}
