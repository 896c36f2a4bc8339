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

use super::station::{Station, append, append_to, count, deletions, one_lane};
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
    append_to(&station.handle, inlet, work).await.unwrap();
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

#[tokio::test]
async fn an_address_that_very_many_share_is_looked_at_in_part() {
    let (_database, client, station, pool) = house().await;
    client
        .batch_execute(
            "insert into contact (datasource_id, user_id, contact_id, project_id, attributes, email, phone, created_at, updated_at)
             select d, 'u' || n, gen_random_uuid(), 1, '{}', 'same@example.org', '+4930901820', now(), now()
             from generate_series(1, 2) d, generate_series(1, 20000) n;
             insert into contact (datasource_id, user_id, contact_id, project_id, attributes, created_at, updated_at)
             select 3, 'u' || n, gen_random_uuid(), 1, '{}', now(), now() from generate_series(1, 20000) n;
             analyze contact",
        )
        .await
        .unwrap();
    store(&station, 1, 3, "ada", "same@example.org", NUMBER).await;
    let hundred = some(3, "ada", audience::MOST);
    assert_eq!(who(audience::by_email(&pool, 1, "same@example.org").await.unwrap()), hundred);
    assert_eq!(who(audience::by_phone(&pool, 1, NUMBER).await.unwrap()), hundred);
    append(&station.handle, 3, deletions(["ada"])).await.unwrap();
    let found = audience::by_email(&pool, 1, "same@example.org").await.unwrap().unwrap();
    assert_eq!((found.key.datasource, found.matches), (2, audience::MOST), "the foremost that has one");
    for sql in [
        include_str!("../../src/store/sql/audience_by_email.sql"),
        include_str!("../../src/store/sql/audience_by_phone.sql"),
    ] {
        let value = if sql.contains("by_email") { "same@example.org" } else { NUMBER };
        assert!(rows_read(&client, sql, value).await <= 3 * audience::MOST + 10);
    }
    station.stop().await;
}

/// The most rows that a step of this statement passes on or throws away.
async fn rows_read(client: &Client, sql: &str, value: &str) -> i64 {
    let explain = format!("explain (analyze, format json) {sql}");
    let explain =
        explain.replace("$1", "1").replace("$2", &format!("'{value}'")).replace("$3", "100::bigint");
    let plan: serde_json::Value = client.query_one(&explain, &[]).await.unwrap().get(0);
    let mut steps = vec![&plan[0]["Plan"]];
    let mut most = 0.0_f64;
    while let Some(step) = steps.pop() {
        let number = |name: &str| step[name].as_f64().unwrap_or(0.0);
        let each = number("Actual Rows") + number("Rows Removed by Filter");
        most = most.max(each * number("Actual Loops"));
        steps.extend(step["Plans"].as_array().into_iter().flatten());
    }
    most as i64
}
