//! `tidegate spec event …`

use clap::Subcommand;

use super::{Listing, Subject, declared, something, sound};
use crate::{
    cli::{opened, print},
    config::Global,
    domain::{
        caps::Caps,
        declare::{EventPatch, event_faults},
        spec::{Declared, EventSpec},
    },
    store::specs::Which,
};

/// What to do with types of events.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Declare one; in force on a running server within a second.
    Add {
        #[command(flatten)]
        name: Name,
        #[command(flatten)]
        options: Options,
    },
    /// Change one; what was stored under it stays as it is.
    Change {
        #[command(flatten)]
        name: Name,
        #[command(flatten)]
        options: Options,
    },
    /// Take one back, with its parameters; what was stored under it stays as it is.
    Remove {
        #[command(flatten)]
        name: Name,
    },
    /// List those that the project declared.
    List(Listing),
}

/// Which one.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Name {
    /// Uid of the project, proj_….
    #[arg(long, env = "TIDEGATE_PROJECT")]
    project: String,
    /// The value of _event_type.
    #[arg(long, env = "TIDEGATE_UID")]
    uid: String,
}

impl Name {
    fn subject<'a>(&'a self, call: &'a str) -> Subject<'a> {
        Subject {
            call,
            project: &self.project,
            which: Which::Event(&self.uid),
            words: format!("type of event {:?}", self.uid),
        }
    }
}

/// What it is like.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Options {
    /// What a list would call it. Default: its uid.
    #[arg(long, env = "TIDEGATE_NAME")]
    name: Option<String>,
    /// One emoji to show beside the name.
    #[arg(long, env = "TIDEGATE_EMOJI")]
    emoji: Option<String>,
    /// The name of an icon, lower case with hyphens.
    #[arg(long, env = "TIDEGATE_ICON")]
    icon: Option<String>,
    /// What happened when such an event is sent, in one sentence.
    #[arg(long, env = "TIDEGATE_DESCRIPTION")]
    description: Option<String>,
    /// The group it is listed under.
    #[arg(long, env = "TIDEGATE_CATEGORY")]
    category: Option<String>,
    /// Whether a short list should show it.
    #[arg(long, env = "TIDEGATE_IMPORTANT", value_name = "true|false")]
    important: Option<bool>,
}

impl Options {
    fn patch(self) -> EventPatch {
        EventPatch {
            name: self.name,
            emoji: self.emoji,
            icon: self.icon,
            description: self.description,
            category: self.category,
            important: self.important,
        }
    }
}

pub(super) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let (call, caps) = (print::call(global), Caps::default());
    opened::with(global, async |client, _| match command {
        Command::Add { name, options } => {
            let spec = options.patch().declare(&name.uid);
            sound(event_faults(&spec, &caps))?;
            name.subject(&call).add(client, &spec).await
        }
        Command::Change { name, options } => {
            let patch = something(options.patch())?;
            let faults = |spec: &EventSpec| event_faults(spec, &caps);
            name.subject(&call).change(client, |spec| patch.apply(spec), faults).await
        }
        Command::Remove { name } => name.subject(&call).remove::<EventSpec>(client).await,
        Command::List(listing) => {
            let own = declared(client, &call, &listing.project).await?;
            let example = format!("{call} spec event add --project {} --uid trial_ended", listing.project);
            list(&own, listing.json, &example)
        }
    })
    .await
}

fn list(own: &[Declared], json: bool, example: &str) -> anyhow::Result<()> {
    let own: Vec<&EventSpec> = own
        .iter()
        .filter_map(|one| if let Declared::Event(spec) = one { Some(spec) } else { None })
        .collect();
    let rows = own
        .iter()
        .map(|spec| {
            let important = if spec.important { "important" } else { "" };
            let name = format!("{} {}", spec.emoji, spec.name);
            vec![spec.uid.clone(), name, spec.category.clone(), important.into(), spec.description.clone()]
        })
        .collect();
    if json {
        return print::json(&own);
    }
    let hint = format!("The project declared no types of events; `{example}` does.");
    print::table(&["UID", "NAME", "CATEGORY", "FLAGS", "DESCRIPTION"], rows, &hint);
    Ok(())
}
