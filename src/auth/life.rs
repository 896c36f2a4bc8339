//! What becomes of a key after it was made: a successor, or another name.

use jiff::Timestamp;
use tokio_postgres::Client;

use super::{
    mint::{self, Minted},
    text::Kind,
};
use crate::{
    domain::{clock::Entropy, overlap::Overlap},
    store::{
        StoreError,
        audit::Actor,
        key_list::{KeyListing, KeyState},
        keys::{self, Rotation, Successor},
    },
};

/// Why nothing was done. The text is for whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// It was deleted in the meantime.
    #[error("there is no such key any more")]
    Gone,
    /// It does not hold, or has a successor already.
    #[error("{}", why_not(*.0))]
    State(KeyState),
    /// Its text can be shown again, so that its end is a matter of regenerating it.
    #[error("the two kinds that can be shown again have no overlap: regenerate the key instead")]
    Regenerated,
    /// Nothing of this kind is ever edited.
    #[error("the name of this kind of key is fixed: make another key and delete this one")]
    Fixed,
}

const fn why_not(state: KeyState) -> &'static str {
    match state {
        KeyState::Live => "the key is live",
        KeyState::Rotated => "the key was rotated already: rotate its successor",
        KeyState::Expired => "the key has expired: make a new one",
        KeyState::Revoked => "the key was revoked: make a new one",
    }
}

/// A successor, and until when the key that it replaces goes on.
#[derive(Debug)]
pub struct Rotated {
    /// The successor.
    pub minted: Minted,
    /// The end of the other.
    pub until: Timestamp,
}

/// Makes the successor of a live key that is shown once; the key goes on for as long as the overlap.
///
/// # Errors
/// [`StoreError`] when the database refuses or the generator fails; inside, why the key cannot be rotated.
pub async fn rotate(
    client: &mut Client,
    key: &KeyListing,
    now: Timestamp,
    overlap: Overlap,
    entropy: &dyn Entropy,
    actor: Actor<'_>,
) -> Result<Result<Rotated, NotDone>, StoreError> {
    let Some(kind) = Kind::from_name(&key.kind).filter(|kind| kind.shown_once()) else {
        return Ok(Err(NotDone::Regenerated));
    };
    let minted = mint::draw(kind, entropy)?;
    let successor = Successor { id: minted.id, hash: minted.text.hash(), prefix: &minted.prefix };
    let ends = now + overlap.duration();
    Ok(match keys::rotate(client, key.id, &successor, now, ends, actor).await? {
        Rotation::Done(until) => Ok(Rotated { minted, until }),
        Rotation::Not(state) => Err(NotDone::State(state)),
        Rotation::Gone => Err(NotDone::Gone),
    })
}

/// Corrects the name of a datasource token or a product token.
///
/// # Errors
/// [`StoreError`] when the database refuses; inside, why the name stays.
pub async fn rename(
    client: &mut Client,
    key: &KeyListing,
    name: &str,
    actor: Actor<'_>,
) -> Result<Result<(), NotDone>, StoreError> {
    if !Kind::from_name(&key.kind).is_some_and(Kind::renamable) {
        return Ok(Err(NotDone::Fixed));
    }
    Ok(if keys::rename(client, key.id, name, actor).await? { Ok(()) } else { Err(NotDone::Gone) })
}
