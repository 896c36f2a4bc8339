//! Judging URLs and sending test messages: what is done at once, for whoever asks.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::{
    address::Gate,
    dial::{Dialer, SystemResolver},
    line::Line,
    message::{self, Message},
    secrets::{SecretError, Secrets},
    station::Options,
};
use crate::{
    auth::Vault,
    domain::{
        clock::{SharedClock, SharedEntropy},
        ids::random_base62,
    },
    store::webhooks::{Webhook, record::Attempt},
};

/// Characters of the random part of a test message's id.
const RANDOM: usize = 22;

/// Judges URLs and sends test messages. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tester {
    dialer: Arc<Dialer>,
    total: Duration,
    vault: Vault,
    clock: SharedClock,
    entropy: SharedEntropy,
}

impl Tester {
    pub(super) const fn new(
        dialer: Arc<Dialer>,
        total: Duration,
        vault: Vault,
        clock: SharedClock,
        entropy: SharedEntropy,
    ) -> Self {
        Self { dialer, total, vault, clock, entropy }
    }

    /// One by itself, without a station that delivers.
    pub fn alone(options: &Options, vault: Vault, clock: SharedClock, entropy: SharedEntropy) -> Self {
        let gate = Gate::new(options.allowed.clone());
        let dialer = Dialer::new(gate, Arc::new(SystemResolver::default()), options.connect);
        Self::new(Arc::new(dialer), options.total, vault, clock, entropy)
    }

    /// Judges a URL before it is stored.
    ///
    /// # Errors
    /// As [`Dialer::judge`].
    pub async fn judge(&self, url: &str) -> Result<(), String> {
        self.dialer.judge(url).await
    }

    /// Whether messages could be signed for an endpoint.
    ///
    /// # Errors
    /// [`SecretError`] when they could not.
    pub async fn check(&self, webhook: &Webhook) -> Result<(), SecretError> {
        Secrets::open(&self.vault, webhook.id, &webhook.sealed, None).await.map(drop)
    }

    /// Sends a test message to an endpoint, whether or not it is enabled, and answers what became of it.
    ///
    /// # Errors
    /// [`SecretError`] when it could not be signed; nothing was sent then.
    pub async fn test(&self, webhook: &Webhook) -> Result<Attempt, SecretError> {
        let secrets =
            Secrets::open(&self.vault, webhook.id, &webhook.sealed, webhook.before.as_ref()).await?;
        let id = format!("msg_test_{}", random_base62(self.entropy.as_ref(), RANDOM)?);
        let message = Message::test(&id, self.clock.now());
        Ok(match Line::to(self.dialer.clone(), &webhook.url, self.total) {
            Ok(line) => message::attempt(&line, &secrets, &message, 1, self.clock.as_ref()).await.0,
            Err(error) => Attempt {
                at: self.clock.now(),
                message: id,
                kind: message::TEST.into(),
                attempt: 1,
                status: None,
                latency_ms: 0,
                error: Some(error.to_string()),
            },
        })
    }

    /// Draws the id of a new endpoint.
    ///
    /// # Errors
    /// [`SecretError`] when the generator fails.
    pub fn draw(&self) -> Result<Uuid, SecretError> {
        Ok(crate::domain::ids::random_uuid(self.entropy.as_ref())?)
    }
}
