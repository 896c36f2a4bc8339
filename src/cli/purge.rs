//! `tidegate datasource purge`: asks for it and does it, beside whatever server may be doing it too.

use std::time::Duration;

use anyhow::Context;
use serde_json::json;
use tokio_postgres::Client;

use super::{opened::ACTOR, print, progress::Steps};
use crate::{
    domain::clock::SystemClock,
    store::{
        datasources,
        purge::{self, Next},
    },
};

/// How often another worker's progress is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Removes what a datasource holds, and says how much that was.
pub(super) async fn run(client: &mut Client, uid: &str, json: bool) -> anyhow::Result<()> {
    let clock = SystemClock::shared();
    let inlet = datasources::inlet(client, uid).await?.context("the datasource was deleted this moment")?;
    purge::request(client, uid, ACTOR, clock.now()).await?;
    let total = purge::left(client, uid).await?;
    let mut steps = Steps::new("purging", total);
    loop {
        let left = purge::left(client, uid).await?;
        steps.show(total.saturating_sub(left));
        if left == 0 {
            break;
        }
        let step = purge::step(client, inlet.datasource, clock.now()).await?;
        if step.is_none_or(|step| step.next == Next::Wait) {
            tokio::time::sleep(LOOK).await;
        }
    }
    drop(steps);
    if json {
        return print::json(&json!({ "datasource": uid, "removed": total }));
    }
    print::line(format!("purged the datasource {uid}: {total} events, changes and contacts are gone"));
    Ok(())
}
