//! What `serve` prints to begin with: on an empty database a demo project with lines to paste, later how to make a token.

use super::{
    opened::{ACTOR, Opened},
    print,
};
use crate::{
    auth::mint,
    config::{Global, Serve},
    domain::ids::{DatasourceUid, ProjectUid},
    store::{
        Role,
        datasources::{self, NewDatasource},
        projects,
    },
};

/// What to tell the operator.
pub(super) enum Introduction {
    /// A demo project was just made.
    Demo {
        project: ProjectUid,
        datasource: DatasourceUid,
        /// The one key that is ever printed whole.
        token: mint::Minted,
    },
    /// There are projects; this is how to make a token for one of their datasources.
    Returning { command: String },
    /// There is nothing, and nothing was to be made.
    Empty { command: String },
}

/// Makes the demo where the database has no project, unless it is not wanted.
pub(super) async fn introduce(
    global: &Global,
    options: &Serve,
    opened: &Opened,
) -> anyhow::Result<Introduction> {
    let mut client = opened.database.connect(Role::Command).await?;
    let call = print::call(global);
    // Several servers may begin on one empty database; the first makes the demo. The lock goes with the connection.
    projects::lock_first(&client).await?;
    if let Some(project) = projects::list(&client).await?.first() {
        let datasources = datasources::list(&client, None).await?;
        return Ok(match datasources.first().map(|datasource| &datasource.uid) {
            Some(uid) => Introduction::Returning {
                command: format!("{call} key create --kind datasource --datasource {uid} --name my-laptop"),
            },
            None => Introduction::Returning {
                command: format!("{call} datasource create --project {} --name Website", project.uid),
            },
        });
    }
    if options.no_demo {
        return Ok(Introduction::Empty { command: format!("{call} project create --name Production") });
    }
    let entropy = opened.entropy.as_ref();
    let project = ProjectUid::draw(entropy)?;
    projects::create(&mut client, project.as_str(), "Demo", ACTOR).await?;
    let datasource = DatasourceUid::draw(entropy)?;
    let new = NewDatasource {
        project: project.as_str(),
        uid: datasource.as_str(),
        name: "Demo API",
        plan: None,
        strict: false,
        default_country: None,
    };
    let token = mint::datasource_with_token(&mut client, &new, entropy, ACTOR).await?;
    let token = token.ok_or_else(|| anyhow::anyhow!("the demo project is not there"))?;
    Ok(Introduction::Demo { project, datasource, token })
}

impl Introduction {
    /// The text, with the address under which the server is reached.
    pub(super) fn text(&self, base: &str) -> String {
        match self {
            Self::Demo { project, datasource, token } => {
                lines_to_paste(base, project.as_str(), datasource.as_str(), token.text.reveal())
            }
            Self::Returning { command } => format!("\nTo make a new token:\n  {command}\n"),
            Self::Empty { command } => format!("\nThere is no project yet. To make one:\n  {command}\n"),
        }
    }
}

fn lines_to_paste(base: &str, project: &str, datasource: &str, token: &str) -> String {
    let url = format!("{base}/v1/project/{project}/datasource/{datasource}/stream");
    let auth = format!("-H 'Authorization: Bearer {token}'");
    let json = "-H 'Content-Type: application/json'";
    let contact = r#"[{"_user_id":"ada","_email":"ada@example.com","_first_name":"Ada"}]"#;
    let event = r#"[{"_user_id":"ada","_event_id":"order-1","_event_type":"purchase","_event_parameters":{"order_id":"1","amount":"12.50","currency":"EUR"}}]"#;
    let batch = r#"[{"_user_id":"grace","_email":"grace@example.com"},{"_user_id":"alan","_email":"not an address"}]"#;
    format!(
        "
A demo project was made. Its token is shown this once; keep it, or make another one later.

Who am I, and where do I write?
  curl -sS {auth} '{url}'

One contact:
  curl -sS {auth} {json} '{url}/contacts' -d '{contact}'

One event:
  curl -sS {auth} {json} '{url}/events' -d '{event}'

A batch with one bad item, which fails alone:
  curl -sS {auth} {json} '{url}/contacts' -d '{batch}'
"
    )
}
