//! `tidegate user …`

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::{Subcommand, builder::BoolishValueParser};
use jiff::Timestamp;
use serde_json::json;
use tokio_postgres::Client;

use super::{
    opened::{self, ACTOR},
    personal::no_user,
    print,
    projects::check as check_project,
    secret_input,
};
use crate::{
    auth::{
        password::{LinkSecret, Password},
        scope::Role,
    },
    config::{self, Global},
    domain::{
        clock::{SharedEntropy, SystemClock},
        email::email,
        ids::UserUid,
    },
    store::users::{self, Invitation, Made, NewUser, UserListing},
};

/// How long a one-time link holds.
const LINK_HOLDS: Duration = Duration::from_hours(72);

/// The word for no list of projects.
const ALL: &str = "all";

/// What to do with users.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a user, and a one-time link to set a password unless one is given here.
    Create(Create),
    /// List the users.
    List {
        /// Print a JSON array.
        #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Change which projects a user sees; its keys see the same.
    Change {
        /// E-mail address of the user.
        #[arg(long, env = "TIDEGATE_EMAIL")]
        email: String,
        /// Uids of the projects it sees, with commas between them, or `all`.
        #[arg(long, env = "TIDEGATE_PROJECTS", value_delimiter = ',', required = true)]
        projects: Vec<String>,
    },
    /// Make a new one-time link to set a password; the one before it no longer holds.
    Invite {
        /// E-mail address of the user.
        #[arg(long, env = "TIDEGATE_EMAIL")]
        email: String,
        #[command(flatten)]
        show: Show,
    },
    /// Disable a user at once, and end its keys for good.
    Disable {
        /// E-mail address of the user.
        #[arg(long, env = "TIDEGATE_EMAIL")]
        email: String,
    },
    /// Enable a user again; the keys that ended with it stay ended.
    Enable {
        /// E-mail address of the user.
        #[arg(long, env = "TIDEGATE_EMAIL")]
        email: String,
    },
}

/// A user to make.
#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// E-mail address; nobody else may have it.
    #[arg(long, env = "TIDEGATE_EMAIL", value_parser = address)]
    email: String,
    /// read_only: sees everything. ingest: pushes and deletes contacts too. full_access: keys and datasources included.
    #[arg(long, env = "TIDEGATE_ROLE")]
    role: Role,
    /// Uids of the projects it sees, with commas between them. Default: all, those to come too.
    #[arg(long, env = "TIDEGATE_PROJECTS", value_delimiter = ',')]
    projects: Vec<String>,
    /// Ask for its password instead of making a link.
    #[arg(long, env = "TIDEGATE_PASSWORD_PROMPT", value_parser = BoolishValueParser::new(), conflicts_with = "password_stdin")]
    password_prompt: bool,
    /// Read its password from the first line of standard input instead of making a link.
    #[arg(long, env = "TIDEGATE_PASSWORD_STDIN", value_parser = BoolishValueParser::new())]
    password_stdin: bool,
    #[command(flatten)]
    show: Show,
}

/// How a link is shown.
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// How the person reaches the server, for the link.
    #[arg(long, env = "TIDEGATE_PUBLIC_URL", value_parser = config::public_url, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    public_url: String,
    /// Print one JSON object.
    #[arg(long, env = "TIDEGATE_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

fn address(text: &str) -> Result<String, String> {
    email(text).ok_or_else(|| "is not an e-mail address, such as ada@example.com".into())
}

/// The list of projects that was asked for, each once; `None` is all of them.
fn listed(projects: &[String]) -> anyhow::Result<Option<Vec<String>>> {
    let mut uids: Vec<String> = projects.iter().map(|uid| uid.trim().to_owned()).collect();
    uids.sort_unstable();
    uids.dedup();
    ensure!(!uids.iter().any(String::is_empty), "--projects has an empty name in it");
    if uids == [ALL] || projects.is_empty() {
        return Ok(None);
    }
    ensure!(!uids.iter().any(|uid| uid == ALL), "--projects is {ALL:?} or a list of uids, not both");
    Ok(Some(uids))
}

