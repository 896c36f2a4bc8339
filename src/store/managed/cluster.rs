//! Making the cluster, whole or not at all, and writing its settings.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    DATABASE, Durability,
    error::{At, ManagedError},
    ground::Ground,
    machine::Machine,
    process, settings,
};

/// How long a killed starter's `initdb` may go on writing into the folder that is removed.
const LEFTOVER: Duration = Duration::from_secs(20);

/// Makes the cluster when there is none, and writes our settings. Safe to be killed at any point.
///
/// # Errors
/// [`ManagedError::Initdb`] with what it printed, or [`ManagedError::Io`].
pub async fn prepare(ground: &Ground) -> Result<(), ManagedError> {
    let cluster = &ground.place.cluster;
    if !cluster.exists() {
        process::evict_ghosts(cluster).await?;
        make(ground).await?;
    }
    configure(ground, cluster, Machine::look(ground, cluster).await)
}

async fn make(ground: &Ground) -> Result<(), ManagedError> {
    let cluster = &ground.place.cluster;
    let growing = cluster.with_extension("new");
    remove(&growing).await?;
    fs::create_dir(&growing).at("make", &growing)?;
    fs::set_permissions(&growing, fs::Permissions::from_mode(0o700)).at("set the mode of", &growing)?;
    ground.account.give(&growing)?;
    initdb(ground, &growing).await?;
    let path = growing.join("postgresql.conf");
    let mut file = OpenOptions::new().append(true).open(&path).at("open", &path)?;
    file.write_all(settings::includes().as_bytes()).at("write", &path)?;
    file.sync_all().at("write", &path)?;
    write(ground, &growing.join(settings::OPERATORS), settings::INVITATION)?;
    fs::rename(&growing, cluster).at("put into place", cluster)?;
    let parent = cluster.parent().unwrap_or(cluster);
    File::open(parent).and_then(|folder| folder.sync_all()).at("write", parent)
}

/// Removes what a killed start left half-made.
async fn remove(folder: &Path) -> Result<(), ManagedError> {
    let deadline = Instant::now() + LEFTOVER;
    loop {
        match fs::remove_dir_all(folder) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.exists() => return Ok(()),
            Err(error) if Instant::now() >= deadline => return Err(error).at("remove", folder),
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn initdb(ground: &Ground, folder: &Path) -> Result<(), ManagedError> {
    let mut command = Command::new(ground.binaries.initdb());
    command.args(["--encoding=UTF8", "--locale=C", "--data-checksums"]);
    command.args(["--auth-local=trust", "--auth-host=reject"]).arg(format!("--username={DATABASE}"));
    if ground.durability == Durability::ForTests {
        command.arg("--no-sync");
    }
    command.arg("-D").arg(folder);
    dress(ground, &mut command, folder);
    command.stdin(Stdio::null());
    let output = tokio::process::Command::from(command).kill_on_drop(true).output().await;
    let output = output.at("run", ground.binaries.initdb())?;
    if output.status.success() {
        return Ok(());
    }
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(ManagedError::Initdb { output: format!("{}\n{}", out.trim(), err.trim()) })
}

/// What every program of PostgreSQL needs: its user, a folder it may stand in, no settings from our surroundings.
pub(super) fn dress(ground: &Ground, command: &mut Command, stand_in: &Path) {
    ground.account.dress(command);
    command.current_dir(stand_in).env("LC_ALL", "C");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
}

/// Rewrites our settings, so that a new release of ours brings its own.
fn configure(ground: &Ground, cluster: &Path, machine: Machine) -> Result<(), ManagedError> {
    let (path, new) = (cluster.join(settings::OURS), cluster.join("tidegate.conf.new"));
    write(ground, &new, &settings::text(ground.durability, machine))?;
    fs::rename(&new, &path).at("put into place", path)
}

/// Writes a file of the cluster's own user.
fn write(ground: &Ground, path: &Path, text: &str) -> Result<(), ManagedError> {
    fs::write(path, text).at("write", path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).at("set the mode of", path)?;
    ground.account.give(path)
}
