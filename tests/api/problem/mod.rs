//! Problems: every code of the closed list is provoked here, and every document is held to its shape.

mod provoke;

mod store;

mod body;

mod pages;

mod routes;

mod framework;

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate::http::problem::Code;

use crate::support::house::Reply;

/// Checks the document of a problem and the headers that its code asks for.
pub fn check(reply: &Reply, code: Code) {
    let document = reply.json();
    assert_eq!(reply.code(), code.as_str(), "{document}");
    assert_eq!(reply.header("content-type"), "application/problem+json", "{document}");
    assert_eq!((reply.status, &document["status"]), (code.status(), &Value::from(code.status())));
    assert_eq!(document["type"], format!("/docs/errors#{}", code.as_str()));
    assert_eq!(document["title"], code.title());
    assert_eq!(document["detail"], document["message"]);
    assert!(document["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
    assert_eq!(document["request_id"], reply.header("x-request-id"));
    assert!(!reply.header("x-request-id").is_empty());
    let known = ["type", "title", "status", "detail", "message", "code", "request_id", "errors", "restart"];
    let members: BTreeSet<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(members.is_subset(&BTreeSet::from(known)), "{members:?}");
    headers(reply, code);
    silent(reply);
}

fn headers(reply: &Reply, code: Code) {
    let due = |name: &str, expected: bool| {
        assert_eq!(
            !reply.header(name).is_empty(),
            expected,
            "{name} on {}: {:?}",
            code.as_str(),
            reply.headers
        );
    };
    let challenged = matches!(code.status(), 401 | 403) || code == Code::InvalidRequest;
    due("www-authenticate", challenged);
    due("allow", code == Code::MethodNotAllowed);
    due("retry-after", matches!(code.status(), 429 | 503) || code == Code::IdempotencyInFlight);
    due("accept-encoding", code == Code::UnsupportedEncoding);
    if let Ok(seconds) = reply.header("retry-after").parse::<u64>() {
        assert!(seconds >= 1);
    }
}

/// No word of SQL, no path of the machine, no panic, no internal name.
fn silent(reply: &Reply) {
    let text = reply.text.to_lowercase();
    for word in ["select", "insert", "relation", "constraint", "/src/", ".rs", "panicked", "postgres", "tgd_"]
    {
        assert!(!text.contains(word), "{word} in {text}");
    }
}
