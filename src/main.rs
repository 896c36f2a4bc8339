//! placeholder
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["internal", "guard-postgres", dir] => Ok(tidegate::store::managed::guardian::guard(Path::new(dir))?),
        _ => Ok(()),
    }
}
