//! `tidegate openapi`

use std::io::Write;

use crate::{config, http::openapi};

/// Options of `openapi`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// How clients reach the server. Default: wherever they got the document from.
    #[arg(long, env = "TIDEGATE_PUBLIC_URL", value_parser = config::public_url, value_name = "URL")]
    pub public_url: Option<String>,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let document = openapi::document(options.public_url.as_deref()).to_pretty_json()?;
    Ok(std::io::stdout().write_all(format!("{document}\n").as_bytes())?)
}
