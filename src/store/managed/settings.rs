//! The server's settings: ours in `tidegate.conf`, rewritten at each start; the operator's in `local.conf`.

use super::{Durability, machine::Machine};

/// The file of our settings, inside the cluster.
pub const OURS: &str = "tidegate.conf";
/// The file of the operator's settings, inside the cluster; read after ours, and left alone once it is there.
pub const OPERATORS: &str = "local.conf";

/// What the operator's file says at first.
pub const INVITATION: &str = "\
# Settings of the operator: read at each start after tidegate.conf, never changed by tidegate.
";

/// What every server of ours is told. Errors are logged without the row or the statement that caused them: those
/// hold customers' data.
const ALWAYS: &str = "\
# Written by tidegate at each start; changes here are lost. Put yours into local.conf beside this file.
unix_socket_permissions = 0700
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
synchronous_commit = on
jit = off
huge_pages = try
work_mem = 8MB
maintenance_work_mem = 128MB
# Parallel plans need shared memory that small containers lack, and help no query of ours.
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
random_page_cost = 1.1
idle_in_transaction_session_timeout = 60s
logging_collector = off
log_destination = 'stderr'
log_line_prefix = '%m [%p] '
log_min_messages = warning
log_error_verbosity = terse
log_min_error_statement = panic
log_checkpoints = off
log_autovacuum_min_duration = -1
# A log grows at its end: vacuum early to freeze and to mark pages all-visible, a little at a time.
autovacuum_naptime = 30s
autovacuum_vacuum_insert_scale_factor = 0.05
autovacuum_vacuum_scale_factor = 0.05
autovacuum_analyze_scale_factor = 0.05
autovacuum_vacuum_cost_limit = 1000
";

const FULL: &str = "\
fsync = on
full_page_writes = on
wal_buffers = 16MB
max_wal_size = 4GB
min_wal_size = 256MB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
max_connections = 100
# Each partition of the log takes several locks where a statement meets all of them, and a restore makes all at once.
max_locks_per_transaction = 256
";

/// A server that is thrown away after the run needs no disk to agree with it, and many tests share it.
const FOR_TESTS: &str = "\
fsync = off
full_page_writes = off
max_wal_size = 1GB
shared_buffers = 64MB
max_connections = 300
";

/// Bounds of `shared_buffers`, in MiB, and its part of the memory between them. Claims on event ids are written all over a
/// B-tree, which should fit; what it does not hold is cached once more by the operating system.
const BUFFERS: (u64, u64) = (128, 1_024);
const PART: u64 = 8;

/// The whole text of `tidegate.conf`.
pub fn text(durability: Durability, machine: Machine) -> String {
    match durability {
        Durability::Full => format!("{ALWAYS}{FULL}{}", fitting(machine)),
        Durability::ForTests => format!("{ALWAYS}{FOR_TESTS}"),
    }
}

/// What depends on the machine.
fn fitting(machine: Machine) -> String {
    let (least, most) = BUFFERS;
    let buffers = machine.memory.map_or(least, |bytes| (bytes >> 20) / PART).clamp(least, most);
    // The first change of a page after a checkpoint writes all of it. Compressing that by PostgreSQL's own method costs more
    // time than it saves on the disk; see docs/decisions/0021-settle-the-write-path-by-measurement.md.
    let compression = if machine.lz4 { "lz4" } else { "off" };
    format!("shared_buffers = {buffers}MB\nwal_compression = {compression}\n")
}

/// What is added to `postgresql.conf` once, when the cluster is made.
pub fn includes() -> String {
    format!("\ninclude_if_exists = '{OURS}'\ninclude_if_exists = '{OPERATORS}'\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_an_eighth_within_bounds() {
        for (memory, wanted) in
            [(None, 128), (Some(512 << 20), 128), (Some(4 << 30), 512), (Some(64 << 30), 1_024)]
        {
            let text = text(Durability::Full, Machine { memory, lz4: false });
            assert!(text.contains(&format!("\nshared_buffers = {wanted}MB\n")), "{memory:?}");
            assert!(text.contains("\nwal_compression = off\n"));
        }
        let text = text(Durability::Full, Machine { memory: None, lz4: true });
        assert!(text.contains("\nwal_compression = lz4\n"));
    }
}
