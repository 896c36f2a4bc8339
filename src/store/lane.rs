//! The connection of a lane: its wire, its statements, the epoch its lots belong to, and its block of event ids.

use jiff::Timestamp;
use tokio_postgres::Client;

use super::{
    Database, Role, StoreError, epochs,
    wire::{self, Flight, Statement, Wire},
};

/// Ids in one block; the increment of the sequence `event_id_block`.
const BLOCK: i64 = 65_536;

/// A connection that writes lots.
#[derive(Debug)]
pub struct Lane {
    wire: Wire,
    /// The statements of a lot, prepared.
    pub statements: Statements,
    /// Who serves this connection, and since when it may have left rows behind.
    pub backend: Backend,
    epoch: i32,
    free: std::ops::Range<i64>,
}

/// The process of PostgreSQL that serves a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backend {
    pub(super) pid: i32,
    pub(super) started_at: Timestamp,
    /// A transaction id at or before those of all lots that this connection has yet to write.
    pub floor: i64,
}

macro_rules! statements {
    ($($name:ident),* $(,)?) => {
        /// Every statement of a lot, prepared once a connection.
        #[derive(Debug, Clone)]
        pub struct Statements {
            $(pub(super) $name: Statement,)*
        }

        impl Statements {
            async fn prepare(wire: &mut Wire) -> Result<Self, StoreError> {
                Ok(Self { $($name: wire.prepare(stringify!($name), sql!($name)).await?,)* })
            }
        }
    };
}

statements! {
    claims_copy,
    claims_insert,
    claims_read,
    contacts_read,
    contacts_insert,
    contacts_lock,
    contacts_update,
    contacts_delete,
    events_copy,
    lots_insert,
    snapshot_newest,
    backend_alive,
    lot_find,
    id_block,
}

impl Lane {
    /// Connects, settles the epoch and prepares the statements.
    ///
    /// # Errors
    /// [`StoreError`] when the server cannot be reached or refuses.
    pub async fn open(database: &Database) -> Result<Self, StoreError> {
        let greet = async |client: &mut Client| {
            let epoch = epochs::current(client).await?;
            let row = client.query_one(sql!("backend_self"), &[]).await?;
            Ok((epoch, Backend { pid: row.get(0), started_at: row.get(1), floor: row.get(2) }))
        };
        let (mut wire, (epoch, backend)) = wire::open(database, Role::Lane, greet).await?;
        let statements = Statements::prepare(&mut wire).await?;
        Ok(Self { wire, statements, backend, epoch, free: 0..0 })
    }

    /// The epoch that this connection's transactions belong to.
    pub fn epoch(&self) -> i32 {
        self.epoch
    }

    /// Whether the server is still there, as far as can be told without asking it.
    pub async fn is_alive(&mut self) -> bool {
        self.wire.is_alive().await
    }

    /// Begins the transaction of a lot.
    ///
    /// # Errors
    /// As [`Wire::begin`].
    pub fn begin(&mut self) -> Result<(Flight<'_>, &Statements), StoreError> {
        Ok((self.wire.begin()?, &self.statements))
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
            let first = self.draw().await?;
            self.free = first..first + BLOCK;
        }
        let first = self.free.start;
        self.free.start += count;
        Ok(first)
    }

    async fn draw(&mut self) -> Result<i64, StoreError> {
        let mut flight = self.wire.begin()?;
        flight.ask(&self.statements.id_block, &[])?;
        flight.seal().await?;
        let rows = flight.rows(&self.statements.id_block).await?;
        let first =
            rows.first().ok_or_else(|| StoreError::Content("a sequence gave no value".into()))?.get(0)?;
        flight.commit().await?;
        Ok(first)
    }
}
