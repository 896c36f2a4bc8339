//! A database into a file and back, and what a restore makes of epochs, transaction ids and the remains of another.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use tidegate::{
    domain::cursor::Cursor,
    store::{
        Database, Role, StoreError,
        audit::Actor,
        dump::{self, Archive, Backup, DumpError, Restored, Site, Target, Tools},
        epochs::{self, Position},
        managed::discover::Search,
        schema,
    },
};
use tokio_postgres::{Client, Config};

use super::station::{Station, contacts, count, deletions, events, numbered, one_lane, rows};
use crate::support::{
    folder::Folder,
    postgres::{TestDatabase, connect, migrate, private_folder, private_server},
};

fn tools() -> Tools {
    Tools::newest(&Search::system()).unwrap()
}

async fn back_up(config: &Config, file: &Path) -> Result<Backup, DumpError> {
    dump::backup(&Database::new(config.clone()), &tools(), Target::open(file, true)?, |_| {}).await
}

/// Restores a file at a time of day, for the numbers of epochs follow the clock.
async fn restore(config: &Config, file: &Path, minute: i64) -> Result<Restored, DumpError> {
    let database = Database::new(config.clone());
    let archive = Archive::open(file, &tools()).await?;
    let now = Timestamp::from_second(1_800_000_000 + minute * 60).unwrap();
    let mut site = Site::claim(&database).await?;
    match site.fill(&tools(), &archive, Actor::local("test"), now, |_| {}).await {
        Ok(restored) => Ok(restored),
        Err(error) => {
            assert!(site.discard().await.unwrap());
            Err(error)
        }
    }
}

/// A database with a project, and with contacts and events of its first datasource.
async fn filled() -> (TestDatabase, Vec<Cursor>) {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let project = "insert into organization (uid, name) values ('org_x', 'x');
                   insert into project (organization_id, uid, name) select id, 'proj_x', 'x' from organization;
                   insert into datasource (project_id, uid, name) select id, 'ds_x', 'x' from project";
    client.batch_execute(project).await.unwrap();
    let cursors = push(&database, "first").await;
    (database, cursors)
}

/// Stores something of every kind, and answers the positions.
async fn push(database: &TestDatabase, prefix: &str) -> Vec<Cursor> {
    let station = Station::start(&database.config, one_lane()).await;
    let mut cursors = Vec::new();
    for work in [
        events(numbered(prefix, 30), 1),
        contacts(numbered(prefix, 5), 1),
        contacts(numbered(prefix, 2), 2),
        deletions([format!("{prefix}0")]),
        events([format!("{prefix}-last")], 1),
    ] {
        cursors.push(station.append(work).await.unwrap().cursor);
    }
    station.stop().await;
    cursors
}

