//! What validation lets through, the database takes, and gives back as it was.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, TestCaseError, TestRunner},
};
use tidegate::{
    domain::{
        batch::{Batch, Draft, Rules},
        canon::canonical,
        caps::Caps,
        catalogue::Catalogue,
        contact::{Change, Contact, ContactDraft},
        country::Country,
        event::EventDraft,
        ids::Inlet,
        json::quote,
    },
    ingest::{ContactOp, Outcome, Receipt, Work},
};
use tokio::runtime::Runtime;
use tokio_postgres::Client;

use super::station::{Station, append, one_lane, rows};
use crate::support::postgres::TestDatabase;

/// A fixed number of cases, each a batch in one commit.
const CASES: u32 = 300;

fn parse<T: Draft>(items: &[String]) -> Vec<T> {
    let caps = Caps::default();
    let rules = Rules {
        caps: &caps,
        catalogue: Catalogue::builtin(),
        strict: false,
        default_country: Country::parse("DE"),
        now: "2026-11-20T12:00:00Z".parse().unwrap(),
    };
    let body = format!("[{}]", items.join(","));
    let batch = Batch::parse(Inlet { project: 1, datasource: 1 }, body.as_bytes(), &rules).unwrap();
    batch.items.into_iter().filter_map(|item| item.verdict.ok()).collect()
}

/// JSON strings: plain, escaped, of every plane, and the ones that must not get through.
fn string() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<String>().prop_map(|text| quote(&text)),
        1 => "[\\x01-\\x7f]{0,12}".prop_map(|text| quote(&text)),
        2 => select(vec![
            r#""\u0000""#, r#""a\u0000b""#, r#""\ud800""#, r#""\udc00""#, r#""\ud800x""#,
            r#""\udc00\ud800""#, r#""\ud83d\ude00""#, r#""\uffff\ufffe""#,
            r#""\u0001\u001f\u007f""#, r#""\\u0000""#, r#""\u005cu0000""#, r#""\"\/\b\f\n\r\t""#, "\"\u{10ffff}\"",
            "\"\u{feff}\u{202e}\u{200b}\"", "\"e\u{301}\"", "\"\u{e9}\"", r#""""#,
        ])
        .prop_map(String::from),
    ]
}

/// Numbers: tame, exact, huge, tiny, and the ones that must not get through.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => "-?(0|[1-9][0-9]{0,25})",
        2 => "-?(0|[1-9][0-9]{0,9})\\.[0-9]{1,40}([eE][+-]?[0-9]{1,3})?",
        2 => select(vec![
            "-0", "-0.0", "0e0", "1e308", "-1E+308", "1e-308", "1.7976931348623157e308", "9.99e307", "5e-324", "1e309",
            "1e400000", "1e-20000", "1E131072", "1.50", "1.5", "100e-2", "9007199254740993", "0.1000000000000000055511151",
        ])
        .prop_map(String::from),
        1 => (1usize..70).prop_map(|digits| format!("0.{}1", "0".repeat(digits))),
        1 => (60usize..70).prop_map(|digits| "9".repeat(digits)),
    ]
}

fn object(members: &[(String, String)]) -> String {
    let members: Vec<_> = members.iter().map(|(name, value)| format!("{}:{value}", quote(name))).collect();
    format!("{{{}}}", members.join(" , "))
}

/// JSON texts of any shape; names may come twice.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![select(vec!["null", "true", "false"]).prop_map(String::from), number(), string()];
    let shallow = leaf.prop_recursive(4, 24, 5, |inner| {
        let names = prop_oneof!["[a-c]", any::<String>(), Just(String::new()), Just("__proto__".to_owned())];
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join("\n,"))),
            vec((names, inner), 0..5).prop_map(|members| object(&members)),
        ]
    });
    let deep = (25usize..36, any::<bool>()).prop_map(|(depth, lists)| match lists {
        true => format!("{}1{}", "[".repeat(depth), "]".repeat(depth)),
        false => format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)),
    });
    prop_oneof![9 => shallow, 1 => deep]
}

/// A string that may pass for an id, up to its limit and beyond.
fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "\\PC{1,20}".prop_map(|text| quote(&text)),
        2 => string(),
        1 => (250usize..258).prop_map(|length| quote(&"i".repeat(length))),
        1 => (60usize..66).prop_map(|length| quote(&"\u{1f600}".repeat(length))),
    ]
}

/// Values that some type of attribute takes.
fn typed() -> impl Strategy<Value = String> {
    let texts = select(vec![
        "Ada.L@Example.org",
        "ü@bücher.de",
        "x@y",
        "+4930901820",
        "030 901820",
        "2026-02-29",
        "1999-12-31",
        "0001-01-01",
        "9999-12-31T23:59:60Z",
        "2026-11-20T12:00:00+14:00",
        "1969-12-31T23:59:59.999999999Z",
        "de",
        "DE",
        "zh-Hant-TW",
        "EUR",
        "https://user@example.org:8080/\u{e4}?q#f",
        "male",
        "true",
        "12.50",
        "",
        " ",
    ])
    .prop_map(quote);
    prop_oneof![3 => texts.clone(), 1 => vec(texts, 0..4).prop_map(|all| format!("[{}]", all.join(","))), 1 => json()]
}

fn contact() -> impl Strategy<Value = String> {
    let known: Vec<String> =
        Catalogue::builtin().attributes().iter().map(|spec| spec.uid.to_string()).collect();
    let custom = (prop_oneof!["[a-z]{1,3}", any::<String>()], json());
    (id(), vec((select(known), typed()), 0..3), vec(custom, 0..3)).prop_map(|(id, known, custom)| {
        let members: BTreeMap<String, String> =
            known.into_iter().chain(custom).chain([("_user_id".to_owned(), id)]).collect();
        object(&members.into_iter().collect::<Vec<_>>())
    })
}

