//! One contact: read it, delete it.

use actix_web::HttpRequest;
use percent_encoding::percent_decode_str;

use super::{
    answer::Answer,
    door::{self, Guest},
    manage::{self, Acting},
    problem::{Code, Problem},
    push,
    state::State,
    wire::{ContactAnswer, ContactShape},
};
use crate::{
    ingest::{
        ContactOp, Receipt, Refused, Work,
        fates::{self, Fate, Kind},
        ledger::{Account, Asked, Call},
    },
    store::{
        contacts::{self, ContactRecord},
        erase::{self, Subject},
    },
    stream::mask::{self, Sight},
};

/// `GET …/stream/contacts/{user_id}`.
pub(super) async fn read(state: &State, request: &HttpRequest, guest: &Guest) -> Result<Answer, Problem> {
    let user_id = user_id(state, request)?;
    let found = contacts::get(&state.reads, guest.datasource.id, &user_id)
        .await
        .map_err(|error| door::store(state, Refused::of_read(&error)))?;
    let Some(record) = found else { return Err(Problem::plain(Code::ContactNotFound)) };
    let contact = shape(guest, &user_id, &record).map_err(|error| {
        tracing::error!(%error, "a stored contact is not an object");
        Problem::plain(Code::Internal)
    })?;
    Answer::ok(&ContactAnswer { contact })
}

fn shape(guest: &Guest, user_id: &str, record: &ContactRecord) -> serde_json::Result<ContactShape> {
    let mut contact_data =
        mask::seen(Sight::of(&guest.caller), &guest.project.catalogue, &record.attributes)?;
    contact_data.insert("_user_id".into(), serde_json::value::to_raw_value(user_id)?);
    Ok(ContactShape {
        contact_id: record.contact_id.to_string(),
        contact_data,
        created_at: record.created_at,
        updated_at: record.updated_at,
    })
}

/// `DELETE …/stream/contacts/{user_id}`.
pub(super) async fn delete(state: &State, request: &HttpRequest, guest: &Guest) -> Result<Answer, Problem> {
    let user_id = user_id(state, request)?;
    let erase = push::flag(request, "_erase")?;
    door::is_open(state, guest)?;
    let (station, caller, named) = (state.clone(), guest.clone(), user_id.clone());
    let acting = manage::acting(state, request, &guest.caller);
    let deleted = async move {
        if erase {
            delete_and_erase(&station, &caller, named, &acting).await
        } else {
            delete_one(&station, &caller, named).await
        }
    };
    let receipt = to_the_end(state, deleted).await?;
    push::deletion(state, guest, &user_id, &receipt)
}

/// Deletes a contact and empties what the log kept of it, before anybody hears of either.
async fn delete_and_erase(
    state: &State,
    guest: &Guest,
    user_id: String,
    acting: &Acting,
) -> Result<Receipt, Problem> {
    let known = contacts::get(&state.reads, guest.datasource.id, &user_id).await;
    let known = known.map_err(|error| door::store(state, Refused::of_read(&error)))?;
    let receipt = delete_one(state, guest, user_id.clone()).await?;
    let subject = Subject {
        datasource: guest.datasource.id,
        datasource_uid: guest.datasource.uid.as_str(),
        user_id: &user_id,
        contact_id: known.map(|record| record.contact_id),
    };
    let erased = erase::values(&state.erasures, &subject, acting.actor()).await;
    erased.map_err(|error| {
        let mut problem = door::store(state, Refused::of_read(&error));
        problem.detail =
            "the contact is deleted, but not everything that the log kept of it is erased; send the same \
                          request again"
                .into();
        problem
    })?;
    Ok(receipt)
}

/// Deletes a contact of the guest's datasource.
///
/// # Errors
/// That of the store.
pub(super) async fn delete_one(state: &State, guest: &Guest, user_id: String) -> Result<Receipt, Problem> {
    fates::received(Kind::Contact, 1);
    let (inlet, bytes) = (guest.inlet(), user_id.len());
    let work = Work::Contacts(vec![ContactOp::Delete { user_id }]);
    let appended = match state.ingest.admit(inlet, bytes) {
        Ok(room) => {
            let account = Account { kind: Kind::Contact, asked: Asked::Deletion, bad: 0 };
            state.ingest.append(room, inlet, work, account).await
        }
        Err(refused) => {
            fates::ended(Kind::Contact, Fate::Refused, 1);
            state.ledger.call(inlet.datasource, Call::failed(Kind::Contact));
            Err(refused)
        }
    };
    appended.map_err(|refused| door::store(state, refused))
}

/// Runs work to its end, also where the client goes away meanwhile: the framework drops a request whose connection is gone,
/// but a contact that is deleted has to be erased, too, and one that is being made must not be looked for before it is there.
///
/// # Errors
/// That of the work; 500 where it panicked.
pub(super) async fn to_the_end<T: 'static>(
    state: &State,
    work: impl Future<Output = Result<T, Problem>> + 'static,
) -> Result<T, Problem> {
    let in_hand = state.traffic.hold();
    let running = actix_web::rt::spawn(async move {
        let outcome = work.await;
        drop(in_hand);
        outcome
    });
    running.await.unwrap_or_else(|error| {
        tracing::error!(%error, "work on a contact broke");
        Err(Problem::plain(Code::Internal))
    })
}

/// The last segment of the path as it was sent, decoded once; `+` means plus.
fn user_id(state: &State, request: &HttpRequest) -> Result<String, Problem> {
    let raw = request.uri().path().rsplit('/').next().unwrap_or_default();
    let decoded = percent_decode_str(raw).decode_utf8();
    let limit = state.caps.id_bytes;
    match decoded {
        Ok(text) if (1..=limit).contains(&text.len()) && !text.contains('\0') => Ok(text.into_owned()),
        _ => {
            let detail =
                format!("the contact's id must be 1 to {limit} bytes of UTF-8, percent-encoded, without NUL");
            Err(Problem::new(Code::InvalidPath, detail))
        }
    }
}