/// The log in the order of the stream, each row with its lot and its content.
async fn stream(client: &Client) -> Vec<String> {
    let order = "select concat_ws('|', e.id, l.tx, l.id_sum, l.contact_sum, l.events, l.contacts_net, e.kind::text, e.type, e.user_id,
                                  e.event_id, e.occurred_at, e.received_at, md5(e.parameters::text))
                 from lot l join event e on e.id between l.first_id and l.last_id
                 order by l.epoch, l.tx, l.first_id, e.id";
    client.query(order, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// The checksum of each table that a restore has no reason to change.
async fn checksums(client: &Client) -> Vec<String> {
    let mut sums = Vec::new();
    for table in ["organization", "contact", "event_key", "event", "usage_total", "refinery_schema_history"] {
        let sum =
            format!("select md5(coalesce(string_agg(t::text, ',' order by t::text), '')) from {table} t");
        let sum: String = client.query_one(&sum, &[]).await.unwrap().get(0);
        sums.push(format!("{table} {sum}"));
    }
    sums
}

async fn epoch_numbers(client: &Client) -> Vec<(i32, Option<i32>)> {
    let rows = client.query("select n, moved_to from epoch order by n", &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn file_in(folder: &Folder, name: &str) -> PathBuf {
    folder.path().join(name)
}

/// Lets a webhook stand at a lot, held by a node.
async fn hook(database: &TestDatabase) {
    let hook = "insert into webhook (id, project_id, url, types, description, enabled, parallel, whole, sealed, created_by,
                                     epoch, tx, item, node, leased_until)
                select gen_random_uuid(), (select min(id) from project), 'https://hooks.invalid/', '{}', '', true, 1, true, '', 'test',
                       epoch, tx::text::bigint, first_id, gen_random_uuid(), now() + interval '1 hour' from lot limit 1;
                insert into webhook_pending select id, epoch, tx, item, 1, now(), now(), false from webhook;
                insert into webhook_dead_letter (webhook_id, at, epoch, tx, item, type, attempts)
                select id, now(), epoch, tx, item, 't', 1 from webhook";
    database.client().await.batch_execute(hook).await.unwrap();
}

/// Whether it stands at the same lot, free for any node.
async fn hook_has_moved(after: &Client) {
    for table in ["webhook", "webhook_pending", "webhook_dead_letter"] {
        let place = format!(
            "select count(*) from {table} h join lot l on (l.epoch, l.tx::text::bigint, l.first_id) = (h.epoch, h.tx, h.item)"
        );
        assert_eq!(count(after, &place, &[]).await, 1, "{table} has moved with its lot");
    }
    assert_eq!(
        count(after, "select count(*) from webhook where node is null", &[]).await,
        1,
        "anybody may deliver"
    );
}

#[tokio::test]
async fn everything_comes_back_in_the_same_order() {
    let folder = private_folder().await;
    let file = file_in(&folder, "one");
    let (source, cursors) = filled().await;
    hook(&source).await;
    let made = back_up(&source.config, &file).await.unwrap();
    assert_eq!((made.holdings.events, made.holdings.contacts), (31, 4));
    let meta = fs::metadata(&file).unwrap();
    assert_eq!((meta.len(), meta.permissions().mode() & 0o777), (made.bytes, 0o600));
    assert!(!file_in(&folder, "one.part").exists());

    let target = TestDatabase::empty().await;
    let restored = restore(&target.config, &file, 0).await.unwrap();
    assert_eq!((restored.holdings, restored.migrations), (made.holdings, 0));
    assert_eq!(restored.schema_version, made.schema_version);
    let (before, after) = (source.client().await, target.client().await);
    assert_eq!(stream(&after).await, stream(&before).await);
    assert_eq!(checksums(&after).await, checksums(&before).await);
    assert_eq!(
        count(&after, "select count(*) from pg_inherits where inhparent = 'event'::regclass", &[]).await,
        9
    );
    let future =
        "select count(*) from (select changed from project union all select changed from datasource union all
                  select changed from key) t where changed >= pg_snapshot_xmax(pg_current_snapshot())";
    assert_eq!(count(&after, future, &[]).await, 0);
    let early = "select count(*) from datasource where changed = (select changed from project)";
    assert_eq!(count(&after, early, &[]).await, 1, "one transaction has stamped them all");
    let known = "select count(*) from pg_class where relname in ('lot', 'event_key') and reltuples >= 0";
    assert_eq!(count(&after, known, &[]).await, 2, "the planner knows how large tables are");

    hook_has_moved(&after).await;

    // It goes on: ids behind all others, the claims in force, a retry settled.
    let newest = count(&after, "select max(id) from event", &[]).await;
    let station = Station::start(&target.config, one_lane()).await;
    let again = station.append(events(["first0"], 1)).await.unwrap();
    assert_eq!(format!("{:?}", again.outcomes), "[Duplicate]");
    let later = station.append(events(["later"], 1)).await.unwrap().cursor;
    station.stop().await;
    let order = stream(&after).await;
    assert!(order.last().unwrap().contains("|later|"), "{order:?}");
    assert!(count(&after, "select max(id) from event", &[]).await > newest);

    let pool = Database::new(target.config.clone()).pool(Role::Read, 1).unwrap();
    assert_eq!(epochs::standing_of(&pool, later).await.unwrap(), Position::Current);
    for cursor in cursors {
        let Position::Moved { restart } = epochs::standing_of(&pool, cursor).await.unwrap() else {
            panic!("{cursor:?} has not moved");
        };
        assert_eq!((restart.tx, restart.id), (cursor.tx, cursor.id));
        assert!(restart < later);
        let place = "select count(*) from lot where epoch = $1 and tx = $2::text::xid8";
        let epoch = i32::try_from(restart.epoch).unwrap();
        assert_eq!(
            count(&after, place, &[&epoch, &restart.tx.to_string()]).await,
            1,
            "{restart:?} is no lot"
        );
    }
}

#[tokio::test]
async fn every_restore_gives_epochs_numbers_of_its_own() {
    let folder = private_folder().await;
    let (one, two) = (file_in(&folder, "one"), file_in(&folder, "two"));
    let (source, _) = filled().await;
    let client = source.client().await;
    // As if another cluster had gone before.
    let history = "update lot set epoch = 2; update epoch set n = 2;
                   insert into epoch (n, system_identifier, timeline) values (1, 1, 1);
                   insert into lot select project_id, 1, '77', 1, 1, datasource_id, 0, 0, 0, 0, 0, received_at from lot limit 1";
    client.batch_execute(history).await.unwrap();
    back_up(&source.config, &one).await.unwrap();

    let second = TestDatabase::empty().await;
    restore(&second.config, &one, 0).await.unwrap();
    let numbers = epoch_numbers(&second.client().await).await;
    let first = numbers[2].0;
    assert_eq!(numbers, [(1, Some(first)), (2, Some(first + 1)), (first, None), (first + 1, None)]);
    let second_cursors = push(&second, "second").await;
    let own = i32::try_from(second_cursors[0].epoch).unwrap();
    back_up(&second.config, &two).await.unwrap();

    // A restore of what was restored: every number ever given out leads to where its epoch is now.
    let third = TestDatabase::empty().await;
    restore(&third.config, &two, 1).await.unwrap();
    let client = third.client().await;
    let numbers = epoch_numbers(&client).await;
    let moved: Vec<_> = numbers.iter().filter(|(_, to)| to.is_some()).collect();
    let living: Vec<i32> = numbers.iter().filter(|(_, to)| to.is_none()).map(|(n, _)| *n).collect();
    assert!(moved.iter().all(|(n, to)| living.contains(&to.unwrap()) && *n < living[0]), "{numbers:?}");
    assert_eq!(numbers[..2], [(1, Some(living[0])), (2, Some(living[1]))]);
    assert_eq!(stream(&client).await, stream(&second.client().await).await);
    let pool = Database::new(third.config.clone()).pool(Role::Read, 1).unwrap();
    let judged = async |cursor| epochs::standing_of(&pool, cursor).await.unwrap();
    for cursor in &second_cursors {
        let Position::Moved { restart } = judged(*cursor).await else { panic!("{cursor:?} has not moved") };
        assert!(living.contains(&i32::try_from(restart.epoch).unwrap()) && restart.tx == cursor.tx);
    }

    // A restore of the first file again, at another time: what was stored in between is in no history of this database.
    let fourth = TestDatabase::empty().await;
    restore(&fourth.config, &one, 2).await.unwrap();
    let numbers = epoch_numbers(&fourth.client().await).await;
    assert!(numbers[2].0 > own, "{numbers:?} repeats {own}");
    let pool = Database::new(fourth.config.clone()).pool(Role::Read, 1).unwrap();
    assert_eq!(epochs::standing_of(&pool, second_cursors[0]).await.unwrap(), Position::Lost);

    // A clock that was put back gives no number twice.
    let fifth = TestDatabase::empty().await;
    restore(&fifth.config, &two, -1_000_000).await.unwrap();
    let numbers = epoch_numbers(&fifth.client().await).await;
    assert!(numbers.windows(2).all(|pair| pair[0].0 < pair[1].0), "{numbers:?}");
    assert_eq!(stream(&fifth.client().await).await, stream(&second.client().await).await);
}

/// Transaction ids are the cluster's, so a database beside the source goes on from where the source does.
#[tokio::test]
async fn a_restore_beside_its_source_begins_an_epoch_of_its_own() {
    let folder = private_folder().await;
    let file = file_in(&folder, "one");
    let (source, _) = filled().await;
    back_up(&source.config, &file).await.unwrap();
    let target = TestDatabase::empty().await;
    restore(&target.config, &file, 0).await.unwrap();
    let moved = epoch_numbers(&target.client().await).await;
    let there = moved.iter().filter_map(|(_, to)| *to).max().unwrap();
    let here = push(&target, "second").await;
    let late = push(&source, "late").await;
    assert!(
        here.iter().all(|cursor| cursor.epoch == u32::try_from(there).unwrap() + 1),
        "{here:?} after {there}"
    );
    // Where a later cursor of the source leads lies before everything that the restored database took in itself.
    let reads = Database::new(target.config.clone()).pool(Role::Read, 1).unwrap();
    for cursor in late {
        let Position::Moved { restart } = epochs::standing_of(&reads, cursor).await.unwrap() else {
            panic!("{cursor:?} is from before the restore")
        };
        assert!(here.iter().all(|own| restart < *own), "{restart:?} is behind {here:?}");
    }
}

#[tokio::test]
async fn a_database_that_holds_something_is_left_alone() {
    let folder = private_folder().await;
    let file = file_in(&folder, "one");
    let (source, _) = filled().await;
    back_up(&source.config, &file).await.unwrap();
    let (migrated, other) = (TestDatabase::create().await, TestDatabase::empty().await);
    other.client().await.batch_execute("create schema s; create table s.mine (n int)").await.unwrap();
    for target in [&migrated, &other] {
        let error = restore(&target.config, &file, 0).await.unwrap_err();
        assert!(matches!(error, DumpError::NotEmpty { relations: 1.. }), "{error}");
        assert!(error.to_string().contains("--data-dir"), "{error}");
    }
    assert_eq!(rows(&other.client().await, "s.mine").await, 0);
    assert_eq!(schema::migrate(&Database::new(migrated.config.clone())).await.unwrap(), 0);
}

#[tokio::test]
async fn files_that_will_not_do_are_told_apart() {
    let folder = private_folder().await;
    let (source, _) = filled().await;
    let client = source.client().await;
    let file = file_in(&folder, "one");
    let refused = async |path: &Path| Archive::open(path, &tools()).await.unwrap_err().to_string();
    assert!(refused(&file).await.contains("No such file"));
    assert!(refused(folder.path()).await.contains("it is no file"));
    for text in ["", "PGD", "-- PostgreSQL database dump\n", "PGDMP nothing of the kind"] {
        fs::write(&file, text).unwrap();
        assert!(refused(&file).await.contains("is no backup that can be restored"), "{text:?}");
    }
    let newer = "insert into refinery_schema_history select 9999, 'later', applied_on, checksum
                 from refinery_schema_history limit 1";
    client.batch_execute(newer).await.unwrap();
    assert_eq!(back_up(&source.config, &file).await.unwrap().schema_version, 9999);
    let said = refused(&file).await;
    assert!(said.contains("9999") && said.contains("newer tidegate"), "{said}");

    let other = TestDatabase::empty().await;
    other.client().await.batch_execute("create table mine (n int)").await.unwrap();
    let error = back_up(&other.config, &file).await.unwrap_err();
    assert!(matches!(error, DumpError::Nothing), "{error}");
    foreign(&other.config, &file);
    assert!(refused(&file).await.contains("another database than tidegate's"));
}

/// A dump by hand.
fn foreign(config: &Config, file: &Path) {
    let search = Search::system();
    let programs = search.folders().iter().map(|folder| folder.join("pg_dump"));
    let program =
        programs.filter_map(|path| fs::canonicalize(path).ok()).find(|path| path.ends_with("pg_dump"));
    let tokio_postgres::config::Host::Unix(sockets) = &config.get_hosts()[0] else { panic!("a socket") };
    let mut command = std::process::Command::new(program.unwrap());
    command.arg("-h").arg(sockets).args(["-p", "5432", "-U", "tidegate", "-Fc", "-f"]).arg(file);
    assert!(command.arg(config.get_dbname().unwrap()).status().unwrap().success());
}

/// Cut where the contents are listed, in the middle of the data, and in the very last block.
#[tokio::test]
async fn a_damaged_file_leaves_the_database_empty() {
    let folder = private_folder().await;
    let (file, cut) = (file_in(&folder, "one"), file_in(&folder, "cut"));
    let (source, _) = filled().await;
    back_up(&source.config, &file).await.unwrap();
    let bytes = fs::read(&file).unwrap();
    let target = TestDatabase::empty().await;
    let mut flipped = bytes.clone();
    let last = flipped.len() - 40;
    flipped[last] ^= 0x55;
    for broken in [&bytes[..1_000], &bytes[..bytes.len() - 2_000], &bytes[..bytes.len() - 30], &flipped] {
        fs::write(&cut, broken).unwrap();
        let error = restore(&target.config, &cut, 0).await.unwrap_err();
        assert!(matches!(error, DumpError::NoArchive { .. } | DumpError::Program { .. }), "{error}");
        assert!(error.to_string().contains("pg_restore"), "{error}");
        let left = "select count(*) from pg_class where relnamespace = 'public'::regnamespace";
        assert_eq!(count(&target.client().await, left, &[]).await, 0, "{error}");
    }
    restore(&target.config, &file, 0).await.unwrap();
    assert_eq!(stream(&target.client().await).await, stream(&source.client().await).await);
}

#[tokio::test]
async fn an_unfinished_restore_keeps_everybody_out_until_it_is_begun_anew() {
    let folder = private_folder().await;
    let file = file_in(&folder, "one");
    let (source, _) = filled().await;
    back_up(&source.config, &file).await.unwrap();
    // What a process that was killed leaves: the mark, a part or all of the tables, and no session.
    let target = TestDatabase::create().await;
    let client = target.client().await;
    client.batch_execute("create table unfinished_restore (); create view v as select 1 as n").await.unwrap();
    let database = Database::new(target.config.clone());
    for error in
        [schema::migrate(&database).await.unwrap_err(), schema::prepare(&database).await.unwrap_err()]
    {
        assert!(matches!(error, StoreError::UnfinishedRestore), "{error}");
        assert!(error.to_string().contains("tidegate restore FILE"), "{error}");
    }
    let error = back_up(&target.config, &file_in(&folder, "two")).await.unwrap_err();
    assert!(matches!(error, DumpError::Store(StoreError::UnfinishedRestore)), "{error}");

    restore(&target.config, &file, 0).await.unwrap();
    assert_eq!(stream(&client).await, stream(&source.client().await).await);
    assert_eq!(schema::migrate(&database).await.unwrap(), 0);
}

#[tokio::test]
async fn nobody_prepares_or_migrates_a_database_that_is_being_restored() {
    let target = TestDatabase::empty().await;
    let database = Database::new(target.config.clone());
    let site = Site::claim(&database).await.unwrap();
    let starter = database.clone();
    let starting = tokio::spawn(async move { schema::migrate(&starter).await });
    let waiting = "select count(*) from pg_locks l join pg_database d on d.oid = l.database
                   where locktype = 'advisory' and not granted and datname = current_database()";
    let client = target.client().await;
    super::station::until("the starter waits", async || count(&client, waiting, &[]).await == 1).await;
    assert!(matches!(schema::prepare(&database).await, Err(StoreError::UnfinishedRestore)));
    assert!(site.discard().await.unwrap());
    assert!(starting.await.unwrap().unwrap() > 0, "an empty database again, which the starter prepares");
}

#[tokio::test]
async fn a_file_is_replaced_only_when_asked_and_never_by_a_half() {
    let folder = private_folder().await;
    let file = file_in(&folder, "one");
    fs::write(&file, "mine").unwrap();
    assert!(matches!(Target::open(&file, false), Err(DumpError::Exists(_))));
    let writing = Target::open(&file, true).unwrap();
    assert!(matches!(Target::open(&file, true), Err(DumpError::Busy(_))));
    drop(writing);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    assert!(!file_in(&folder, "one.part").exists());
    // What a killed backup has left is taken over, and its mode is mended.
    fs::write(file_in(&folder, "one.part"), "half").unwrap();
    let (source, _) = filled().await;
    back_up(&source.config, &file).await.unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    Archive::open(&file, &tools()).await.unwrap();
    // Somebody else may take the name while a backup is at work.
    let (new, late) = (file_in(&folder, "two"), Database::new(source.config.clone()));
    let target = Target::open(&new, false).unwrap();
    fs::write(&new, "theirs").unwrap();
    let error = dump::backup(&late, &tools(), target, |_| {}).await.unwrap_err();
    assert!(matches!(error, DumpError::Exists(_)), "{error}");
    assert_eq!(fs::read_to_string(&new).unwrap(), "theirs");
    // A file that has another name, or is somebody else's, could be read by others whatever its mode.
    fs::write(file_in(&folder, "victim"), "kept").unwrap();
    fs::hard_link(file_in(&folder, "victim"), file_in(&folder, "three.part")).unwrap();
    let refused = Target::open(&file_in(&folder, "three"), false).unwrap_err().to_string();
    assert!(refused.contains("three.part"), "{refused}");
    assert_eq!(fs::read_to_string(file_in(&folder, "victim")).unwrap(), "kept");
    let missing = Target::open(&file_in(&folder, "no/such/file"), false).unwrap_err().to_string();
    assert!(missing.contains("no/such/file"), "{missing}");
}

/// The horizon is the cluster's, so this needs one of its own.
#[tokio::test]
async fn the_snapshot_of_a_backup_does_not_hold_back_the_horizon() {
    let (server, _folder) = private_server().await;
    migrate(&server.config()).await;
    let mut reader = Database::new(server.config()).connect(Role::Backup).await.unwrap();
    let begun = reader.build_transaction().isolation_level(tokio_postgres::IsolationLevel::RepeatableRead);
    let snapshot = begun.read_only(true).start().await.unwrap();
    snapshot.query_one("select pg_export_snapshot(), count(*) from lot", &[]).await.unwrap();
    snapshot.batch_execute("lock table event in access share mode").await.unwrap();
    let client = connect(&server.config()).await;
    let open = "select count(*) from pg_stat_activity where application_name = 'tidegate-backup'
                and backend_xmin is not null and backend_xid is null";
    assert_eq!(count(&client, open, &[]).await, 1);
    let write = "insert into organization (uid, name) values ('org_x', 'x')
                 returning pg_current_xact_id()::text::bigint";
    let written = count(&client, write, &[]).await;
    let horizon = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
    assert!(count(&client, horizon, &[]).await > written, "the horizon waits for a reader");
    drop(snapshot);
    server.stop().await.unwrap();
}

/// It would wait for the backup's locks on the tables, and every push behind it.
#[tokio::test]
async fn a_migration_waits_for_a_backup_and_whoever_has_nothing_to_do_does_not() {
    let folder = private_folder().await;
    let file = file_in(&folder, "one");
    let (source, _) = filled().await;
    let (blocker, client) = (source.client().await, source.client().await);
    client.batch_execute("create table others (n int) partition by range (n)").await.unwrap();
    blocker.batch_execute("begin; lock table others in access exclusive mode").await.unwrap();
    let config = source.config.clone();
    let backup = tokio::spawn(async move { back_up(&config, &file).await });
    let waits = |kind: &str| {
        format!(
            "select count(*) from pg_locks l join pg_database d on d.oid = l.database
             where locktype = '{kind}' and not granted and datname = current_database()"
        )
    };
    let (table, advice) = (waits("relation"), waits("advisory"));
    super::station::until("pg_dump waits", async || count(&client, &table, &[]).await == 1).await;

    let database = Database::new(source.config.clone());
    assert_eq!(schema::migrate(&database).await.unwrap(), 0, "nothing to do");
    client.batch_execute("update refinery_schema_history set version = version - 1000").await.unwrap();
    let starter = database.clone();
    let migrating = tokio::spawn(async move { schema::migrate(&starter).await });
    super::station::until("the migration waits", async || count(&client, &advice, &[]).await == 1).await;
    assert!(!migrating.is_finished());
    client.batch_execute("update refinery_schema_history set version = version + 1000").await.unwrap();
    blocker.batch_execute("commit").await.unwrap();
    assert_eq!(backup.await.unwrap().unwrap().holdings.events, 31);
    assert_eq!(migrating.await.unwrap().unwrap(), 0, "somebody else has done it meanwhile");
}
