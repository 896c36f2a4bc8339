//! One who follows the stream live and is broken off again and again.

use std::{sync::Arc, time::Duration};

use reqwest::Response;
use serde_json::Value;
use tidegate::domain::cursor::Cursor;
use tokio::time::{Instant, timeout_at};

use super::{Dice, concurrent::Truth};

/// A connection on which nothing comes for so long is given up; the end may have been known only after the last item.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the stream is followed.
pub struct Live {
    pub http: reqwest::Client,
    /// Its address.
    pub url: String,
    pub key: String,
}

impl Live {
    /// A connection that goes on behind an id; from the beginning without. `None` where the server asks to come again.
    async fn connect(&self, last_id: Option<&str>) -> Option<Response> {
        let request = self.http.get(format!("{}?from=2000-01-01", self.url)).bearer_auth(&self.key);
        let request = match last_id {
            Some(id) => request.header("Last-Event-ID", id),
            None => request,
        };
        let response = request.send().await.unwrap();
        if response.status() == 503 {
            return None;
        }
        assert_eq!(response.status(), 200);
        Some(response)
    }
}

/// Follows until the last item has come. Each connection is given up after a random number of items, every third also a random time
/// after the first of them, in the middle of whatever is on its way.
pub async fn follower(live: Live, mut dice: Dice, truth: Arc<Truth>) -> Vec<String> {
    let (mut heard, mut last_id) = (Vec::new(), None);
    loop {
        let Some(mut response) = live.connect(last_id.as_deref()).await else { continue };
        let hasty = dice.one_in(3).then(|| Duration::from_millis(dice.within(0..200)));
        let (mut text, mut most) = (String::new(), dice.within(1..2_000));
        let (mut until, began) = (Instant::now() + PATIENCE, heard.len());
        // What is left when nobody writes any more may be less than that.
        while most > 0 && !is_there(last_id.as_deref(), &truth) {
            if let Some(hasty) = hasty.filter(|_| heard.len() > began) {
                until = until.min(Instant::now() + hasty);
            }
            let Ok(chunk) = timeout_at(until, response.chunk()).await else { break };
            let Some(chunk) = chunk.unwrap() else { break };
            text.push_str(std::str::from_utf8(&chunk).unwrap());
            while let (Some((block, rest)), true) = (text.split_once("\n\n"), most > 0) {
                if let Some((id, data)) =
                    block.strip_prefix("id: ").and_then(|block| block.split_once("\ndata: "))
                {
                    let item: Value = serde_json::from_str(data).unwrap();
                    heard.push(item["_event_id"].as_str().unwrap().to_owned());
                    last_id = Some(id.to_owned());
                    most -= 1;
                }
                text = rest.to_owned();
            }
        }
        if is_there(last_id.as_deref(), &truth) {
            return heard;
        }
    }
}

/// Whether an id is that of the last item.
fn is_there(id: Option<&str>, truth: &Truth) -> bool {
    let place = id.map(|id| Cursor::decode(id).unwrap());
    truth.end.get().is_some_and(|end| place >= Some(*end))
}
