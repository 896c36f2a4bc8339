//! Every statement fits the schema.

use std::{fs, path::Path};

use crate::support::postgres::TestDatabase;

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/sql");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "there are no statements");
    for file in &files {
        let statement = fs::read_to_string(file).unwrap();
        if let Err(error) = client.prepare(&statement).await {
            panic!("{}: {error:?}", file.display());
        }
    }
}
