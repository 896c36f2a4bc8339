//! The connection of a lane: its prepared statements, the epoch its lots belong to, and its block of event ids.

use tokio_postgres::{Client, Statement};

use super::{Database, Role, StoreError, epochs};

/// Ids in one block; the increment of the sequence `event_id_block`.
const BLOCK: i64 = 65_536;

/// A connection that writes lots.
pub struct Lane {
    /// The connection; borrowed for one transaction at a time.
    pub client: Client,
    /// The statements of a lot, prepared.
    pub statements: Statements,
    epoch: i32,
    free: std::ops::Range<i64>,
}

/// Every statement of a lot, prepared once a connection.
#[derive(Clone)]
pub struct Statements {
    pub(super) begun: Statement,
    pub(super) claims_insert: Statement,
    pub(super) claims_read: Statement,
    pub(super) contacts_read: Statement,
    pub(super) contacts_insert: Statement,
    pub(super) contacts_lock: Statement,
    pub(super) contacts_update: Statement,
    pub(super) contacts_delete: Statement,
    pub(super) events_insert: Statement,
    pub(super) lots_insert: Statement,
    pub(super) snapshot_newest: Statement,
    id_block: Statement,
}

impl Statements {
    async fn prepare(client: &Client) -> Result<Self, StoreError> {
        Ok(Self {
            begun: client.prepare(sql!("tx_begun")).await?,
            claims_insert: client.prepare(sql!("claims_insert")).await?,
            claims_read: client.prepare(sql!("claims_read")).await?,
            contacts_read: client.prepare(sql!("contacts_read")).await?,
            contacts_insert: client.prepare(sql!("contacts_insert")).await?,
            contacts_lock: client.prepare(sql!("contacts_lock")).await?,
            contacts_update: client.prepare(sql!("contacts_update")).await?,
            contacts_delete: client.prepare(sql!("contacts_delete")).await?,
            events_insert: client.prepare(sql!("events_insert")).await?,
            lots_insert: client.prepare(sql!("lots_insert")).await?,
            snapshot_newest: client.prepare(sql!("snapshot_newest")).await?,
            id_block: client.prepare(sql!("id_block")).await?,
        })
    }
}

impl Lane {
    /// Connects, settles the epoch and prepares the statements.
    ///
    /// # Errors
    /// [`StoreError`] when the server cannot be reached or refuses.
    pub async fn open(database: &Database) -> Result<Self, StoreError> {
        let mut client = database.connect(Role::Lane).await?;
        let epoch = epochs::current(&mut client).await?;
        let statements = Statements::prepare(&client).await?;
        Ok(Self { client, statements, epoch, free: 0..0 })
    }

    /// The epoch that this connection's transactions belong to.
    pub fn epoch(&self) -> i32 {
        self.epoch
    }

    /// Whether the server has closed the connection.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Takes `count` consecutive event ids; what is left of a block too short for them is never used.
    ///
    /// # Errors
    /// [`StoreError`] when a new block cannot be drawn, or when `count` is more than a block holds.
    pub async fn take_ids(&mut self, count: usize) -> Result<i64, StoreError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        if count > BLOCK {
            return Err(StoreError::Content(format!("a lot wants {count} event ids, a block holds {BLOCK}")));
        }
        if self.free.end - self.free.start < count {
            let first: i64 = self.client.query_one(&self.statements.id_block, &[]).await?.get(0);
            self.free = first..first + BLOCK;
        }
        let first = self.free.start;
        self.free.start += count;
        Ok(first)
    }
}
