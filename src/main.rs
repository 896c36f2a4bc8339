//! The `tidegate` program: parse the command line, run it.

use std::process::ExitCode;

use clap::Parser;
use tidegate::cli::{self, Cli};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write;
            // Nobody is left to tell when standard error is gone.
            let _unheard = writeln!(std::io::stderr(), "tidegate: {}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes; those that the text before them has already told are left out.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

async fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    // One of the two may be chosen by somebody else's code in this process; what matters is that one is.
    let _already = rustls::crypto::ring::default_provider().install_default();
    cli::run(cli).await
}
