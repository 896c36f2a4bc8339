//! `tidegate spec attribute …`

use clap::{Subcommand, builder::BoolishValueParser};

use super::{data_type, declared, refused, sound};
use crate::{
    cli::{
        opened::{self, ACTOR},
        print,
    },
    config::Global,
    domain::{
        caps::Caps,
        declare::{AttributePatch, attribute_faults},
        spec::{AttributeSpec, DataType, Declared},
    },
    store::specs::{self, Which},
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
    List {
        /// Uid of the project, proj_….
        #[arg(long, env = "TIDEGATE_PROJECT")]
        project: String,
        /// Print a JSON array.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
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
    fn which(&self) -> Which<'_> {
        Which::Attribute(&self.uid)
    }

    fn words(&self) -> String {
        format!("attribute {:?}", self.uid)
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
            let made =
                specs::declare(client, &name.project, name.which(), &spec, caps.declared, ACTOR).await?;
            made.map_err(|why| refused(why, &call, &name.project, &name.words()))?;
            print::line(format!("declared the {}; a running server knows it within a second", name.words()));
            Ok(())
        }
        Command::Change { name, r#type, options } => {
            let patch = options.patch(r#type);
            anyhow::ensure!(
                patch != AttributePatch::default(),
                "nothing to change: give at least one option"
            );
            let judge = |spec: &mut AttributeSpec| {
                patch.apply(spec);
                sound(attribute_faults(spec, &caps))
            };
            let changed = specs::change(client, &name.project, name.which(), judge, ACTOR).await?;
            changed.map_err(|why| refused(why, &call, &name.project, &name.words()))??;
            print::line(format!("changed the {}; a running server knows it within a second", name.words()));
            Ok(())
        }
        Command::Remove { name } => {
            let any = |_: &[Declared]| anyhow::Ok(());
            let removed = specs::remove(client, &name.project, name.which(), any, ACTOR).await?;
            let _: AttributeSpec =
                removed.map_err(|why| refused(why, &call, &name.project, &name.words()))??;
            print::line(format!("removed the {}; what was stored under it stays", name.words()));
            Ok(())
        }
        Command::List { project, json } => {
            let own = declared(client, &call, &project).await?;
            list(
                &own,
                json,
                &format!("{call} spec attribute add --project {project} --uid shoe_size --type decimal"),
            )
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
