//! The program behind a proxy: whose address it believes, what its log shows of it, and the address that it prints.

use reqwest::header::HeaderMap;

use crate::{
    home::{Home, PATIENCE, until},
    serve::Serve,
};

/// A whole address must not be in the log, whoever said it.
const WHOLE: [&str; 3] = ["203.0.113.77", "2001:db8:77:1::5", "127.0.0.1"];

/// Asks for something that is not there, with a key in the query, as a proxy would for a client.
async fn ask(serve: &Serve, forwarded_for: &str) {
    let mut headers = HeaderMap::new();
    headers.insert("X-Forwarded-For", forwarded_for.parse().unwrap());
    let client = reqwest::Client::builder().default_headers(headers).build().unwrap();
    let answer = client.get(format!("{}/v1/nothing?api_key=tgd_hidden", serve.base)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 401);
}

/// Waits for the log to have this text.
async fn logs(serve: &Serve, text: &str) {
    until(text, PATIENCE, async || serve.logged().contains(text)).await;
}

#[tokio::test]
async fn a_client_is_logged_as_a_prefix_only() {
    let home = Home::new();
    let mut command = home.command(["serve", "--no-demo"]);
    command.env("TIDEGATE_LOG", "tidegate=debug").env("TIDEGATE_TRUSTED_PROXIES", "127.0.0.0/8, ::1");
    let serve = Serve::of(command, home.folder().join("text.log")).await;
    ask(&serve, "198.51.100.66, 203.0.113.77").await;
    logs(&serve, "client=203.0.113.0/24").await;
    ask(&serve, "2001:db8:77:1::5").await;
    logs(&serve, "client=2001:db8:77::/48").await;
    let log = serve.logged();
    for hidden in WHOLE.iter().chain(&["198.51.100", "tgd_hidden", "/v1/nothing"]) {
        assert!(!log.contains(hidden), "{hidden} is in:\n{log}");
    }
    serve.stop().await;

    let options = ["--no-demo", "--log", "tidegate=debug", "--log-format", "json"];
    let serve = Serve::with(&home, &options).await;
    ask(&serve, "203.0.113.77").await;
    logs(&serve, r#""status":401"#).await;
    let log = serve.logged();
    assert!(log.contains(r#""client":"127.0.0.0/24""#), "nobody is trusted by default:\n{log}");
    for hidden in WHOLE.iter().chain(&["203.0.113"]) {
        assert!(!log.contains(hidden), "{hidden} is in:\n{log}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn lines_to_paste_have_the_public_address() {
    let home = Home::new();
    let serve = Serve::with(&home, &["--public-url", "https://API.example.com/tide/"]).await;
    assert!(serve.base.starts_with("http://127.0.0.1:"), "{}", serve.printed);
    assert!(
        serve.printed.contains("\nclients reach it at https://api.example.com/tide\n"),
        "{}",
        serve.printed
    );
    let commands = serve.commands("curl");
    assert_eq!(commands.len(), 4, "{}", serve.printed);
    for command in commands {
        assert!(command.contains("'https://api.example.com/tide/v1/project/"), "{command}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let home = Home::new();
    let cases: &[(&[&str], &[&str])] = &[
        (&["--trusted-proxies", "proxy.example"], &["--trusted-proxies", "proxy.example", "10.0.0.0/8"]),
        (&["--trusted-proxies", "10.1.2.3/8"], &["--trusted-proxies", "10.0.0.0/8"]),
        (&["--trusted-proxies", "10.0.0.1,0.0.0.0/0"], &["--trusted-proxies", "everybody"]),
        (&["--forwarded-header", "x-real-ip"], &["--forwarded-header", "x-forwarded-for", "forwarded"]),
        (&["--public-url", "api.example.com"], &["--public-url", "https://api.example.com"]),
        (&["--public-url", "https://api.example.com/?a"], &["--public-url", "without user, query"]),
    ];
    for (options, words) in cases {
        home.run(["serve"].iter().chain(*options)).await.refused(words);
    }
    assert!(!home.data_dir().exists(), "a bad option must be found before anything is made");
}
