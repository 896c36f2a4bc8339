//! Reading the stream page by page, and following it, through restarts and cursors that are too old.

use std::{fs, net::SocketAddr, path::Path, process::Stdio};

use rstest::rstest;
use serde_json::{Value, json};
use tidegate::{
    auth::scope::Scope,
    config::Stations,
    domain::{clock::SystemClock, cursor::Cursor},
    http,
    store::Database,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    net::TcpListener,
    process::{Child, ChildStdout},
    time::{sleep, timeout},
};

use crate::{
    events::events,
    folder::Folder,
    gateway::{Gateway, Turn},
    home::{PATIENCE, Ran, bare},
    script::{Access, Language},
    support::{
        house::{Inlet, TestHouse, stations},
        postgres::TestDatabase,
    },
};

/// A house that can be started anew at the same address, a key of its stream, and a file for a cursor.
struct Stage {
    house: TestHouse,
    inlet: Inlet,
    access: Access,
    folder: Folder,
    database: TestDatabase,
}

impl Stage {
    async fn set() -> Self {
        let database = TestDatabase::create().await;
        let house = TestHouse::start(&database).await;
        let inlet = house.inlet().await;
        let (_, token) = house.product_token(Some(&inlet.project), &[Scope::ProjectStreamRead]).await;
        let access = Access { token, ..Access::to(&house, &inlet) };
        Self { house, inlet, access, folder: Folder::below(&std::env::temp_dir()), database }
    }

    /// Ends the house in order and starts another at its address.
    async fn restart(self) -> Self {
        self.restart_behind("", None).await
    }

    /// The same, with the epochs under new numbers, as a restore leaves them.
    async fn restored(self) -> Self {
        let moved = "insert into epoch (n, system_identifier, timeline)
                     select n + 20, system_identifier, timeline from epoch;
                     update epoch set moved_to = n + 20 where n < 20;
                     update lot set epoch = epoch + 20";
        self.restart_behind(moved, None).await
    }

    /// The same after some statements, or at another address.
    async fn restart_behind(self, statements: &str, listen: Option<SocketAddr>) -> Self {
        let Self { house, database, .. } = self;
        let listen = listen.unwrap_or_else(|| house.base.strip_prefix("http://").unwrap().parse().unwrap());
        house.stop().await;
        database.client().await.batch_execute(statements).await.unwrap();
        let options = stations();
        let options = Stations { http: http::Options { listen, ..options.http }, ..options };
        let config = Database::new(database.config.clone());
        let house = TestHouse::with(config, options, SystemClock::shared()).await;
        Self { access: self.access.by(&house.base), house, database, ..self }
    }

    fn place(&self) -> String {
        self.folder.path().join("place").display().to_string()
    }

    fn cursor(&self) -> Cursor {
        Cursor::decode(&fs::read_to_string(self.place()).unwrap()).unwrap()
    }

    async fn push(&self, ids: std::ops::Range<usize>) {
        for batch in events(ids).chunks(100) {
            let reply =
                self.house.post(&self.inlet.token, &self.inlet.path("/stream/events"), &json!(batch)).await;
            assert_eq!(reply.status, 202, "{}", reply.text);
        }
    }

    /// The ids of everything that is there, once so many are: other databases of the cluster delay the stream.
    async fn settled(&self, count: usize) -> Vec<String> {
        let path = format!("/v1/project/{}/stream?limit=1000", self.inlet.project);
        let reading = async {
            let (mut found, mut after) = (Vec::new(), String::new());
            while found.len() < count {
                let page = self.house.get(&self.access.token, &format!("{path}{after}")).await.json();
                after = format!("&after={}", page["next"].as_str().unwrap());
                found.extend(page["items"].as_array().unwrap().iter().map(id));
                if page["caughtUp"] == true {
                    sleep(std::time::Duration::from_millis(20)).await;
                }
            }
            found
        };
        timeout(PATIENCE, reading).await.expect("the stream shows what was pushed")
    }

    async fn read(&self, language: Language, access: &Access) -> Ran {
        access.run(language, "read-stream", Some(&self.place())).await
    }
}

fn id(item: &Value) -> String {
    item["_event_id"].as_str().unwrap().to_owned()
}

/// The ids of the items that a script printed, one a line.
fn printed(ran: &Ran) -> Vec<String> {
    ran.out.lines().map(|line| id(&serde_json::from_str(line).unwrap())).collect()
}

