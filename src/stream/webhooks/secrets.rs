//! The secrets of an endpoint: made and sealed, and opened to sign with.

use jiff::Timestamp;
use secrecy::ExposeSecret;
use tokio_postgres::Client;
use uuid::Uuid;

use super::signing::Secret;
use crate::{
    auth::{Vault, vault::VaultError},
    domain::clock::{Entropy, EntropyError},
    store::{
        StoreError,
        audit::Actor,
        webhooks::{self, NewWebhook, NotDone},
    },
};

/// Seconds for which the secret before a new one goes on signing.
pub const OVERLAP: f64 = 24.0 * 3600.0;

/// What to do about an endpoint whose secret no secret key at hand opens.
pub const LOST: &str = "the secret was sealed under a secret key that this server does not have, so nothing is sent: put that secret key \
                        back, or rotate the secret to continue";

/// Why a secret cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server's secret key.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// It was sealed under another one.
    #[error("{LOST}")]
    Lost,
}

impl From<EntropyError> for SecretError {
    fn from(error: EntropyError) -> Self {
        StoreError::from(error).into()
    }
}

/// The secrets that sign for an endpoint, the newest first, each with the time at which it ends.
#[derive(Debug, Clone)]
pub struct Secrets(Vec<(Secret, Option<Timestamp>)>);

impl Secrets {
    /// Opens what was sealed for an endpoint.
    ///
    /// # Errors
    /// [`SecretError::Vault`], or [`SecretError::Lost`] when the newest cannot be opened.
    pub async fn open(
        vault: &Vault,
        id: Uuid,
        sealed: &[u8],
        before: Option<&(Vec<u8>, Timestamp)>,
    ) -> Result<Self, SecretError> {
        let keys = vault.read().await?.ok_or(SecretError::Lost)?;
        let opened = |sealed: &[u8]| Secret::parse(keys.open_text(id, sealed)?.expose_secret());
        let mut secrets = vec![(opened(sealed).ok_or(SecretError::Lost)?, None)];
        if let Some((sealed, until)) = before {
            secrets.extend(opened(sealed).map(|secret| (secret, Some(*until))));
        }
        Ok(Self(secrets))
    }

    /// Those that hold at a moment.
    pub(super) fn live(&self, now: Timestamp) -> Vec<Secret> {
        let live = self.0.iter().filter(|(_, until)| until.is_none_or(|until| now < until));
        live.map(|(secret, _)| secret.clone()).collect()
    }
}

/// Makes an endpoint with a secret of its own, which this answers.
///
/// # Errors
/// [`SecretError`]; nothing is made then, but for an error of the store at the very end, which leaves that open.
pub async fn create(
    client: &mut Client,
    vault: &Vault,
    new: &NewWebhook<'_>,
    entropy: &dyn Entropy,
    actor: Actor<'_>,
) -> Result<Result<Secret, NotDone>, SecretError> {
    let secret = Secret::draw(entropy)?;
    let done = webhooks::create(client, new, actor, async || seal(vault, new.id, &secret, entropy).await);
    Ok(done.await?.map(|()| secret))
}

/// Makes a new secret for an endpoint, which this answers; the one that it has signs besides for a day.
///
/// # Errors
/// As [`create`].
pub async fn rotate(
    client: &mut Client,
    vault: &Vault,
    (project, id): (&str, Uuid),
    entropy: &dyn Entropy,
    actor: Actor<'_>,
) -> Result<Result<Secret, NotDone>, SecretError> {
    let secret = Secret::draw(entropy)?;
    let sealed = async || seal(vault, id, &secret, entropy).await;
    let done = webhooks::rotate(client, (project, id), OVERLAP, actor, sealed);
    Ok(done.await?.map(|()| secret))
}

async fn seal(
    vault: &Vault,
    id: Uuid,
    secret: &Secret,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SecretError> {
    let keys = vault.read_or_make(entropy).await?;
    Ok(keys.seal_text(id, &secret.text(), entropy)?)
}
