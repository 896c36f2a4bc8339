//! The cursor of a request: read, and held against the history of the database.

use super::{
    door,
    problem::{Code, Problem},
    state::State,
};
use crate::{
    domain::cursor::Cursor,
    ingest::Refused,
    store::{
        epochs::{self, Position},
        retention,
        timeline::is_place,
    },
};

/// Reads a cursor as a client sent it, and makes sure that it is a place in the order as it is now, and that nothing behind it
/// is past the retention of the project.
///
/// # Errors
/// 400 `invalid_cursor` for what this database never gave out; 410 `cursor_expired` for what is from before a restore, with
/// `restart` where the same place is known, and for what is older than the project keeps, with `restart` where its stream
/// begins; 503 or 500 when the database cannot be asked.
pub async fn cursor(state: &State, project: i64, text: &str) -> Result<Cursor, Problem> {
    let cursor = decoded(text)?;
    held(state, cursor, |restart| restart).await?;
    kept(state, project, cursor).await?;
    Ok(cursor)
}

/// Makes sure that the stream of the project begins at or before the cursor.
async fn kept(state: &State, project: i64, cursor: Cursor) -> Result<(), Problem> {
    let floor = retention::floor(&state.reads, project)
        .await
        .map_err(|error| door::store(state, Refused::of_read(&error)))?;
    floor.filter(|floor| cursor < *floor).map_or(Ok(()), |floor| Err(expired(floor)))
}

/// The problem of a reader who stands before the beginning of the stream.
pub(super) fn expired(floor: Cursor) -> Problem {
    Problem::new(
        Code::CursorExpired,
        "the cursor is older than what the project keeps; go on from the one in `restart`, where its stream begins now",
    )
    .restart(floor.encode())
}

/// Reads the cursor of a contact's events, in which a time stands for the transaction, so that only its epoch can be judged.
///
/// # Errors
/// As [`cursor()`]; 400 `invalid_cursor` for one of the stream too.
pub async fn place(state: &State, text: &str) -> Result<Cursor, Problem> {
    let cursor = decoded(text)?;
    let in_its_epoch = Cursor { tx: 0, id: 0, ..cursor };
    held(state, in_its_epoch, |restart| Cursor { epoch: restart.epoch, ..cursor }).await?;
    if !is_place(&cursor) {
        let detail =
            "the cursor is one of the project's stream; send one that a page of this contact's events gave";
        return Err(Problem::new(Code::InvalidCursor, detail));
    }
    Ok(cursor)
}

fn decoded(text: &str) -> Result<Cursor, Problem> {
    Cursor::decode(text).map_err(|error| Problem::new(Code::InvalidCursor, format!("the cursor {error}")))
}

/// Holds a cursor against the history of the database; `restart` is the same place under the number that its epoch has now.
async fn held(state: &State, cursor: Cursor, restart_at: impl Fn(Cursor) -> Cursor) -> Result<(), Problem> {
    let position = epochs::standing_of(&state.reads, cursor)
        .await
        .map_err(|error| door::store(state, Refused::of_read(&error)))?;
    match position {
        Position::Current => Ok(()),
        Position::Moved { restart } => Err(Problem::new(
            Code::CursorExpired,
            "the cursor is from before a restore; go on from the one in `restart`, which is the same place",
        )
        .restart(restart_at(restart).encode())),
        Position::Lost => Err(Problem::new(
            Code::CursorExpired,
            "the cursor is from a history that a restore has cut off; begin again without a cursor",
        )),
        Position::Unknown => Err(Problem::new(
            Code::InvalidCursor,
            "the cursor was not given out by this server; send one exactly as it was given out",
        )),
    }
}