#[rstest]
#[tokio::test]
async fn the_whole_history_is_read_once_however_often_one_begins(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let stage = Stage::set().await;
    stage.push(0..2_300).await;
    let all = stage.settled(2_300).await;
    let ran = stage.read(language, &stage.access).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(printed(&ran) == all, "three pages are the whole of it");

    let stage = stage.restart().await;
    stage.push(2_300..2_350).await;
    let all = stage.settled(2_350).await;
    let ran = stage.read(language, &stage.access).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(printed(&ran) == all[2_300..], "only what is new: {ran:?}");
    let again = stage.read(language, &stage.access).await;
    assert_eq!((again.code, again.out.as_str()), (Some(0), ""));

    let anew = stage.access.run(language, "read-stream", None).await;
    assert!(printed(&anew) == all, "without a file, from the oldest item on");
    stage.house.stop().await;
}

#[rstest]
#[tokio::test]
async fn a_page_is_asked_for_until_it_comes_and_a_refusal_is_told(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let stage = Stage::set().await;
    stage.push(0..10).await;
    let all = stage.settled(10).await;
    let turns = [Turn::CutRequest, Turn::Page(502), Turn::Page(503)];
    let gateway = Gateway::before(&stage.house.base, &turns).await;
    let ran = stage.read(language, &stage.access.by(&gateway.url)).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(gateway.statuses(), [0, 502, 503, 200]);
    assert_eq!(printed(&ran), all);

    let place = stage.cursor();
    let stranger = Access { token: stage.inlet.token.clone(), ..stage.access.clone() };
    let ran = stage.read(language, &stranger).await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.starts_with("404 not_found: "), "a datasource token reads no stream: {ran:?}");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = stage.access.by(&format!("http://{free}")).with("TIDEGATE_RETRY_FOR", 2);
    let ran = stage.read(language, &nobody).await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert_eq!(stage.cursor(), place, "the place is kept");
    stage.house.stop().await;
}

#[rstest]
#[tokio::test]
async fn after_a_restore_it_goes_on_where_it_is_told_to(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let stage = Stage::set().await;
    stage.push(0..10).await;
    stage.settled(10).await;
    assert_eq!(stage.read(language, &stage.access).await.code, Some(0));
    let stage = stage.restored().await;
    stage.push(10..20).await;
    let all = stage.settled(20).await;
    let ran = stage.read(language, &stage.access).await;
    assert_eq!((ran.code, printed(&ran)), (Some(0), all[10..].to_vec()), "{ran:?}");
    assert!(ran.err.starts_with("410 cursor_expired: "), "{ran:?}");
    stage.house.stop().await;
}

