//! Where it runs, and as whom.

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
};

use crate::{
    folder::chmod,
    home::{Home, PROGRAM, bare},
    inlet::Inlet,
    serve::Serve,
};

fn are_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A clone in a home or temp folder that is closed to others; PostgreSQL's user cannot get in where root lends one.
#[tokio::test]
async fn it_runs_in_a_folder_that_is_closed_to_others() {
    let home = Home::new();
    let closed = home.folder().join("clone of mine");
    fs::create_dir(&closed).unwrap();
    chmod(&closed, 0o700);
    let data_dir = closed.join(".tidegate");
    let _elsewhere = Elsewhere::of(&data_dir);
    let mut command = bare(PROGRAM, &closed);
    command.arg("serve");
    let serve = Serve::of(command, closed.join("serve.log")).await;
    assert!(data_dir.join("pg/PG_VERSION").exists(), "the default data directory is .tidegate");
    assert_eq!(data_dir.join("pg").is_symlink(), are_root(), "root's server lives elsewhere");
    if !are_root() {
        eprintln!("not root: that another user's PostgreSQL is kept out does not apply here");
    }
    let inlet = Inlet::demo(&serve);
    let pushed = inlet.push(&serde_json::json!([crate::inlet::event("one")])).await.unwrap();
    assert_eq!(pushed.status().as_u16(), 202);
    serve.stop().await;

    let mut command = bare(PROGRAM, &closed);
    command.arg("serve");
    let again = Serve::of(command, closed.join("again.log")).await;
    assert_eq!(inlet.on(&again).probe().await, 200, "the same data");
    let mut pasted = bare("sh", &closed);
    pasted.args(["-c", again.commands("tidegate")[0]]);
    assert!(crate::home::Ran::of(pasted).await.ok().contains("tgd_"));
    again.stop().await;
}

/// Where root keeps what cannot stay in a data directory.
const ROOTS: &str = "/var/lib/tidegate";

/// Removes what a server with a closed data directory keeps elsewhere.
struct Elsewhere {
    data_dir: PathBuf,
    had_root: bool,
}

impl Elsewhere {
    fn of(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned(), had_root: Path::new(ROOTS).exists() }
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        tidegate::store::managed::guardian::discard(&self.data_dir).unwrap();
        if !self.had_root {
            // It stays when somebody else has put something there meanwhile.
            let _stays = fs::remove_dir(ROOTS);
        }
    }
}

#[tokio::test]
async fn a_data_directory_with_spaces_and_quotes_is_printed_so_that_it_can_be_pasted() {
    let home = Home::new();
    let data_dir = home.folder().join("it's a d");
    let _elsewhere = Elsewhere::of(&data_dir);
    let start = async |name: &str| {
        let mut command = bare(PROGRAM, home.folder());
        command.arg("--data-dir").arg(&data_dir).arg("serve");
        Serve::of(command, home.folder().join(name)).await
    };
    start("first.log").await.stop().await;
    let again = start("again.log").await;
    assert!(home.paste(again.commands("tidegate")[0]).await.ok().contains("tgd_"), "{}", again.printed);
    let rows = home.paste(&format!("{} -Atc 'select name from project'", again.commands("psql")[0])).await;
    assert_eq!(rows.ok(), "Demo\n");
    again.stop().await;
}

/// An ordinary user runs everything as themselves: the server and its PostgreSQL.
#[tokio::test]
async fn it_runs_as_an_ordinary_user() {
    let home = Home::new();
    let mut command = if are_root() {
        as_nobody(home.folder())
    } else {
        eprintln!("not root: run as the user who runs the tests");
        bare(PROGRAM, home.folder())
    };
    command.args(["serve", "--data-dir"]).arg(home.data_dir());
    let serve = Serve::of(command, home.folder().join("serve.log")).await;
    let owner = fs::metadata(home.data_dir().join("pg")).unwrap().uid();
    assert_eq!(owner == rustix::process::geteuid().as_raw(), !are_root());
    assert_eq!(fs::metadata(home.data_dir()).unwrap().mode() & 0o777, 0o700, "nobody else looks inside");
    assert!(!home.data_dir().join("pg").is_symlink());
    assert_eq!(Inlet::demo(&serve).probe().await, 200);
    serve.stop().await;
    assert!(home.postmaster().is_none());
}

/// A call of the program by `nobody`, from a place where `nobody` can read it.
fn as_nobody(folder: &Path) -> tokio::process::Command {
    let table = fs::read_to_string("/etc/passwd").unwrap();
    let line =
        table.lines().find(|line| line.starts_with("nobody:")).expect("a user `nobody`, as on any Unix");
    let number = |at| line.split(':').nth(at).unwrap().parse::<u32>().unwrap();
    let (uid, gid) = (number(2), number(3));
    let program = folder.join("tidegate");
    fs::copy(PROGRAM, &program).unwrap();
    chmod(&program, 0o755);
    let own = folder.join("home");
    fs::create_dir(&own).unwrap();
    chown(&own, Some(uid), Some(gid)).unwrap();
    // The data directory's parent has to be theirs, for they make it themselves.
    chown(folder, Some(uid), Some(gid)).unwrap();
    let mut command = bare(program, &own);
    command.env("HOME", &own).env_remove("XDG_STATE_HOME").uid(uid).gid(gid);
    command
}
