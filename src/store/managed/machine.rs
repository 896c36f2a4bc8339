//! What the settings depend on: how much memory there is, and what the programs were built with.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use super::{Durability, cluster::dress, ground::Ground};

/// What a server of ours may count on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Machine {
    /// Bytes of memory that this machine has, or that our control group leaves us; none where neither can be told.
    pub memory: Option<u64>,
    /// Whether the write-ahead log can be compressed by LZ4.
    pub lz4: bool,
}

impl Machine {
    /// Looks around. What cannot be found out is taken for absent.
    pub async fn look(ground: &Ground, cluster: &Path) -> Self {
        // Tests compress nothing, and start many servers.
        let lz4 = ground.durability == Durability::Full && knows_lz4(ground, cluster).await;
        Self { memory: memory(), lz4 }
    }
}

/// Asks the server's own program whether it would take the setting; nothing is started.
async fn knows_lz4(ground: &Ground, cluster: &Path) -> bool {
    let mut command = Command::new(ground.binaries.postgres());
    command.args(["-C", "wal_compression", "-c", "wal_compression=lz4", "-D"]).arg(cluster);
    dress(ground, &mut command, cluster);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let asked = tokio::process::Command::from(command).kill_on_drop(true).status().await;
    asked.is_ok_and(|status| status.success())
}

/// The lesser of what the machine has and what our control group may use (cgroup v2).
fn memory() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    let group =
        fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    machine.into_iter().chain(group).min()
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
fn total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read_in_bytes() {
        assert_eq!(total("MemTotal:       24627024 kB\nMemFree: 1 kB\n"), Some(24_627_024 * 1_024));
        assert_eq!(total("MemFree: 1 kB\n"), None);
        assert_eq!(total("MemTotal: many kB\n"), None);
    }
}
