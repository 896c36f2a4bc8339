//! The list of columns in `docs/architecture.md` is the schema, column by column.

use std::collections::BTreeSet;

use crate::support::postgres::TestDatabase;

/// `table.column` for every table row below a heading `### table`.
fn documented() -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/architecture.md");
    let text = std::fs::read_to_string(path).unwrap();
    let section = text.split_once("## The tables").unwrap().1;
    let mut table = "";
    let mut columns = BTreeSet::new();
    for line in section.lines().take_while(|line| !line.starts_with("## ")) {
        if let Some(name) = line.strip_prefix("### ") {
            table = name.trim_matches('`');
        } else if let Some(rest) = line.strip_prefix("| `") {
            let column = rest.split('`').next().unwrap();
            assert!(columns.insert(format!("{table}.{column}")), "{table}.{column} is listed twice");
        }
    }
    columns
}

#[tokio::test]
async fn every_column_is_explained_and_nothing_else() {
    let database = TestDatabase::create().await;
    let rows = database
        .client()
        .await
        .query(
            "select c.relname || '.' || a.attname
             from pg_attribute a join pg_class c on c.oid = a.attrelid
             where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
               and a.attnum > 0 and not a.attisdropped and c.relname <> 'refinery_schema_history'",
            &[],
        )
        .await
        .unwrap();
    let stored: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let documented = documented();
    let missing: Vec<_> = stored.difference(&documented).collect();
    let invented: Vec<_> = documented.difference(&stored).collect();
    assert!(missing.is_empty() && invented.is_empty(), "not explained: {missing:?}; not there: {invented:?}");
}
