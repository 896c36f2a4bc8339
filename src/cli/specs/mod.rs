//! `tidegate spec attribute|event|parameter …`: what a project adds to the built-in catalogue.
//!
//! Promises the same rules as the routes under `…/specs`, and that a change is in force on a running server within a second.
//! Must not know how specs are stored or laid over the built-in ones.

mod attribute;

mod event;

mod parameter;

use std::str::FromStr;

use anyhow::bail;
use clap::{Subcommand, builder::BoolishValueParser};
use serde::{Serialize, de::DeserializeOwned};
use tokio_postgres::Client;

use super::{opened::ACTOR, print, projects::no_project};
use crate::{
    config::Global,
    domain::{
        caps::Caps,
        rejection::{Fault, Rejection},
        spec::{DataType, Declared},
    },
    store::specs::{self, Unchanged, Which},
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

/// Whose declarations to list, and how.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Listing {
    /// Uid of the project, proj_….
    #[arg(long, env = "TIDEGATE_PROJECT")]
    project: String,
    /// Print a JSON array.
    #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

/// A spec that a command is about.
struct Subject<'a> {
    call: &'a str,
    project: &'a str,
    which: Which<'a>,
    /// What it is called to the person who typed it.
    words: String,
}

impl Subject<'_> {
    async fn add(&self, client: &mut Client, spec: &impl Serialize) -> anyhow::Result<()> {
        let most = Caps::default().declared;
        let made = specs::declare(client, self.project, self.which, spec, most, ACTOR).await?;
        made.map_err(|why| self.refused(why))?;
        print::line(format!("declared the {}; a running server knows it within a second", self.words));
        Ok(())
    }

    /// Changes it by `patch`, unless `faults` finds any in what comes of it.
    async fn change<S: Serialize + DeserializeOwned>(
        &self,
        client: &mut Client,
        patch: impl FnOnce(&mut S),
        faults: impl FnOnce(&S) -> Vec<Fault>,
    ) -> anyhow::Result<()> {
        let judge = |spec: &mut S| {
            patch(spec);
            sound(faults(spec))
        };
        let changed = specs::change(client, self.project, self.which, judge, ACTOR).await?;
        changed.map_err(|why| self.refused(why))??;
        print::line(format!("changed the {}; a running server knows it within a second", self.words));
        Ok(())
    }

    async fn remove<S: DeserializeOwned>(&self, client: &mut Client) -> anyhow::Result<()> {
        let any = |_: &[Declared]| anyhow::Ok(());
        let removed = specs::remove(client, self.project, self.which, any, ACTOR).await?;
        let _: S = removed.map_err(|why| self.refused(why))??;
        print::line(format!("removed the {}; what was stored under it stays", self.words));
        Ok(())
    }

    /// Says why it stays as it is.
    fn refused(&self, why: Unchanged) -> anyhow::Error {
        let Self { call, project, words, .. } = self;
        anyhow::anyhow!(match why {
            Unchanged::NoProject => no_project(call, project),
            Unchanged::Taken => format!(
                "{words} is taken, by the project or by the built-in set; change it, or choose another name"
            ),
            Unchanged::BuiltIn => format!("{words} is built in and stays as it is; declare one of your own"),
            Unchanged::Absent =>
                format!("the project declared no {words}; `{call} spec … list` shows what it did"),
            Unchanged::NoEventType => format!(
                "the type of event of {words} is neither built in nor declared; `{call} spec event add` declares it"
            ),
            Unchanged::Full =>
                format!("the project has declared {} specs already; remove some", Caps::default().declared),
        })
    }
}

/// Refuses a change without an option.
fn something<P: Default + PartialEq>(patch: P) -> anyhow::Result<P> {
    anyhow::ensure!(patch != P::default(), "nothing to change: give at least one option");
    Ok(patch)
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
