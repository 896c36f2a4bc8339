//! `DELETE …?_erase`: nothing that the log kept of a contact can be read any more, and its places stay.

use serde_json::json;

use super::house;

const MARKER: &str = "zanzibar";

#[tokio::test]
async fn nothing_of_an_erased_contact_is_left_but_its_places() {
    let (_database, house, inlet) = house().await;
    let contact = json!([{"_user_id": "ada", "_city": MARKER}, {"_user_id": "bob", "_city": MARKER}]);
    house.post(&inlet.token, &inlet.path("/stream/contacts"), &contact).await;
    let event = |user: &str, id: &str| json!({"_user_id": user, "_event_id": id, "_event_type": "own", "_event_parameters": {"at": MARKER}});
    let events = json!([event("ada", "1"), event("ada", "2"), event("bob", "3")]);
    house.post(&inlet.token, &inlet.path("/stream/events"), &events).await;
    let marked = "select count(*) from event where parameters::text like '%zanzibar%'";
    let rows = "select count(*) from event where kind = 'e' or type <> 'contact.deleted'";
    assert_eq!((house.number(marked).await, house.number(rows).await), (5, 5));

    let path = inlet.path("/stream/contacts/ada");
    let erased = house.delete(&inlet.token, &format!("{path}?_erase")).await;
    assert_eq!((erased.status, erased.outcomes()), (200, vec!["deleted".to_owned()]), "{}", erased.text);
    assert_eq!((house.number(marked).await, house.number(rows).await), (2, 5), "what is left is bob's");
    assert_eq!(
        house.number("select count(*) from contact where attributes::text like '%zanzibar%'").await,
        1
    );
    assert_eq!(house.get(&inlet.token, &path).await.code(), "contact_not_found");
    let again = house.post(&inlet.token, &inlet.path("/stream/events"), &json!([event("ada", "1")])).await;
    assert_eq!(again.outcomes(), ["duplicate"], "the claim on its id stays");
    assert_eq!(house.number("select count(*) from audit where action = 'contact.erase'").await, 1);
    assert_eq!(house.number("select count(*) from audit where detail::text like '%ada%'").await, 0);
    house.stop().await;
}

#[tokio::test]
async fn what_was_deleted_before_can_still_be_erased() {
    let (_database, house, inlet) = house().await;
    let path = inlet.path("/stream/contacts/ada");
    let contact = json!([{"_user_id": "ada", "_city": MARKER}]);
    house.post(&inlet.token, &inlet.path("/stream/contacts"), &contact).await;
    assert_eq!(house.delete(&inlet.token, &path).await.json()["entitiesSuccess"], 1);
    let marked = "select count(*) from event where parameters::text like '%zanzibar%'";
    assert_eq!(house.number(marked).await, 1);
    let erased = house.delete(&inlet.token, &format!("{path}?_erase=1")).await;
    assert_eq!((erased.status, &erased.json()["entitiesSuccess"]), (200, &json!(0)));
    assert_eq!(house.number(marked).await, 0);
    assert_eq!(house.delete(&inlet.token, &format!("{path}?_erase=maybe")).await.code(), "invalid_parameter");
    house.stop().await;
}
