//! The page to browse the document: whole, from this server alone.

use crate::support::{
    house::{Reply, TestHouse},
    postgres::TestDatabase,
};

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let page = Reply::of(house.request("GET", "/docs")).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'self';"), "{policy}");
    for outside in ["http:", "https:", "*", "unsafe-eval", "script-src"] {
        assert!(!policy.contains(outside), "{policy}");
    }
    assert!(!page.text.contains("//"), "{}", page.text);

    let loaded: Vec<&str> =
        page.text.split(['"']).filter(|text| text.starts_with("docs/") || *text == "openapi.json").collect();
    assert_eq!(loaded, ["docs/swagger-ui.css", "openapi.json", "docs/swagger-ui-bundle.js", "docs/start.js"]);
    for file in loaded {
        let reply = Reply::of(house.request("GET", &format!("/{file}"))).await;
        let kind = match file.rsplit_once('.').unwrap().1 {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            _ => "application/json",
        };
        assert_eq!((reply.status, reply.header("content-type")), (200, kind), "{file}");
        assert!(!reply.text.is_empty(), "{file}");
        if kind.starts_with("text/css") {
            for outside in ["url(http", "url(\"http", "url('http", "url(//", "@import"] {
                assert!(!reply.text.contains(outside), "{file} loads {outside}");
            }
        }
    }
    let start = Reply::of(house.request("GET", "/docs/start.js")).await;
    assert!(
        start.text.contains("validatorUrl: null"),
        "the badge would ask a server elsewhere: {}",
        start.text
    );
    house.stop().await;
}
