//! The list of errors, written from [`Code`] as Markdown for the repository and as a page for the running server.

use std::fmt::Write;

use super::problem::{Code, Effect};

fn effect(code: Code) -> &'static str {
    match code.effect() {
        Effect::Nothing => "Nothing was stored.",
        Effect::Unknown => "It is unknown whether anything was stored.",
    }
}

fn retry(code: Code) -> &'static str {
    if code.retryable() { "The same request may succeed later." } else { "The same request will fail again." }
}

/// A doc comment as one paragraph.
fn paragraph(code: Code) -> String {
    code.meaning().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `docs/errors.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Errors\n\n\
         <!-- Written from `src/http/problem.rs` by `tidegate errors`; a test holds the two together. -->\n\n\
         Every 4xx and 5xx is a problem document (RFC 9457, `application/problem+json`) whose `code` is one of these. The\n\
         one exception is 422 on a push, which has the shape of a push answer with `code` and `message` added.\n",
    );
    for code in Code::ALL {
        let (name, status, title) = (code.as_str(), code.status(), code.title());
        // Writing to a string cannot fail.
        let _infallible = write!(
            page,
            "\n## {name}\n\n**{status}**: {title}.\n\n{}\n\n{} {}\n",
            paragraph(*code),
            effect(*code),
            retry(*code)
        );
    }
    page
}

/// The page behind the `type` of a problem: one file, no external request.
pub fn html() -> String {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Errors · Tidegate</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>:root{color-scheme:light dark}\
         body{font:1rem/1.6 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}\
         code{font-size:.95em}h2{margin-top:2.5rem}h2:target{background:#ffd54a;color:#111}</style><h1>Errors</h1>",
    );
    for code in Code::ALL {
        let (name, status, title) = (code.as_str(), code.status(), code.title());
        let text = escape(&paragraph(*code));
        let _infallible = write!(
            page,
            "<h2 id=\"{name}\"><code>{name}</code></h2><p><strong>{status}</strong>: {title}.<p>{text}<p>{} {}",
            effect(*code),
            retry(*code)
        );
    }
    page
}

/// A text as it stands between tags.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
