//! The secret key is replaced while keys are shown and made, and a rotation that breaks off loses nothing.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::PathBuf};

use tidegate::{
    auth::{
        Vault,
        single::{self, Single, SingleError},
    },
    domain::clock::SystemEntropy,
    store::{
        StoreError,
        audit::Actor,
        keys::{self, End},
        projects,
        sealed::{self, Resealed},
    },
};
use tokio_postgres::Client;

use crate::support::{folder::Folder, postgres::TestDatabase};

const ACTOR: Actor<'_> = Actor::local("test");

/// A database with projects, and a folder for the secret key.
struct Bench {
    database: TestDatabase,
    folder: Folder,
    projects: Vec<String>,
}

impl Bench {
    async fn laid(projects: usize) -> Self {
        let database = TestDatabase::create().await;
        let mut client = database.client().await;
        projects::ensure_organization(&client, "org_test", Some("Test")).await.unwrap();
        let projects: Vec<String> = (0..projects).map(|n| format!("proj_{n}")).collect();
        for uid in &projects {
            projects::create(&mut client, uid, "Project", ACTOR).await.unwrap();
        }
        Self { database, folder: Folder::below(&std::env::temp_dir()), projects }
    }

    fn vault(&self) -> Vault {
        Vault::in_folder(self.folder.path())
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("secret-key")
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(self.file()).unwrap().lines().map(str::to_owned).collect()
    }

    /// The texts of all keys, as `vault` shows them.
    async fn shown(&self, vault: &Vault) -> BTreeMap<String, String> {
        let mut client = self.database.client().await;
        let mut shown = BTreeMap::new();
        for project in &self.projects {
            for single in Single::ALL {
                let key = reveal(&mut client, vault, project, single).await.unwrap();
                shown.insert(format!("{project} {single:?}"), key);
            }
        }
        shown
    }
}

async fn reveal(
    client: &mut Client,
    vault: &Vault,
    project: &str,
    single: Single,
) -> Result<String, SingleError> {
    let shown = single::reveal(client, vault, (project, single), &SystemEntropy, ACTOR).await?;
    Ok(shown.text.reveal().to_owned())
}

async fn rotate(bench: &Bench, vault: &Vault) -> Resealed {
    // A connection of its own: its end lets others have their turn again.
    let mut client = bench.database.client().await;
    single::rotate(&mut client, vault, &SystemEntropy, ACTOR).await.unwrap()
}