/// A script that follows, read line by line.
struct Following {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Following {
    fn start(stage: &Stage, language: Language) -> Self {
        let mut command = stage.access.command(language, "follow-stream", Some(&stage.place()));
        command.stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The ids of the next items.
    async fn next(&mut self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        while ids.len() < count {
            let line = timeout(PATIENCE, self.lines.next_line()).await.expect("an item comes").unwrap();
            ids.push(id(&serde_json::from_str(&line.expect("it goes on")).unwrap()));
        }
        ids
    }

    /// Ends it by a signal, and gives what it has printed and nobody has read.
    async fn ended(mut self) -> usize {
        let pid = rustix::process::Pid::from_raw(self.child.id().unwrap().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        timeout(PATIENCE, self.child.wait()).await.expect("it ends").unwrap();
        let mut rest = 0;
        while self.lines.next_line().await.unwrap().is_some() {
            rest += 1;
        }
        rest
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_survives_the_end_of_the_server_and_its_own(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let stage = Stage::set().await;
    stage.push(0..5).await;
    stage.settled(5).await;
    assert_eq!(stage.read(language, &stage.access).await.code, Some(0));
    // Behind the file's place, though it comes late.
    stage.push(5..205).await;
    let mut following = Following::start(&stage, language);
    let mut heard = following.next(200).await;
    stage.push(205..210).await;
    heard.extend(following.next(5).await);

    let stage = stage.restart().await;
    stage.push(210..220).await;
    heard.extend(following.next(10).await);
    assert_eq!(following.ended().await, 0);

    stage.push(220..225).await;
    let mut following = Following::start(&stage, language);
    // The last item may come again, where it ended between the line and the file.
    let all = stage.settled(225).await;
    let mut next = following.next(5).await;
    if next[0] == all[219] {
        next.remove(0);
        next.extend(following.next(1).await);
    }
    heard.extend(next);
    assert!(heard == all[5..], "no gap and no repeat");

    // A cursor from before a restore, which it is told at its next attempt.
    assert_eq!(following.ended().await, 0);
    let stage = stage.restored().await;
    let mut following = Following::start(&stage, language);
    stage.push(225..230).await;
    let all = stage.settled(230).await;
    let mut next = following.next(5).await;
    if next[0] == all[224] {
        next.remove(0);
        next.extend(following.next(1).await);
    }
    assert_eq!(next, all[225..]);
    following.ended().await;
    stage.house.stop().await;
}

#[rstest]
#[tokio::test]
async fn a_follower_that_is_refused_ends(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let stage = Stage::set().await;
    let stranger = Access { token: "tgp_unknown".into(), ..stage.access.clone() };
    let ran = stranger.run(language, "follow-stream", None).await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.starts_with("401 invalid_token: "), "{ran:?}");
    stage.house.stop().await;
}

/// It begins at the moment at which it was started, however often it has to come back until it gets an item.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_without_a_place_begins_now(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let stage = Stage::set().await;
    stage.push(0..5).await;
    stage.settled(5).await;
    // At first somebody else is there, who hears the request and hangs up.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stage = Stage { access: stage.access.by(&format!("http://{address}")), ..stage };
    let mut following = Following::start(&stage, language);
    let (mut hearer, _) = listener.accept().await.unwrap();
    assert_ne!(hearer.read(&mut [0; 16]).await.unwrap(), 0);
    drop((hearer, listener));
    let stage = stage.restart_behind("", Some(address)).await;
    stage.push(5..10).await;
    let all = stage.settled(10).await;
    let mut heard = following.next(1).await;
    while heard.last() != all.last() {
        heard.extend(following.next(1).await);
    }
    // Times are cut down to the second by the shortest of the scripts, so that the first ones may come too.
    assert!(heard.len() >= 5 && all.ends_with(&heard), "{heard:?}");
    following.ended().await;
    stage.house.stop().await;
}

/// The Python of the page on waiting for one's own data.
fn waiting() -> String {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api.md")).unwrap();
    let section = page.split("### Waiting for one's own data").nth(1).unwrap();
    section.split("```python\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
}

/// Whether a follower that keeps a place has reached what was acknowledged by a receipt.
async fn has_reached(follower: &str, receipt: &str) -> bool {
    let mut command = bare("python3", &std::env::temp_dir());
    command.args([
        "-c",
        &format!("{}\nimport sys; print(has_reached(*sys.argv[1:]))", waiting()),
        follower,
        receipt,
    ]);
    match Ran::of(command).await.ok().as_str().trim() {
        "True" => true,
        "False" => false,
        other => panic!("{other}"),
    }
}

/// By the lines in docs/api.md, and the place that a reader keeps.
#[tokio::test]
async fn a_sender_waits_for_its_own_data_to_reach_a_follower() {
    let stage = Stage::set().await;
    stage.push(0..10).await;
    stage.settled(10).await;
    assert_eq!(stage.read(Language::Python, &stage.access).await.code, Some(0));
    for (at, outcome) in [(10, "stored"), (11, "stored"), (10, "duplicate")] {
        let before = fs::read_to_string(stage.place()).unwrap();
        let batch = json!(events(at..at + 1));
        let pushed = stage.house.post(&stage.inlet.token, &stage.inlet.path("/stream/events"), &batch).await;
        assert_eq!(pushed.outcomes(), [outcome]);
        let receipt = pushed.json()["receipt"]["cursor"].as_str().unwrap().to_owned();
        if outcome == "stored" {
            assert!(!has_reached(&before, &receipt).await, "it cannot have seen it");
        }
        let reading = async {
            let mut read = Vec::new();
            loop {
                read.extend(printed(&stage.read(Language::Python, &stage.access).await));
                if has_reached(&fs::read_to_string(stage.place()).unwrap(), &receipt).await {
                    return read;
                }
            }
        };
        let read = timeout(PATIENCE, reading).await.expect("the reader gets there");
        let wanted: &[String] = if outcome == "stored" { &[format!("e-{at}")] } else { &[] };
        assert_eq!(read, wanted, "what was acknowledged is among what it has read");
    }
    stage.house.stop().await;
}
