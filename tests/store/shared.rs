//! The server of a test run.

use std::{fs::File, path::Path, time::Duration};

use tokio::time::{Instant, sleep};

use crate::support::{
    folder::Folder,
    postgres::TestDatabase,
    shared::{hold, wait_for_server},
};

#[tokio::test]
async fn tests_have_databases_of_their_own() {
    let (one, two) = (TestDatabase::create().await, TestDatabase::empty().await);
    assert_ne!(one.name, two.name);
    one.client().await.batch_execute("create table only_here ()").await.unwrap();
    let found = two.client().await.query("select 1 from pg_tables where tablename = 'only_here'", &[]).await;
    assert!(found.unwrap().is_empty());
}

#[tokio::test]
async fn a_database_goes_with_its_test() {
    let one = TestDatabase::create().await;
    let open = one.client().await;
    let (name, other) = (one.name.clone(), TestDatabase::empty().await);
    drop(one);
    let client = other.client().await;
    let deadline = Instant::now() + Duration::from_secs(60);
    // Behind the tests, by the sweeper; other databases may come first.
    while !client.query("select 1 from pg_database where datname = $1", &[&name]).await.unwrap().is_empty() {
        assert!(Instant::now() < deadline, "{name} stays");
        sleep(Duration::from_millis(20)).await;
    }
    drop(open);
}

#[tokio::test]
async fn the_guardian_ends_with_the_last_user() {
    let folder = Folder::below(&std::env::temp_dir());
    let run = folder.path().join("run-of-tests");
    let (first, second) = (hold(&run).await, hold(&run).await);
    let config = wait_for_server(&run).await;
    drop(first);
    assert!(config.connect(tokio_postgres::NoTls).await.is_ok(), "one user is left");
    let pid = std::fs::read_to_string(run.join("server/pg/postmaster.pid")).unwrap();
    let process = format!("/proc/{}", pid.lines().next().unwrap());
    // Linux alone shows processes as files.
    let seen = File::open("/proc/self/stat").is_ok();
    drop(second);
    let deadline = Instant::now() + Duration::from_secs(60);
    while run.exists() || (seen && Path::new(&process).exists()) {
        assert!(Instant::now() < deadline, "the guardian left {run:?} behind");
        sleep(Duration::from_millis(50)).await;
    }
}
