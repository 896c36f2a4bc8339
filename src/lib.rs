//! Tidegate: a self-hosted ingest API for customer data.
//!
//! # The path of one batch
//!
//! What happens to one `POST …/stream/events` or `…/stream/contacts`, in order. Each step names the file that does it
//! and what the client may believe by then.
//!
//! 1. `http/places.rs` finds the route that the path means; `http/trace.rs` gives the request an id and counts it as in flight.
//!    *Whatever follows, an answer will carry that id.*
//! 2. `http/door.rs` walks the request through the next steps, one awaited after the other; `auth/authority.rs` finds
//!    the key in memory and makes a [`auth::Caller`]. *A 401 says nothing about what exists.*
//! 3. `auth/directory.rs` finds the project and the datasource that the path names, inside the caller's reach. *A 404
//!    is the same for what is absent and for what is foreign.*
//! 4. The door checks the scope; `limit/limiter.rs` charges one request to the budget and makes a [`limit::Pass`].
//!    *Every answer but a 401 carries a budget. A 429 or 403 has read no body and stored nothing.*
//! 5. `http/body.rs` checks the declared form, `ingest/queue.rs` gives the body a [`ingest::Room`] in a bounded queue,
//!    and only then is the body read, and decoded step by step by `http/decode/`, bounded in bytes and time. *A 503
//!    `overloaded` or `store_unavailable`, a 413, 415, 408 or 400 has stored nothing.*
//! 6. `domain/batch.rs` takes the body apart and judges each item by itself: a [`domain::batch::Batch`]. *A 400 has
//!    stored nothing. An item that is refused here fails alone.*
//! 7. `ingest/rows.rs` encodes the valid events as the log will hold them; `ingest/handle.rs` queues the valid items as one job
//!    and waits. *A client that goes away now stops nothing: its batch may be stored or not, and sending the same ids again
//!    settles it.*
//! 8. `ingest/lane.rs` takes what waits, one batch of each datasource in turn, as one lot. *Still nothing is stored.*
//! 9. `ingest/lot.rs` tells the database: claims on event ids, contacts, the log, and the order of the commit. *Outcomes are
//!    decided; nobody has heard them, and a failure undoes all of it.*
//! 10. `store/wire/` sends all of it with the commit, for new events in one flight. When the answer comes, the WAL is flushed.
//!     Should it get lost, `store/fate.rs` looks for the lot. *Committed, or 503 with nothing stored; only `outcome_unknown`
//!     cannot tell.*
//! 11. The lane notes what became of each job in `ingest/ledger.rs`, which is written behind the answers, and hands it a
//!     [`ingest::Receipt`]. *Usage numbers may lag by seconds, and a crash may lose the last of them; what was stored is counted
//!     from the lots.*
//! 12. `http/push.rs` joins it with the refused items, `http/wire/` gives it its shape. *202: every `success` item is durable and
//!     readable.*
//!
//! `docs/architecture.md` tells the same at length, with the tables.

pub mod telemetry;

pub mod domain;

pub mod store;

pub mod auth;

pub mod limit;

pub mod ingest;

pub mod stream;

pub mod http;

pub mod config;

pub mod cli;