/// A link that was just made, and until when it holds.
struct Link {
    text: String,
    invitation: Invitation,
}

impl Link {
    fn draw(entropy: &SharedEntropy, public_url: &str) -> anyhow::Result<Self> {
        let secret = LinkSecret::draw(entropy.as_ref())?;
        let until: Timestamp = SystemClock::shared().now() + LINK_HOLDS;
        let text = format!("{public_url}/welcome?invitation={}", secret.reveal());
        Ok(Self { text, invitation: Invitation { hash: secret.hash(), until } })
    }
}

pub(super) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let call = print::call(global);
    match command {
        Command::Create(create) => {
            let projects = listed(&create.projects)?;
            // Asked for before a database is opened, and maybe started for this.
            let password = match (create.password_prompt, create.password_stdin) {
                (true, _) => Some(secret_input::from_terminal()?),
                (_, true) => Some(secret_input::from_stdin()?),
                _ => None,
            };
            opened::with(global, async |client, entropy| {
                make(client, entropy, &call, &create, projects.as_deref(), password).await
            })
            .await
        }
        Command::List { json } => opened::with(global, async |client, _| list(client, json).await).await,
        Command::Change { email, projects } => {
            let projects = listed(&projects)?;
            opened::with(global, async |client, _| change(client, &call, &email, projects.as_deref()).await)
                .await
        }
        Command::Invite { email, show } => {
            opened::with(global, async |client, entropy| invite(client, entropy, &call, &email, &show).await)
                .await
        }
        Command::Disable { email } => {
            opened::with(global, async |client, _| disable(client, &call, &email).await).await
        }
        Command::Enable { email } => {
            opened::with(global, async |client, _| enable(client, &call, &email).await).await
        }
    }
}

async fn make(
    client: &mut Client,
    entropy: &SharedEntropy,
    call: &str,
    create: &Create,
    projects: Option<&[String]>,
    password: Option<Password>,
) -> anyhow::Result<()> {
    let uid = UserUid::draw(entropy.as_ref())?;
    let link = match &password {
        Some(_) => None,
        None => Some(Link::draw(entropy, &create.show.public_url)?),
    };
    let hash = match password {
        Some(password) => Some(password.hash(entropy.as_ref()).await?),
        None => None,
    };
    let user = NewUser {
        uid: uid.as_str(),
        email: &create.email,
        role: create.role.name(),
        projects,
        password: hash.as_deref(),
        invitation: link.as_ref().map(|link| link.invitation),
    };
    match users::create(client, &user, ACTOR).await? {
        Made::User => {}
        Made::EmailTaken => {
            bail!("another user has the address {}; `{call} user list` shows them", create.email)
        }
        Made::NoProject => {
            each_is_there(client, call, projects).await?;
            bail!("one of the projects was deleted just now; nothing was made");
        }
    }
    if create.show.json {
        return print::json(&json!({
            "uid": uid.as_str(),
            "email": create.email,
            "role": create.role.name(),
            "projects": projects,
            "link": link.as_ref().map(|link| &link.text),
            "linkExpiresAt": link.as_ref().map(|link| link.invitation.until),
        }));
    }
    print::line(format!("made the user {} ({}, {})", create.email, uid, create.role));
    if let Some(link) = link {
        show_link(&link);
    }
    let email = print::quoted(&create.email);
    print::line(format!(
        "a key for it: {call} key create --kind personal --user {email} --role {} --name laptop --description \"what it is for\"",
        create.role
    ));
    Ok(())
}

fn show_link(link: &Link) {
    let until = link.invitation.until.strftime("%Y-%m-%d %H:%M UTC");
    print::line(format!("its one-time link to set a password, shown this once and good until {until}:"));
    print::line(&link.text);
}

