//! `dsapi`, the project's first datasource.

use serde_json::json;

use crate::stream::{event, house};

#[tokio::test]
async fn the_alias_means_the_first_datasource_of_the_project() {
    let (_database, house, first) = house().await;
    let second = house.datasource(&first.project, None, false, None).await;
    let alias = |rest: &str| format!("/v1/project/{}/datasource/dsapi{rest}", first.project);
    let probe = house.get(&first.token, &alias("/stream")).await.json();
    assert_eq!(probe["datasource"]["uid"], first.datasource);
    let pushed = house.post(&first.token, &alias("/stream/events"), &json!([event("e", &json!({}))])).await;
    assert_eq!((pushed.status, &pushed.json()["datasourceUid"]), (202, &json!(first.datasource)));
    let again =
        house.post(&first.token, &first.path("/stream/events"), &json!([event("e", &json!({}))])).await;
    assert_eq!(again.outcomes(), ["duplicate"], "one datasource under two names");
    let foreign = house.get(&second.token, &alias("/stream")).await;
    assert_eq!(foreign.code(), "not_found", "the second one's token does not reach the first");
    let (_, product) =
        house.product_token(Some(&first.project), &[tidegate::auth::scope::Scope::ProjectIngestRead]).await;
    assert_eq!(house.get(&product, &alias("/stats")).await.status, 200);
    house.stop().await;
}

#[tokio::test]
async fn the_alias_moves_on_when_the_first_datasource_goes() {
    let (_database, house, first) = house().await;
    let second = house.datasource(&first.project, None, false, None).await;
    house.sql(&format!("update datasource set deleted_at = now() where uid = '{}'", first.datasource)).await;
    house.state.authority.refresh().await.unwrap();
    let alias = format!("/v1/project/{}/datasource/dsapi/stream", first.project);
    assert_eq!(house.get(&second.token, &alias).await.json()["datasource"]["uid"], second.datasource);
    house.stop().await;
}

#[tokio::test]
async fn a_project_without_a_datasource_has_no_alias() {
    let (_database, house, _) = house().await;
    let empty = house.project().await;
    let (_, product) = house.product_token(Some(&empty), tidegate::auth::scope::Scope::ALL).await;
    let reply = house.get(&product, &format!("/v1/project/{empty}/datasource/dsapi/stream")).await;
    assert_eq!(reply.code(), "not_found");
    house.stop().await;
}
