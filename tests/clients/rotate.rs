//! Rotating a token under a sender that never stops: the built program, its command line, and a file with the token.

use std::{
    cell::Cell,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::PathBuf,
};

use rstest::rstest;
use serde_json::Value;

use crate::{
    events::events,
    gateway::{Gateway, Turn},
    home::{Home, PATIENCE, PROGRAM, Ran, until},
    script::{Access, Fed, Language},
    serve::Serve,
};

/// A server, a datasource, and a file with its token.
struct Stage {
    home: Home,
    serve: Serve,
    access: Access,
    file: PathBuf,
}

impl Stage {
    async fn set() -> Self {
        let home = Home::new();
        let serve = Serve::start(&home).await;
        let (token, url) = serve.demo();
        let file = home.folder().join("token");
        fs::write(&file, format!("{token}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        // Secrets are often links; the file behind them is what clients read.
        let link = home.folder().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mut parts = url.split('/').skip(5).step_by(2);
        let (project, datasource) = (parts.next().unwrap().to_owned(), parts.next().unwrap().to_owned());
        let path = std::env::var("PATH").unwrap();
        let program = std::path::Path::new(PROGRAM).parent().unwrap().display();
        let access = Access { url: serve.base.clone(), project, datasource, token, more: Vec::new() }
            .with("TIDEGATE_TOKEN_FILE", link.display())
            .with("TIDEGATE_DATA_DIR", home.data_dir().display())
            .with("PATH", format!("{program}:{path}"));
        Self { home, serve, access, file }
    }

    /// The token in the file.
    fn token(&self) -> String {
        fs::read_to_string(&self.file).unwrap().trim().to_owned()
    }

    async fn rotate(&self, language: Language, name: Option<&str>) -> Ran {
        let ran = Ran::of(self.access.command(language, "rotate-token", name)).await;
        let shown = format!("{ran:?}");
        assert!(
            !shown.contains(&self.access.token) && !shown.contains(&self.token()),
            "a token is shown: {shown}"
        );
        ran
    }

    /// What the server says to a token.
    async fn probe(&self, token: &str) -> (u16, Value) {
        let Access { url, project, datasource, .. } = &self.access;
        let url = format!("{url}/v1/project/{project}/datasource/{datasource}/stream");
        let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn stored(&self) -> usize {
        let stored = self.home.number("select count(*) from event where kind = 'e'").await;
        usize::try_from(stored).unwrap()
    }

    /// Feeds a sender the next batch and waits until it is stored.
    async fn feed(&self, sender: &mut Fed, fed: &mut usize) {
        sender.feed(&events(*fed..*fed + 100)).await;
        *fed += 100;
        until("a batch is stored", PATIENCE, async || self.stored().await == *fed).await;
    }
}

#[rstest]
#[tokio::test]
async fn a_sender_never_notices_a_rotation(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let stage = Stage::set().await;
    let old = stage.access.token.clone();
    let mut sender = Fed::start(stage.access.command(language, "push-events", Some("/dev/stdin")));
    let mut fed = 0;
    stage.feed(&mut sender, &mut fed).await;

    let over = Cell::new(false);
    let rotating = async {
        let ran = stage.rotate(language, Some("crm 2027")).await;
        over.set(true);
        ran
    };
    let sending = async {
        while !over.get() {
            stage.feed(&mut sender, &mut fed).await;
        }
    };
    let (ran, ()) = tokio::join!(rotating, sending);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let new = stage.token();
    until("the old token is refused", PATIENCE, async || stage.probe(&old).await.0 == 401).await;
    let (status, answer) = stage.probe(&new).await;
    assert_eq!((status, &answer["token"]["name"]), (200, &Value::from("crm 2027")));
    let prefix = answer["token"]["prefix"].as_str().unwrap();
    assert!(ran.out.contains("new: datasource key") && ran.out.contains(prefix), "{ran:?}");
    assert!(stage.home.folder().join("link").is_symlink(), "a link stays a link");
    let metadata = fs::metadata(&stage.file).unwrap();
    assert_eq!(metadata.mode() & 0o777, 0o600);
    assert_eq!(
        fs::read_dir(stage.home.folder())
            .unwrap()
            .filter(|entry| { entry.as_ref().unwrap().file_name().to_string_lossy().contains("token") })
            .count(),
        1,
        "nothing is left beside the file"
    );

    // The sender has the old token in memory: it is refused, reads the file, and goes on.
    stage.feed(&mut sender, &mut fed).await;
    let ran = sender.ended().await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "no push failed");
    assert!(ran.out.lines().all(|line| line.starts_with("stored\t")), "{}", ran.out);
    assert_eq!((ran.out.lines().count(), stage.stored().await), (fed, fed));
    stage.serve.stop().await;
}

#[rstest]
#[tokio::test]
async fn nothing_is_made_where_the_present_token_does_not_hold(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let stage = Stage::set().await;
    let keys = async || stage.home.number("select count(*) from key").await;
    let before = keys().await;
    fs::write(&stage.file, "tgd_unknown\n").unwrap();
    let ran = stage.rotate(language, None).await;
    assert!(ran.code.is_some_and(|code| code != 0), "{ran:?}");
    assert!(ran.err.contains("401 invalid_token"), "{ran:?}");
    assert_eq!((stage.token().as_str(), keys().await), ("tgd_unknown", before));
    stage.serve.stop().await;
}

#[rstest]
#[tokio::test]
async fn a_successor_that_does_not_prove_itself_is_revoked_and_the_file_is_left_alone(
    #[values(Language::Curl, Language::Python, Language::JavaScript)] language: Language,
) {
    let mut stage = Stage::set().await;
    let old = stage.access.token.clone();
    let mut turns = vec![Turn::Page(502); 12];
    turns[0] = Turn::Forward;
    let gateway = Gateway::before(&stage.serve.base, &turns).await;
    stage.access = stage.access.by(&gateway.url);
    let ran = stage.rotate(language, Some("crm 2027")).await;
    assert!(ran.code.is_some_and(|code| code != 0), "{ran:?}");
    assert_eq!(stage.token(), old);
    assert_eq!(fs::metadata(&stage.file).unwrap().mode() & 0o777, 0o640);
    let revoked = "select count(*) from key where name = 'crm 2027' and revoked_at is not null";
    assert_eq!(stage.home.number(revoked).await, 1, "{ran:?}");
    assert_eq!(stage.home.number("select count(*) from key where revoked_at is null").await, 1);
    stage.access = stage.access.by(&stage.serve.base);
    assert_eq!(stage.probe(&old).await.0, 200);
    stage.serve.stop().await;
}