fn event() -> impl Strategy<Value = String> {
    let known: Vec<String> = Catalogue::builtin().events().iter().map(|spec| spec.uid.to_string()).collect();
    let kinds = prop_oneof![select(known).prop_map(|kind| quote(&kind)), id()];
    let custom = vec((prop_oneof!["[a-z_]{1,8}", any::<String>()], json()), 0..4);
    let dates = prop_oneof![
        Just("null".to_owned()),
        "\"20(25|26)-1[01]-[0-2][0-9]T[0-2][0-9]:00:00(Z|[+-]0[0-9]:30)\"",
        typed()
    ];
    (id(), id(), kinds, dates, custom).prop_map(|(user, id, kind, date, parameters)| {
        let parameters =
            object(&parameters.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect::<Vec<_>>());
        let members = [
            ("_user_id", user),
            ("_event_id", id),
            ("_event_type", kind),
            ("_event_date", date),
            ("_event_parameters", parameters),
        ];
        object(&members.map(|(name, value)| (name.to_owned(), value)))
    })
}

/// Runs the cases against one database and one writer; `try_one` gets a batch and a datasource of its own.
fn run<S: Strategy<Value = String>>(
    item: S,
    try_one: impl Fn(&Runtime, &Station, &Client, i64, &[String]) -> Result<(), TestCaseError>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(TestDatabase::create());
    let (client, station) = runtime
        .block_on(async { (database.client().await, Station::start(&database.config, one_lane()).await) });
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 300,
        ..Config::default()
    });
    let datasource = std::cell::Cell::new(0);
    let result = runner.run(&vec(item, 1..20), |items| {
        datasource.set(datasource.get() + 1);
        try_one(&runtime, &station, &client, datasource.get(), &items)
    });
    runtime.block_on(station.stop());
    result.unwrap();
    let stored = runtime.block_on(rows(&client, "event"));
    assert!(stored > i64::from(CASES), "only {stored} items passed: the generators are too wild");
}

async fn store(station: &Station, datasource: i64, work: Work) -> Result<Receipt, TestCaseError> {
    let answer = append(&station.handle, datasource, work).await;
    answer.map_err(|refused| TestCaseError::fail(format!("{refused:?}")))
}

#[test]
fn events_that_pass_are_stored_as_they_are() {
    run(event(), |runtime, station, client, datasource, items| {
        let mut drafts: Vec<EventDraft> = parse(items);
        let mut seen = BTreeSet::new();
        drafts.retain(|draft| seen.insert(draft.event_id.clone()));
        runtime.block_on(async {
            let receipt = store(station, datasource, Work::Events(drafts.iter().collect())).await?;
            prop_assert!(receipt.outcomes.iter().all(|outcome| *outcome == Outcome::Stored), "{receipt:?}");
            let again = store(station, datasource, Work::Events(drafts.iter().collect())).await?;
            prop_assert!(again.outcomes.iter().all(|outcome| *outcome == Outcome::Duplicate), "{again:?}");
            let query = "select event_id, user_id, type, occurred_at, parameters::text from event
                         where datasource_id = $1 order by id";
            let rows = client.query(query, &[&datasource]).await.unwrap();
            prop_assert_eq!(rows.len(), drafts.len());
            for (row, draft) in rows.iter().zip(&drafts) {
                prop_assert_eq!(row.get::<_, &str>(0), &draft.event_id);
                prop_assert_eq!(row.get::<_, &str>(1), &draft.user_id);
                prop_assert_eq!(row.get::<_, &str>(2), &draft.event_type);
                prop_assert_eq!(row.get::<_, jiff::Timestamp>(3), draft.occurred_at);
                prop_assert_eq!(row.get::<_, &str>(4), &draft.parameters);
            }
            Ok(())
        })
    });
}

#[test]
fn contacts_that_pass_are_stored_as_they_mean() {
    run(contact(), |runtime, station, client, datasource, items| {
        let mut drafts: Vec<ContactDraft> = parse(items);
        let mut seen = BTreeSet::new();
        drafts.retain(|draft| seen.insert(draft.user_id.clone()));
        runtime.block_on(async {
            let work = Work::Contacts(drafts.iter().cloned().map(ContactOp::Upsert).collect());
            let receipt = store(station, datasource, work.clone()).await?;
            prop_assert!(receipt.outcomes.iter().all(|outcome| *outcome == Outcome::Created), "{receipt:?}");
            let again = store(station, datasource, work).await?;
            prop_assert!(again.outcomes.iter().all(|outcome| *outcome == Outcome::Unchanged), "{again:?}");
            let query = "select attributes::text from contact where datasource_id = $1 and user_id = $2";
            for draft in &drafts {
                let row = client.query_one(query, &[&datasource, &draft.user_id]).await.unwrap();
                let stored = Contact::from_json(row.get(0)).unwrap();
                let stored: BTreeMap<_, _> =
                    stored.attributes.iter().map(|(name, text)| (name.clone(), canonical(text))).collect();
                let wanted = draft.changes.iter().filter_map(|(name, change)| match change {
                    Change::Set(text) => Some((name.clone(), canonical(text))),
                    Change::Clear => None,
                });
                prop_assert_eq!(stored, wanted.collect::<BTreeMap<_, _>>());
            }
            Ok(())
        })
    });
}
