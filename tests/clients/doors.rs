//! The doors, by the lines in docs/api.md.

use serde_json::{Value, json};
use tidegate::auth::single::Single;

use crate::{
    folder::Folder,
    home::{Ran, bare},
    support::{house::TestHouse, manual, postgres::TestDatabase},
};

/// The lines of the page below a heading.
fn lines(heading: &str) -> String {
    let page = manual::read("docs/api.md");
    let section = manual::section(&page, heading);
    section.split("```sh\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
}

/// Runs lines with a key in the variable that they name, and reads what they print, one document after the other.
async fn run(house: &TestHouse, heading: &str, variable: &str, key: &str) -> Vec<Value> {
    let folder = Folder::below(&std::env::temp_dir());
    let mut command = bare("bash", folder.path());
    command.args(["-euo", "pipefail", "-c", &lines(heading)]);
    command.env("TIDEGATE_URL", &house.base).env(variable, key);
    let ran = Ran::of(command).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    let documents = serde_json::Deserializer::from_str(&ran.out).into_iter();
    documents.map(|document| document.unwrap_or_else(|error| panic!("{error}: {ran:?}"))).collect()
}

#[tokio::test]
async fn the_lines_of_the_page_work() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let project = house.project().await;
    house.state.authority.refresh().await.unwrap();

    let key = house.single_key(&project, Single::Instance).await;
    let said = run(&house, "### Core data", "INSTANCE_KEY", &key).await;
    let [found, changed, gone] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(
        (&found["total_entries"], &found["results"][0]["custom_field.plan"]),
        (&json!(1), &json!("gold"))
    );
    assert_eq!((&changed["last_name"], changed.get("custom_field.plan")), (&json!("King"), None));
    assert_eq!(gone["uuid"], changed["uuid"]);

    let key = house.single_key(&project, Single::EventStream).await;
    let said = run(&house, "### Events by event-stream key", "EVENT_STREAM_KEY", &key).await;
    let [stored, listed, streamed] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(*stored, json!({"uuid": "call-17"}));
    assert_eq!(listed["results"][0]["log"], json!({"seconds": 12}));
    assert_eq!(streamed["items"][0]["type"], "contact.created");
    house.stop().await;
}
