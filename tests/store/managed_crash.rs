//! The private server after things died.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tidegate::store::managed::{Managed, Role, guardian, open};
use tokio::time::{Instant, sleep};
use tokio_postgres::Config;

use crate::support::postgres::{connect, private_folder, private_options, private_server, try_connect};

/// Names the data directory to the process that [`runs_a_server_until_killed`] is.
const DIR: &str = "TIDEGATE_TEST_SERVER_DIR";

/// The postmaster of a data directory.
pub fn postmaster(data_dir: &Path) -> Pid {
    let text = fs::read_to_string(data_dir.join("pg/postmaster.pid")).unwrap();
    Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
}

async fn answers(server: &Managed) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match try_connect(&server.config()).await {
            Ok(client) if client.query_one("select 1", &[]).await.is_ok() => return,
            _ => assert!(Instant::now() < deadline, "it did not come back"),
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Waits for a server in the place of one that was killed: that one may answer once more on its way out.
async fn replaced(server: &Managed, data_dir: &Path, killed: Pid) {
    let file = data_dir.join("pg/postmaster.pid");
    let deadline = Instant::now() + Duration::from_secs(60);
    while fs::read_to_string(&file).is_ok_and(|text| text.starts_with(&format!("{killed}\n"))) {
        assert!(Instant::now() < deadline, "it was not replaced");
        sleep(Duration::from_millis(50)).await;
    }
    answers(server).await;
}

/// A process of ours that runs the server of a data directory and is killed without warning.
fn killed_owner(data_dir: &Path) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "managed_crash::runs_a_server_until_killed", "--nocapture"])
        .env(DIR, data_dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("it runs")), "the owner did not start its server");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A process of its own, started and killed by other tests; without [`DIR`] in its environment it has nothing to do.
#[tokio::test]
async fn runs_a_server_until_killed() {
    let Some(data_dir) = std::env::var_os(DIR) else { return };
    let server = open(&guardian::options(Path::new(&data_dir)), Role::Owner).await.unwrap();
    println!("it runs");
    std::future::pending::<()>().await;
    drop(server);
}

#[tokio::test]
async fn a_killed_postmaster_comes_back_by_itself() {
    let (server, folder) = private_server().await;
    let data_dir = folder.path().join("d");
    // A busy backend outlives its postmaster for a while, and a new one must not start beside it.
    let busy = connect(&server.config()).await;
    let query =
        tokio::spawn(
            async move { busy.batch_execute("select count(*) from generate_series(1, 3000000)").await },
        );
    let first = postmaster(&data_dir);
    kill_process(first, Signal::KILL).unwrap();
    replaced(&server, &data_dir, first).await;
    // Whether it ended before or after the kill is of no matter here.
    drop(query.await);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_removed_socket_comes_back_by_itself() {
    let (server, _folder) = private_server().await;
    fs::remove_file(server.socket_dir().join(".s.PGSQL.5432")).unwrap();
    answers(&server).await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn the_server_of_a_killed_owner_is_adopted() {
    let folder = private_folder().await;
    let options = private_options(&folder);
    killed_owner(&options.data_dir);
    let orphan = postmaster(&options.data_dir);
    let server = open(&options, Role::Owner).await.unwrap();
    assert!(server.runs_it());
    assert_eq!(postmaster(&options.data_dir), orphan, "it was not started again");
    connect(&server.config()).await.query_one("select 1", &[]).await.unwrap();
    kill_process(orphan, Signal::KILL).unwrap();
    replaced(&server, &options.data_dir, orphan).await;
    server.stop().await.unwrap();
    assert!(!options.data_dir.join("pg/postmaster.pid").exists());
}

#[tokio::test]
async fn backends_of_a_dead_postmaster_are_waited_for() {
    let folder = private_folder().await;
    let options = private_options(&folder);
    killed_owner(&options.data_dir);
    let mut config = Config::new();
    config.host_path(fs::canonicalize(options.data_dir.join("run")).unwrap()).user("tidegate");
    let busy = connect(&config).await;
    let query = busy.batch_execute("select count(*) from generate_series(1, 8000000)");
    let (_, server) = tokio::join!(query, async {
        let watcher = connect(&config).await;
        let active = "select 1 from pg_stat_activity where state = 'active' and query like '%8000000%' and pid <> pg_backend_pid()";
        while watcher.query(active, &[]).await.unwrap().is_empty() {}
        kill_process(postmaster(&options.data_dir), Signal::KILL).unwrap();
        open(&options, Role::Owner).await
    });
    let server = server.unwrap();
    let log = fs::read_to_string(options.data_dir.join("pg.log")).unwrap();
    assert!(log.contains("is still in use"), "the old backend was in nobody's way");
    answers(&server).await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_data_directory_removed_under_an_orphan_starts_empty() {
    let folder = private_folder().await;
    let options = private_options(&folder);
    killed_owner(&options.data_dir);
    let orphan = postmaster(&options.data_dir);
    fs::remove_dir_all(&options.data_dir).unwrap();
    let server = open(&options, Role::Owner).await.unwrap();
    assert_ne!(postmaster(&options.data_dir), orphan);
    // Only Linux tells who works in a deleted folder; elsewhere the supervisor repairs what the orphan removes.
    assert!(fs::read_link(format!("/proc/{orphan}/cwd")).is_err(), "the orphan would remove the new socket");
    answers(&server).await;
    server.stop().await.unwrap();
}

/// A process of the cluster's own user: PostgreSQL cannot tell it from a postmaster by its number.
fn foreigner(cluster: &Path) -> Child {
    let owner = fs::metadata(cluster).unwrap();
    let mut command = Command::new("sleep");
    command.arg("600").current_dir("/");
    if rustix::process::geteuid().is_root() {
        command.gid(owner.gid()).uid(owner.uid());
    }
    command.spawn().unwrap()
}

#[tokio::test]
async fn a_pid_file_that_names_a_foreign_process_is_no_obstacle() {
    let (server, folder) = private_server().await;
    let cluster = folder.path().join("d/pg");
    let file = cluster.join("postmaster.pid");
    let text = fs::read_to_string(&file).unwrap();
    server.stop().await.unwrap();

    let mut foreigner = foreigner(&cluster);
    let (_, rest) = text.split_once('\n').unwrap();
    fs::write(&file, format!("{}\n{rest}", foreigner.id())).unwrap();
    let lock = folder.path().join("d/run/.s.PGSQL.5432.lock");
    fs::write(&lock, format!("{}\n{rest}", foreigner.id())).unwrap();
    let result = open(&private_options(&folder), Role::Owner).await;
    let spared = foreigner.try_wait().unwrap().is_none();
    foreigner.kill().unwrap();
    foreigner.wait().unwrap();
    result.unwrap().stop().await.unwrap();
    assert!(spared, "the foreign process was left alone");
}

#[tokio::test]
async fn a_half_made_cluster_is_made_again() {
    let folder = private_folder().await;
    let options = private_options(&folder);
    let half = options.data_dir.join("pg.new");
    fs::create_dir_all(half.join("base")).unwrap();
    fs::write(half.join("PG_VERSION"), "15\n").unwrap();
    let server = open(&options, Role::Owner).await.unwrap();
    answers(&server).await;
    assert!(!half.exists());
    server.stop().await.unwrap();
}
