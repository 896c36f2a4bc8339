//! Runs parse, validate and encode of one fixed batch of 100 events as often as it is told; `instructions.sh` counts what that takes.
//!
//! ```text
//! benches/instructions.sh             # count, and compare with benches/instructions.txt
//! benches/instructions.sh --record    # and write what was counted there
//! ```

#![allow(clippy::print_stdout, reason = "it says what it is")]

#[path = "sample/mod.rs"]
mod sample;

use anyhow::{Context, Result};
use sample::Judge;

/// Items of the batch; `instructions.sh` divides by it.
const ITEMS: usize = 100;

fn main() -> Result<()> {
    let Some(batches) = std::env::args().skip(1).find(|argument| argument != "--bench") else {
        println!("instructions: not run by itself; benches/instructions.sh counts them under callgrind");
        return Ok(());
    };
    let batches: usize = batches.parse().context("how many batches: a number")?;
    let (judge, body) = (Judge::new(), sample::events(ITEMS));
    judge.check()?;
    // The contacts count as well: they are the same in every run, and so leave the difference of two.
    std::hint::black_box(judge.contacts(&sample::contacts(1))?);
    for _ in 0..batches {
        judge.prepare(&body)?;
    }
    Ok(())
}
