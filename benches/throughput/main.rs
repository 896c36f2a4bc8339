//! What the server does per second, beside a bare ping, a raw `COPY`, two plain servers and InfluxDB; and how that changes with size.
//!
//! ```text
//! benches/throughput.sh              # the table; --quick sees whether everything runs
//! benches/growth.sh                  # docs/performance/growth.json and its pictures
//! ```
//!
//! All are measured in turn on one private PostgreSQL with `fsync` on, by the generator of `tidegate load`, each server in a process
//! of its own.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is what this program is for")]

mod copy;
mod drive;
mod figures;
mod growth;
mod process;
mod reads;
mod rivals;
mod stand;
mod table;
mod traffic;

#[path = "../rivals/actix.rs"]
mod plain_actix;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The allocator of the program that users have.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures throughput.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
    /// Given by cargo.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

/// What to measure.
#[derive(Debug, Subcommand)]
enum What {
    /// One table of rates, costs and ratios.
    Table(table::Options),
    /// How rates and reads change with what is stored and with who writes.
    Growth(growth::Options),
    /// Be the plain actix server.
    #[command(hide = true)]
    PlainActix {
        #[arg(long)]
        socket_dir: PathBuf,
        #[arg(long)]
        user: String,
        #[arg(long)]
        database: String,
        #[arg(long)]
        port: u16,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().what {
        None => {
            println!(
                "throughput: takes minutes, so not without being asked: benches/throughput.sh, benches/growth.sh"
            );
            Ok(())
        }
        Some(What::PlainActix { socket_dir, user, database, port }) => {
            plain_actix::serve(&socket_dir, &user, &database, port)
        }
        Some(What::Table(options)) => runtime()?.block_on(table::run(options)),
        Some(What::Growth(options)) => runtime()?.block_on(growth::run(options)),
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
