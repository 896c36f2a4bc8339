//! `tidegate spec attribute|event|parameter …`: what a project adds to the built-in catalogue.
//!
//! Promises the same rules as the routes under `…/specs`, and that a change is in force on a running server within a second.
//! Must not know how specs are stored or laid over the built-in ones.

mod attribute;

mod event;

mod parameter;

use std::str::FromStr;

use anyhow::bail;
use clap::Subcommand;
use tokio_postgres::Client;

use super::projects::no_project;
use crate::{
    config::Global,
    domain::{
        caps::Caps,
        rejection::{Fault, Rejection},
        spec::{DataType, Declared},
    },
    store::specs::{self, Unchanged},
};

/// Which sort of spec.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Attributes of contacts.
    #[command(subcommand)]
    Attribute(attribute::Command),
    /// Types of events.
    #[command(subcommand)]
    Event(event::Command),
    /// Parameters of types of events, built-in types included.
    #[command(subcommand)]
    Parameter(parameter::Command),
}

pub(super) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Attribute(command) => attribute::run(global, command).await,
        Command::Event(command) => event::run(global, command).await,
        Command::Parameter(command) => parameter::run(global, command).await,
    }
}

/// Reads a data type.
fn data_type(text: &str) -> Result<DataType, String> {
    DataType::from_str(text).map_err(|_| {
        let known: Vec<&str> = DataType::ALL.iter().map(|data_type| data_type.as_str()).collect();
        format!("{text:?} is no data type; the types are {}", known.join(", "))
    })
}

/// Refuses a spec with faults.
fn sound(faults: Vec<Fault>) -> anyhow::Result<()> {
    match Rejection::from_faults(faults) {
        Some(rejection) => bail!(rejection.summary()),
        None => Ok(()),
    }
}

/// What a project declared, in the order in which it did.
async fn declared(client: &Client, call: &str, project: &str) -> anyhow::Result<Vec<Declared>> {
    specs::list(client, project).await?.ok_or_else(|| anyhow::anyhow!(no_project(call, project)))
}

/// Says why a spec stays as it is.
fn refused(why: Unchanged, call: &str, project: &str, what: &str) -> anyhow::Error {
    anyhow::anyhow!(match why {
        Unchanged::NoProject => no_project(call, project),
        Unchanged::Taken => format!(
            "{what} is taken, by the project or by the built-in set; change it, or choose another name"
        ),
        Unchanged::BuiltIn => format!("{what} is built in and stays as it is; declare one of your own"),
        Unchanged::Absent =>
            format!("the project declared no {what}; `{call} spec … list` shows what it did"),
        Unchanged::NoEventType => format!(
            "the type of event of {what} is neither built in nor declared; `{call} spec event add` declares it"
        ),
        Unchanged::Full =>
            format!("the project has declared {} specs already; remove some", Caps::default().declared),
    })
}
