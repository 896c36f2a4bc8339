//! The wire of a lane: a connection on which all that a lot has to say is sent in one go, rows and commit included.
//!
//! Promises that whatever lies between two `Sync`s is one transaction, stored as a whole or not at all, and that an answer
//! to the second one means that its WAL is flushed. Must not know what the statements are about.

mod loan;

mod dial;

mod row;

mod flight;

use std::{io, sync::Arc, time::Duration};

use bytes::BytesMut;
use postgres_protocol::message::backend::{ErrorResponseBody, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_postgres::types::Type;

pub use dial::open;
pub use flight::Flight;
pub use row::Row;

use super::{StoreError, error::Answered};
use loan::Conduit;

/// Room for what arrives; an answer to a lot of new events is far smaller.
const ARRIVALS: usize = 16 << 10;

/// A statement that the server has parsed under a name.
#[derive(Debug, Clone)]
pub struct Statement {
    name: &'static str,
    parameters: Vec<Type>,
    columns: Arc<[Type]>,
}

/// A connection whose messages we write and read ourselves: the driver's own API answers each statement before the next is
/// sent, and a lot would be six round trips instead of one.
pub struct Wire {
    conduit: Box<dyn Conduit>,
    leaving: BytesMut,
    arrived: BytesMut,
    /// Whether answers are outstanding that nobody will read.
    adrift: bool,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("adrift", &self.adrift).finish_non_exhaustive()
    }
}

impl Wire {
    fn over(conduit: Box<dyn Conduit>) -> Self {
        let (leaving, arrived) = (BytesMut::with_capacity(1 << 20), BytesMut::with_capacity(ARRIVALS));
        Self { conduit, leaving, arrived, adrift: false }
    }

    /// Has the server parse a statement under a name of this connection.
    ///
    /// # Errors
    /// What PostgreSQL says to the statement; [`StoreError::Wire`] when the connection is gone, or when the statement takes or
    /// gives types that are not built in.
    pub async fn prepare(&mut self, name: &'static str, sql: &str) -> Result<Statement, StoreError> {
        let mut statement = Statement { name, parameters: Vec::new(), columns: Arc::from([]) };
        let mut flight = self.begin()?;
        flight.parse(name, sql)?;
        flight.seal().await?;
        loop {
            match flight.next().await? {
                Message::ParseComplete | Message::NoData => {}
                Message::ParameterDescription(body) => statement.parameters = row::types(body.parameters())?,
                Message::RowDescription(body) => statement.columns = row::columns(body.fields())?.into(),
                Message::ReadyForQuery(_) => {
                    flight.landed();
                    return Ok(statement);
                }
                _ => return Err(unexpected("while a statement was prepared")),
            }
        }
    }

    /// Begins a transaction. Nothing is sent yet.
    ///
    /// # Errors
    /// [`StoreError::Wire`] when the one before was left in the middle; this connection is of no further use then.
    pub fn begin(&mut self) -> Result<Flight<'_>, StoreError> {
        if self.adrift {
            return Err(unexpected("after a transaction that was given up"));
        }
        self.leaving.clear();
        Ok(Flight::new(self))
    }

    /// Whether the server is still there, as far as can be told without asking it.
    pub async fn is_alive(&mut self) -> bool {
        // What comes unasked is a notice, a changed setting, or the last word of a server that ends.
        while let Ok(read) =
            tokio::time::timeout(Duration::ZERO, self.conduit.read_buf(&mut self.arrived)).await
        {
            if !matches!(read, Ok(1..)) {
                return false;
            }
        }
        while let Ok(Some(message)) = Message::parse(&mut self.arrived) {
            if matches!(message, Message::ErrorResponse(_)) {
                return false;
            }
        }
        !self.adrift
    }

    /// Sends what has been gathered.
    async fn send(&mut self) -> Result<(), StoreError> {
        self.adrift = true;
        self.conduit.write_all(&self.leaving).await?;
        self.conduit.flush().await?;
        self.leaving.clear();
        Ok(())
    }

    /// The next message that is an answer.
    async fn receive(&mut self) -> Result<Message, StoreError> {
        loop {
            match Message::parse(&mut self.arrived)? {
                Some(
                    Message::NoticeResponse(_)
                    | Message::ParameterStatus(_)
                    | Message::NotificationResponse(_),
                ) => {}
                Some(message) => return Ok(message),
                None => {
                    self.arrived.reserve(ARRIVALS);
                    if self.conduit.read_buf(&mut self.arrived).await? == 0 {
                        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                    }
                }
            }
        }
    }
}

fn unexpected(when: &str) -> StoreError {
    StoreError::Wire(io::Error::new(io::ErrorKind::InvalidData, format!("an unexpected message {when}")))
}

fn answered(body: &ErrorResponseBody) -> StoreError {
    match Answered::read(body) {
        Ok(answered) => StoreError::Answered(answered),
        Err(error) => error.into(),
    }
}
