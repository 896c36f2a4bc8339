//! All live keys, in memory: hash → key, in shards by the first byte of the hash.
//!
//! A shard is replaced whole behind an atomic pointer, so a look-up takes no lock and waits for nobody, and a change
//! copies one 256th of the keys.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
};

use arc_swap::ArcSwap;

use super::{
    caller::{Key, Reach},
    scope::ScopeSet,
    text::{KeyHash, Kind},
    uses::Noted,
};
use crate::store::changes::KeyRow;

type Shard = HashMap<KeyHash, Arc<Key>, BuildHasherDefault<Inside>>;

/// Takes eight bytes of a key's hash as they are. They are evenly spread, and nobody can choose them: only keys that were minted
/// here come in.
#[derive(Debug, Default)]
struct Inside(u64);

impl Hasher for Inside {
    fn write(&mut self, bytes: &[u8]) {
        // The first byte chose the shard already.
        if let Some(chunk) = bytes.get(1..).and_then(<[u8]>::first_chunk::<8>) {
            self.0 ^= u64::from_le_bytes(*chunk);
        }
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The live keys of the database. Public for the sake of the benches.
#[derive(Debug)]
pub struct Keyring {
    shards: Box<[ArcSwap<Shard>]>,
}

impl Default for Keyring {
    fn default() -> Self {
        Self { shards: (0..=u8::MAX).map(|_| ArcSwap::from_pointee(Shard::default())).collect() }
    }
}

impl Keyring {
    /// The live key whose text hashes to this.
    pub fn get(&self, hash: &KeyHash) -> Option<Arc<Key>> {
        self.shards[usize::from(hash[0])].load().get(hash).cloned()
    }

    /// How many keys are live.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.load().len()).sum()
    }

    /// Takes in keys that changed; those that died leave.
    pub fn apply(&self, rows: &[KeyRow]) {
        let mut by_shard: BTreeMap<u8, Vec<&KeyRow>> = BTreeMap::new();
        for row in rows {
            by_shard.entry(row.hash[0]).or_default().push(row);
        }
        for (first, rows) in by_shard {
            let shard = &self.shards[usize::from(first)];
            let mut next = Shard::clone(&shard.load());
            for row in rows {
                match key_of(row) {
                    Some(key) => next.insert(row.hash, Arc::new(key)),
                    None => next.remove(&row.hash),
                };
            }
            shard.store(Arc::new(next));
        }
    }

    /// Takes these keys for all there are, shard by shard, so that a key which stays is found all the while.
    pub(super) fn replace(&self, rows: &[KeyRow]) {
        let mut shards: Vec<Shard> = self.shards.iter().map(|_| Shard::default()).collect();
        for row in rows {
            if let Some(key) = key_of(row) {
                shards[usize::from(row.hash[0])].insert(row.hash, Arc::new(key));
            }
        }
        for (shard, next) in self.shards.iter().zip(shards) {
            shard.store(Arc::new(next));
        }
    }
}

/// The live key of a row; `None` for a dead one and for a kind that this binary does not know.
fn key_of(row: &KeyRow) -> Option<Key> {
    if row.dead {
        return None;
    }
    let kind = Kind::from_name(&row.kind)?;
    let reach = match (row.datasource, row.project, kind) {
        (Some(datasource), _, _) => Reach::Datasource(datasource),
        (None, Some(project), _) => Reach::Project(project),
        // Only a kind that may span projects is let loose on all of them, whatever a row says.
        (None, None, Kind::Product) => Reach::Organization,
        (None, None, Kind::Personal) => match (row.user, &row.user_projects) {
            (None, _) => return None,
            (Some(_), Some(projects)) => Reach::Projects(projects.as_slice().into()),
            (Some(_), None) => Reach::Organization,
        },
        (None, None, _) => return None,
    };
    Some(Key {
        id: row.id,
        kind,
        prefix: row.prefix.as_str().into(),
        name: row.name.as_str().into(),
        user: row.user,
        scopes: ScopeSet::from_stored(&row.scopes),
        reach,
        rotated_at: row.rotated_at,
        expires_at: row.expires_at,
        noted: Noted::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(first: u8, dead: bool) -> KeyRow {
        KeyRow {
            id: uuid::Uuid::nil(),
            kind: "datasource".into(),
            hash: [first; 32],
            prefix: "tgd_abcd".into(),
            name: "one".into(),
            scopes: vec!["PROJECT_INGEST_READ".into()],
            project: None,
            datasource: Some(1),
            user: None,
            user_projects: None,
            rotated_at: None,
            expires_at: None,
            dead,
        }
    }

    #[test]
    fn keys_come_and_go() {
        let keyring = Keyring::default();
        keyring.apply(&[row(1, false), row(2, false)]);
        assert_eq!(keyring.len(), 2);
        keyring.apply(&[row(1, true)]);
        assert!(keyring.get(&[1; 32]).is_none());
        assert!(keyring.get(&[2; 32]).is_some());
    }

    #[test]
    fn a_replaced_keyring_holds_what_it_was_given() {
        let keyring = Keyring::default();
        keyring.apply(&[row(1, false), row(2, false)]);
        keyring.replace(&[row(2, false), row(3, true)]);
        assert!(keyring.get(&[1; 32]).is_none());
        assert!(keyring.get(&[2; 32]).is_some());
        assert_eq!(keyring.len(), 1);
    }

    #[test]
    fn a_bound_kind_without_a_binding_reaches_nothing() {
        let keyring = Keyring::default();
        keyring.apply(&[KeyRow { datasource: None, ..row(1, false) }]);
        assert_eq!(keyring.len(), 0);
    }
}
