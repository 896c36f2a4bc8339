//! The command line: what a person types, and what is printed for them to type next.
//!
//! Promises that every command works beside a running server and without one, and that what it changes is in force on a
//! running server within a second. Must not know how a request is answered.

mod opened;

pub mod house;

mod demo;

mod serve;

mod projects;

mod datasources;

mod keys;

mod personal;

mod users;

mod secret_input;

mod key_list;

mod key_life;

mod audit;

mod single;

mod secret_key;

mod purge;

mod contacts;

mod specs;

mod confirm;

mod migrate;

mod backup;

mod import;

mod export;

mod signals;

mod progress;

mod healthcheck;

pub mod load;

mod errors;

mod openapi;

mod guard;

mod print;

use clap::{Parser, Subcommand};

use crate::{config::Global, telemetry};

/// Tidegate takes in contacts and events over HTTP, stores them durably in PostgreSQL, and answers for each of them.
///
/// Start with `tidegate serve`: it finds PostgreSQL, makes a private server in its data folder, and prints lines to paste.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(crate::config::Serve),
    /// Make, list, change, limit and delete projects: environments that keep their data apart.
    #[command(subcommand)]
    Project(projects::Command),
    /// Make, list, change, limit, purge and delete datasources: the inlets of a project, each with its own tokens and budget.
    #[command(subcommand)]
    Datasource(datasources::Command),
    /// Make, list, show, change, rotate, reveal, regenerate, revoke and delete keys.
    #[command(subcommand)]
    Key(keys::Command),
    /// Make, list, invite, change, disable and enable users: people who hold personal keys.
    #[command(subcommand)]
    User(users::Command),
    /// Read who did what to projects, datasources, users and keys.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Rotate the secret key, under which keys that can be shown again are kept.
    #[command(subcommand)]
    SecretKey(secret_key::Command),
    /// Erase single contacts.
    #[command(subcommand)]
    Contact(contacts::Command),
    /// Declare attributes, types of events and their parameters, beside the built-in ones.
    #[command(subcommand)]
    Spec(specs::Command),
    /// Bring the database to the schema of this program, and do nothing else.
    Migrate(migrate::Options),
    /// Write the whole database into one file, while servers run and take pushes.
    Backup(backup::BackupOptions),
    /// Fill an empty database from a file that `backup` made; no server may run on it.
    Restore(backup::RestoreOptions),
    /// Write the stream of a project as NDJSON, one item a line: every event and every change of a contact, in their order.
    Export(export::Options),
    /// Store the contacts or events of a file in a datasource, beside running servers, as pushes of them would be.
    Import(import::Options),
    /// Load a running server with events or contacts, measure it, and verify afterwards that it kept its promise.
    Load(load::Options),
    /// Ask a running server whether it takes work; exits with 0 if it does.
    Healthcheck(healthcheck::Options),
    /// Print docs/errors.md: every error code and what to do about it.
    Errors,
    /// Print docs/openapi.json: the OpenAPI document of the API.
    Openapi(openapi::Options),
    /// For the program itself.
    #[command(subcommand, hide = true)]
    Internal(guard::Command),
}

/// Carries out a command.
///
/// # Errors
/// What went wrong, in words for the person who typed it.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    telemetry::install_logs(&cli.global.log, cli.global.log_format).map_err(anyhow::Error::msg)?;
    match cli.command {
        Command::Serve(options) => serve::run(&cli.global, options).await,
        Command::Project(command) => projects::run(&cli.global, command).await,
        Command::Datasource(command) => datasources::run(&cli.global, command).await,
        Command::Key(command) => keys::run(&cli.global, command).await,
        Command::User(command) => users::run(&cli.global, command).await,
        Command::Audit(command) => audit::run(&cli.global, command).await,
        Command::SecretKey(command) => secret_key::run(&cli.global, command).await,
        Command::Contact(command) => contacts::run(&cli.global, command).await,
        Command::Spec(command) => specs::run(&cli.global, command).await,
        Command::Migrate(options) => migrate::run(&cli.global, options).await,
        Command::Backup(options) => backup::back_up(&cli.global, options).await,
        Command::Restore(options) => backup::restore(&cli.global, options).await,
        Command::Export(options) => export::run(&cli.global, options).await,
        Command::Import(options) => import::run(&cli.global, options).await,
        Command::Load(options) => load::run(options).await,
        Command::Healthcheck(options) => healthcheck::run(options).await,
        Command::Errors => errors::run(),
        Command::Openapi(options) => openapi::run(&options),
        Command::Internal(command) => guard::run(command).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_has_its_variable_and_its_help() {
        let mut left = vec![Cli::command()];
        let mut seen = 0;
        while let Some(command) = left.pop() {
            if command.is_hide_set() {
                continue;
            }
            for option in command.get_arguments().filter(|argument| argument.get_long().is_some()) {
                let long = option.get_long().unwrap();
                if matches!(long, "help" | "version") {
                    continue;
                }
                let variable = format!("TIDEGATE_{}", long.to_uppercase().replace('-', "_"));
                let found = option.get_env().map(|name| name.to_string_lossy().into_owned());
                assert_eq!(found.as_deref(), Some(variable.as_str()), "{} --{long}", command.get_name());
                assert!(option.get_help().is_some(), "{} --{long} has no help", command.get_name());
                seen += 1;
            }
            left.extend(command.get_subcommands().cloned());
        }
        assert!(seen > 30, "only {seen} options were looked at");
    }
}
