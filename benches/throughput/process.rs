//! What processes cost, from `/proc`, and how they are started and ended.

use std::{
    collections::HashMap,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

/// How long a server may take to answer, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server of ours to talk to, ended when dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    name: &'static str,
    child: Child,
}

impl Server {
    /// Starts a program on a free port of loopback and waits until it takes connections. `with` adds its arguments, given the port.
    pub async fn start(
        name: &'static str,
        mut command: Command,
        with: impl FnOnce(&mut Command, u16) -> Result<()>,
    ) -> Result<Self> {
        let port = free_port()?;
        with(&mut command, port)?;
        let child =
            command.kill_on_drop(true).spawn().with_context(|| format!("{name} cannot be started"))?;
        let mut server = Self { address: (Ipv4Addr::LOCALHOST, port).into(), name, child };
        let listens = async {
            while TcpStream::connect(server.address).await.is_err() {
                if let Some(status) = server.child.try_wait()? {
                    bail!("{name} ended: {status}");
                }
                sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        };
        timeout(PATIENCE, listens).await.with_context(|| format!("{name} does not listen"))??;
        Ok(server)
    }

    /// Its process.
    pub fn pid(&self) -> Result<u32> {
        self.child.id().with_context(|| format!("{} has ended", self.name))
    }

    /// Asks it to end, and waits.
    pub async fn stop(mut self) -> Result<()> {
        let pid =
            i32::try_from(self.pid()?).ok().and_then(Pid::from_raw).context("a process has a number")?;
        kill_process(pid, Signal::TERM)?;
        timeout(PATIENCE, self.child.wait())
            .await
            .with_context(|| format!("{} does not end", self.name))??;
        Ok(())
    }
}

/// A port that nobody listens on. Another program may take it first; then the server that was to have it says so.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Processor time of a process alone.
pub fn cpu(pid: u32) -> Result<Duration> {
    let stat = Stat::of(pid).with_context(|| format!("process {pid} has ended"))?;
    Ok(ticks(stat.own))
}

/// Processor time of a process with all that it started, the ended ones too.
pub fn cpu_of_tree(root: u32) -> Result<Duration> {
    let mut stats = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let pid = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        // A process may end while we look.
        if let Some((pid, stat)) = pid.and_then(|pid| Some((pid, Stat::of(pid)?))) {
            stats.insert(pid, stat);
        }
    }
    anyhow::ensure!(stats.contains_key(&root), "process {root} has ended");
    let mut sum = 0;
    let mut left = vec![root];
    while let Some(pid) = left.pop() {
        sum += stats.get(&pid).map_or(0, |stat| stat.own + stat.reaped);
        left.extend(stats.iter().filter(|(_, stat)| stat.parent == pid).map(|(child, _)| *child));
    }
    Ok(ticks(sum))
}

/// The most memory that a process ever had in use, in bytes.
pub fn peak_memory(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024)
}

/// The process number in the first line of a `postmaster.pid`.
pub fn postmaster(cluster: &std::path::Path) -> Result<u32> {
    let path = cluster.join("postmaster.pid");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    text.lines().next().unwrap_or_default().trim().parse().context("postmaster.pid")
}

/// Fields of `/proc/<pid>/stat` (proc(5)), times in ticks.
struct Stat {
    parent: u32,
    /// `utime` and `stime`.
    own: u64,
    /// `cutime` and `cstime`: of children that ended and were waited for.
    reaped: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything; the third field follows the last one.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Self {
            parent: u32::try_from(number(4)?).ok()?,
            own: number(14)? + number(15)?,
            reaped: number(16)? + number(17)?,
        })
    }
}

fn ticks(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}
