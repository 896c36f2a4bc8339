//! How an endpoint stands, in a word and in a sentence.

use super::{secrets, tester::Tester};
use crate::store::webhooks::Webhook;

/// How an endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Messages are sent.
    Active,
    /// Messages are sent, and the last attempt failed.
    Failing,
    /// It was disabled by hand.
    Disabled,
    /// It was disabled, because the receiver wants no more.
    Unwanted,
    /// No secret key at hand opens its secret, so nothing is sent.
    SecretLost,
}

impl Standing {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Active, Self::Failing, Self::Disabled, Self::Unwanted, Self::SecretLost];

    /// The name in answers and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Failing => "failing",
            Self::Disabled => "disabled",
            Self::Unwanted => "unwanted",
            Self::SecretLost => "secret-lost",
        }
    }

    /// That of an endpoint.
    pub async fn of(webhook: &Webhook, tester: &Tester) -> Self {
        match (webhook.enabled, &webhook.disabled_reason) {
            (false, Some(_)) => Self::Unwanted,
            (false, None) => Self::Disabled,
            (true, _) if tester.check(webhook).await.is_err() => Self::SecretLost,
            (true, _) if webhook.failures > 0 => Self::Failing,
            (true, _) => Self::Active,
        }
    }

    /// What to know or do about it.
    pub fn note(self, webhook: &Webhook) -> Option<&str> {
        match self {
            Self::Active if webhook.skipped_at.is_some() => {
                Some("items that are no longer kept were passed over; see when in skippedAt")
            }
            Self::Active => None,
            Self::Failing => Some("the last attempt failed; the deliveries say why"),
            Self::Disabled => Some("nothing is sent until it is enabled; it goes on where it was"),
            Self::Unwanted => webhook.disabled_reason.as_deref(),
            Self::SecretLost => Some(secrets::LOST),
        }
    }
}
