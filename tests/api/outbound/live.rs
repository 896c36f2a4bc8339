//! The stream as it comes.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate::{http::problem::Code, store::keys::End};
use tokio::time::timeout;

use super::{Scene, names};
use crate::problem::check;

/// A client that follows; parses the little of the format that is sent.
struct Client {
    response: reqwest::Response,
    text: String,
    last_id: Option<String>,
}

/// Anything that is to come does so within this time, or the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

impl Client {
    async fn follow(scene: &Scene, query: &str, last_id: Option<&str>) -> Self {
        let mut request =
            scene.house.request("GET", &scene.path(&format!("/live{query}"))).bearer_auth(&scene.reader);
        if let Some(id) = last_id {
            request = request.header("Last-Event-ID", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let mut client = Self { response, text: String::new(), last_id: None };
        let greeting = client.block().await.unwrap();
        client.last_id = greeting.strip_prefix("retry: 2000\nid: ").map(str::to_owned);
        assert!(client.last_id.is_some(), "{greeting}");
        client
    }

    /// The next block, without the empty line behind it; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text = rest.to_owned();
                return Some(block);
            }
            let more = timeout(PATIENCE, self.response.chunk()).await.expect("something comes");
            self.text.push_str(std::str::from_utf8(&more.unwrap()?).unwrap());
        }
    }

    /// The next item; `None` at the end.
    async fn item(&mut self) -> Option<Value> {
        loop {
            let block = self.block().await?;
            if block.starts_with(':') {
                continue;
            }
            let (id, data) = block.split_once('\n').unwrap();
            let item: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(id.strip_prefix("id: "), item["cursor"].as_str());
            self.last_id = Some(id[4..].to_owned());
            return Some(item);
        }
    }

    async fn items(&mut self, count: usize) -> Vec<Value> {
        let mut items = Vec::new();
        while items.len() < count {
            items.push(self.item().await.unwrap());
        }
        items
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_is_told_what_is_new_in_the_order_of_the_pages() {
    let scene = Scene::set().await;
    scene.push_numbered("own", 0..10).await;
    scene.settled(10).await;
    let (mut new, mut old) =
        (Client::follow(&scene, "", None).await, Client::follow(&scene, "?from=2000-01-01", None).await);
    scene.push_numbered("own", 10..350).await;
    scene.push_contacts(&json!([{"_user_id": "u"}])).await;
    let all = scene.settled(351).await;
    assert!(new.items(341).await == all[10..]);
    assert!(old.items(351).await == all);
    scene.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_comes_back_goes_on_where_it_was() {
    let scene = Scene::set().await;
    scene.push_numbered("own", 0..1).await;
    let first = scene.settled(1).await;
    let start = first[0]["cursor"].as_str().unwrap();
    let mut heard: Vec<Value> = first.clone();
    // The cursor in the address grows old: the last id comes first.
    let query = format!("?after={start}&type=own*");
    let pushing = async {
        for at in 0..50 {
            scene.push_numbered("own", 1 + at * 20..1 + (at + 1) * 20).await;
        }
    };
    let following = async {
        let mut last_id: Option<String> = None;
        while heard.len() < 1_001 {
            let mut client = Client::follow(&scene, &query, last_id.as_deref()).await;
            // Cut off in the middle, whatever is on its way.
            let some = usize::min(20, 1_001 - heard.len());
            heard.extend(client.items(some).await);
            last_id = client.last_id;
        }
    };
    tokio::join!(pushing, following);
    assert!(heard == scene.settled(1_001).await, "no gap and no repeat over fifty ends");
    scene.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_hold_for_what_was_missed_and_for_what_is_new() {
    let scene = Scene::set().await;
    scene.push_numbered("own", 0..3).await;
    scene.push_numbered("other", 3..5).await;
    scene.settled(5).await;
    let mut client = Client::follow(&scene, "?from=2000-01-01&type=oth*", None).await;
    assert_eq!(names(&client.items(2).await), ["3", "4"]);
    scene.push_numbered("own", 5..7).await;
    scene.push_numbered("other", 7..8).await;
    assert_eq!(names(&client.items(1).await), ["7"]);
    let reply = scene.house.get(&scene.reader, &scene.path("/live?type=")).await;
    check(&reply, Code::InvalidParameter);
    let reply = scene.house.get(&scene.reader, &scene.path("/live?after=noise")).await;
    check(&reply, Code::InvalidCursor);
    scene.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_key_is_the_end_of_the_stream() {
    let scene = Scene::set().await;
    let scopes = [tidegate::auth::scope::Scope::ProjectStreamRead];
    let (id, key) = scene.house.product_token(Some(&scene.inlet.project), &scopes).await;
    let mut lasting = Client::follow(&scene, "", None).await;
    let scene = Scene { reader: key, ..scene };
    let mut client = Client::follow(&scene, "", None).await;
    scene.house.end_key(id, End::Revoke).await;
    assert!(client.item().await.is_none());
    scene.push_numbered("own", 0..1).await;
    assert_eq!(names(&lasting.items(1).await), ["0"], "nobody else's");
    scene.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_server_is_the_end_of_the_stream() {
    let scene = Scene::set().await;
    let mut client = Client::follow(&scene, "", None).await;
    let (stopped, item) = tokio::join!(scene.house.stop(), client.item());
    assert_eq!((stopped, item), ((), None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_is_broken_by_a_comment() {
    let scene = Scene::set().await;
    let mut client = Client::follow(&scene, "", None).await;
    let began = tokio::time::Instant::now();
    // Other tests move the horizon, and with it the place.
    assert!(client.block().await.unwrap().starts_with(':'));
    assert!(began.elapsed() <= Duration::from_secs(15), "{:?}", began.elapsed());
    // Whoever comes back goes on from where it began, though nothing was sent.
    let place = client.last_id.take();
    drop(client);
    scene.push_numbered("own", 0..1).await;
    let mut back = Client::follow(&scene, "", place.as_deref()).await;
    assert_eq!(names(&back.items(1).await), ["0"]);
    scene.house.stop().await;
}
