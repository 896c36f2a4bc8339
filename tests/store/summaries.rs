//! Summaries of the log's page ranges: made behind the lanes, once a range is full.

use tidegate::{
    domain::clock::SystemClock,
    store::{Database, Role, summaries::Summaries},
};
use tokio_postgres::Client;

use super::station::count;
use crate::support::postgres::TestDatabase;

async fn fill(client: &Client, from: i64, rows: i64) {
    let fill = "insert into event
        select n, 1, 1, now(), now(), 'e', 't', 'user ' || n, 'e' || n, ('{\"n\":\"' || repeat('x', 150) || '\"}')::json
        from generate_series($1::bigint, $1::bigint + $2::bigint - 1) n";
    client.execute(fill, &[&from, &rows]).await.unwrap();
}

async fn pages(client: &Client) -> i64 {
    let pages = "select sum(pg_relation_size(inhrelid))::bigint / 8192 from pg_inherits where inhparent = 'event'::regclass";
    count(client, pages, &[]).await
}

/// Ranges of today's partition that had no summary below a page; they have one afterwards.
async fn lacking(client: &Client, below: i64) -> i64 {
    let today = "select coalesce(sum(brin_summarize_range(x.indexrelid, page)), 0)::bigint
        from (select distinct tableoid from event) t join pg_index x on x.indrelid = t.tableoid
        join pg_class c on c.oid = x.indexrelid join pg_am m on m.oid = c.relam and m.amname = 'brin'
        cross join generate_series(0, $1::bigint - 1, 8) page";
    count(client, today, &[&below]).await
}

#[tokio::test]
async fn full_ranges_are_summarized_once_and_filling_ones_left_alone() {
    let database = TestDatabase::create().await;
    let (client, now) = (database.client().await, SystemClock::shared().now());
    let upkeep = Database::new(database.config.clone()).connect(Role::Upkeep).await.unwrap();
    let mut summaries = Summaries::default();
    assert_eq!(summaries.advance(&upkeep, now).await.unwrap(), 0, "there is nothing");
    fill(&client, 1, 60_000).await;
    let first = pages(&client).await;
    let full = (first - 64) / 8 * 8;
    upkeep.batch_execute("begin").await.unwrap();
    let made = summaries.advance(&upkeep, now).await.unwrap();
    // The very first range was summarized as the table was made.
    assert!((full / 8 - 1..=full / 8).contains(&made), "{made} of {full} pages");
    let taken = "select count(pg_current_xact_id_if_assigned())";
    assert_eq!(count(&upkeep, taken, &[]).await, 0, "no transaction id was taken");
    upkeep.batch_execute("commit").await.unwrap();
    assert_eq!(summaries.advance(&upkeep, now).await.unwrap(), 0, "once");
    assert_eq!(Summaries::default().advance(&upkeep, now).await.unwrap(), 0, "another node finds it done");

    fill(&client, 100_000, 20_000).await;
    let full = (pages(&client).await - 64) / 8 * 8;
    assert!(summaries.advance(&upkeep, now).await.unwrap() > 0);
    assert_eq!(lacking(&client, full).await, 0);
    assert!(lacking(&client, pages(&client).await).await > 0, "what may still be filling has none");
}

#[tokio::test]
async fn a_closed_day_is_summarized_to_its_end() {
    let database = TestDatabase::create().await;
    let (client, now) = (database.client().await, SystemClock::shared().now());
    fill(&client, 1, 1_000).await;
    let mut summaries = Summaries::default();
    assert_eq!(summaries.advance(&client, now).await.unwrap(), 0, "the day is young");
    let later = now + jiff::SignedDuration::from_hours(26);
    summaries.advance(&client, later).await.unwrap();
    assert_eq!(lacking(&client, pages(&client).await).await, 0);
}

#[tokio::test]
async fn a_partition_that_is_vacuumed_is_left_for_later() {
    let database = TestDatabase::create().await;
    let (client, now) = (database.client().await, SystemClock::shared().now());
    let upkeep = Database::new(database.config.clone()).connect(Role::Upkeep).await.unwrap();
    fill(&client, 1, 30_000).await;
    let today: String =
        client.query_one("select tableoid::regclass::text from event limit 1", &[]).await.unwrap().get(0);
    client.batch_execute(&format!("begin; lock table {today} in share update exclusive mode")).await.unwrap();
    let mut summaries = Summaries::default();
    assert_eq!(summaries.advance(&upkeep, now).await.unwrap(), 0, "it does not wait, and that is no error");
    client.batch_execute("commit").await.unwrap();
    assert!(summaries.advance(&upkeep, now).await.unwrap() > 100);
}
