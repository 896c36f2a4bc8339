//! The events of a lot: claims their ids and tells new ones from duplicates and conflicts.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    events::{judge, wanted},
    job::{Job, Work},
    lot::{Encoded, Entry, Place, Setting},
    receipt::Outcome,
    rows::{EncodedEvent, EventRows},
};
use crate::{
    domain::ids::Inlet,
    store::{
        StoreError,
        log::Kind,
        lots::{self, ClaimKey, Content},
        wire::Flight,
    },
};

/// Claims the ids of all events and judges them; answers how many statements are unheard.
///
/// # Errors
/// As [`Flight::rows`].
pub(super) async fn settle<'j>(
    flight: &mut Flight<'_>,
    jobs: &'j [Arc<Job>],
    setting: &Setting<'_>,
    outcomes: &mut [Vec<Outcome>],
    entries: &mut Vec<Entry<'j>>,
) -> Result<usize, StoreError> {
    let mut events: Vec<(Place, Inlet, &EventRows, EncodedEvent)> = Vec::new();
    for (batch, job) in jobs.iter().enumerate() {
        if let Work::Events(rows) = &job.work {
            let all = rows.events().iter().enumerate();
            events.extend(all.map(|(item, event)| ((batch, item), job.inlet, rows, *event)));
        }
    }
    if events.is_empty() {
        return Ok(0);
    }
    let claims: Vec<(ClaimKey, Content)> =
        events.iter().map(|(_, inlet, _, event)| (event.key(*inlet), event.content)).collect();
    let wanted = wanted(&claims);
    let (before, unheard) = if setting.trusting {
        lots::claim_new(flight, setting.statements, &wanted, setting.now)?;
        (HashMap::new(), 1)
    } else {
        (taken_before(flight, &wanted, setting).await?, 0)
    };
    let judged: Vec<Outcome> = if before.is_empty() && wanted.len() == claims.len() {
        vec![Outcome::Stored; claims.len()]
    } else {
        judge(&claims, &before)
    };
    entries.reserve(events.len());
    for ((place, inlet, rows, event), outcome) in events.into_iter().zip(judged) {
        outcomes[place.0][place.1] = outcome;
        if outcome == Outcome::Stored {
            entries.push(Entry {
                inlet,
                place,
                kind: Kind::Event,
                audit_word: event.audit_word,
                net: 0,
                row: Encoded::Event(rows, place.1),
            });
        }
    }
    Ok(unheard)
}

/// Claims ids and answers what stands behind those that others had claimed.
async fn taken_before(
    flight: &mut Flight<'_>,
    wanted: &[(ClaimKey, Content)],
    setting: &Setting<'_>,
) -> Result<HashMap<ClaimKey, Content>, StoreError> {
    let won = lots::claim(flight, setting.statements, wanted, setting.now).await?;
    if won.len() == wanted.len() {
        return Ok(HashMap::new());
    }
    let won: HashSet<ClaimKey> = won.into_iter().collect();
    let lost: Vec<ClaimKey> = wanted.iter().map(|(key, _)| *key).filter(|key| !won.contains(key)).collect();
    let taken: HashMap<ClaimKey, Content> =
        lots::read_claims(flight, setting.statements, &lost).await?.into_iter().collect();
    if taken.len() < lost.len() {
        return Err(StoreError::Moved("a claim was released while it was being read"));
    }
    Ok(taken)
}
