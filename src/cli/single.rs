//! `tidegate key reveal` and `tidegate key regenerate`: keys of which a project has one.

use anyhow::anyhow;
use clap::{ValueEnum, builder::BoolishValueParser};
use serde_json::json;
use tokio_postgres::Client;

use super::{confirm, opened::ACTOR, print, projects::no_project};
use crate::{
    auth::{
        Vault,
        single::{self, Shown, Single, SingleError},
    },
    domain::clock::SharedEntropy,
};

/// Which key.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// instance: reads and writes the core data of the project. event-stream: reads and appends to its event stream.
    #[arg(long, env = "TIDEGATE_KIND")]
    kind: SingleKind,
    /// Uid of the project, proj_….
    #[arg(long, env = "TIDEGATE_PROJECT")]
    project: String,
    /// Print one JSON object.
    #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

/// Which key to make anew.
#[derive(Debug, clap::Args)]
pub(super) struct Regenerate {
    #[command(flatten)]
    options: Options,
    /// Do not ask.
    #[arg(long, env = "TIDEGATE_YES", value_parser = BoolishValueParser::new())]
    yes: bool,
}

/// Kinds of which a project has one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SingleKind {
    /// Reads and writes the core data of the project.
    Instance,
    /// Reads and appends to its event stream.
    EventStream,
}

impl From<SingleKind> for Single {
    fn from(kind: SingleKind) -> Self {
        match kind {
            SingleKind::Instance => Self::Instance,
            SingleKind::EventStream => Self::EventStream,
        }
    }
}

impl Options {
    fn place(&self) -> (&str, Single) {
        (&self.project, self.kind.into())
    }

    fn kind(&self) -> &'static str {
        Single::from(self.kind).kind().name()
    }

    fn print(&self, shown: &Shown, what: &str) -> anyhow::Result<()> {
        if self.json {
            return print::json(&json!({
                "key": shown.text.reveal(), "id": shown.key.id, "kind": self.kind(), "prefix": shown.key.prefix,
                "project": self.project, "createdAt": shown.key.created_at,
            }));
        }
        print::line(format!("{what} {} key of the project {} ({})", self.kind(), self.project, shown.key.id));
        print::line(format!("its text, which `key reveal` shows at any time: {}", shown.text.reveal()));
        Ok(())
    }

    /// What went wrong, with what to type next.
    fn explain(&self, error: SingleError, call: &str) -> anyhow::Error {
        match error {
            SingleError::NoProject => anyhow!(no_project(call, &self.project)),
            SingleError::Lost => {
                let (kind, project) = (self.kind(), &self.project);
                anyhow!("{error}:\n  {call} key regenerate --kind {kind} --project {project}")
            }
            error => error.into(),
        }
    }
}

pub(super) async fn reveal(
    client: &mut Client,
    (vault, entropy): (&Vault, &SharedEntropy),
    call: &str,
    options: &Options,
) -> anyhow::Result<()> {
    let shown = single::reveal(client, vault, options.place(), entropy.as_ref(), ACTOR).await;
    options.print(&shown.map_err(|error| options.explain(error, call))?, "the")
}

pub(super) async fn regenerate(
    client: &mut Client,
    (vault, entropy): (&Vault, &SharedEntropy),
    call: &str,
    Regenerate { options, yes }: &Regenerate,
) -> anyhow::Result<()> {
    let question = format!("end the {} key of the project {} at once", options.kind(), options.project);
    confirm::ask_anybody(&question, *yes)?;
    let shown = single::regenerate(client, vault, options.place(), entropy.as_ref(), ACTOR).await;
    options.print(&shown.map_err(|error| options.explain(error, call))?, "made the new")
}