/// Says which project is not there.
async fn each_is_there(client: &Client, call: &str, projects: Option<&[String]>) -> anyhow::Result<()> {
    for uid in projects.unwrap_or_default() {
        check_project(client, call, Some(uid)).await?;
    }
    Ok(())
}

async fn list(client: &Client, json: bool) -> anyhow::Result<()> {
    let users = users::list(client).await?;
    if json {
        return print::json(&users.iter().map(shape).collect::<Vec<_>>());
    }
    let now = SystemClock::shared().now();
    let rows = users.into_iter().map(|user| {
        let state = state(&user, now).to_owned();
        let projects = user.projects.map_or_else(|| "all".into(), |uids| uids.join(" "));
        let created = format!("{} by {}", user.created_at, user.created_by);
        vec![user.email, user.uid, user.role, projects, created, state]
    });
    print::table(
        &["EMAIL", "UID", "ROLE", "PROJECTS", "CREATED", "STATE"],
        rows.collect(),
        "There is no user yet; `tidegate user create` makes one.",
    );
    Ok(())
}

fn state(user: &UserListing, now: Timestamp) -> &'static str {
    match user {
        UserListing { disabled_at: Some(_), .. } => "disabled",
        UserListing { has_password: true, .. } => "active",
        UserListing { invited_until: Some(until), .. } if *until > now => "invited",
        _ => "without a password",
    }
}

fn shape(user: &UserListing) -> serde_json::Value {
    json!({
        "uid": user.uid,
        "email": user.email,
        "role": user.role,
        "projects": user.projects,
        "hasPassword": user.has_password,
        "linkExpiresAt": user.invited_until,
        "createdAt": user.created_at,
        "createdBy": user.created_by,
        "disabledAt": user.disabled_at,
    })
}

async fn change(
    client: &mut Client,
    call: &str,
    email: &str,
    projects: Option<&[String]>,
) -> anyhow::Result<()> {
    if !users::see(client, email, projects, ACTOR).await? {
        users::find(client, email).await?.with_context(|| no_user(call, email))?;
        each_is_there(client, call, projects).await?;
        bail!("one of the projects was deleted just now; nothing was changed");
    }
    let seen = projects.map_or_else(|| "all projects".to_owned(), |uids| uids.join(" "));
    print::line(format!("the user {email} and its keys see {seen}; in force within a second"));
    Ok(())
}

async fn invite(
    client: &mut Client,
    entropy: &SharedEntropy,
    call: &str,
    email: &str,
    show: &Show,
) -> anyhow::Result<()> {
    let link = Link::draw(entropy, &show.public_url)?;
    if !users::invite(client, email, link.invitation, ACTOR).await? {
        let user = users::find(client, email).await?.with_context(|| no_user(call, email))?;
        bail!("the user {} is disabled; `{call} user enable` comes first", user.email);
    }
    if show.json {
        let shape = json!({ "email": email, "link": link.text, "linkExpiresAt": link.invitation.until });
        return print::json(&shape);
    }
    show_link(&link);
    Ok(())
}

async fn disable(client: &mut Client, call: &str, email: &str) -> anyhow::Result<()> {
    let keys = users::disable(client, email, ACTOR).await?.with_context(|| no_user(call, email))?;
    print::line(format!(
        "disabled the user {email} and ended {keys} of its keys; every server refuses them within a second"
    ));
    Ok(())
}

async fn enable(client: &mut Client, call: &str, email: &str) -> anyhow::Result<()> {
    ensure!(users::enable(client, email, ACTOR).await?, "{}", no_user(call, email));
    print::line(format!("enabled the user {email}; the keys that ended with it stay ended"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_projects_is_a_list_or_all() {
        let of = |names: &[&str]| listed(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&[]).unwrap(), None);
        assert_eq!(of(&["all"]).unwrap(), None);
        assert_eq!(of(&["b", " a", "b"]).unwrap(), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert!(of(&["all", "a"]).is_err());
        assert!(of(&["a", ""]).is_err());
    }
}
