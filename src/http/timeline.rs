//! What happened to one contact, newest first.

use actix_web::HttpRequest;

use super::{
    answer::Answer,
    audience,
    cursor::place,
    door::Member,
    intake::parameter,
    problem::{Code, Problem},
    state::State,
    wire::{Older, TimelineAnswer},
};
use crate::{
    auth::Datasource,
    store::{
        audience::Match,
        log::Kind,
        outbound::Item,
        timeline::{self, LONGEST, TimelineRow},
    },
    stream::{item::StreamItem, mask::Sight},
};

/// Events of a page where no other number is asked for.
const USUAL: usize = 100;

/// `GET …/audience/{contact_id}/events`.
pub(super) async fn page(state: &State, request: &HttpRequest, member: &Member) -> Result<Answer, Problem> {
    let limit = limit(request)?;
    let after = match parameter(request, "after") {
        Some(text) => Some(place(state, &text).await?),
        None => None,
    };
    let found = audience::find(state, request, member).await?;
    let home = audience::home(state, member, &found)?;
    let user_id = &found.key.user_id;
    let rows = timeline::page(&state.reads, member.project.id, home.id, user_id, after, limit)
        .await
        .map_err(|error| audience::away(state, &error))?;
    let full = rows.len() == limit;
    let cursor = rows.last().filter(|_| full).map(|row| row.cursor.encode());
    let items = rows.into_iter().map(|row| item(member, &home, &found, row));
    let entities = items.collect::<serde_json::Result<_>>().map_err(|error| {
        tracing::error!(%error, "stored parameters are not an object");
        Problem::plain(Code::Internal)
    })?;
    Answer::ok(&TimelineAnswer { entities, metadata: Older { cursor } })
}

fn limit(request: &HttpRequest) -> Result<usize, Problem> {
    let Some(text) = parameter(request, "limit") else { return Ok(USUAL) };
    let number = text.parse().ok().filter(|number| (1..=LONGEST).contains(number));
    number.ok_or_else(|| {
        let detail = format!("the query parameter limit takes a whole number from 1 to {LONGEST}");
        Problem::new(Code::InvalidParameter, detail)
    })
}

fn item(
    member: &Member,
    home: &Datasource,
    found: &Match,
    row: TimelineRow,
) -> serde_json::Result<StreamItem> {
    let item = Item {
        cursor: row.cursor,
        kind: Kind::Event,
        event_type: row.event_type,
        datasource: home.uid.as_str().to_owned(),
        user_id: found.key.user_id.clone(),
        event_id: Some(row.event_id),
        occurred_at: row.occurred_at,
        received_at: row.received_at,
        body: row.parameters,
    };
    StreamItem::of(item, Sight::of(&member.caller), &member.project.catalogue)
}
