//! What a webhook does: a test message now, what became of messages, and messages once more.

use actix_web::{HttpRequest, http::StatusCode, web::Payload};

use super::{absent, by_id, find, not_done, refused, shown};
use crate::{
    domain::{
        cursor::Cursor,
        date::{NOT_A_TIME, datetime},
        mark::List,
        rejection::{Fault, Rejection},
    },
    http::{
        answer::Answer,
        audience::away,
        cursor,
        door::Member,
        intake,
        manage::{self, acting},
        paging::Page,
        problem::{Code, Problem},
        state::State,
        wire::{DeadLetterPage, DeliveryPage, DeliveryShape, EntityAnswer, Next, WebhookReplay},
    },
    store::{self, outbound, webhooks::record},
    stream::webhooks::{item_at, message::cursor_of, takes},
};

/// `POST …/webhooks/{webhook_id}/test`.
pub(in crate::http) async fn test(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    let webhook = find(state, request, member).await?;
    let attempt = state.webhooks.test(&webhook).await.map_err(|error| refused(&error))?;
    store::on(&state.manage, async |client| record::log_one(client, webhook.id, &attempt).await)
        .await
        .map_err(|error| away(state, &error))?;
    Answer::ok(&EntityAnswer { entity: DeliveryShape::from(attempt) })
}

/// `GET …/webhooks/{webhook_id}/deliveries`, the latest first.
pub(in crate::http) async fn deliveries(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    let page = Page::asked(request, List::Deliveries)?;
    let webhook = find(state, request, member).await?;
    let before = before(&page);
    let read = store::on(&state.reads, async |client| {
        record::deliveries(client, webhook.id, before, page.rows()).await
    });
    let mut rows = read.await.map_err(|error| away(state, &error))?;
    let next = page.cut(&mut rows, |(row, _)| u128::from(row.unsigned_abs()));
    let entities = rows.into_iter().map(|(_, attempt)| attempt.into()).collect();
    Answer::ok(&DeliveryPage { entities, metadata: Next { next } })
}

/// `GET …/webhooks/{webhook_id}/dead-letters`, the latest first.
pub(in crate::http) async fn dead_letters(
    state: &State,
    request: &HttpRequest,
    member: &Member,
) -> Result<Answer, Problem> {
    let page = Page::asked(request, List::DeadLetters)?;
    let webhook = find(state, request, member).await?;
    let before = before(&page);
    let read = store::on(&state.reads, async |client| {
        record::dead_letters(client, webhook.id, before, page.rows()).await
    });
    let mut rows = read.await.map_err(|error| away(state, &error))?;
    let next = page.cut(&mut rows, |letter| u128::from(letter.id.unsigned_abs()));
    let entities = rows.into_iter().map(Into::into).collect();
    Answer::ok(&DeadLetterPage { entities, metadata: Next { next } })
}

/// A number that no row can have lies before none of them.
fn before(page: &Page) -> Option<i64> {
    page.after.map(|place| i64::try_from(place).unwrap_or(i64::MAX))
}

/// `POST …/webhooks/{webhook_id}/replay`.
pub(in crate::http) async fn replay(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    member: &Member,
) -> Result<Answer, Problem> {
    let body: WebhookReplay = intake::object(state, request, payload).await?;
    let broken = |field, rule| intake::invalid(&Rejection::of(Fault::at([field], rule)));
    let to = match (body.after, body.from, body.message) {
        (Some(after), None, None) => cursor::cursor(state, member.project.id, &after).await?,
        (None, Some(from), None) => {
            let from = datetime(&from).ok_or_else(|| broken("from", NOT_A_TIME))?;
            let found = outbound::since(&state.stream, member.project.id, from).await;
            found.map_err(|error| away(state, &error))?
        }
        (None, None, Some(message)) => {
            let rule = "is no id of a message; deliveries and dead letters name them";
            let cursor = cursor_of(&message).ok_or_else(|| broken("message", rule))?;
            return again(state, request, member, cursor).await;
        }
        _ => {
            let rule = "takes one of after, from and message";
            return Err(intake::invalid(&Rejection::of(Fault::whole(rule))));
        }
    };
    let webhook = find(state, request, member).await?;
    let (acting, place) = (acting(state, request, &member.caller), (member.project.uid.as_str(), webhook.id));
    let done = manage::write(state, async |client| record::rewind(client, place, to, acting.actor()).await);
    done.await?.map_err(not_done)?;
    shown(state, StatusCode::ACCEPTED, &by_id(state, member, webhook.id).await?).await
}

/// Lets one message be sent again.
async fn again(
    state: &State,
    request: &HttpRequest,
    member: &Member,
    cursor: Cursor,
) -> Result<Answer, Problem> {
    let webhook = find(state, request, member).await?;
    let found = item_at(&state.stream, member.project.id, cursor).await;
    let found = found.map_err(|error| away(state, &error))?;
    let item = found.filter(|item| takes(&webhook, item)).ok_or_else(|| {
        let detail = "the stream holds no such item any more, or the webhook does not ask for such items";
        Problem::new(Code::MessageNotFound, detail)
    })?;
    let (acting, place) = (acting(state, request, &member.caller), (member.project.uid.as_str(), webhook.id));
    let (message, now) = ((cursor, item.received_at), state.clock.now());
    let done =
        manage::write(state, async |client| record::again(client, place, message, now, acting.actor()).await);
    done.await?.map_err(|_| absent())?;
    shown(state, StatusCode::ACCEPTED, &by_id(state, member, webhook.id).await?).await
}
