//! The private server: made, found again, shared, stopped.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use tidegate::store::managed::{Durability, ManagedError, Role, discover::Search, open};
use tokio::time::timeout;
use tokio_postgres::Client;

use crate::support::postgres::{connect, private_folder, private_options, private_server};

async fn shown(client: &Client, setting: &str) -> String {
    client.query_one("select current_setting($1)", &[&setting]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_fresh_server_is_durable_and_on_no_network() {
    let folder = private_folder().await;
    let mut options = private_options(&folder);
    options.durability = Durability::Full;
    let server = open(&options, Role::Owner).await.unwrap();
    let client = connect(&server.config()).await;
    let wanted = [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("lc_collate", "C"),
        ("listen_addresses", ""),
        ("unix_socket_permissions", "0700"),
        ("jit", "off"),
    ];
    for (setting, value) in wanted {
        // Since 16 the collation is the database's and no setting.
        if setting != "lc_collate" || server.version() < 16 {
            assert_eq!(shown(&client, setting).await, value, "{setting}");
        }
    }
    let row = client.query_one("select current_user::text, current_database()::text", &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1)), ("tidegate", "tidegate"));
    assert!(server.runs_it() && (15..=18).contains(&server.version()));
    let mode = fs::metadata(server.socket_dir()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn data_survive_a_stop_and_so_do_the_operators_settings() {
    let (server, folder) = private_server().await;
    connect(&server.config()).await.batch_execute("create table kept as select 7 as n").await.unwrap();
    server.stop().await.unwrap();
    assert!(!folder.path().join("d/pg/postmaster.pid").exists());

    let local = folder.path().join("d/pg/local.conf");
    fs::write(&local, "work_mem = 9MB\n").unwrap();
    let server = open(&private_options(&folder), Role::Owner).await.unwrap();
    let client = connect(&server.config()).await;
    let kept: i32 = client.query_one("select n from kept", &[]).await.unwrap().get(0);
    assert_eq!(kept, 7);
    assert_eq!(shown(&client, "work_mem").await, "9MB");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_owner_is_refused_with_the_number_of_the_first() {
    let (server, folder) = private_server().await;
    let error = open(&private_options(&folder), Role::Owner).await.unwrap_err();
    assert!(matches!(error, ManagedError::Busy { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains(&format!("process {}", std::process::id())) && text.contains("--data-dir"),
        "{text}"
    );
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_guest_joins_and_the_owner_waits_for_it() {
    let (server, folder) = private_server().await;
    let guest = open(&private_options(&folder), Role::Guest).await.unwrap();
    assert!(!guest.runs_it());
    assert_eq!(guest.version(), server.version());
    let client = connect(&guest.config()).await;
    let mut stopping = tokio::spawn(server.stop());
    timeout(Duration::from_millis(300), &mut stopping).await.expect_err("a guest is still there");
    client.query_one("select 1", &[]).await.unwrap();
    guest.stop().await.unwrap();
    stopping.await.unwrap().unwrap();
    client.query_one("select 1", &[]).await.expect_err("the server is gone");
}

#[tokio::test]
async fn a_command_alone_runs_the_server_for_its_own_duration() {
    let folder = private_folder().await;
    let command = open(&private_options(&folder), Role::Guest).await.unwrap();
    assert!(command.runs_it());
    connect(&command.config()).await.query_one("select 1", &[]).await.unwrap();
    let sockets = command.socket_dir().to_path_buf();
    command.stop().await.unwrap();
    assert!(!sockets.join(".s.PGSQL.5432").exists());
}

#[tokio::test]
async fn serve_waits_for_a_command_that_runs_the_server() {
    let folder = private_folder().await;
    let options = private_options(&folder);
    let command = open(&options, Role::Guest).await.unwrap();
    let mut serve = tokio::spawn(async move { open(&options, Role::Owner).await });
    timeout(Duration::from_millis(300), &mut serve).await.expect_err("the command still runs it");
    command.stop().await.unwrap();
    let server = serve.await.unwrap().unwrap();
    connect(&server.config()).await.query_one("select 1", &[]).await.unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn without_binaries_the_error_says_what_to_install() {
    let folder = private_folder().await;
    let mut options = private_options(&folder);
    options.search = Search::only([PathBuf::from("/nowhere/bin")]);
    let error = open(&options, Role::Guest).await.unwrap_err().to_string();
    for word in ["apt-get install postgresql", "brew install postgresql", "docker run", "/nowhere/bin"] {
        assert!(error.contains(word), "{word} is missing in: {error}");
    }
}

#[tokio::test]
async fn a_cluster_of_another_major_version_names_it() {
    let (server, folder) = private_server().await;
    server.stop().await.unwrap();
    fs::write(folder.path().join("d/pg/PG_VERSION"), "14\n").unwrap();
    let error = open(&private_options(&folder), Role::Owner).await.unwrap_err();
    assert!(matches!(error, ManagedError::WrongVersion { need: 14, .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_cannot_start_shows_the_end_of_its_log_at_once() {
    let (server, folder) = private_server().await;
    server.stop().await.unwrap();
    fs::write(folder.path().join("d/pg/local.conf"), "no_such_setting = 1\n").unwrap();
    let result = timeout(Duration::from_secs(20), open(&private_options(&folder), Role::Owner)).await;
    let error = result.expect("it fails at once").unwrap_err().to_string();
    assert!(error.contains("no_such_setting") && error.contains("pg.log"), "{error}");
}
