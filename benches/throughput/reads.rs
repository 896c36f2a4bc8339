//! How long reads take through the API, one after the other on one connection.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};
use tidegate::{
    auth::{mint, scope::Scope, text::Kind},
    domain::{
        budget::Class,
        clock::{SharedClock, SystemClock, SystemEntropy},
        settings::ProjectPatch,
    },
    store::projects,
};

use crate::{
    figures::milliseconds,
    stand::{ACTOR, House, Inlet},
};

/// Reads what a house holds.
pub struct Reader {
    http: reqwest::Client,
    clock: SharedClock,
    base: String,
    inlet: Inlet,
    /// A key that may read the audience.
    token: String,
    /// Ids of contacts that have events.
    contacts: Vec<String>,
}

impl Reader {
    /// A reader of a house with contacts.
    pub async fn open(house: &House, inlet: &Inlet) -> Result<Self> {
        let mut client = house.client().await?;
        let request = mint::Request {
            kind: Kind::Product,
            name: "Reader",
            project: Some(&inlet.project),
            datasource: None,
            scopes: &[
                Scope::ProjectAudienceRead,
                Scope::ProjectAudienceDataBasic,
                Scope::ProjectAudienceDataEvents,
            ],
        };
        let token = mint::mint(&mut client, &request, &SystemEntropy, ACTOR)
            .await?
            .context("the project is there")?;
        let limits = [(Class::AudienceRead, Some(1_000_000_000))].into();
        let patch = ProjectPatch { limits, ..Default::default() };
        ensure!(projects::change(&mut client, &inlet.project, &patch, ACTOR).await?, "the project is there");
        let rows =
            client.query("select contact_id::text from contact order by user_id limit 1000", &[]).await?;
        let reader = Self {
            http: reqwest::Client::new(),
            clock: SystemClock::shared(),
            base: format!("http://{}/v1/project/{}", house.server.address, inlet.project),
            inlet: inlet.clone(),
            token: token.text.reveal().to_owned(),
            contacts: rows.iter().map(|row| row.get(0)).collect(),
        };
        reader.in_force().await?;
        Ok(reader)
    }

    /// Waits until the server knows the key.
    async fn in_force(&self) -> Result<()> {
        for _ in 0..600 {
            let (_, status, _) = self.get(&self.contact(0), &self.token).await?;
            if status == 200 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("a new token is unknown after 30 s")
    }

    /// Waits until the totals hold what was sent.
    pub async fn caught_up(&self, events: u64) -> Result<()> {
        for _ in 0..600 {
            let (_, status, stats) = self.get(&self.stats(), &self.inlet.token).await?;
            ensure!(status == 200, "the totals answer {status}: {stats}");
            if stats.pointer("/events/total").and_then(Value::as_u64) >= Some(events) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("{events} events were acknowledged, and the totals have fewer")
    }

    /// Measures each read and puts it into a row: the median, and as its ends the median and the 99th percentile.
    pub async fn measure(&self, row: &mut Map<String, Value>, times: usize) -> Result<()> {
        let timeline = async |n: usize| {
            let path = format!("{}/events?limit=100", self.contact(n));
            self.get(&path, &self.token).await
        };
        row.insert("timeline".into(), self.repeat(times, timeline).await?);
        row.insert(
            "contact".into(),
            self.repeat(times, async |n| self.get(&self.contact(n), &self.token).await).await?,
        );
        let stats = async |_| self.get(&self.stats(), &self.inlet.token).await;
        row.insert("stats".into(), self.repeat(times, stats).await?);
        Ok(())
    }

    async fn repeat(
        &self,
        times: usize,
        read: impl AsyncFn(usize) -> Result<(Duration, u16, Value)>,
    ) -> Result<Value> {
        let mut took = Vec::with_capacity(times);
        for n in 0..times.max(1) {
            let (time, status, answer) = read(n).await?;
            ensure!(status == 200, "a read answers {status}: {answer}");
            took.push(milliseconds(time));
        }
        took.sort_by(f64::total_cmp);
        let (median, late) = (took[took.len() / 2], took[(took.len() * 99 / 100).min(took.len() - 1)]);
        Ok(json!({ "median": median, "lowest": median, "highest": late }))
    }

    fn contact(&self, n: usize) -> String {
        let id = &self.contacts[n * 7_919 % self.contacts.len()];
        format!("{}/audience/{id}", self.base)
    }

    fn stats(&self) -> String {
        format!("{}/datasource/{}/stats", self.base, self.inlet.datasource)
    }

    async fn get(&self, url: &str, token: &str) -> Result<(Duration, u16, Value)> {
        let began = self.clock.monotonic();
        let answer = self.http.get(url).bearer_auth(token).send().await?;
        let (status, text) = (answer.status().as_u16(), answer.text().await?);
        let took = Duration::from_nanos(self.clock.monotonic() - began);
        Ok((took, status, serde_json::from_str(&text)?))
    }
}
