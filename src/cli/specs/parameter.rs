//! `tidegate spec parameter …`

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
        declare::{ParameterPatch, parameter_faults},
        spec::{DataType, Declared, ParameterSpec},
    },
    store::specs::{self, Which},
};

/// What to do with parameters.
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
    /// The type of event, built in or declared.
    #[arg(long, env = "TIDEGATE_EVENT")]
    event: String,
    /// Its name, a member of _event_parameters.
    #[arg(long, env = "TIDEGATE_PARAMETER")]
    parameter: String,
}

impl Name {
    fn which(&self) -> Which<'_> {
        Which::Parameter { event_type: &self.event, parameter: &self.parameter }
    }

    fn words(&self) -> String {
        format!("parameter {:?} of {:?}", self.parameter, self.event)
    }
}

/// What it is like.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Options {
    /// What a form would call it. Default: its name.
    #[arg(long, env = "TIDEGATE_TITLE")]
    title: Option<String>,
    /// What it means, in one sentence.
    #[arg(long, env = "TIDEGATE_DESCRIPTION")]
    description: Option<String>,
    /// Longest value in characters, up to 32768; 0 leaves it to the limits of the server.
    #[arg(long, env = "TIDEGATE_MAX_LENGTH", value_name = "N")]
    max_length: Option<u32>,
    /// Whether an event without it is refused; not for built-in types.
    #[arg(long, env = "TIDEGATE_REQUIRED", value_name = "true|false")]
    required: Option<bool>,
    /// Whether it holds an array.
    #[arg(long, env = "TIDEGATE_MULTI_VALUE", value_name = "true|false")]
    multi_value: Option<bool>,
}

impl Options {
    fn patch(self, data_type: Option<DataType>) -> ParameterPatch {
        ParameterPatch {
            data_type,
            title: self.title,
            description: self.description,
            max_length: self.max_length.map(|length| Some(length).filter(|length| *length > 0)),
            required: self.required,
            multi_value: self.multi_value,
        }
    }
}

pub(super) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let (call, caps) = (print::call(global), Caps::default());
    opened::with(global, async |client, _| match command {
        Command::Add { name, r#type, options } => {
            let spec = options.patch(Some(r#type)).declare(&name.parameter, r#type);
            sound(parameter_faults(&name.event, &spec, &caps))?;
            let made = specs::declare(client, &name.project, name.which(), &spec, caps.declared, ACTOR).await?;
            made.map_err(|why| refused(why, &call, &name.project, &name.words()))?;
            print::line(format!("declared the {}; a running server knows it within a second", name.words()));
            Ok(())
        }
        Command::Change { name, r#type, options } => {
            let patch = options.patch(r#type);
            anyhow::ensure!(patch != ParameterPatch::default(), "nothing to change: give at least one option");
            let judge = |spec: &mut ParameterSpec| {
                patch.apply(spec);
                sound(parameter_faults(&name.event, spec, &caps))
            };
            let changed = specs::change(client, &name.project, name.which(), judge, ACTOR).await?;
            changed.map_err(|why| refused(why, &call, &name.project, &name.words()))??;
            print::line(format!("changed the {}; a running server knows it within a second", name.words()));
            Ok(())
        }
        Command::Remove { name } => {
            let any = |_: &[Declared]| anyhow::Ok(());
            let removed = specs::remove(client, &name.project, name.which(), any, ACTOR).await?;
            let _: ParameterSpec = removed.map_err(|why| refused(why, &call, &name.project, &name.words()))??;
            print::line(format!("removed the {}; what was stored under it stays", name.words()));
            Ok(())
        }
        Command::List { project, json } => {
            let own = declared(client, &call, &project).await?;
            list(&own, json, &format!("{call} spec parameter add --project {project} --event purchase --parameter coupon --type string"))
        }
    })
    .await
}

fn list(own: &[Declared], json: bool, example: &str) -> anyhow::Result<()> {
    let own: Vec<(&str, &ParameterSpec)> = own
        .iter()
        .filter_map(|one| match one {
            Declared::Parameter { event_type, spec } => Some((event_type.as_str(), spec)),
            _ => None,
        })
        .collect();
    let shape = |(event_type, spec): &(&str, &ParameterSpec)| {
        let mut shape = serde_json::to_value(spec)?;
        shape["eventType"] = (*event_type).into();
        Ok::<_, serde_json::Error>(shape)
    };
    let rows = own
        .iter()
        .map(|(event_type, spec)| {
            let flags = [(spec.multi_value, "multi-value"), (spec.required, "required")];
            let flags: Vec<&str> = flags.iter().filter(|flag| flag.0).map(|flag| flag.1).collect();
            let length = spec.max_length.map_or_else(String::new, |length| length.to_string());
            vec![
                (*event_type).to_owned(),
                spec.parameter.clone(),
                spec.data_type.to_string(),
                length,
                flags.join(" "),
                spec.title.clone(),
            ]
        })
        .collect();
    if json {
        return print::json(&own.iter().map(shape).collect::<Result<Vec<_>, _>>()?);
    }
    let hint = format!("The project declared no parameters; `{example}` does.");
    print::table(&["EVENT", "PARAMETER", "TYPE", "LONGEST", "FLAGS", "TITLE"], rows, &hint);
    Ok(())
}
