//! A road to the database that a test can cut: at a lane's `COMMIT`, or altogether.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

use super::postgres::TestDatabase;

/// What happens when a lane says `COMMIT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtCommit {
    /// It passes.
    Pass,
    /// It never arrives, and the connection ends.
    Lose,
    /// It arrives, its answer is lost, and the connection ends.
    LoseAnswer,
}

/// The road to one database.
pub struct Proxy {
    /// How to reach the database by this road.
    pub config: Config,
    road: Arc<Road>,
}

struct Road {
    socket: PathBuf,
    at_commit: Mutex<(AtCommit, bool)>,
    /// Counts the cuts; odd while the road is closed.
    cuts: watch::Sender<usize>,
    commits: AtomicUsize,
}

impl Proxy {
    /// Opens a road to a database.
    pub async fn open(database: &TestDatabase) -> Self {
        let Some(Host::Unix(folder)) = database.config.get_hosts().first() else { panic!("not a socket") };
        let port = database.config.get_ports().first().copied().unwrap_or(5432);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut config = Config::new();
        config.host("127.0.0.1").port(listener.local_addr().unwrap().port()).ssl_mode(SslMode::Disable);
        config.user(database.config.get_user().unwrap()).dbname(&database.name);
        let road = Arc::new(Road {
            socket: folder.join(format!(".s.PGSQL.{port}")),
            at_commit: Mutex::new((AtCommit::Pass, false)),
            cuts: watch::Sender::new(0),
            commits: AtomicUsize::new(0),
        });
        let shared = road.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(shared.clone().carry(client));
            }
        });
        Self { config, road }
    }

    /// Decides what happens at a lane's next `COMMIT`; with `close`, the road is closed right after it.
    pub fn at_commit(&self, what: AtCommit, close: bool) {
        *self.road.at_commit.lock() = (what, close);
    }

    /// Ends every connection and takes no new one.
    pub fn close(&self) {
        self.road.close();
    }

    /// Takes connections again.
    pub fn reopen(&self) {
        self.road.cuts.send_if_modified(|cuts| {
            let closed = *cuts % 2 == 1;
            *cuts += usize::from(closed);
            closed
        });
    }

    /// How many times a lane has said `COMMIT`.
    pub fn commits(&self) -> usize {
        self.road.commits.load(Ordering::SeqCst)
    }
}

impl Road {
    fn close(&self) {
        self.cuts.send_if_modified(|cuts| {
            let open = *cuts % 2 == 0;
            *cuts += usize::from(open);
            open
        });
    }

    async fn carry(self: Arc<Self>, client: TcpStream) {
        let mut cuts = self.cuts.subscribe();
        if *cuts.borrow_and_update() % 2 == 1 {
            return;
        }
        let Ok(server) = UnixStream::connect(&self.socket).await else { return };
        tokio::select! {
            _ = cuts.changed() => {}
            _ = self.relay(client, server) => {}
        }
    }

    async fn relay(&self, client: TcpStream, server: UnixStream) -> std::io::Result<()> {
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let down = async { tokio::io::copy(&mut from_server, &mut to_client).await.map(|_| ()) };
        let up = async {
            let mut bytes = Vec::with_capacity(1 << 16);
            let mut is_lane = None;
            while from_client.read_buf(&mut bytes).await? > 0 {
                let is_lane = *is_lane.get_or_insert_with(|| contains(&bytes, b"tidegate-lane"));
                if is_lane
                    && contains(&bytes, b"COMMIT\0")
                    && !self.pass_commit(&bytes, &mut to_server).await?
                {
                    return Ok(());
                }
                to_server.write_all(&bytes).await?;
                bytes.clear();
            }
            Ok(())
        };
        tokio::select! {
            ended = down => ended,
            ended = up => ended,
        }
    }

    /// Whether the `COMMIT` and the connection go on.
    async fn pass_commit(
        &self,
        bytes: &[u8],
        server: &mut tokio::net::unix::OwnedWriteHalf,
    ) -> std::io::Result<bool> {
        self.commits.fetch_add(1, Ordering::SeqCst);
        let (what, close) = std::mem::replace(&mut *self.at_commit.lock(), (AtCommit::Pass, false));
        if what == AtCommit::LoseAnswer {
            server.write_all(bytes).await?;
        }
        if close {
            self.close();
        }
        Ok(what == AtCommit::Pass)
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
