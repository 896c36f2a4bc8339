//! `tidegate contact …`

use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Subcommand, builder::BoolishValueParser};
use serde_json::json;
use tokio::{sync::watch, time::timeout};

use super::{
    confirm,
    datasources::no_datasource,
    opened::{self, ACTOR, Opened},
    print,
};
use crate::{
    config::Global,
    domain::{clock::SystemClock, ids::Inlet},
    ingest::{
        ContactOp, Options, Outcome, Work, Writer,
        fates::Kind,
        ledger::{Account, Asked, Ledger},
    },
    store::{
        Role, contacts, datasources,
        erase::{self, Subject},
        managed, schema,
    },
};

/// What to do with contacts.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Delete a contact, and empty what the log kept of it: the parameters of its events and the changes of its attributes.
    Erase {
        /// Uid of its datasource, ds_….
        #[arg(long, env = "TIDEGATE_DATASOURCE")]
        datasource: String,
        /// The sender's id of the contact.
        #[arg(long, env = "TIDEGATE_USER_ID")]
        user_id: String,
        /// Do not ask.
        #[arg(long, env = "TIDEGATE_YES", value_parser = BoolishValueParser::new())]
        yes: bool,
        /// Print one JSON object.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
}

/// How long the writer may take to connect.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let Command::Erase { datasource, user_id, yes, json } = command;
    confirm::ask("delete the contact and erase what the log kept of it, for good", yes)?;
    let opened = opened::open(global, managed::Role::Guest).await?;
    let outcome = erase(&opened, &print::call(global), &datasource, &user_id).await;
    let closed = opened.close().await;
    let (deleted, emptied) = outcome?;
    closed?;
    if json {
        return print::json(&json!({ "datasource": datasource, "deleted": deleted, "emptied": emptied }));
    }
    let contact = if deleted { "deleted the contact" } else { "there was no such contact" };
    print::line(format!("{contact}; emptied {emptied} rows of the log about it"));
    Ok(())
}

/// Deletes a contact and empties the log; whether it was there, and how many rows held anything.
async fn erase(opened: &Opened, call: &str, datasource: &str, user_id: &str) -> anyhow::Result<(bool, i64)> {
    schema::prepare(&opened.database).await?;
    let mut client = opened.database.connect(Role::Command).await?;
    let Some(inlet) = datasources::inlet(&client, datasource).await? else {
        bail!(no_datasource(call, datasource));
    };
    let reads = opened.database.pool(Role::Read, 1)?;
    let known = contacts::get(&reads, inlet.datasource, user_id).await?;
    let deleted = delete(opened, inlet, user_id).await?;
    let contact_id = known.map(|record| record.contact_id);
    let subject = Subject { datasource: inlet.datasource, datasource_uid: datasource, user_id, contact_id };
    Ok((deleted, erase::in_session(&mut client, &subject, ACTOR).await?))
}

/// Deletes a contact through a writer of its own, so that the deletion has its place in the stream.
async fn delete(opened: &Opened, inlet: Inlet, user_id: &str) -> anyhow::Result<bool> {
    let options = Options { lanes: 1, ..Options::default() };
    let reads = opened.database.pool(Role::Read, 1)?;
    let clock = SystemClock::shared();
    // Nobody called over HTTP: what this one notes is never written.
    let ledger = Ledger::new(reads.clone(), reads.clone(), clock.clone());
    let (writer, handle) =
        Writer::new(options, opened.database.clone(), reads, ledger, clock, opened.entropy.clone());
    let (end, ends) = watch::channel(false);
    let writing = tokio::spawn(writer.run(ends));
    let outcome = async {
        timeout(PATIENCE, handle.connected()).await.context("no connection to the database within 10 s")?;
        let room = handle.admit(inlet, user_id.len())?;
        let work = Work::Contacts(vec![ContactOp::Delete { user_id: user_id.to_owned() }]);
        let account = Account { kind: Kind::Contact, asked: Asked::Deletion, bad: 0 };
        anyhow::Ok(handle.append(room, inlet, work, account).await?)
    }
    .await;
    end.send_replace(true);
    writing.await?;
    Ok(outcome?.outcomes.first() == Some(&Outcome::Deleted))
}
