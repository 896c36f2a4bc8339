//! `tidegate secret-key …`

use anyhow::ensure;
use clap::{Subcommand, builder::BoolishValueParser};
use serde_json::json;

use super::{
    opened::{self, ACTOR},
    print,
};
use crate::{
    auth::{Vault, single},
    config::Global,
};

/// What to do with the secret key.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Seal everything under a new secret key: one that is made, where the private server keeps it in a file, else the first of
    /// those that were given. No key that clients use changes.
    Rotate {
        /// Print one JSON object.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
}

pub(super) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let Command::Rotate { json } = command;
    let vault = opened::vault(global)?;
    if let Vault::Given(keys) = &vault {
        ensure!(
            keys.count() > 1,
            "TIDEGATE_SECRET_KEY holds one secret key: put a new one before it, with a comma between them (NEW,OLD), on every \
             server, start them again, and then run this"
        );
    }
    let call = print::call(global);
    opened::with(global, async |client, entropy| {
        let done = single::rotate(client, &vault, entropy.as_ref(), ACTOR).await?;
        if json {
            return print::json(&json!({ "resealed": done.resealed, "lost": done.lost }));
        }
        print::line(format!("sealed {} keys and secrets of webhooks under the new secret key", done.resealed));
        if matches!(vault, Vault::Given(_)) {
            print::line(
                "The old one is of no further use: leave the first one alone in TIDEGATE_SECRET_KEY.",
            );
        }
        if done.lost > 0 {
            print::line(format!(
                "{} keys work or webhooks rest, but no secret key at hand opens what was sealed for them; regenerate such keys and \
                 rotate the secrets of such webhooks to continue:",
                done.lost
            ));
            print::line(format!("  {call} key list"));
            print::line(format!("  {call} webhook list"));
        }
        Ok(())
    })
    .await
}
