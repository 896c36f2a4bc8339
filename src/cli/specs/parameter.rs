//! `tidegate spec parameter …`

use clap::Subcommand;

use super::{Listing, Subject, data_type, declared, something, sound};
use crate::{
    cli::{opened, print},
    config::Global,
    domain::{
        caps::Caps,
        declare::{ParameterPatch, parameter_faults},
        spec::{DataType, Declared, ParameterSpec},
    },
    store::specs::Which,
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
    List(Listing),
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
    fn subject<'a>(&'a self, call: &'a str) -> Subject<'a> {
        Subject {
            call,
            project: &self.project,
            which: Which::Parameter { event_type: &self.event, parameter: &self.parameter },
            words: format!("parameter {:?} of {:?}", self.parameter, self.event),
        }
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
            name.subject(&call).add(client, &spec).await
        }
        Command::Change { name, r#type, options } => {
            let patch = something(options.patch(r#type))?;
            let faults = |spec: &ParameterSpec| parameter_faults(&name.event, spec, &caps);
            name.subject(&call).change(client, |spec| patch.apply(spec), faults).await
        }
        Command::Remove { name } => name.subject(&call).remove::<ParameterSpec>(client).await,
        Command::List(listing) => {
            let own = declared(client, &call, &listing.project).await?;
            let example = format!(
                "{call} spec parameter add --project {} --event purchase --parameter coupon --type string",
                listing.project
            );
            list(&own, listing.json, &example)
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
