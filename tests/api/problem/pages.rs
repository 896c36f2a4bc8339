//! What documents say behind the `type` of a problem.

use tidegate::http::{errors_page, problem::Code};

use crate::support::{
    house::{Reply, TestHouse},
    postgres::TestDatabase,
};

#[tokio::test]
async fn every_type_leads_to_an_anchor() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let page = Reply::of(house.request("GET", "/docs/errors")).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    for code in Code::ALL {
        assert!(page.text.contains(&format!("id=\"{}\"", code.as_str())), "{}", code.as_str());
    }
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.text.contains(outside), "the page works offline, but has {outside}");
    }
    house.stop().await;
}

#[test]
fn the_file_in_the_repository_is_the_list() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md");
    let file = std::fs::read_to_string(path).unwrap_or_default();
    assert!(file == errors_page::markdown(), "write it again: cargo run -- errors > docs/errors.md");
}
