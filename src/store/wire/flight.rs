//! One transaction on a wire: everything from one `Sync` to the next.
//!
//! PostgreSQL runs whatever comes between two `Sync`s as one transaction and commits at the second; after an error it skips
//! what follows, up to there, and rolls back. `COPY` may be sent with its rows before the server asks for them: it reads
//! them when its turn comes, and skips them when it never does. See "Extended Query" and "Pipelining" in the chapter
//! "Frontend/Backend Protocol" of its manual.

use bytes::{BufMut, BytesMut};
use postgres_protocol::{
    IsNull,
    message::{backend::Message, frontend},
};
use tokio_postgres::types::{Oid, ToSql};

use super::{Row, Statement, StoreError, Wire, answered, unexpected};

/// How binary `COPY` begins: a signature, flags, and the length of a header extension.
const COPY_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// How it ends: a row of -1 fields.
const COPY_TRAILER: &[u8] = &[0xff, 0xff];

/// A transaction that is being told to the server. Dropped before it has landed, it leaves the wire of no further use, and the
/// server rolls back once the connection closes.
#[derive(Debug)]
pub struct Flight<'w> {
    wire: &'w mut Wire,
    /// Whether the commit is sent, or at least gathered to be sent.
    sealed: bool,
}

impl<'w> Flight<'w> {
    pub(super) fn new(wire: &'w mut Wire) -> Self {
        Self { wire, sealed: false }
    }

    pub(super) fn parse(&mut self, name: &str, sql: &str) -> Result<(), StoreError> {
        frontend::parse(name, sql, std::iter::empty::<Oid>(), &mut self.wire.leaving)?;
        Ok(frontend::describe(b'S', name, &mut self.wire.leaving)?)
    }

    /// Adds a statement; it is sent with whatever follows, at the latest when its answer is awaited.
    ///
    /// # Errors
    /// [`StoreError::Content`] when a parameter does not fit the type of its place, which is a defect.
    pub fn ask(&mut self, statement: &Statement, values: &[&(dyn ToSql + Sync)]) -> Result<(), StoreError> {
        let places = values.iter().zip(&statement.parameters);
        if values.len() != statement.parameters.len() {
            return Err(StoreError::Content(format!("{} takes other parameters", statement.name)));
        }
        self.bind(statement, |leaving| {
            frontend::bind(
                "",
                statement.name,
                [1],
                places,
                |(value, kind), out| match value.to_sql_checked(kind, out)? {
                    tokio_postgres::types::IsNull::Yes => Ok(IsNull::Yes),
                    tokio_postgres::types::IsNull::No => Ok(IsNull::No),
                },
                [1],
                leaving,
            )
        })
    }

    /// Adds a `COPY … FROM STDIN (FORMAT binary)` and its rows, each of which must begin with its number of fields.
    ///
    /// # Errors
    /// [`StoreError::Content`] when the rows are too long for one message, 2 GiB.
    pub fn copy(
        &mut self,
        statement: &Statement,
        rows: impl FnOnce(&mut BytesMut),
    ) -> Result<(), StoreError> {
        self.bind(statement, |leaving| {
            let nothing = std::iter::empty::<i16>;
            let none = |(), _: &mut BytesMut| Ok(IsNull::Yes);
            frontend::bind("", statement.name, nothing(), std::iter::empty(), none, nothing(), leaving)
        })?;
        let leaving = &mut self.wire.leaving;
        leaving.put_u8(b'd');
        let at = leaving.len();
        leaving.put_i32(0);
        leaving.put_slice(COPY_HEADER);
        rows(leaving);
        leaving.put_slice(COPY_TRAILER);
        let length = i32::try_from(leaving.len() - at)
            .map_err(|_| StoreError::Content("a lot is longer than one message may be".into()))?;
        leaving[at..at + 4].copy_from_slice(&length.to_be_bytes());
        frontend::copy_done(leaving);
        Ok(())
    }

