//! `tidegate key rotate` and `tidegate key change`

use anyhow::bail;
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{
    key_list::{found, no_key},
    opened::ACTOR,
    print,
};
use crate::{
    auth::life::{self, NotDone},
    domain::{
        clock::{SharedEntropy, SystemClock},
        overlap::Overlap,
    },
};

/// What to say of what was not done.
fn refusal(call: &str, id: Uuid, why: NotDone) -> String {
    if why == NotDone::Gone { no_key(call, id) } else { format!("{why} ({id})") }
}

pub(super) async fn rename(client: &mut Client, call: &str, id: Uuid, name: &str) -> anyhow::Result<()> {
    let key = found(client, call, id).await?;
    if let Err(why) = life::rename(client, &key, name, ACTOR).await? {
        bail!(refusal(call, id, why));
    }
    print::line(format!("changed the key {id}: name = {name}"));
    Ok(())
}

pub(super) async fn rotate(
    client: &mut Client,
    entropy: &SharedEntropy,
    call: &str,
    id: Uuid,
    overlap: Overlap,
    json: bool,
) -> anyhow::Result<()> {
    let key = found(client, call, id).await?;
    let now = SystemClock::shared().now();
    let rotated = match life::rotate(client, &key, now, overlap, entropy.as_ref(), ACTOR).await? {
        Ok(rotated) => rotated,
        Err(why) => bail!(refusal(call, id, why)),
    };
    let successor = &rotated.minted;
    if json {
        return print::json(&json!({
            "id": successor.id,
            "kind": key.kind,
            "key": successor.text.reveal(),
            "prefix": successor.prefix,
            "replaces": id,
            "until": rotated.until,
        }));
    }
    print::line(format!("made the {} key {} ({}) in place of {id}", key.kind, successor.id, key.name));
    print::line(format!("its text, shown this once: {}", successor.text.reveal()));
    print::line(format!("\nThe old one goes on until {}. Whether it is still in use:", rotated.until));
    print::line(format!("  {call} key show {id}"));
    Ok(())
}
