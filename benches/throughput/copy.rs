//! Raw binary `COPY` of rows that the server itself stored, into the same tables: what PostgreSQL takes when nothing else is done.
//!
//! The rows are read out of the server's own tables, so they are the same whatever the schema is. They are cut into pieces of a
//! thousand; a transaction writes one piece of the log, one of the claims and one row of the order, as a commit of the server does.

use std::{collections::VecDeque, pin::pin, sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{SinkExt, TryStreamExt};
use parking_lot::Mutex;
use tidegate::{
    domain::clock::SharedClock,
    store::{Database, Role},
};
use tokio_postgres::Client;

/// Connections side by side.
const CONNECTIONS: usize = 2;
/// Rows of one `COPY`.
const ROWS: usize = 1_000;

/// The signature, no flags, no extension ("Binary Format" of PostgreSQL's `COPY`).
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What follows the last row.
const TRAILER: &[u8] = &[0xff, 0xff];

/// Rows to be written, in pieces.
#[derive(Clone)]
pub struct Rows {
    pieces: Arc<Vec<Piece>>,
}

/// What one transaction writes.
struct Piece {
    log: Bytes,
    claims: Bytes,
    order: Bytes,
}

impl Rows {
    /// Reads the first `events` events that the server stored. The others are left out.
    pub async fn read(database: &Database, events: usize) -> Result<Self> {
        let client = database.connect(Role::Migration).await?;
        let log =
            pieces(&client, &format!("select * from event where kind = 'e' limit {events}"), ROWS).await?;
        let claims = pieces(&client, &format!("select * from event_key limit {events}"), ROWS).await?;
        let order = pieces(&client, &ORDER.replace("$1", &log.len().to_string()), 1).await?;
        ensure!(!log.is_empty() && log.len() == claims.len(), "events and claims are not as many");
        ensure!(log.len() == order.len(), "{} rows of the order for {} pieces", order.len(), log.len());
        let pieces = log.into_iter().zip(claims).zip(order);
        let pieces = pieces.map(|((log, claims), order)| Piece { log, claims, order }).collect();
        Ok(Self { pieces: Arc::new(pieces) })
    }

    /// How many events there are.
    pub fn events(&self) -> usize {
        self.pieces.len() * ROWS
    }

    /// Writes them all into a database with our tables, once, and answers how long it took.
    pub async fn write(&self, database: &Database, clock: &SharedClock) -> Result<Duration> {
        let empty = database.connect(Role::Migration).await?;
        empty.batch_execute("truncate event, event_key, lot").await?;
        let left: Arc<Mutex<VecDeque<usize>>> = Arc::new(Mutex::new((0..self.pieces.len()).collect()));
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            clients.push(database.connect(Role::Lane).await?);
        }
        let began = clock.monotonic();
        let mut writers = tokio::task::JoinSet::new();
        for mut client in clients {
            let (left, pieces) = (left.clone(), self.pieces.clone());
            writers.spawn(async move {
                // The guard must not live across the await.
                let next = || left.lock().pop_front();
                while let Some(at) = next() {
                    write(&mut client, &pieces[at]).await?;
                }
                Ok::<_, anyhow::Error>(())
            });
        }
        while let Some(ended) = writers.join_next().await {
            ended??;
        }
        let took = Duration::from_nanos(clock.monotonic() - began);
        let stored: i64 = empty.query_one("select count(*) from event_key", &[]).await?.get(0);
        ensure!(usize::try_from(stored)? == self.events(), "{stored} of {} rows arrived", self.events());
        Ok(took)
    }
}

async fn write(client: &mut Client, piece: &Piece) -> Result<()> {
    let tx = client.transaction().await?;
    for (table, rows) in [("event_key", &piece.claims), ("event", &piece.log), ("lot", &piece.order)] {
        let mut sink = pin!(tx.copy_in(&format!("copy {table} from stdin (format binary)")).await?);
        sink.send(rows.clone()).await?;
        sink.finish().await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The rows of a query as bodies of `COPY … FROM` with `rows` rows each; what is left over is dropped.
async fn pieces(client: &Client, query: &str, rows: usize) -> Result<Vec<Bytes>> {
    let mut stream = pin!(client.copy_out(&format!("copy ({query}) to stdout (format binary)")).await?);
    let (mut made, mut piece, mut within) = (Vec::new(), BytesMut::from(HEADER), 0);
    let mut pending = BytesMut::new();
    let mut headed = false;
    while let Some(chunk) = stream.try_next().await? {
        pending.extend_from_slice(&chunk);
        if !headed && pending.len() >= HEADER.len() {
            ensure!(pending.starts_with(HEADER), "COPY began with an unknown header");
            pending.advance(HEADER.len());
            headed = true;
        }
        while let Some(length) = row_length(&pending).filter(|_| headed) {
            piece.extend_from_slice(&pending.split_to(length));
            within += 1;
            if within == rows {
                piece.extend_from_slice(TRAILER);
                made.push(std::mem::replace(&mut piece, BytesMut::from(HEADER)).freeze());
                within = 0;
            }
        }
    }
    ensure!(pending.as_ref() == TRAILER, "COPY ended within a row");
    Ok(made)
}

/// The length of the row that stands at the beginning; `None` while it is not there whole, and for the trailer.
fn row_length(bytes: &[u8]) -> Option<usize> {
    let fields = i16::from_be_bytes(bytes.get(..2)?.try_into().ok()?);
    let fields = usize::try_from(fields).ok()?;
    let mut at = 2;
    for _ in 0..fields {
        let length = i32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
        // Minus one is a null, without bytes.
        at += 4 + usize::try_from(length).unwrap_or(0);
    }
    (bytes.len() >= at).then_some(at)
}

/// Rows of the order, made of one that the server wrote: its own lots are of other sizes.
const ORDER: &str = "
    select (jsonb_populate_record(one, jsonb_build_object('first_id', n))).*
    from (select lot as one from lot limit 1) lots, generate_series(1, $1) n";
