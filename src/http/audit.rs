//! The sender's audit: by the minute, how many rows were stored and what their ids add up to.

use actix_web::HttpRequest;
use jiff::{SignedDuration, Timestamp};

use super::{
    answer::Answer,
    door::{self, Guest},
    intake::parameter,
    problem::{Code, Problem},
    state::State,
    wire::{AuditAnswer, AuditMinute},
};
use crate::{
    domain::date::{NOT_A_TIME, datetime},
    ingest::Refused,
    store::sums,
};

/// How much may be asked for at once, in days: some ten thousand minutes, about 1 MB.
const LONGEST_DAYS: i64 = 7;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// `GET …/audit`.
pub(super) async fn read(state: &State, request: &HttpRequest, guest: &Guest) -> Result<Answer, Problem> {
    let (from, to) = (time(request, "from")?, time(request, "to")?);
    if from >= to {
        return Err(invalid("the query parameter from must be earlier than to".into()));
    }
    let (from, to) =
        (whole(from), whole(to.saturating_add(MINUTE - SignedDuration::from_nanos(1)).unwrap_or(to)));
    if to.duration_since(from) > SignedDuration::from_hours(24 * LONGEST_DAYS) {
        let detail = format!("the query parameters from and to may be at most {LONGEST_DAYS} days apart");
        return Err(invalid(detail));
    }
    let minutes = sums::read(&state.reads, guest.inlet(), from, to).await;
    let minutes = minutes.map_err(|error| door::store(state, Refused::of_read(&error)))?;
    Answer::ok(&AuditAnswer { from, to, minutes: minutes.into_iter().map(AuditMinute::from).collect() })
}

fn time(request: &HttpRequest, name: &str) -> Result<Timestamp, Problem> {
    let missing = || invalid(format!("the query parameter {name} is required: an RFC 3339 time"));
    let text = parameter(request, name).ok_or_else(missing)?;
    datetime(&text).ok_or_else(|| invalid(format!("the query parameter {name} {NOT_A_TIME}")))
}

fn invalid(detail: String) -> Problem {
    Problem::new(Code::InvalidParameter, detail)
}

/// The beginning of a minute.
fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap_or(at)
}
