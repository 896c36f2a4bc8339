//! Users: unique by address, and what becomes of their keys when they are disabled or see other projects.

use std::time::Duration;

use tidegate::{
    auth::{
        Authority, Options, Presented, Reach,
        mint::Minted,
        password::LinkSecret,
        personal,
        scope::{Role, Scope},
    },
    domain::clock::{SystemClock, SystemEntropy},
    store::{
        Database, Role as Connection,
        audit::Actor,
        keys::{self, Rotation, Successor},
        projects,
        users::{self, Invitation, Made, NewUser},
    },
};
use tokio::{sync::watch, time::Instant};
use tokio_postgres::{Client, Config};

use super::station::{count, until};
use crate::support::postgres::{TestDatabase, connect};

const TEST: Actor<'_> = Actor::local("test");

/// An organization with the projects `proj_a` and `proj_b`.
async fn field() -> (TestDatabase, Client) {
    let database = TestDatabase::create().await;
    let mut client = database.client().await;
    projects::ensure_organization(&client, "org_test", Some("Test")).await.unwrap();
    for uid in ["proj_a", "proj_b"] {
        projects::create(&mut client, uid, "Project", TEST).await.unwrap();
    }
    (database, client)
}

async fn node(config: &Config) -> Authority {
    let pool = Database::new(config.clone()).pool(Connection::Meta, 2).unwrap();
    Authority::load(pool, SystemClock::shared()).await.unwrap()
}

fn user<'a>(uid: &'a str, email: &'a str, projects: Option<&'a [String]>) -> NewUser<'a> {
    NewUser { uid, email, role: Role::Ingest.name(), projects, password: None, invitation: None }
}

async fn key(client: &mut Client, user: &str) -> Option<Minted> {
    let request = personal::Request { user, name: "laptop", description: "tests", role: Role::ReadOnly };
    personal::mint(client, &request, &SystemEntropy, TEST).await.unwrap()
}

fn reach(node: &Authority, key: &Minted) -> Option<Reach> {
    let caller = node.authenticate(&Presented::Bearer(key.text.reveal().into())).ok()?;
    assert!(caller.may(Scope::ProjectIngestRead) && !caller.may(Scope::ProjectIngestWrite));
    Some(caller.key().reach.clone())
}

#[tokio::test]
async fn an_address_is_taken_whatever_its_case_and_every_project_has_to_be_there() {
    let (_database, mut client) = field().await;
    let seen = ["proj_a".to_owned()];
    let made =
        users::create(&mut client, &user("user_1", "Ada@example.com", Some(&seen)), TEST).await.unwrap();
    assert_eq!(made, Made::User);
    let again = users::create(&mut client, &user("user_2", "ada@EXAMPLE.com", None), TEST).await.unwrap();
    assert_eq!(again, Made::EmailTaken);
    let ghosts = ["proj_a".to_owned(), "proj_x".to_owned()];
    let lost =
        users::create(&mut client, &user("user_3", "bob@example.com", Some(&ghosts)), TEST).await.unwrap();
    assert_eq!(lost, Made::NoProject);
    assert_eq!(users::list(&client).await.unwrap().len(), 1);

    let ada = users::find(&client, "ADA@example.com").await.unwrap().unwrap();
    assert_eq!(
        (ada.uid.as_str(), ada.role.as_str(), ada.projects),
        ("user_1", "ingest", Some(seen.to_vec()))
    );
    assert!(!users::see(&mut client, "ada@example.com", Some(&ghosts), TEST).await.unwrap());
    projects::delete(&mut client, "proj_a", TEST).await.unwrap();
    let ada = users::find(&client, "ada@example.com").await.unwrap().unwrap();
    assert_eq!(ada.projects, Some(vec![]), "whose last project is gone sees none, and not all");
    assert_eq!(count(&client, "select count(*) from audit where action like 'user.%'", &[]).await, 1);
}

