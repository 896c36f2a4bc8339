//! The filter on types, which the database and the tail each apply in their own way.

use std::cell::Cell;

use proptest::{
    collection::vec,
    prelude::*,
    sample::Index,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use tidegate::{
    domain::pattern::Patterns,
    store::{Database, Role, lane::Lane, outbound},
};

use super::{AT_ONCE, page, projects, read, write};
use crate::{station::until, support::postgres::TestDatabase};

/// Names of types that share beginnings, hold what means something to `like` and to regular expressions, or letters of several bytes.
fn names() -> impl Strategy<Value = Vec<String>> {
    let piece = prop_oneof![
        Just("a".to_owned()),
        Just("contact.".to_owned()),
        "[a-c.%_\\\\\\[^$é東\u{10ffff} -]{1,4}",
        "\\PC{1,3}".prop_map(|text| text.replace('*', "")),
    ];
    let name =
        vec(piece, 1..4).prop_map(|pieces| pieces.concat()).prop_filter("a name", |name| !name.is_empty());
    vec(name, 300)
}

/// Patterns of names that there are, of their beginnings, and of others.
fn patterns() -> impl Strategy<Value = Vec<(Index, Index, bool, bool)>> {
    vec(any::<(Index, Index, bool, bool)>(), 0..5)
}

/// A pattern of the type at an index, cut at another.
fn pattern(types: &[String], (of, cut, whole, star): (Index, Index, bool, bool)) -> String {
    let name = of.get(types);
    let letters: Vec<char> = name.chars().collect();
    let taken = if whole { letters.len() } else { cut.index(letters.len() + 1) };
    let text: String = letters[..taken].iter().collect();
    if star || text.is_empty() { format!("{text}*") } else { text }
}

#[test]
fn the_database_and_the_tail_choose_the_same_types() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    let types = names().new_tree(&mut runner).unwrap().current();
    let (test, pool) = runtime.block_on(async {
        let test = TestDatabase::create().await;
        let database = Database::new(test.config.clone());
        projects(&database).await;
        let mut lane = Lane::open(&database).await.unwrap();
        for (lot, types) in types.chunks(50).enumerate() {
            let written = types.iter().enumerate().map(|(at, name)| (name.clone(), format!("{lot}-{at}")));
            write(&mut lane, 1, &[(1, written.collect())], AT_ONCE).await.unwrap();
        }
        let pool = database.pool(Role::Read, 1).unwrap();
        until("it is settled", async || read(&pool, None, 1_000).await.0.len() == 300).await;
        (test, pool)
    });
    let some = Cell::new(0);
    runner
        .run(&patterns(), |drawn| {
            let texts: Vec<String> = drawn.into_iter().map(|one| pattern(&types, one)).collect();
            let patterns = Patterns::parse(&texts, 128).unwrap();
            let found = runtime.block_on(page(&pool, None, &patterns, outbound::LONGEST));
            prop_assert!(found.caught_up);
            let found: Vec<&String> = found.items.iter().map(|item| &item.event_type).collect();
            let wanted: Vec<&String> = types.iter().filter(|name| patterns.matches(name)).collect();
            prop_assert_eq!(&found, &wanted, "{:?}", texts);
            some.set(some.get() + usize::from(!wanted.is_empty() && wanted.len() < types.len()));
            Ok(())
        })
        .unwrap();
    assert!(some.get() > 30, "{} filters chose some and not all", some.get());
    drop(test);
}
