//! `tidegate errors`

use std::io::Write;

use crate::http::errors_page;

pub(super) fn run() -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(errors_page::markdown().as_bytes())?)
}