#[tokio::test]
async fn what_a_user_sees_its_keys_reach() {
    let (database, mut client) = field().await;
    let seen = ["proj_a".to_owned()];
    users::create(&mut client, &user("user_1", "ada@example.com", Some(&seen)), TEST).await.unwrap();
    let key = key(&mut client, "user_1").await.unwrap();
    let there = node(&database.config).await;
    let row = |uid: &'static str| {
        let client = &client;
        async move { count(client, "select id from project where uid = $1", &[&uid]).await }
    };
    let (a, b) = (row("proj_a").await, row("proj_b").await);
    assert_eq!(reach(&there, &key), Some(Reach::Projects([a].into())));
    for (projects, wanted) in [
        (Some(["proj_a".to_owned(), "proj_b".to_owned()].to_vec()), Reach::Projects([a, b].into())),
        (None, Reach::Organization),
        (Some(["proj_b".to_owned()].to_vec()), Reach::Projects([b].into())),
    ] {
        assert!(users::see(&mut client, "ada@example.com", projects.as_deref(), TEST).await.unwrap());
        there.refresh().await.unwrap();
        assert_eq!(reach(&there, &key), Some(wanted));
    }
}

#[tokio::test]
async fn a_disabled_user_takes_its_keys_along_on_every_node_within_a_second() {
    let (database, mut client) = field().await;
    let there = node(&database.config).await;
    let (stop, stopped) = watch::channel(false);
    let polling = tokio::spawn(there.clone().run(Options::default(), stopped));
    for (uid, email) in [("user_1", "ada@example.com"), ("user_2", "bob@example.com")] {
        users::create(&mut client, &user(uid, email, None), TEST).await.unwrap();
    }
    let keys = [key(&mut client, "user_1").await.unwrap(), key(&mut client, "user_1").await.unwrap()];
    let other = key(&mut client, "user_2").await.unwrap();
    until("the keys are known", async || keys.iter().chain([&other]).all(|key| reach(&there, key).is_some()))
        .await;

    assert_eq!(users::disable(&mut client, "ada@example.com", TEST).await.unwrap(), Some(2));
    let since = Instant::now();
    until("the keys are refused", async || keys.iter().all(|key| reach(&there, key).is_none())).await;
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    assert!(reach(&there, &other).is_some(), "another user's key goes on");
    assert!(key(&mut client, "user_1").await.is_none(), "a disabled user gets no key");
    let written = "select count(*) from audit where action in ('user.disable', 'key.revoke')";
    assert_eq!(count(&client, written, &[]).await, 3);

    assert!(users::enable(&mut client, "ada@example.com", TEST).await.unwrap());
    let fresh = key(&mut client, "user_1").await.unwrap();
    until("the new key is known", async || reach(&there, &fresh).is_some()).await;
    assert!(keys.iter().all(|key| reach(&there, key).is_none()), "what ended stays ended");
    assert_eq!(users::disable(&mut client, "nobody@example.com", TEST).await.unwrap(), None);
    stop.send_replace(true);
    polling.await.unwrap();
}

/// A key whose making began before its user was disabled must not be left over.
#[tokio::test]
async fn a_key_is_not_made_past_a_user_who_is_being_disabled() {
    let (database, mut client) = field().await;
    users::create(&mut client, &user("user_1", "ada@example.com", None), TEST).await.unwrap();
    let slow = connect(&database.config).await;
    slow.batch_execute("begin; update app_user set disabled_at = now()").await.unwrap();
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    let release = async {
        until("the maker waits", async || count(&slow, waiting, &[]).await == 1).await;
        slow.batch_execute("commit").await.unwrap();
    };
    let (made, ()) = tokio::join!(key(&mut client, "user_1"), release);
    assert!(made.is_none());
}

/// And one that is made first is ended.
#[tokio::test]
async fn disabling_waits_for_a_key_that_is_being_made() {
    let (database, mut client) = field().await;
    users::create(&mut client, &user("user_1", "ada@example.com", None), TEST).await.unwrap();
    let slow = connect(&database.config).await;
    // The statements of one who makes a key, held open between them and the commit.
    slow.batch_execute(
        "begin; select id from app_user where uid = 'user_1' and disabled_at is null for share;
         insert into key (id, kind, hash, prefix, name, role, scopes, organization_id, user_id, created_by)
         select gen_random_uuid(), 'personal', sha256('x'), 'in-x', 'x', 'ingest', '{}', organization_id, id, 'test' from app_user",
    )
    .await
    .unwrap();
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    let release = async {
        until("the disabler waits", async || count(&slow, waiting, &[]).await == 1).await;
        slow.batch_execute("commit").await.unwrap();
    };
    let (ended, ()) = tokio::join!(users::disable(&mut client, "ada@example.com", TEST), release);
    assert_eq!(ended.unwrap(), Some(1));
}

