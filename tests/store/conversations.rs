//! Conversations: found over more days than one statement looks through, and by their indexes.

use jiff::{SignedDuration, Timestamp};
use tidegate::store::{
    Database, Role,
    conversations::{self, Step},
    partitions,
};
use tokio_postgres::Client;

use super::tally::project;
use crate::support::postgres::TestDatabase;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A message every day, a closing in the middle and at the end, and much else that is none of it, so that a plan matters.
const ROWS: &str = "
    insert into event
        select 1000 * d, 1, 1, day, day, 'e', 'conversation_message', 'ada', 'm-' || d, '{\"conversation_id\":\"long\"}'
        from generate_series(1, 75) d, lateral (select '2026-01-01T12:00Z'::timestamptz + d * interval '1 day' as day) x;
    insert into event values
        (500, 1, 1, '2026-01-02T13:00Z', '2026-01-02T13:00Z', 'e', 'conversation_opened', 'ada', 'o', '{\"conversation_id\":\"long\"}'),
        (50500, 1, 1, '2026-02-20T13:00Z', '2026-02-20T13:00Z', 'e', 'conversation_closed', '', 'c', '{\"conversation_id\":\"long\"}'),
        (75500, 1, 1, '2026-03-17T13:00Z', '2026-02-20T12:00Z', 'e', 'conversation_closed', 'ada', 'late', '{\"conversation_id\":\"long\"}'),
        (75501, 1, 1, '2026-03-17T13:00Z', '2026-02-20T11:00Z', 'e', 'conversation_closed', 'eve', 'other', '{\"conversation_id\":\"short\"}'),
        (75502, 1, 1, '2026-03-17T13:00Z', '2026-02-20T11:00Z', 'e', 'conversation_closed', 'eve', 'erased', '{}'),
        (75503, 1, 1, '2026-03-17T13:00Z', '2026-02-20T11:00Z', 'e', 'closed', 'eve', 'type', '{\"conversation_id\":\"type\"}');
    insert into event
        select 1000000 + n, 1, 1, '2026-02-20T12:00Z', '2026-02-20T12:00Z', 'e', 'visited', 'eve', 'v-' || n, '{}'
        from generate_series(1, 20000) n;
    analyze event";

#[tokio::test]
async fn they_are_found_over_all_days_by_their_indexes() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    project(&client).await;
    let begin = at("2026-01-01T00:00:00Z");
    for days in (0..80).step_by(8) {
        partitions::ensure(&client, begin + SignedDuration::from_hours(24 * days)).await.unwrap();
    }
    client.batch_execute(ROWS).await.unwrap();
    let pool = Database::new(database.config.clone()).pool(Role::Read, 1).unwrap();
    let day = (at("2026-02-20T00:00:00Z"), at("2026-02-21T00:00:00Z"));
    let closed = conversations::closed(&pool, 1, day.0, day.1).await.unwrap().unwrap();
    assert_eq!(closed, ["long", "short"], "in the order in which they came");
    for (project, from, to) in [(2, day.0, day.1), (1, day.1, at("2026-03-31T00:00:00Z")), (1, begin, day.0)]
    {
        assert_eq!(conversations::closed(&pool, project, from, to).await.unwrap(), Some(Vec::new()));
    }
    let ids = [closed[0].clone(), "none".into(), closed[1].clone()];
    let marks = conversations::marks(&pool, 1, &ids).await.unwrap();
    assert_eq!(marks.iter().map(Vec::len).collect::<Vec<_>>(), [78, 0, 1]);
    assert!(marks[0].is_sorted_by_key(|mark| mark.occurred_at));
    assert_eq!(marks[0][0].step, Step::Message);
    assert_eq!((marks[0][1].step, marks[0][1].id), (Step::Opened, 500));
    let some = [&marks[0][1], &marks[0][77], &marks[2][0]];
    let told = conversations::events(&pool, 1, &ids, &some).await.unwrap();
    let names: Vec<&str> = some.iter().map(|mark| told[&mark.id].event_id.as_str()).collect();
    assert_eq!(names, ["o", "m-75", "other"]);

    only_their_indexes_are_asked(&client).await;
}

/// What a reader would do: no statement looks at what is none of it.
async fn only_their_indexes_are_asked(client: &Client) {
    client.batch_execute("set enable_seqscan = off").await.unwrap();
    let plan = async |statement: &str| {
        let rows = client.query(&format!("explain {statement}"), &[]).await.unwrap();
        rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
    };
    let span = "'2026-02-20', '2026-02-21', '2026-02-19', '2026-03-10', 50001";
    let prepare = |name: &str, text: &str| format!("prepare {name} as {text}");
    let closed = include_str!("../../src/store/sql/conversations_closed.sql");
    let marks = include_str!("../../src/store/sql/conversations_marks.sql");
    let events = include_str!("../../src/store/sql/conversations_events.sql");
    for (name, text) in [("closed", closed), ("marks", marks), ("events", events)] {
        client.batch_execute(&prepare(name, text)).await.unwrap();
    }
    for (call, index) in [
        (format!("execute closed (1, {span})"), "_by_closing"),
        (
            "execute marks (1, '{long,short}', '2026-02-19', '2026-03-10', 5000)".to_owned(),
            "_by_conversation",
        ),
        (
            "execute events (1, '{long,short}', '2026-02-19', '2026-03-10', '{500}')".to_owned(),
            "_by_conversation",
        ),
    ] {
        let plan = plan(&call).await;
        let on_log: Vec<&str> =
            plan.lines().filter(|line| line.contains("Scan") && line.contains(" event_")).collect();
        assert!(!on_log.is_empty() && on_log.iter().all(|line| line.contains(index)), "{call}: {plan}");
    }
}
