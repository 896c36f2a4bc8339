//! `GET …/audit`.

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use serde_json::{Value, json};
use tidegate::domain::claim::Digest;

use crate::{
    stream::{contacts, event, events, house},
    support::house::{Inlet, TestHouse},
};

/// A query for the minutes around now.
pub fn around(house: &TestHouse) -> String {
    let (now, margin) = (house.state.clock.now(), SignedDuration::from_mins(5));
    format!("?from={}&to={}", now - margin, now + margin)
}

async fn audit(house: &TestHouse, inlet: &Inlet, query: &str) -> Value {
    let reply = house.get(&inlet.token, &inlet.path(&format!("/audit{query}"))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

fn sum<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    let sum = ids.into_iter().fold(0u64, |sum, id| sum.wrapping_add(Digest::of(id).audit_word()));
    format!("{sum:016x}")
}

/// The counts and sums of all minutes together.
fn together(audit: &Value) -> (i64, String, i64, String) {
    let minutes = audit["minutes"].as_array().unwrap();
    let count = |name: &str| minutes.iter().map(|minute| minute[name].as_i64().unwrap()).sum();
    let word = |minute: &Value, name: &str| {
        let text = minute[name].as_str().unwrap();
        assert_eq!(text.len(), 16);
        u64::from_str_radix(text, 16).unwrap()
    };
    let sum = |name: &str| minutes.iter().fold(0u64, |sum, minute| sum.wrapping_add(word(minute, name)));
    (
        count("events"),
        format!("{:016x}", sum("idSum")),
        count("contacts"),
        format!("{:016x}", sum("contactIdSum")),
    )
}

#[tokio::test]
async fn it_counts_and_sums_what_was_stored_and_nothing_else() {
    let (_database, house, inlet) = house().await;
    let query = around(&house);
    assert_eq!(audit(&house, &inlet, &query).await["minutes"], json!([]));
    let batch = json!([event("1", &json!({})), event("2", &json!({})), event("1", &json!({})), {}]);
    events(&house, &inlet, &batch).await;
    events(&house, &inlet, &batch).await;
    contacts(&house, &inlet, &json!([{"_user_id": "a"}, {"_user_id": "b"}, {"_user_id": "a"}, {}])).await;
    contacts(&house, &inlet, &json!([{"_user_id": "a", "_city": "Graz"}, {"_user_id": "b"}])).await;
    house.delete(&inlet.token, &inlet.path("/stream/contacts/b")).await;
    let found = audit(&house, &inlet, &query).await;
    assert_eq!(together(&found), (2, sum(["1", "2"]), 4, sum(["a", "b", "a", "b"])));
    let sibling = house.datasource(&inlet.project, None, false, None).await;
    assert_eq!(audit(&house, &sibling, &query).await["minutes"], json!([]));
    house.stop().await;
}

#[tokio::test]
async fn minutes_are_whole_in_order_and_half_open() {
    let (_database, house, inlet) = house().await;
    events(&house, &inlet, &json!([event("1", &json!({}))])).await;
    house.sql("update lot set received_at = '2026-11-20T12:03:59.999999Z'").await;
    for (n, at) in [(2, "12:04:00Z"), (3, "12:05:00Z")] {
        events(&house, &inlet, &json!([event(&n.to_string(), &json!({}))])).await;
        house
            .sql(&format!(
                "update lot set received_at = '2026-11-20T{at}' where received_at > '2026-11-20T12:05:00Z'"
            ))
            .await;
    }
    let minute = |at: &str, id: &str| {
        json!({ "minute": format!("2026-11-20T{at}:00Z"), "events": 1, "idSum": sum([id]), "contacts": 0,
                "contactIdSum": "0000000000000000" })
    };
    for (from, to) in [
        ("12:03:00Z", "12:05:00Z"),
        ("12:03:59.999999Z", "12:04:00.000001Z"),
        ("13:03:30%2B01:00", "12:04:30Z"),
    ] {
        let found = audit(&house, &inlet, &format!("?from=2026-11-20T{from}&to=2026-11-20T{to}")).await;
        let wanted = json!({ "from": "2026-11-20T12:03:00Z", "to": "2026-11-20T12:05:00Z",
                             "minutes": [minute("12:03", "1"), minute("12:04", "2")] });
        assert_eq!(found, wanted, "{from} {to}");
    }
    house.stop().await;
}

#[rstest]
#[case("", "from is required")]
#[case("?from=2026-11-20T12:00:00Z", "to is required")]
#[case("?from=2026-11-20T12:00:00Z&to=noon", "to is not an RFC 3339 time")]
#[case("?from=2026-11-20T12:00:00&to=2026-11-20T12:10:00Z", "from is not an RFC 3339 time")]
#[case("?from=2026-11-20T12:00:00Z&to=2026-11-20T12:00:00Z", "from must be earlier than to")]
#[case("?from=2026-11-20T12:00:00Z&to=2026-11-27T12:00:00.1Z", "at most 7 days")]
#[tokio::test]
async fn a_range_that_cannot_be_read_is_refused(#[case] query: &str, #[case] detail: &str) {
    let (_database, house, inlet) = house().await;
    let reply = house.get(&inlet.token, &inlet.path(&format!("/audit{query}"))).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "invalid_parameter"));
    assert!(reply.json()["detail"].as_str().unwrap().contains(detail), "{}", reply.text);
    house.stop().await;
}

#[tokio::test]
async fn a_stretch_of_time_is_read_without_the_rest() {
    let (_database, house, inlet) = house().await;
    house
        .sql(
            "insert into lot (project_id, epoch, tx, first_id, last_id, datasource_id, events, contacts, contacts_net, id_sum,
                              contact_sum, received_at)
             select 1, 0, (n + 1)::text::xid8, n, n, 1, 1, 0, 0, n, 0, timestamptz '2026-11-20T00:00:00Z' + n * interval '10 ms'
             from generate_series(0, 99999) n",
        )
        .await;
    house.sql("vacuum analyze lot").await;
    let now: Timestamp = "2026-11-20T00:05:00Z".parse().unwrap();
    let query = format!("?from={now}&to={}", now + SignedDuration::from_mins(1));
    let found = audit(&house, &inlet, &query).await;
    assert_eq!(found["minutes"][0]["events"], 6_000);
    // As the statement of the route reads it: pages beside those of the minute are touched only where a range begins and ends.
    let client = house.database.connect(tidegate::store::Role::Command).await.unwrap();
    let plan: Value = client
        .query_one(
            "explain (analyze, buffers, format json) select sum(id_sum) from lot where project_id = 1 and datasource_id = 1
             and received_at >= '2026-11-20T00:05:00Z' and received_at < '2026-11-20T00:06:00Z'",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    let read = plan[0]["Plan"]["Shared Hit Blocks"].as_i64().unwrap()
        + plan[0]["Plan"]["Shared Read Blocks"].as_i64().unwrap();
    let all = house.number("select pg_relation_size('lot') / 8192").await;
    assert!(read < all / 5, "{read} of {all} pages: {plan}");
    house.stop().await;
}
