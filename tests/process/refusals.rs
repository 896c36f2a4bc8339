//! What the program says when it cannot do as it is told: a code other than 0, and words on what to change.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    home::{Home, PROGRAM, Ran, bare},
    serve::Serve,
};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// Commands that cannot be carried out, and the words that each refusal has to have.
const REFUSALS: &[(&[&str], &[&str])] = &[
    (&["datasource", "create", "--project", "proj_none", "--name", "x"], &["proj_none", "project list"]),
    (&["datasource", "create", "--project", "p", "--name", "x", "--plan", "XXL"], &["XXL", "S, M, L and XL"]),
    (
        &["datasource", "create", "--project", "p", "--name", "x", "--default-country", "QQ"],
        &["QQ", "ISO 3166-1"],
    ),
    (&["datasource", "create", "--project", "p", "--name", " "], &["1 to 200 characters"]),
    (&["datasource", "create", "--name", "x"], &["--project"]),
    (&["datasource", "list", "--project", "proj_none"], &["proj_none", "project list"]),
    (&["key", "list", "--project", "proj_none"], &["proj_none", "project list"]),
    (
        &["project", "limit", "--project", "proj_none", "--class", "meta", "--per-minute", "5"],
        &["proj_none", "project list"],
    ),
    (
        &["datasource", "limit", "--datasource", "ds_none", "--class", "meta", "--per-minute", "5"],
        &["ds_none", "datasource list"],
    ),
    (
        &["datasource", "limit", "--datasource", "ds_any", "--class", "writes", "--per-minute", "5"],
        &["writes", "events.write"],
    ),
    (
        &["datasource", "limit", "--datasource", "d", "--class", "meta", "--per-minute", "0"],
        &["1..=1000000000"],
    ),
    (
        &["datasource", "limit", "--datasource", "d", "--class", "meta", "--per-minute", "1000000001"],
        &["1..=1000000000"],
    ),
    (&["key", "create", "--kind", "datasource", "--name", "x"], &["--datasource"]),
    (
        &["key", "create", "--kind", "datasource", "--name", "x", "--datasource", "ds_none"],
        &["no datasource", "ds_none", "datasource list"],
    ),
    (
        &[
            "key",
            "create",
            "--kind",
            "datasource",
            "--name",
            "x",
            "--datasource",
            "d",
            "--scopes",
            "ACCOUNT_READ",
        ],
        &["--scopes", "product"],
    ),
    (&["key", "create", "--kind", "product", "--name", "x"], &["--scopes", "PROJECT_INGEST_WRITE"]),
    (
        &["key", "create", "--kind", "product", "--name", "x", "--scopes", "PROJECT_OWN"],
        &["PROJECT_OWN", "ACCOUNT_READ"],
    ),
    (
        &[
            "key",
            "create",
            "--kind",
            "product",
            "--name",
            "x",
            "--scopes",
            "ACCOUNT_READ",
            "--project",
            "proj_none",
        ],
        &["no project", "proj_none", "project list"],
    ),
    (&["key", "create", "--kind", "golden", "--name", "x"], &["golden", "datasource", "product"]),
    (&["key", "revoke", NOBODY], &[NOBODY, "key list"]),
    (&["key", "delete", NOBODY], &[NOBODY, "key list"]),
    (&["key", "revoke", "tgd_abc"], &["tgd_abc", "key list"]),
    (&["healthcheck", "--listen", "localhost"], &["localhost", "127.0.0.1:8080"]),
    (&["serve"], &["in use by another server", "tidegate process", "--data-dir"]),
];

#[tokio::test]
async fn a_refusal_names_what_to_change() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    for (arguments, words) in REFUSALS {
        home.run(*arguments).await.refused(words);
    }
    serve.stop().await;
}

#[tokio::test]
async fn a_database_that_will_not_do_is_named_without_its_password() {
    let folder = std::env::temp_dir();
    let call = async |arguments: &[&str]| {
        Ran::of({
            let mut command = bare(PROGRAM, &folder);
            command.args(arguments);
            command
        })
        .await
    };
    let url = ["--database-url", "postgres://u:hidden@127.0.0.1:1/x"];
    for command in [["project", "list"].as_slice(), &["migrate"], &["serve", "--listen", "127.0.0.1:0"]] {
        let began = Instant::now();
        let said = call(&[command, &url].concat()).await.refused(&["--database-url", "refused"]);
        assert!(!said.contains("hidden") && began.elapsed() < Duration::from_secs(10), "{said}");
        assert_eq!(said.matches("refused").count(), 1, "it says everything twice: {said}");
    }
    let said = call(&["migrate", "--database-url", "hidden"]).await.refused(&["postgres://user"]);
    assert!(!said.contains("hidden"), "{said}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_named_and_nothing_is_left() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let home = Home::new();
    let said = home.run(["serve", "--listen", &address, "--metrics-listen", "127.0.0.1:0"]).await;
    said.refused(&[&address, "--listen"]);
    assert!(home.postmaster().is_none(), "PostgreSQL was left running");
    let said = home.run(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", &address]).await;
    said.refused(&[&address, "--metrics-listen"]);
    // Neither attempt has used up the demo, whose token nobody was shown.
    let serve = Serve::start(&home).await;
    assert_eq!(serve.commands("curl").len(), 4, "{}", serve.printed);
    serve.stop().await;
}

#[tokio::test]
async fn help_shows_the_options_of_each_command() {
    let cases: &[(&[&str], &[&str])] = &[
        (
            &[],
            &[
                "serve",
                "project",
                "datasource",
                "key",
                "migrate",
                "healthcheck",
                "--data-dir",
                "--database-url",
            ],
        ),
        (
            &["serve"],
            &["--listen", "--metrics-listen", "--no-demo", "--public-url", "--drain-timeout", "--max-items"],
        ),
        (&["project"], &["create", "list", "limit"]),
        (&["project", "create"], &["--name", "--json"]),
        (&["project", "list"], &["--json"]),
        (&["project", "limit"], &["--project", "--class", "--per-minute"]),
        (&["datasource"], &["create", "list", "limit"]),
        (
            &["datasource", "create"],
            &["--project", "--name", "--plan", "--strict", "--default-country", "--json"],
        ),
        (&["datasource", "list"], &["--project", "--json"]),
        (&["datasource", "limit"], &["--datasource", "--class", "--per-minute"]),
        (&["key"], &["create", "list", "revoke", "delete"]),
        (&["key", "create"], &["--kind", "--project", "--datasource", "--scopes", "--name", "--json"]),
        (&["key", "list"], &["--project", "--json"]),
        (&["key", "revoke"], &["<ID>"]),
        (&["key", "delete"], &["<ID>"]),
        (&["migrate"], &["--organization-name"]),
        (&["backup"], &["<FILE>", "--force", "--json"]),
        (&["restore"], &["<FILE>", "--json"]),
        (&["healthcheck"], &["--listen"]),
    ];
    for (command, words) in cases {
        let mut call = bare(PROGRAM, &std::env::temp_dir());
        call.args(*command).arg("--help");
        let help = Ran::of(call).await.ok();
        for word in words.iter().chain(&["--data-dir", "TIDEGATE_DATA_DIR"]) {
            assert!(help.contains(word), "{command:?} --help lacks {word}:\n{help}");
        }
        assert!(!help.contains("internal"), "{help}");
    }
}
