//! Where the private server lives when the data directory will not do.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tidegate::store::managed::{Managed, Options, Role, guardian, open};

use crate::support::{
    folder::chmod,
    postgres::{connect, private_folder},
};

/// Removes the home that a server was given elsewhere.
struct Elsewhere(PathBuf);

impl Elsewhere {
    fn of(data_dir: &Path) -> Self {
        Self(fs::read_link(data_dir.join("run")).unwrap().parent().unwrap().to_path_buf())
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let aside = self.0.with_extension("1");
        for folder in [&self.0, &aside] {
            if folder.exists() {
                fs::remove_dir_all(folder).unwrap();
            }
        }
    }
}

async fn owner(options: &Options) -> Managed {
    open(options, Role::Owner).await.unwrap()
}

async fn remember(server: &Managed) {
    connect(&server.config()).await.batch_execute("create table kept ()").await.unwrap();
}

async fn remembers(server: &Managed) -> bool {
    let client = connect(&server.config()).await;
    let rows = client.query("select 1 from pg_tables where tablename = 'kept'", &[]).await.unwrap();
    !rows.is_empty()
}

/// Root lends another account, to which the folder is closed; an ordinary user's server runs as that user.
#[tokio::test]
async fn a_folder_closed_to_postgres_user_is_left_with_links() {
    let folder = private_folder().await;
    let closed = folder.path().join("c");
    fs::create_dir(&closed).unwrap();
    chmod(&closed, 0o700);
    let options = guardian::options(&closed.join("d"));
    let server = owner(&options).await;
    remember(&server).await;
    let too_long = options.data_dir.join("run/.s.PGSQL.5432").as_os_str().len() > 100;
    let moved = rustix::process::geteuid().is_root() || too_long;
    for name in ["pg", "run"] {
        assert_eq!(options.data_dir.join(name).is_symlink(), moved, "{name}");
    }
    let elsewhere = moved.then(|| Elsewhere::of(&options.data_dir));
    server.stop().await.unwrap();

    let server = owner(&options).await;
    assert!(remembers(&server).await, "the links were followed");
    let guest = open(&options, Role::Guest).await.unwrap();
    assert!(!guest.runs_it() && remembers(&guest).await);
    guest.stop().await.unwrap();
    server.stop().await.unwrap();
    drop(elsewhere);
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_is_left_with_links() {
    let folder = private_folder().await;
    let options = guardian::options(&folder.path().join("long".repeat(30)));
    let server = owner(&options).await;
    let elsewhere = Elsewhere::of(&options.data_dir);
    assert!(server.socket_dir().starts_with(&elsewhere.0));
    assert!(options.data_dir.join("pg/PG_VERSION").exists());
    remember(&server).await;
    server.stop().await.unwrap();

    let server = owner(&options).await;
    assert!(remembers(&server).await);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_removed_data_directory_starts_empty_and_loses_nothing() {
    let folder = private_folder().await;
    let options = guardian::options(&folder.path().join("long".repeat(30)));
    let server = owner(&options).await;
    let elsewhere = Elsewhere::of(&options.data_dir);
    remember(&server).await;
    server.stop().await.unwrap();
    fs::remove_dir_all(&options.data_dir).unwrap();

    let server = owner(&options).await;
    assert!(!remembers(&server).await);
    assert!(elsewhere.0.with_extension("1").join("pg/PG_VERSION").exists());
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_cluster_that_is_gone_is_not_made_anew_in_silence() {
    let folder = private_folder().await;
    let options = guardian::options(&folder.path().join("long".repeat(30)));
    let server = owner(&options).await;
    let elsewhere = Elsewhere::of(&options.data_dir);
    server.stop().await.unwrap();
    drop(elsewhere);
    let error = open(&options, Role::Owner).await.unwrap_err().to_string();
    assert!(error.contains("is gone") && error.contains("start empty"), "{error}");
}
