//! Clients that push the same at the same time.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::stream::{contact_data, contacts, event, events, house};

fn count(answers: &[Vec<String>], outcome: &str) -> usize {
    answers.iter().flatten().filter(|found| *found == outcome).count()
}

#[tokio::test]
async fn the_same_events_in_parallel_are_stored_once() {
    let (_database, house, inlet) = house().await;
    // Every client begins elsewhere in the same fifty, so that batches meet in different orders.
    let batch = |first: usize| -> Value {
        (0..50).map(|at| event(&format!("e{}", (first + at) % 50), &json!({}))).collect()
    };
    let pushes = (0..16).map(|client| {
        let (house, inlet) = (&house, &inlet);
        async move { events(house, inlet, &batch(client * 7)).await.outcomes() }
    });
    let answers = join_all(pushes).await;
    assert_eq!((count(&answers, "stored"), count(&answers, "duplicate")), (50, 15 * 50));
    assert_eq!(house.number("select count(*) from event").await, 50);
    assert_eq!(house.number("select count(distinct event_id) from event").await, 50);
    house.stop().await;
}

#[tokio::test]
async fn of_conflicting_events_in_parallel_exactly_one_is_first() {
    let (_database, house, inlet) = house().await;
    let pushes = (0..12).map(|client| {
        let (house, inlet) = (&house, &inlet);
        async move { events(house, inlet, &json!([event("e", &json!({"amount": client}))])).await.outcomes() }
    });
    let answers = join_all(pushes).await;
    assert_eq!((count(&answers, "stored"), count(&answers, "conflict")), (1, 11));
    house.stop().await;
}

#[tokio::test]
async fn the_same_contacts_in_parallel_are_made_once_and_merged() {
    let (_database, house, inlet) = house().await;
    let pushes = (0..12).map(|client: usize| {
        let (house, inlet) = (&house, &inlet);
        let batch: Value = (0..20)
            .map(|at| json!({"_user_id": format!("u{}", (client + at) % 20), format!("a{client}"): client}))
            .collect();
        async move { contacts(house, inlet, &batch).await.outcomes() }
    });
    let answers = join_all(pushes).await;
    assert_eq!((count(&answers, "created"), count(&answers, "updated")), (20, 11 * 20));
    assert_eq!(contact_data(&house, &inlet, "u7").await.as_object().unwrap().len(), 13, "nothing was lost");
    let stats = house.get(&inlet.token, &inlet.path("/stats")).await.json();
    assert_eq!(stats["contacts"]["total"], 20);
    house.stop().await;
}

#[tokio::test]
async fn pushing_and_deleting_one_contact_in_parallel_leaves_one_truth() {
    let (_database, house, inlet) = house().await;
    let work = (0..24).map(|at| {
        let (house, inlet) = (&house, &inlet);
        async move {
            if at % 3 == 0 {
                let reply = house.delete(&inlet.token, &inlet.path("/stream/contacts/u")).await;
                assert_eq!(reply.status, 200, "{}", reply.text);
            } else {
                let reply = contacts(house, inlet, &json!([{"_user_id": "u", "n": at}])).await;
                assert_eq!(reply.status, 202, "{}", reply.text);
            }
        }
    });
    join_all(work).await;
    let there = house.number("select count(*) from contact").await;
    let stats = house.get(&inlet.token, &inlet.path("/stats")).await.json();
    assert_eq!(stats["contacts"]["total"], there);
    let ended = "select (count(*) filter (where type = 'contact.created')
                 - count(*) filter (where type = 'contact.deleted'))::bigint from event";
    assert_eq!(house.number(ended).await, there, "the log tells the same");
    house.stop().await;
}
