//! Everything that this process logs, kept for the tests that look at it.

use std::{
    io::{self, Write},
    sync::{Mutex, Once},
};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

static KEPT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Keeper;

impl Write for Keeper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        KEPT.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps log lines from now on. Other tests of this process log as well.
pub fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let layer = fmt::layer().with_ansi(false).with_writer(|| Keeper);
        let filter = EnvFilter::new("tidegate=trace,actix_web=debug,actix_server=debug");
        tracing_subscriber::registry().with(filter).with(layer).try_init().unwrap();
    });
}

/// What was kept so far.
pub fn text() -> String {
    String::from_utf8_lossy(&KEPT.lock().unwrap()).into_owned()
}
