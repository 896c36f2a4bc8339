//! Reading a contact.

use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    script::{Access, Language},
    support::{house::TestHouse, postgres::TestDatabase},
};

const TASK: &str = "read-contact";

#[rstest]
#[tokio::test]
async fn a_contact_is_printed_whatever_its_id(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let access = Access::to(&house, &inlet);
    let ids = ["ada", "a@b.c+d", "../a/b?c=d#e%2F", "Zoë 100 %", "東京"];
    let batch: Value = ids.iter().map(|id| json!({ "_user_id": id, "_note": format!("of {id}") })).collect();
    assert_eq!(house.post(&inlet.token, &inlet.path("/stream/contacts"), &batch).await.status, 202);
    for id in ids {
        let ran = access.run(language, TASK, Some(id)).await;
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{id}");
        let contact: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(contact["contactData"], json!({ "_user_id": id, "_note": format!("of {id}") }));
        assert!(contact["contactId"].is_string() && contact["updatedAt"].is_string(), "{contact}");
    }
    house.stop().await;
}

#[rstest]
#[tokio::test]
async fn no_contact_is_an_answer_and_no_datasource_is_a_problem(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let access = Access::to(&house, &inlet);
    let none = access.run(language, TASK, Some("nobody")).await;
    assert_eq!((none.code, none.out.as_str(), none.err.as_str()), (Some(0), "null\n", ""));
    let elsewhere = Access { datasource: "ds_unknown".into(), ..access };
    let problem = elsewhere.run(language, TASK, Some("nobody")).await;
    assert_eq!((problem.code, problem.out.as_str()), (Some(2), ""));
    assert!(problem.err.starts_with("404 not_found: "), "{problem:?}");
    house.stop().await;
}
