//! When keys were last used, from where, and by what.

use deadpool_postgres::Pool;
use jiff::Timestamp;
use uuid::Uuid;

use super::{StoreError, lease::Lease};

/// One use of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// When.
    pub at: Timestamp,
    /// Where the request came from, as a prefix of the address; empty where that was not known.
    pub address: String,
    /// What the client calls itself; may be empty.
    pub agent: String,
}

/// Keeps the last uses of keys, in one statement; a later one that another node wrote stays, and a key that is no longer there is
/// passed over.
///
/// # Errors
/// [`StoreError`] when the database refuses, and then nothing is kept, or does not answer, and then it may be.
pub async fn keep(pool: &Pool, uses: &[(Uuid, Use)]) -> Result<(), StoreError> {
    let keys: Vec<Uuid> = uses.iter().map(|(key, _)| *key).collect();
    let times: Vec<Timestamp> = uses.iter().map(|(_, one)| one.at).collect();
    let addresses: Vec<&str> = uses.iter().map(|(_, one)| one.address.as_str()).collect();
    let agents: Vec<&str> = uses.iter().map(|(_, one)| one.agent.as_str()).collect();
    Lease::of(pool).await?.query(sql!("uses_keep"), &[&keys, &times, &addresses, &agents]).await?;
    Ok(())
}