    fn bind(
        &mut self,
        statement: &Statement,
        bind: impl FnOnce(&mut BytesMut) -> Result<(), frontend::BindError>,
    ) -> Result<(), StoreError> {
        let leaving = &mut self.wire.leaving;
        let before = leaving.len();
        if let Err(error) = bind(leaving) {
            leaving.truncate(before);
            return Err(match error {
                frontend::BindError::Conversion(error) => {
                    StoreError::Content(format!("a parameter of {}: {error}", statement.name))
                }
                frontend::BindError::Serialization(error) => error.into(),
            });
        }
        Ok(frontend::execute("", 0, leaving)?)
    }

    /// Adds the commit and sends everything. From here on the fate of the transaction is the server's to tell.
    ///
    /// # Errors
    /// [`StoreError::Wire`] when the connection is gone, which leaves the fate open.
    pub async fn seal(&mut self) -> Result<(), StoreError> {
        frontend::sync(&mut self.wire.leaving);
        self.sealed = true;
        self.wire.send().await
    }

    /// The rows that the next statement in turn answers.
    ///
    /// # Errors
    /// What PostgreSQL says; the transaction is rolled back then, and the wire ready for another. [`StoreError::Wire`] when the
    /// connection is gone.
    pub async fn rows(&mut self, statement: &Statement) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        loop {
            match self.next().await? {
                Message::BindComplete => {}
                Message::DataRow(body) => rows.push(Row::read(statement, &body)?),
                Message::CommandComplete(_) | Message::EmptyQueryResponse => return Ok(rows),
                _ => return Err(unexpected("in the answer to a statement")),
            }
        }
    }

    /// Waits until the next statement in turn, or the next `COPY`, is carried out.
    ///
    /// # Errors
    /// As [`Flight::rows`].
    pub async fn done(&mut self) -> Result<(), StoreError> {
        loop {
            match self.next().await? {
                Message::BindComplete | Message::CopyInResponse(_) | Message::DataRow(_) => {}
                Message::CommandComplete(_) | Message::EmptyQueryResponse => return Ok(()),
                _ => return Err(unexpected("in the answer to a statement")),
            }
        }
    }

    /// Waits for the commit; when this answers `Ok`, the WAL is flushed.
    ///
    /// # Errors
    /// As [`Flight::rows`]; [`StoreError::Wire`] leaves the fate open.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        if !self.sealed {
            self.seal().await?;
        }
        match self.next().await? {
            Message::ReadyForQuery(_) => {
                self.landed();
                Ok(())
            }
            _ => Err(unexpected("in the answer to a commit")),
        }
    }

    /// Gives up everything this transaction did; not for one that is sealed.
    ///
    /// # Errors
    /// [`StoreError::Wire`] when the connection is gone, which rolls back as well.
    pub async fn abandon(mut self) -> Result<(), StoreError> {
        if !self.wire.adrift {
            // Nothing was sent, or the server has rolled back already.
            return Ok(());
        }
        let leaving = &mut self.wire.leaving;
        leaving.clear();
        frontend::parse("", "rollback", std::iter::empty::<Oid>(), leaving)?;
        let nothing = std::iter::empty::<i16>;
        let none = |(), _: &mut BytesMut| Ok(IsNull::Yes);
        let bound = frontend::bind("", "", nothing(), std::iter::empty(), none, nothing(), leaving);
        bound.map_err(|_| unexpected("to be sent"))?;
        frontend::execute("", 0, leaving)?;
        self.roll_back().await
    }

    /// The next message; an error of the server ends the transaction and becomes ours.
    pub(super) async fn next(&mut self) -> Result<Message, StoreError> {
        if !self.wire.leaving.is_empty() {
            frontend::flush(&mut self.wire.leaving);
            self.wire.send().await?;
        }
        match self.wire.receive().await? {
            Message::ErrorResponse(body) => {
                let error = answered(&body);
                if !error.ends_connection() {
                    self.roll_back().await?;
                }
                Err(error)
            }
            message => Ok(message),
        }
    }

    /// Reads up to where the server is ready again, after an error.
    async fn roll_back(&mut self) -> Result<(), StoreError> {
        if !self.sealed {
            self.seal().await?;
        }
        while !matches!(self.wire.receive().await?, Message::ReadyForQuery(_)) {}
        self.landed();
        Ok(())
    }

    pub(super) fn landed(&mut self) {
        self.wire.adrift = false;
    }
}
