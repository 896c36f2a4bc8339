//! A proxy before PostgreSQL that can be unkind at one exact moment: when a lane commits.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
    task::JoinHandle,
};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

/// `Sync`, with which a lane commits: the type and a length that covers only itself.
const SYNC: &[u8] = b"S\0\0\0\x04";

/// The last statement of a lot before it commits, in the same packet: its order, or where there is none, its position.
const LAST: [&[u8]; 2] = [b"\0lots_insert\0", b"\0snapshot_newest\0"];

/// What comes before the commit, where this packet ends with that of a lot.
fn before_commit(message: &[u8]) -> Option<&[u8]> {
    let before = message.strip_suffix(SYNC)?;
    let holds = |last: &&[u8]| message.windows(last.len()).any(|part| part == *last);
    LAST.iter().any(holds).then_some(before)
}

/// What happens to a connection that commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCommit {
    /// It goes through, and so does its answer.
    Forward,
    /// The server gets it and answers; the client never hears of it.
    CutAnswer,
    /// The server gets all but the commit: both sides are cut.
    CutBefore,
    /// The server gets all but the commit and is not told that the client is gone, until the proxy is set to something else.
    Hold,
}

/// How the proxy behaves.
#[derive(Debug, Clone, Copy)]
pub struct Mood {
    /// What happens at the next commit; the ones after it go through again.
    pub on_commit: OnCommit,
    /// Whether connections are taken. Without, existing ones are cut as well.
    pub open: bool,
    /// Whether connections are still taken after a commit was not forwarded or not answered.
    pub open_afterwards: bool,
}

/// What a kind proxy does.
pub const KIND: Mood = Mood { on_commit: OnCommit::Forward, open: true, open_afterwards: true };

/// The proxy; ends when it is dropped.
pub struct Proxy {
    /// How to connect through it.
    pub config: Config,
    mood: Arc<watch::Sender<Mood>>,
    cuts: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.close();
    }
}

impl Proxy {
    /// One before the server of `config`, which is reached by its socket.
    pub async fn before(config: &Config) -> Self {
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let Some(Host::Unix(folder)) = config.get_hosts().first() else { panic!("not a socket") };
        let socket = folder.join(format!(".s.PGSQL.{port}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut through = Config::new();
        through.host("127.0.0.1").port(listener.local_addr().unwrap().port()).ssl_mode(SslMode::Disable);
        through.user(config.get_user().unwrap()).dbname(config.get_dbname().unwrap());
        let (mood, cuts) = (Arc::new(watch::channel(KIND).0), Arc::new(AtomicUsize::new(0)));
        let accepting = tokio::spawn(accept(listener, socket, mood.clone(), cuts.clone()));
        Self { config: through, mood, cuts, accepting }
    }

    /// Changes how it behaves.
    pub fn set(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// Cuts every connection and takes no new one.
    pub fn close(&self) {
        self.set(Mood { open: false, ..KIND });
    }

    /// Takes connections again.
    pub fn reopen(&self) {
        self.set(KIND);
    }

    /// How often a commit was not forwarded or not answered.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

async fn accept(
    listener: TcpListener,
    socket: PathBuf,
    mood: Arc<watch::Sender<Mood>>,
    cuts: Arc<AtomicUsize>,
) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        if !mood.borrow().open {
            continue;
        }
        if let Ok(server) = UnixStream::connect(&socket).await {
            tokio::spawn(carry(client, server, mood.clone(), cuts.clone()));
        }
    }
}

/// Carries bytes both ways until either side ends, the proxy closes, or a commit meets its mood.
async fn carry(
    client: TcpStream,
    server: UnixStream,
    mood: Arc<watch::Sender<Mood>>,
    cuts: Arc<AtomicUsize>,
) {
    client.set_nodelay(true).unwrap();
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let mut closing = mood.subscribe();
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = from_client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let message = &asked[..length];
                let now = *mood.borrow();
                if let Some(before) = before_commit(message)
                    && now.on_commit != OnCommit::Forward
                {
                    mood.send_replace(Mood { on_commit: OnCommit::Forward, open: now.open_afterwards, ..now });
                    if now.on_commit == OnCommit::CutAnswer {
                        to_server.write_all(message).await.unwrap();
                        committed(&mut from_server).await;
                    } else {
                        to_server.write_all(before).await.unwrap();
                    }
                    cuts.fetch_add(1, Ordering::SeqCst);
                    if now.on_commit == OnCommit::Hold {
                        drop((from_client, to_client));
                        drop(mood.subscribe().changed().await);
                    }
                    return;
                }
                if to_server.write_all(message).await.is_err() { return }
            }
            read = from_server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                if to_client.write_all(&answered[..length]).await.is_err() { return }
            }
            () = async { drop(closing.wait_for(|mood| !mood.open).await) } => return,
        }
    }
}

/// `ReadyForQuery` outside of a transaction.
const READY: &[u8] = b"Z\0\0\0\x05I";

/// Reads until the server is ready for the next transaction.
async fn committed(server: &mut (impl AsyncReadExt + Unpin)) {
    let mut answers = Vec::new();
    while !answers.ends_with(READY) {
        assert!(server.read_buf(&mut answers).await.unwrap() > 0, "the server answers");
    }
}
