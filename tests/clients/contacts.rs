//! Pushing contacts.

use rstest::rstest;
use serde_json::json;

use crate::{
    gateway::{Gateway, Turn},
    script::{Access, Input, Language, told},
    support::{house::TestHouse, postgres::TestDatabase},
};

const TASK: &str = "push-contacts";

#[rstest]
#[tokio::test]
async fn contacts_are_stored_and_told(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let access = Access::to(&house, &inlet);
    let ran = access.run(language, TASK, None).await;
    assert_eq!(told(&ran), [["created", "ada", ""], ["created", "grace", ""]]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let ran = access.run(language, TASK, None).await;
    assert_eq!(told(&ran), [["unchanged", "ada", ""], ["unchanged", "grace", ""]]);
    assert_eq!(ran.code, Some(0));
    let stored = house.get(&inlet.token, &inlet.path("/stream/contacts/grace")).await.json();
    let wanted = json!({ "_user_id": "grace", "_email": "grace@example.com", "favourite_colour": "green" });
    assert_eq!(stored["contact"]["contactData"], wanted);
    assert_eq!(house.number("select count(*) from contact").await, 2);
    house.stop().await;
}

#[rstest]
#[tokio::test]
async fn a_bad_contact_is_named_and_fails_alone(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let access = Access::to(&house, &inlet);
    let bad = json!({ "_user_id": "alan", "_email": "not an address" });
    let batch = json!([{ "_user_id": "Zoë", "_city": "Łódź" }, bad, "no object"]);
    let reasons = [
        ["invalid", "alan", "_email: is not a valid e-mail address"],
        ["invalid", "(item 2)", "must be a JSON object"],
    ];
    let mixed = access.run(language, TASK, Some(Input::of(&batch.to_string()).await.path())).await;
    assert_eq!(told(&mixed), [["created", "Zoë", ""], reasons[0], reasons[1]]);
    assert_eq!((mixed.code, mixed.err.as_str()), (Some(1), ""));
    assert_eq!(house.number("select count(*) from contact where user_id = 'Zoë'").await, 1);
    assert_eq!(house.number("select count(*) from contact").await, 1);

    // 422: the same shape, and no problem of the whole request.
    let batch = json!([bad]).to_string();
    let all_bad = access.run(language, TASK, Some(Input::of(&batch).await.path())).await;
    assert_eq!(told(&all_bad), [reasons[0]]);
    assert_eq!((all_bad.code, all_bad.err.as_str()), (Some(1), ""));
    house.stop().await;
}

#[rstest]
#[tokio::test]
async fn a_problem_of_the_whole_request_is_told_with_its_code_and_id(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let gateway = Gateway::before(&house.base, &[]).await;
    let access = Access::to(&house, &inlet).by(&gateway.url);
    let crowd: serde_json::Value = (0..101).map(|at| json!({ "_user_id": at.to_string() })).collect();
    let crowd = Input::of(&crowd.to_string()).await;
    let too_many = access.run(language, TASK, Some(crowd.path())).await;
    let stranger = Access { token: "tgd_unknown".into(), ..access.clone() };
    let unknown = stranger.run(language, TASK, None).await;
    let exchanges = gateway.exchanges();
    for (ran, exchange, code) in
        [(too_many, &exchanges[0], "400 too_many_items"), (unknown, &exchanges[1], "401 invalid_token")]
    {
        let problem: serde_json::Value = serde_json::from_str(&exchange.got).unwrap();
        let text = |name: &str| problem[name].as_str().unwrap().to_owned();
        let told = format!("{code}: {} (request {})\n", text("detail"), text("request_id"));
        assert_eq!((ran.code, ran.out.as_str(), ran.err), (Some(2), "", told));
    }
    assert_eq!(house.number("select count(*) from contact").await, 0);
    house.stop().await;
}

#[rstest]
#[tokio::test]
async fn what_is_no_answer_of_the_server_is_no_success(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let turns = [Turn::Page(502), Turn::Page(301), Turn::CutRequest];
    let gateway = Gateway::before(&house.base, &turns).await;
    let access = Access::to(&house, &inlet).by(&gateway.url);
    for turn in turns {
        let ran = access.run(language, TASK, None).await;
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{turn:?}: {ran:?}");
        assert_ne!(ran.err, "", "{turn:?}");
    }
    assert_eq!(gateway.statuses(), [502, 301, 0], "nothing is tried twice, no redirect is followed");
    assert_eq!(house.number("select count(*) from contact").await, 0);
    house.stop().await;
}
