//! The one server of a test run: held by every test process, run by a guardian that outlives them.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use sha2::{Digest, Sha256};
use tidegate::store::managed::{
    DATABASE, ManagedError, PORT,
    guardian::{SERVER, USERS},
    lock::{FileLock, Hold},
};
use tokio::{
    sync::OnceCell,
    time::{Instant, sleep},
};
use tokio_postgres::{Config, NoTls};

use super::folder::chmod;

/// How long the server may take to come up, two cold cores included.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a test waits before it sends for another guardian: the one on duty may have been killed.
const RECALL: Duration = Duration::from_secs(3);

static RUN: OnceCell<(PathBuf, FileLock)> = OnceCell::const_new();
static SERVER_CONFIG: OnceCell<Config> = OnceCell::const_new();

/// The folder of this test run, which stays as long as this process lives.
#[allow(clippy::zombie_processes, reason = "the guardian outlives this process by design")]
pub async fn run_folder() -> &'static Path {
    let (path, _) = RUN
        .get_or_init(|| async {
            let path = run_path();
            let lock = hold(&path).await;
            spawn_guardian(&path);
            (path, lock)
        })
        .await;
    path
}

/// How to reach the shared server, as its superuser.
pub async fn server() -> Config {
    SERVER_CONFIG.get_or_init(|| async { wait_for_server(run_folder().await).await }).await.clone()
}

/// One folder for a user and a checkout, so that neither meets another's.
fn run_path() -> PathBuf {
    let hash = Sha256::digest(env!("CARGO_MANIFEST_DIR"));
    let hash: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let user = rustix::process::geteuid().as_raw();
    std::env::temp_dir().join(format!("tidegate-tests-{user}-{hash}"))
}

/// Takes `users`, again when the guardian of the last run removed the folder meanwhile.
pub async fn hold(path: &Path) -> FileLock {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if !path.exists() {
            fs::create_dir_all(path).unwrap();
            chmod(path, 0o711);
        }
        assert_eq!(
            fs::metadata(path).unwrap().uid(),
            rustix::process::geteuid().as_raw(),
            "{path:?} is not ours"
        );
        match FileLock::within(&path.join(USERS), Hold::Shared, PATIENCE).await {
            Ok(Some(lock)) => return lock,
            Ok(None) => panic!("the guardian of the last run holds {path:?}"),
            Err(ManagedError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => panic!("{error}"),
        }
        assert!(Instant::now() < deadline, "{path:?} comes and goes");
    }
}

/// Starts a guardian for `path`; it ends at once when there is one.
pub fn spawn_guardian(path: &Path) -> Child {
    let log = OpenOptions::new().create(true).append(true).open(path.join("guardian.log")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["internal", "guard-postgres"])
        .arg(path)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// Waits for the server in `path` to answer, and looks after its guardian meanwhile.
#[allow(clippy::zombie_processes, reason = "the guardian outlives this process by design")]
pub async fn wait_for_server(path: &Path) -> Config {
    let deadline = Instant::now() + PATIENCE;
    let mut guardian = spawn_guardian(path);
    let mut sent = Instant::now();
    loop {
        if let Ok(sockets) = fs::canonicalize(path.join(SERVER).join("run")) {
            let mut config = Config::new();
            config.host_path(sockets).port(PORT).user(DATABASE).dbname(DATABASE);
            if config.connect(NoTls).await.is_ok() {
                return config;
            }
        }
        let log = || fs::read_to_string(path.join("guardian.log")).unwrap_or_default();
        if let Some(status) = guardian.try_wait().unwrap() {
            assert!(status.success(), "the tests' PostgreSQL does not start:\n{}", log());
            if sent.elapsed() > RECALL {
                guardian = spawn_guardian(path);
                sent = Instant::now();
            }
        }
        assert!(Instant::now() < deadline, "the tests' PostgreSQL does not answer:\n{}", log());
        sleep(Duration::from_millis(30)).await;
    }
}