#[tokio::test]
async fn a_rotation_keeps_every_text_and_leaves_nothing_to_the_old_key() {
    let bench = Bench::laid(3).await;
    let vault = bench.vault();
    let before = bench.shown(&vault).await;
    assert_eq!(fs::metadata(bench.file()).unwrap().permissions().mode() & 0o777, 0o600);
    let old = bench.lines();
    assert_eq!(old.len(), 1);
    let stolen: Vault = Vault::Given(old[0].parse().unwrap());
    assert_eq!(bench.shown(&stolen).await, before, "the file holds what opens them");

    assert_eq!(rotate(&bench, &vault).await, Resealed { resealed: 6, lost: 0 });
    let new = bench.lines();
    assert!(new.len() == 1 && new != old, "one key, another one");
    assert_eq!(fs::metadata(bench.file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(bench.shown(&vault).await, before);
    let mut client = bench.database.client().await;
    let refused = reveal(&mut client, &stolen, "proj_0", Single::Instance).await;
    assert!(matches!(refused, Err(SingleError::Lost)), "the old one opens nothing any more");
    let audited =
        "select count(*) from audit where action = 'secret_key.rotate' and detail->>'note' like '6 keys%'";
    assert_eq!(client.query_one(audited, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_rotation_that_breaks_off_anywhere_loses_nothing() {
    let bench = Bench::laid(2).await;
    let vault = bench.vault();
    let before = bench.shown(&vault).await;

    // Ended when the new key was in its place and nothing sealed under it.
    vault.put_new(&SystemEntropy).await.unwrap();
    assert_eq!(bench.lines().len(), 2);
    assert_eq!(bench.shown(&vault).await, before);
    // Ended in the middle of sealing: the transaction is undone.
    let mut client = bench.database.client().await;
    let keys = vault.put_new(&SystemEntropy).await.unwrap();
    let left = std::cell::Cell::new(3);
    let broken = sealed::reseal(&mut client, ACTOR, |id, text| {
        left.set(left.get() - 1);
        if left.get() == 0 {
            return Err(tidegate::domain::clock::EntropyError.into());
        }
        let opened = keys.open(id, text);
        Ok(opened.map(|text| keys.seal(id, &text, &SystemEntropy)).transpose()?)
    })
    .await;
    assert!(broken.is_err());
    assert_eq!(bench.shown(&vault).await, before);
    // Ended when all was sealed and the old key not yet gone.
    let done = sealed::reseal(&mut client, ACTOR, |id, text| {
        let opened = keys.open(id, text);
        Ok(opened.map(|text| keys.seal(id, &text, &SystemEntropy)).transpose()?)
    })
    .await;
    assert_eq!(done.unwrap(), Resealed { resealed: 4, lost: 0 });
    assert_eq!(bench.shown(&vault).await, before);
    // What was left of a file that was being written is no obstacle.
    fs::write(bench.file().with_extension("part"), "half").unwrap();
    assert_eq!(rotate(&bench, &vault).await, Resealed { resealed: 4, lost: 0 });
    assert_eq!(bench.lines().len(), 1);
    assert_eq!(bench.shown(&vault).await, before);
}

#[tokio::test]
async fn the_old_secret_key_stays_while_anything_needs_it() {
    let bench = Bench::laid(1).await;
    let vault = bench.vault();
    let before = bench.shown(&vault).await;
    let mut client = bench.database.client().await;
    let keys = vault.put_new(&SystemEntropy).await.unwrap();
    // Sealed under the old one, as by a server whose turn a rotation without its lock did not wait for.
    let refused = single::forget_old(&mut client, &vault, &keys).await;
    assert!(matches!(refused, Err(SingleError::Store(StoreError::Moved(_)))), "{refused:?}");
    assert_eq!(bench.lines().len(), 2);
    // The connection is gone, and the lock with it.
    let mut lost = bench.database.client().await;
    sealed::lock(&lost).await.unwrap();
    let end = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()
               and database = (select oid from pg_database where datname = current_database())";
    client.batch_execute(end).await.unwrap();
    assert!(single::forget_old(&mut lost, &vault, &keys).await.is_err());
    assert_eq!(bench.lines().len(), 2);
    assert_eq!(bench.shown(&vault).await, before);
    assert_eq!(rotate(&bench, &vault).await, Resealed { resealed: 2, lost: 0 });
    assert_eq!(bench.lines().len(), 1);
    assert_eq!(bench.shown(&vault).await, before);
}

#[tokio::test]
async fn keys_made_while_the_secret_key_is_rotated_are_not_lost() {
    let bench = Bench::laid(2).await;
    let vault = bench.vault();
    let rotations = async {
        for _ in 0..6 {
            rotate(&bench, &vault).await;
        }
    };
    let makers = bench.projects.iter().flat_map(|project| [project; 3]).map(|project| {
        let (bench, vault) = (&bench, &vault);
        async move {
            let mut client = bench.database.client().await;
            for _ in 0..8 {
                let place = (project.as_str(), Single::Instance);
                single::regenerate(&mut client, vault, place, &SystemEntropy, ACTOR).await.unwrap();
                reveal(&mut client, vault, project, Single::Instance).await.unwrap();
            }
        }
    });
    tokio::join!(rotations, futures_util::future::join_all(makers));
    assert_eq!(bench.lines().len(), 1);
    bench.shown(&vault).await;
    let live = "select count(*) from key where kind = 'instance' and revoked_at is null";
    assert_eq!(bench.database.client().await.query_one(live, &[]).await.unwrap().get::<_, i64>(0), 2);
}

#[tokio::test]
async fn the_text_of_a_key_that_ends_is_emptied() {
    let bench = Bench::laid(1).await;
    let vault = bench.vault();
    bench.shown(&vault).await;
    let mut client = bench.database.client().await;
    for (kind, how) in [("instance", End::Revoke), ("event-stream", End::Delete)] {
        let live = "select id, length(sealed) from key where kind = $1 and revoked_at is null";
        let row = client.query_one(live, &[&kind]).await.unwrap();
        let (id, length): (uuid::Uuid, i32) = (row.get(0), row.get(1));
        assert!(length > 0);
        assert!(keys::end(&mut client, id, how, ACTOR).await.unwrap());
        let left = client.query_one("select length(sealed) from key where id = $1", &[&id]).await.unwrap();
        assert_eq!(left.get::<_, i32>(0), 0, "{kind}");
    }
    assert_eq!(rotate(&bench, &vault).await, Resealed { resealed: 0, lost: 0 });
}

#[tokio::test]
async fn what_no_key_opens_is_counted_and_left_alone() {
    let bench = Bench::laid(2).await;
    let vault = bench.vault();
    let mut client = bench.database.client().await;
    reveal(&mut client, &vault, "proj_0", Single::Instance).await.unwrap();
    fs::remove_file(bench.file()).unwrap();
    let refused = reveal(&mut client, &vault, "proj_0", Single::Instance).await;
    assert!(matches!(refused, Err(SingleError::Lost)));
    assert!(!bench.file().exists(), "asking makes no secret key");
    reveal(&mut client, &vault, "proj_1", Single::Instance).await.unwrap();
    assert_eq!(rotate(&bench, &vault).await, Resealed { resealed: 1, lost: 1 });
    let refused = reveal(&mut client, &vault, "proj_0", Single::Instance).await;
    assert!(matches!(refused, Err(SingleError::Lost)), "still there, for the secret key to be put back");
    single::regenerate(&mut client, &vault, ("proj_0", Single::Instance), &SystemEntropy, ACTOR)
        .await
        .unwrap();
    assert_eq!(rotate(&bench, &vault).await, Resealed { resealed: 2, lost: 0 });
}
