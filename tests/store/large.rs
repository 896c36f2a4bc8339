//! The stream of a day that is too large to be asked the index for every page: rows are found by where they lie.

use tidegate::{
    domain::{cursor::Cursor, pattern::Patterns},
    store::{
        Database, Pool, Role,
        outbound::{self, Wanted},
    },
};

use crate::support::postgres::TestDatabase;

/// Four hundred lots of a hundred rows of two projects in turn, some of a rare type; nearly five thousand pages.
const FILL: &str = "
    insert into organization (uid, name) values ('org_a', 'a');
    insert into project (organization_id, uid, name) select id, 'proj_' || n, 'p' from organization, generate_series(1, 2) n;
    insert into datasource (project_id, uid, name) select id, 'ds_' || id, 'd' from project order by id;
    insert into epoch (n, system_identifier, timeline) values (1, 1, 1), (2, 1, 1);
    insert into lot (project_id, epoch, tx, first_id, last_id, datasource_id, events, contacts, contacts_net, id_sum, contact_sum, received_at)
    select d.project_id, 1, (10 + l)::text::xid8, 1 + l * 100, 100 + l * 100, d.id, 100, 0, 0, 0, 0,
           date_trunc('day', now()) + l * interval '10 ms'
    from generate_series(0, 399) l join datasource d on d.id = 1 + l % 2;
    insert into event (id, project_id, datasource_id, received_at, occurred_at, kind, type, user_id, event_id, parameters)
    select 1 + n, l.project_id, l.datasource_id, l.received_at, now(), 'e', case when n % 999 = 0 then 'rare' else 'usual' end,
           'user-' || n % 1000, 'ev-' || n, json_build_object('text', repeat('x', 900))
    from generate_series(0, 39999) n join lot l on n + 1 between l.first_id and l.last_id and l.tx = (10 + n / 100)::text::xid8
    order by n;
    analyze event; analyze lot";

async fn ids(pool: &Pool, patterns: &[&str], after: Option<Cursor>, limit: usize) -> Vec<String> {
    let patterns = Patterns::parse(patterns, 100).unwrap();
    let mut ids = Vec::new();
    let mut after = after;
    loop {
        let wanted = Wanted { project: 1, after, patterns: &patterns, datasources: None, limit };
        let page = outbound::page(pool, &wanted).await.unwrap();
        ids.extend(page.items.into_iter().filter_map(|item| item.event_id));
        if page.caught_up {
            return ids;
        }
        after = Some(page.next);
    }
}

fn expected(wanted: impl Fn(usize) -> bool) -> Vec<String> {
    (0..40_000).filter(|n| n / 100 % 2 == 0 && wanted(*n)).map(|n| format!("ev-{n}")).collect()
}

#[tokio::test]
async fn a_large_day_is_read_whole_wherever_its_rows_lie() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    client.batch_execute(FILL).await.unwrap();
    let pages = "select pg_relation_size('event_' || to_char(now() at time zone 'utc', 'YYYYMMDD')) / 8192";
    assert!(client.query_one(pages, &[]).await.unwrap().get::<_, i64>(0) > 4_096);
    let pool = Database::new(database.config.clone()).pool(Role::Read, 2).unwrap();
    assert!(ids(&pool, &[], None, 1_000).await == expected(|_| true));
    assert_eq!(ids(&pool, &["rare"], None, 100).await, expected(|n| n % 999 == 0));
    // From the middle of a lot near the end on.
    let place = Cursor { epoch: 1, tx: 10 + 390, id: 39_050 };
    assert_eq!(ids(&pool, &[], Some(place), 70).await, expected(|n| n >= 39_050));
    // An erasure moves rows to the end of the table, and a purge takes some away.
    let moved = "update event set parameters = '{}' where user_id in ('user-7', 'user-207');
                 delete from event where id between 10001 and 15000";
    client.batch_execute(moved).await.unwrap();
    let left = |n: usize| !(10_000..15_000).contains(&n);
    assert!(ids(&pool, &[], None, 1_000).await == expected(left));
    // Pages that end inside of a lot: what has moved is not made up for by what comes behind the limit.
    assert!(ids(&pool, &[], None, 70).await == expected(left));
    assert_eq!(ids(&pool, &["rare"], None, 100).await, expected(|n| n % 999 == 0 && left(n)));
    // A vacuum leaves pages without rows behind, and room that new rows are put into.
    client.batch_execute("vacuum event").await.unwrap();
    assert!(ids(&pool, &[], None, 1_000).await == expected(left));
}
