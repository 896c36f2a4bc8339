//! `tidegate spec attribute …`

use clap::Subcommand;

use super::{Listing, Subject, data_type, declared, something, sound};
use crate::{
    cli::{opened, print},
    config::Global,
    domain::{
        caps::Caps,
        declare::{AttributePatch, attribute_faults},
        spec::{AttributeSpec, DataType, Declared},
    },
    store::specs::Which,
};

/// What to do with attributes of contacts.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Declare one; in force on a running server within a second.
    Add {
        #[command(flatten)]
        name: Name,
        /// Its type: string, text, int, decimal, bool, date, datetime, email, phone, country, language, currency, url or payload.
        #[arg(long, env = "TIDEGATE_TYPE", value_parser = data_type, value_name = "TYPE")]
        r#type: DataType,
        #[command(flatten)]
        options: Options,
    },
    /// Change one; what was stored under it stays as it is.
    Change {
        #[command(flatten)]
        name: Name,
        /// Its type: string, text, int, decimal, bool, date, datetime, email, phone, country, language, currency, url or payload.
        #[arg(long, env = "TIDEGATE_TYPE", value_parser = data_type, value_name = "TYPE")]
        r#type: Option<DataType>,
        #[command(flatten)]
        options: Options,
    },
    /// Take one back; what was stored under it stays as it is.
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
    /// Its name, the member of a contact; does not begin with an underscore.
    #[arg(long, env = "TIDEGATE_UID")]
    uid: String,
}

impl Name {
    fn subject<'a>(&'a self, call: &'a str) -> Subject<'a> {
        Subject {
            call,
            project: &self.project,
            which: Which::Attribute(&self.uid),
            words: format!("attribute {:?}", self.uid),
        }
    }
}

/// What it is like.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Options {
    /// What a form would call it. Default: its name.
    #[arg(long, env = "TIDEGATE_DISPLAY_LABEL")]
    display_label: Option<String>,
    /// What it means, in one sentence.
    #[arg(long, env = "TIDEGATE_DESCRIPTION")]
    description: Option<String>,
    /// Whether it holds an array.
    #[arg(long, env = "TIDEGATE_MULTIVALUE", value_name = "true|false")]
    multivalue: Option<bool>,
    /// Whether a contact without it is refused.
    #[arg(long, env = "TIDEGATE_REQUIRED_IN_WEBHOOK", value_name = "true|false")]
    required_in_webhook: Option<bool>,
    /// Whether a short list should show it.
    #[arg(long, env = "TIDEGATE_IMPORTANT", value_name = "true|false")]
    important: Option<bool>,
    /// Whether a form should show it.
    #[arg(long, env = "TIDEGATE_VISIBLE", value_name = "true|false")]
    visible: Option<bool>,
}

impl Options {
    fn patch(self, data_type: Option<DataType>) -> AttributePatch {
        AttributePatch {
            data_type,
            display_label: self.display_label,
            description: self.description,
            multivalue: self.multivalue,
            required_in_webhook: self.required_in_webhook,
            important: self.important,
            visible: self.visible,
        }
    }
}

pub(super) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let (call, caps) = (print::call(global), Caps::default());
    opened::with(global, async |client, _| match command {
        Command::Add { name, r#type, options } => {
            let spec = options.patch(Some(r#type)).declare(&name.uid, r#type);
            sound(attribute_faults(&spec, &caps))?;
            name.subject(&call).add(client, &spec).await
        }
        Command::Change { name, r#type, options } => {
            let patch = something(options.patch(r#type))?;
            let faults = |spec: &AttributeSpec| attribute_faults(spec, &caps);
            name.subject(&call).change(client, |spec| patch.apply(spec), faults).await
        }
        Command::Remove { name } => name.subject(&call).remove::<AttributeSpec>(client).await,
        Command::List(listing) => {
            let own = declared(client, &call, &listing.project).await?;
            let example = format!(
                "{call} spec attribute add --project {} --uid shoe_size --type decimal",
                listing.project
            );
            list(&own, listing.json, &example)
        }
    })
    .await
}

fn list(own: &[Declared], json: bool, example: &str) -> anyhow::Result<()> {
    let own: Vec<&AttributeSpec> = own
        .iter()
        .filter_map(|one| if let Declared::Attribute(spec) = one { Some(spec) } else { None })
        .collect();
    let flags = |spec: &AttributeSpec| {
        let flags = [
            (spec.multivalue, "multivalue"),
            (spec.required_in_webhook, "required"),
            (spec.important, "important"),
            (!spec.visible, "hidden"),
        ];
        flags.iter().filter(|flag| flag.0).map(|flag| flag.1).collect::<Vec<_>>().join(" ")
    };
    let rows = own
        .iter()
        .map(|spec| {
            let (uid, label) = (spec.uid.clone(), spec.display_label.clone());
            vec![uid, spec.data_type.to_string(), flags(spec), label, spec.description.clone()]
        })
        .collect();
    if json {
        return print::json(&own);
    }
    let hint = format!("The project declared no attributes of contacts; `{example}` does.");
    print::table(&["UID", "TYPE", "FLAGS", "LABEL", "DESCRIPTION"], rows, &hint);
    Ok(())
}
