//! Who a project knows: by id, by user id, by e-mail, by phone, across its datasources.

use deadpool_postgres::Pool;
use tidegate::{
    domain::contact::{Change, ContactDraft},
    ingest::{ContactOp, Work},
    store::{
        Database, Role,
        audience::{self, Match},
    },
};
use tokio_postgres::Client;

use super::station::{Station, append, count, deletions, one_lane};
use crate::support::postgres::TestDatabase;

/// Project 1 with datasources 1 to 4: 3 speaks first, then 2, then 1; 4 is deleted. Project 2 with datasource 5.
async fn house() -> (TestDatabase, Client, Station, Pool) {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    client
        .batch_execute(
            "insert into organization (uid, name) values ('org_x', 'x');
             insert into project (organization_id, uid, name) values (1, 'proj_1', 'x'), (1, 'proj_2', 'x');
             insert into datasource (project_id, uid, name, priority)
             values (1, 'ds_1', 'x', 100), (1, 'ds_2', 'x', 50), (1, 'ds_3', 'x', 50), (1, 'ds_4', 'x', 1),
                    (2, 'ds_5', 'x', 0);
             update datasource set priority = 10 where id = 3",
        )
        .await
        .unwrap();
    let station = Station::start(&database.config, one_lane()).await;
    let pool = Database::new(database.config.clone()).pool(Role::Read, 1).unwrap();
    (database, client, station, pool)
}

/// Stores a contact with an address and a number.
async fn store(station: &Station, project: i64, datasource: i64, user: &str, email: &str, phone: &str) {
    let text = |value: &str| Change::Set(format!("\"{value}\""));
    let changes = vec![("_email".to_owned(), text(email)), ("_phone_mobile".to_owned(), text(phone))];
    let work = Work::Contacts(vec![ContactOp::Upsert(ContactDraft { user_id: user.into(), changes })]);
    let inlet = tidegate::domain::ids::Inlet { project, datasource };
    let room = station.handle.admit(inlet, 100).unwrap();
    station.handle.append(room, inlet, work).await.unwrap();
}

fn who(found: Option<Match>) -> Option<(i64, String, i64)> {
    found.map(|found| (found.key.datasource, found.key.user_id, found.matches))
}

fn some(datasource: i64, user: &str, matches: i64) -> Option<(i64, String, i64)> {
    Some((datasource, user.to_owned(), matches))
}

const NUMBER: &str = "+4930901820";

#[tokio::test]
async fn the_datasource_that_comes_first_speaks() {
    let (_database, client, station, pool) = house().await;
    for datasource in [1, 2, 3] {
        store(&station, 1, datasource, "ada", "Ada@Example.org", NUMBER).await;
    }
    store(&station, 2, 5, "ada", "ada@example.org", NUMBER).await;
    let three = some(3, "ada", 3);
    assert_eq!(who(audience::by_user(&pool, 1, "ada").await.unwrap()), three);
    assert_eq!(who(audience::by_email(&pool, 1, "ada@example.org").await.unwrap()), three);
    assert_eq!(who(audience::by_phone(&pool, 1, NUMBER).await.unwrap()), three);
    assert_eq!(who(audience::by_email(&pool, 2, "ada@example.org").await.unwrap()), some(5, "ada", 1));

    client.batch_execute("update datasource set priority = 50 where id = 3").await.unwrap();
    assert_eq!(who(audience::by_user(&pool, 1, "ada").await.unwrap()), some(2, "ada", 3), "the older of two");
    append(&station.handle, 2, deletions(["ada"])).await.unwrap();
    assert_eq!(who(audience::by_phone(&pool, 1, NUMBER).await.unwrap()), some(3, "ada", 2));
    client.batch_execute("update datasource set deleted_at = now() where id = 3").await.unwrap();
    let one = some(1, "ada", 1);
    assert_eq!(who(audience::by_user(&pool, 1, "ada").await.unwrap()), one);
    assert_eq!(who(audience::by_email(&pool, 1, "ada@example.org").await.unwrap()), one);
    assert_eq!(who(audience::by_phone(&pool, 1, NUMBER).await.unwrap()), one);
    station.stop().await;
}

#[tokio::test]
async fn within_a_datasource_the_last_change_comes_first() {
    let (_database, _client, station, pool) = house().await;
    for user in ["first", "second", "third"] {
        store(&station, 1, 1, user, "same@example.org", NUMBER).await;
    }
    assert_eq!(who(audience::by_email(&pool, 1, "same@example.org").await.unwrap()), some(1, "third", 3));
    store(&station, 1, 1, "first", "same@example.org", "+4930901821").await;
    assert_eq!(who(audience::by_email(&pool, 1, "same@example.org").await.unwrap()), some(1, "first", 3));
    assert_eq!(who(audience::by_phone(&pool, 1, NUMBER).await.unwrap()), some(1, "third", 2));
    station.stop().await;
}

#[tokio::test]
async fn an_id_is_found_in_its_own_project_only() {
    let (_database, client, station, pool) = house().await;
    store(&station, 1, 2, "ada", "ada@example.org", NUMBER).await;
    let found = audience::by_user(&pool, 1, "ada").await.unwrap().unwrap();
    let id = found.record.contact_id;
    let again = audience::by_id(&pool, 1, id).await.unwrap().unwrap();
    assert_eq!((again.key, again.record.attributes), (found.key, found.record.attributes));
    assert!(again.record.updated_at >= again.record.created_at);
    assert_eq!(who(audience::by_id(&pool, 2, id).await.unwrap()), None);
    assert_eq!(who(audience::by_id(&pool, 1, uuid::Uuid::nil()).await.unwrap()), None);
    client.batch_execute("update datasource set deleted_at = now() where id = 2").await.unwrap();
    assert_eq!(who(audience::by_id(&pool, 1, id).await.unwrap()), None);
    for nobody in ["", "ADA", "ada ", "somebody"] {
        assert_eq!(who(audience::by_user(&pool, 1, nobody).await.unwrap()), None);
        assert_eq!(who(audience::by_email(&pool, 1, nobody).await.unwrap()), None);
        assert_eq!(who(audience::by_phone(&pool, 1, nobody).await.unwrap()), None);
    }
    assert_eq!(count(&client, "select count(*) from contact", &[]).await, 1);
    station.stop().await;
}
