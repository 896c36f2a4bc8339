//! Sends requests at one server and says what came of them, by the engine of `tidegate load`.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, ensure};
use tidegate::{
    cli::load::{Answer, Counts, Drive, Endpoint, Pace, Plan, Script, Verdict, by_status},
    domain::clock::SystemClock,
};

use crate::{
    figures::{Cost, Seen},
    rivals::INFLUX_DATABASE,
    stand::Inlet,
    traffic::{Kind, Writer},
};

/// Whom to send to, and what.
#[derive(Clone)]
pub struct Wish {
    /// The server.
    pub address: SocketAddr,
    /// Where its requests go, in turn; the plain servers take any.
    pub inlets: Arc<[Inlet]>,
    /// What is in them.
    pub writer: Writer,
    /// Connections, each with one request on its way.
    pub connections: usize,
    /// Requests a second, each at its time whether or not earlier ones were answered; without it as many as there can be.
    pub rate: Option<f64>,
    /// For how long.
    pub seconds: f64,
}

/// Numbers that no request has used.
#[derive(Debug, Default)]
pub struct Numbers(AtomicU64);

impl Numbers {
    fn take(&self, many: u64) -> u64 {
        self.0.fetch_add(many, Ordering::Relaxed)
    }
}

/// Sends for as long as is wished. Costs are left to the caller.
pub async fn drive(wish: &Wish, numbers: &Arc<Numbers>) -> Result<Seen> {
    ensure!(!wish.inlets.is_empty(), "nowhere to send to");
    let mut plan = Plan::new(Endpoint::find(&format!("http://{}", wish.address)).await?);
    plan.duration = Duration::from_secs_f64(wish.seconds);
    plan.pace = wish.rate.map_or(Pace::Max, Pace::Rate);
    let heads: Arc<[Vec<u8>]> = wish.inlets.iter().map(|inlet| wish.head(inlet)).collect();
    let scripts = (0..wish.connections).map(|connection| Sender {
        at: connection * heads.len() / wish.connections,
        heads: heads.clone(),
        writer: wish.writer.clone(),
        numbers: numbers.clone(),
        body: Vec::new(),
    });
    let scripts: Vec<Sender> = scripts.collect();
    let drive = Drive::new(plan, SystemClock::shared())?;
    let ended = tokio::task::spawn_blocking(move || drive.run(scripts)).await??;
    let counts = &ended.counts;
    Ok(Seen {
        items: counts.items as u64,
        requests: counts.done,
        refused: counts.failed + counts.retries,
        took: ended.elapsed,
        p50: counts.within(0.5),
        p99: counts.within(0.99),
        cost: Cost::default(),
    })
}

impl Wish {
    /// All of a request to an inlet that is the same each time: up to the length of the body, or the whole ping.
    fn head(&self, inlet: &Inlet) -> Vec<u8> {
        let stream = format!("/v1/project/{}/datasource/{}/stream", inlet.project, inlet.datasource);
        let ours = |path: String| {
            format!(
                "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: ",
                self.address, inlet.token
            )
        };
        let head = match self.writer.kind() {
            Kind::Ping => format!("GET /health/live HTTP/1.1\r\nHost: {}\r\n\r\n", self.address),
            Kind::Lines => format!(
                "POST /write?db={INFLUX_DATABASE} HTTP/1.1\r\nHost: {}\r\nContent-Length: ",
                self.address
            ),
            Kind::Events => ours(format!("{stream}/events")),
            Kind::NewContacts | Kind::SameContacts | Kind::ChangedContacts => {
                ours(format!("{stream}/contacts"))
            }
        };
        head.into_bytes()
    }
}

/// What one connection sends.
struct Sender {
    heads: Arc<[Vec<u8>]>,
    /// The inlet that is next.
    at: usize,
    writer: Writer,
    numbers: Arc<Numbers>,
    body: Vec<u8>,
}

impl Script for Sender {
    fn render(&mut self, request: &mut Vec<u8>) -> Option<usize> {
        request.extend_from_slice(&self.heads[self.at]);
        self.at = (self.at + 1) % self.heads.len();
        if self.writer.kind() != Kind::Ping {
            self.body.clear();
            self.writer.body(self.numbers.take(self.writer.items()), &mut self.body);
            // Writing to a buffer does not fail.
            let _ = std::io::Write::write_fmt(request, format_args!("{}\r\n\r\n", self.body.len()));
            request.extend_from_slice(&self.body);
        }
        usize::try_from(self.writer.items()).ok()
    }

    fn answered(&mut self, answer: &Answer<'_>, _counts: &mut Counts) -> Verdict {
        by_status(answer.status)
    }
}

/// Puts the first `many` items of a writer in place, one request after the other.
pub async fn pool(address: SocketAddr, inlet: &Inlet, writer: &Writer, many: u64) -> Result<()> {
    let url = format!(
        "http://{address}/v1/project/{}/datasource/{}/stream/contacts",
        inlet.project, inlet.datasource
    );
    let http = reqwest::Client::new();
    for first in (0..many).step_by(usize::try_from(writer.items())?) {
        let mut body = Vec::new();
        writer.body(first, &mut body);
        let request = http.post(&url).bearer_auth(&inlet.token).header("Content-Type", "application/json");
        let answer = request.body(body).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.as_u16() == 202 && text.contains("\"success\":true"), "{status}: {text}");
    }
    Ok(())
}
