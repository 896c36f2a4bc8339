//! The tables of options against the command line itself.

use std::collections::BTreeMap;

use clap::{ArgAction, Command, CommandFactory};
use tidegate::cli::Cli;

use crate::manual;

/// Where an option stands: the first word of its command (nothing: every command), the words after it, and the option.
type Place = (String, String, String);

/// An option of the command line.
struct Known {
    variable: String,
    default: Option<String>,
    required: bool,
}

fn known() -> BTreeMap<Place, Known> {
    let mut found = BTreeMap::new();
    collect(&Cli::command(), &[], &mut found);
    found
}

fn collect(command: &Command, path: &[&str], found: &mut BTreeMap<Place, Known>) {
    for option in command.get_arguments() {
        let Some(long) = option.get_long().filter(|long| !matches!(*long, "help" | "version")) else {
            continue;
        };
        let flag = matches!(option.get_action(), ArgAction::SetTrue);
        let default = option.get_default_values().first().map(|value| value.to_str().unwrap().to_owned());
        let known = Known {
            variable: option.get_env().unwrap().to_str().unwrap().to_owned(),
            default: default.filter(|_| !flag),
            required: option.is_required_set(),
        };
        let first = path.first().copied().unwrap_or_default();
        let rest = path.get(1..).unwrap_or_default().join(" ");
        found.insert((first.to_owned(), rest, format!("--{long}")), known);
    }
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        collect(below, &[path, &[below.get_name()]].concat(), found);
    }
}

/// A row of the manual.
#[derive(Debug)]
struct Told {
    variable: String,
    /// The cell of the default; of a table for several commands, the whole row.
    rest: String,
}

/// The rows of the manual. A line such as "`serve`:" or "`spec`, what …:" says whose options follow; where the third column is headed "of", it names
/// the commands below that one.
fn told() -> BTreeMap<Place, Told> {
    let page = manual::read("docs/operations.md");
    let chapter = manual::section(&page, "## Options");
    let (mut told, mut command, mut of) = (BTreeMap::new(), String::new(), false);
    for line in chapter.lines() {
        let headed = line.strip_prefix('`').and_then(|line| line.strip_suffix(':')?.split_once('`'));
        if let Some((name, rest)) = headed
            && (rest.is_empty() || rest.starts_with(", "))
        {
            name.clone_into(&mut command);
        }
        let Some(cells) = line.strip_prefix('|') else { continue };
        let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
        if cells[0] == "option" {
            of = cells[2] == "of";
        }
        let Some(option) = cells[0].strip_prefix("`--") else { continue };
        let option = format!("--{}", option.trim_end_matches('`'));
        let below = if of { manual::quoted(cells[2]) } else { vec![String::new()] };
        for below in below {
            let rest = if of { line } else { cells[2] };
            let row = Told { variable: manual::quoted(cells[1]).remove(0), rest: rest.to_owned() };
            let place = (command.clone(), below, option.clone());
            assert!(told.insert(place.clone(), row).is_none(), "{place:?} is there twice");
        }
    }
    told
}

#[test]
fn every_option_has_its_row_and_every_row_its_option() {
    let (known, told) = (known(), told());
    assert!(known.len() > 30, "only {} options were found", known.len());
    let missing: Vec<&Place> = known.keys().filter(|place| !told.contains_key(*place)).collect();
    let extra: Vec<&Place> = told.keys().filter(|place| !known.contains_key(*place)).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "docs/operations.md, Options: no row for {missing:?}, and no option for {extra:?}"
    );
}

#[test]
fn rows_say_what_the_command_line_says() {
    let mut told = told();
    for (place, known) in known() {
        let Some(row) = told.remove(&place) else { continue };
        assert_eq!(row.variable, known.variable, "{place:?}");
        if known.required {
            assert!(row.rest.contains("required"), "{place:?} is required: {}", row.rest);
        }
        if let Some(default) = known.default {
            assert!(row.rest.contains(&default), "{place:?} has the default {default}: {}", row.rest);
        }
    }
}

#[test]
fn every_command_is_told_of() {
    let page = manual::read("docs/operations.md");
    let chapter = manual::section(&page, "## Options");
    for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
        let name = command.get_name();
        assert!(chapter.contains(&format!("`{name}`")), "docs/operations.md, Options: nothing of `{name}`");
    }
}
