//! `tidegate datasource purge`: asks for it and does it, beside whatever server may be doing it too.

use std::time::Duration;

use anyhow::Context;
use serde_json::json;
use tokio_postgres::Client;

use super::{opened::ACTOR, print, progress::Steps};
use crate::{
    domain::clock::{SharedClock, SystemClock},
    store::{
        datasources,
        purge::{self, Next},
        totals::{self, Totals},
    },
};

/// How often another worker's progress is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Steps between two looks at what is left.
const STEPS: usize = 10;

/// Removes what a datasource holds, and says how much that was.
pub(super) async fn run(client: &mut Client, uid: &str, json: bool) -> anyhow::Result<()> {
    let clock = SystemClock::shared();
    let inlet = datasources::inlet(client, uid).await?.context("the datasource was deleted this moment")?;
    purge::close(client, uid, ACTOR).await?;
    let Totals { events, contacts } = totals::read_on(client, inlet).await?;
    let mut steps = Steps::new("purging", events + contacts);
    while purge::is_closed(client, uid).await? {
        let left = totals::read_on(client, inlet).await?;
        steps.show(events + contacts - left.events - left.contacts);
        // A server may be at it as well; both then do their part.
        let begun = purge::open(client, clock.now()).await?.contains(&inlet.datasource);
        if !begun || !some_steps(client, inlet.datasource, &clock).await? {
            tokio::time::sleep(LOOK).await;
        }
    }
    drop(steps);
    if json {
        return print::json(&json!({ "datasource": uid, "events": events, "contacts": contacts }));
    }
    print::line(format!("purged the datasource {uid}: {events} events and {contacts} contacts are gone"));
    Ok(())
}

/// Goes on for a while; whether there is more to do at once.
async fn some_steps(client: &mut Client, datasource: i64, clock: &SharedClock) -> anyhow::Result<bool> {
    for _ in 0..STEPS {
        match purge::step(client, datasource, clock.now()).await? {
            Some(step) if step.next == Next::More => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}