#[tokio::test]
async fn a_link_sets_one_password_once() {
    let (_database, mut client) = field().await;
    let now = "2026-11-21T12:00:00Z".parse().unwrap();
    let until = "2026-11-24T12:00:00Z".parse().unwrap();
    let [first, second] =
        [LinkSecret::draw(&SystemEntropy).unwrap(), LinkSecret::draw(&SystemEntropy).unwrap()];
    let invited = NewUser {
        invitation: Some(Invitation { hash: first.hash(), until }),
        ..user("user_1", "ada@example.com", None)
    };
    users::create(&mut client, &invited, TEST).await.unwrap();
    assert_eq!(users::invited(&client, first.hash(), now).await.unwrap().as_deref(), Some("ada@example.com"));
    assert_eq!(users::invited(&client, first.hash(), until).await.unwrap(), None, "it is over");
    assert!(!users::accept(&mut client, first.hash(), until, "$argon2id$x", "").await.unwrap());

    let again = Invitation { hash: second.hash(), until };
    assert!(users::invite(&mut client, "ada@example.com", again, TEST).await.unwrap());
    assert_eq!(users::invited(&client, first.hash(), now).await.unwrap(), None, "the second replaced it");
    assert!(users::accept(&mut client, second.hash(), now, "$argon2id$x", "192.0.2.0/24").await.unwrap());
    assert!(!users::accept(&mut client, second.hash(), now, "$argon2id$y", "").await.unwrap(), "used up");
    let stored = "select count(*) from app_user where password = '$argon2id$x' and invitation is null";
    assert_eq!(count(&client, stored, &[]).await, 1);
    let written = "select count(*) from audit where action = 'user.password' and actor = 'user user_1' and address = '192.0.2.0/24'";
    assert_eq!(count(&client, written, &[]).await, 1);

    assert!(users::invite(&mut client, "ada@example.com", again, TEST).await.unwrap());
    users::disable(&mut client, "ada@example.com", TEST).await.unwrap();
    assert_eq!(users::invited(&client, second.hash(), now).await.unwrap(), None);
    assert!(!users::invite(&mut client, "ada@example.com", again, TEST).await.unwrap(), "disabled");
}

/// A successor that is being made while its user is disabled is ended with the key it replaces.
#[tokio::test]
async fn disabling_waits_for_a_rotation() {
    let (database, mut client) = field().await;
    users::create(&mut client, &user("user_1", "ada@example.com", None), TEST).await.unwrap();
    let key = key(&mut client, "user_1").await.unwrap();
    let slow = connect(&database.config).await;
    slow.batch_execute("begin; select id from key for update").await.unwrap();
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    let mut other = connect(&database.config).await;
    let rotation = async {
        let successor = Successor { id: uuid::Uuid::from_u128(7), hash: [7; 32], prefix: "in-7777" };
        let now = SystemClock::shared().now();
        keys::rotate(&mut other, key.id, &successor, now, now + Duration::from_hours(1), TEST).await.unwrap()
    };
    let disabling = async {
        until("the rotation waits", async || count(&slow, waiting, &[]).await == 1).await;
        users::disable(&mut client, "ada@example.com", TEST).await.unwrap()
    };
    let release = async {
        until("both wait", async || count(&slow, waiting, &[]).await == 2).await;
        slow.batch_execute("commit").await.unwrap();
    };
    let (rotated, ended, ()) = tokio::join!(rotation, disabling, release);
    assert!(matches!(rotated, Rotation::Done(_)), "{rotated:?}");
    assert_eq!(ended, Some(2), "the key and its successor");
}
