//! Printing: JSON for programs, tables and next steps for people. The one place that writes to standard output.

use std::io::Write;

use comfy_table::{Table, presets};
use serde::Serialize;

use crate::config::{DEFAULT_DATA_DIR, Global};

/// Prints a line. A reader that went away, such as `head`, is no error.
pub(super) fn line(text: impl AsRef<str>) {
    let _reader_gone = writeln!(std::io::stdout(), "{}", text.as_ref());
}

/// Prints one JSON object on a line of its own.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string(value)?);
    Ok(())
}

/// Prints the fields of one thing, a line each.
pub(super) fn fields(fields: &[(&str, String)]) {
    let width = fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value) in fields {
        line(format!("{name:width$}  {value}").trim_end());
    }
}

/// Prints a table, or what to do when there is nothing in it.
pub(super) fn table(header: &[&str], rows: Vec<Vec<String>>, when_empty: &str) {
    if rows.is_empty() {
        return line(when_empty);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    for row in rows {
        table.add_row(row);
    }
    line(table.to_string());
}

/// How to call this program again on the same data, for a line to paste: with the options that chose them.
pub(super) fn call(global: &Global) -> String {
    let program = quoted(&program());
    if let Some(url) = &global.database_url {
        // The URL holds a password, which is not to be printed.
        let given = std::env::var("TIDEGATE_DATABASE_URL").is_ok_and(|text| text == url.reveal());
        return if given { program } else { format!("{program} --database-url \"$TIDEGATE_DATABASE_URL\"") };
    }
    if global.data_dir.as_os_str() == DEFAULT_DATA_DIR {
        return program;
    }
    format!("{program} --data-dir {}", quoted(&global.data_dir.display().to_string()))
}

/// A word as a shell reads it back.
pub(super) fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:@%".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// This very program: its name where the shell would find it, else its path.
fn program() -> String {
    let Ok(path) = std::env::current_exe() else { return "tidegate".into() };
    let on_path = std::env::var_os("PATH")
        .is_some_and(|all| std::env::split_paths(&all).any(|folder| folder.join("tidegate") == path));
    if on_path {
        return "tidegate".into();
    }
    let here = std::env::current_dir().ok();
    let near = here.and_then(|here| path.strip_prefix(here).ok().map(|rest| format!("./{}", rest.display())));
    near.unwrap_or_else(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_only_where_a_shell_would_split_them() {
        for (word, wanted) in [("/a/b-c.d", "/a/b-c.d"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("", "''")]
        {
            assert_eq!(quoted(word), wanted);
        }
    }
}
