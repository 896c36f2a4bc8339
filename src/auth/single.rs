//! The two kinds of which a project has one live key, whose text can be shown at any time: state, reveal, regenerate.
//!
//! Authentication never comes here: it knows hashes, and works whatever becomes of the secret key.

use tokio_postgres::Client;

use super::{
    mint::{Minted, draw},
    seal::SecretKeys,
    text::{KeyText, Kind},
    vault::{Vault, VaultError},
};
use crate::{
    domain::clock::Entropy,
    store::{
        Pool, StoreError,
        audit::Actor,
        sealed::{self, NewSealedKey, Resealed, SealedKey, Turn},
    },
};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Single {
    /// Reads and writes the core data of a project.
    Instance,
    /// Reads and appends to the event stream of a project.
    EventStream,
}

impl Single {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Instance, Self::EventStream];

    /// The kind.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Instance => Kind::Instance,
            Self::EventStream => Kind::EventStream,
        }
    }

    /// The name of such a key; nobody else gives it one.
    const fn title(self) -> &'static str {
        match self {
            Self::Instance => "Instance key",
            Self::EventStream => "Event-stream key",
        }
    }
}

/// Why a text cannot be shown, or a key not be made.
#[derive(Debug, thiserror::Error)]
pub enum SingleError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such project.
    #[error("there is no such project")]
    NoProject,
    /// The key was sealed under a secret key that is not at hand.
    #[error("{LOST}")]
    Lost,
    /// The secret key.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// What to do about a key whose text no secret key at hand opens.
pub const LOST: &str = "the key works, but its text was sealed under a secret key that this server does not have: put that secret \
                        key back, or regenerate to continue";

/// How it is with the key of a project.
#[derive(Debug)]
pub struct Standing {
    /// The live key, where one was made.
    pub live: Option<SealedKey>,
    /// Why [`reveal`] would not answer with a text, where it would not.
    pub obstacle: Option<SingleError>,
}

/// How it is with the key of a project, without showing it; `None` when there is no such project.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn standing(
    pool: &Pool,
    vault: &Vault,
    project: &str,
    single: Single,
) -> Result<Option<Standing>, StoreError> {
    let Some(live) = sealed::find(pool, project, single.kind().name()).await? else { return Ok(None) };
    let obstacle = match (vault.read().await, &live) {
        (Err(error), _) => Some(error.into()),
        (Ok(keys), Some(live)) => open(keys.as_ref(), live).err(),
        (Ok(None), None) if !vault.has_room() => Some(VaultError::Nowhere.into()),
        (Ok(_), None) => None,
    };
    Ok(Some(Standing { live, obstacle }))
}

fn open(keys: Option<&SecretKeys>, live: &SealedKey) -> Result<KeyText, SingleError> {
    keys.and_then(|keys| keys.open(live.id, &live.sealed)).ok_or(SingleError::Lost)
}

/// A key with its text.
#[derive(Debug)]
pub struct Shown {
    /// The key.
    pub key: SealedKey,
    /// Its text.
    pub text: KeyText,
}

/// Shows the key of a project; makes it where there is none yet.
///
/// # Errors
/// [`SingleError`]; nothing has changed then, but for an error of the store at the very end, which leaves that open.
pub async fn reveal(
    client: &mut Client,
    vault: &Vault,
    (project, single): (&str, Single),
    entropy: &dyn Entropy,
    actor: Actor<'_>,
) -> Result<Shown, SingleError> {
    let turn = Turn::begin(client, project, single.kind().name(), actor).await?;
    let mut turn = turn.ok_or(SingleError::NoProject)?;
    let shown = match turn.live() {
        Some(live) => Shown { text: open(vault.read().await?.as_ref(), live)?, key: live.clone() },
        None => put(&mut turn, vault, single, entropy, actor).await?,
    };
    turn.reveal(actor).await?;
    turn.end().await?;
    Ok(shown)
}

/// Makes a new key for a project, and ends the one it has in the same transaction.
///
/// # Errors
/// As [`reveal`]; a key that cannot be shown is no obstacle.
pub async fn regenerate(
    client: &mut Client,
    vault: &Vault,
    (project, single): (&str, Single),
    entropy: &dyn Entropy,
    actor: Actor<'_>,
) -> Result<Shown, SingleError> {
    let turn = Turn::begin(client, project, single.kind().name(), actor).await?;
    let mut turn = turn.ok_or(SingleError::NoProject)?;
    let shown = put(&mut turn, vault, single, entropy, actor).await?;
    turn.end().await?;
    Ok(shown)
}

async fn put(
    turn: &mut Turn<'_>,
    vault: &Vault,
    single: Single,
    entropy: &dyn Entropy,
    actor: Actor<'_>,
) -> Result<Shown, SingleError> {
    let keys = vault.read_or_make(entropy).await?;
    let Minted { id, text, prefix } = draw(single.kind(), entropy)?;
    let sealed = keys.seal(id, &text, entropy).map_err(StoreError::from)?;
    let scopes = single.kind().fixed_scopes().unwrap_or_default().names();
    let new = NewSealedKey {
        id,
        hash: text.hash(),
        prefix: &prefix,
        name: single.title(),
        scopes: &scopes,
        sealed: &sealed,
    };
    Ok(Shown { key: turn.put(&new, actor).await?, text })
}

/// Puts a new secret key in the place of the old one and seals everything under it. A crash at any point loses nothing: until all is
/// sealed anew, both are at hand.
///
/// # Errors
/// [`SingleError`]; everything can still be opened then, and the same call completes what was begun.
pub async fn rotate(
    client: &mut Client,
    vault: &Vault,
    entropy: &dyn Entropy,
    actor: Actor<'_>,
) -> Result<Resealed, SingleError> {
    // For the whole of it: a server that seals meanwhile must find the new one first in the file.
    sealed::lock(client).await?;
    let keys = vault.put_new(entropy).await?;
    let done = sealed::reseal(client, actor, |id, text| Ok(keys.again(id, text, entropy)?)).await?;
    forget_old(client, vault, &keys).await?;
    Ok(done)
}

/// Leaves nothing in the file but the first of the keys, once everything is sealed under it.
///
/// # Errors
/// As [`rotate`]; [`StoreError::Moved`] when something was sealed under an old one meanwhile. The old ones stay in the file then.
pub async fn forget_old(client: &mut Client, vault: &Vault, keys: &SecretKeys) -> Result<(), SingleError> {
    let is_old = |id, text: &[u8]| keys.is_old(id, text);
    let forget = async || Ok::<_, SingleError>(vault.drop_old(keys).await?);
    if sealed::finish(client, is_old, forget).await? {
        return Ok(());
    }
    Err(StoreError::Moved("a key was sealed under the old secret key meanwhile: rotate it again").into())
}
