//! The server itself, without a key.

use serde_json::json;
use utoipa::openapi::{ObjectBuilder, Type};

use crate::http::{
    health::HealthAnswer,
    openapi::described::{Described, Tag},
    problem::Code,
};

pub(super) fn live() -> Described {
    let description = "200 as long as the process can answer at all.";
    Described::new("isLive", Tag::Server, "Does the process live?", description).answers::<HealthAnswer>(
        200,
        "It lives.",
        json!({ "status": "live" }),
    )
}

pub(super) fn ready() -> Described {
    let description = "503 while the server drains, the store cannot be reached, or migrations are pending.";
    Described::new("isReady", Tag::Server, "Does the server take work?", description)
        .answers::<HealthAnswer>(200, "It takes work.", json!({ "status": "ready" }))
        .refuses(&[Code::Draining, Code::StoreUnavailable])
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

pub(super) fn errors() -> Described {
    let description = "Every code of a problem and what to do about it. The `type` of a problem leads here.";
    Described::new("explainErrors", Tag::Server, "The list of errors", description).shows(
        "A page.",
        "text/html; charset=utf-8",
        text(),
        json!("<!doctype html><html lang=\"en\"><title>Errors · Tidegate</title>…"),
    )
}

pub(super) fn document() -> Described {
    let description = "This document.";
    let object =
        ObjectBuilder::new().schema_type(Type::Object).required("openapi").required("info").required("paths");
    let example =
        json!({ "openapi": "3.1.0", "info": { "title": "Tidegate", "version": "0.1.0" }, "paths": {} });
    Described::new("readDocument", Tag::Server, "The OpenAPI document", description).shows(
        "OpenAPI 3.1.",
        "application/json",
        object,
        example,
    )
}

pub(super) fn page() -> Described {
    let description = "This document as a page to browse and to try. It asks no other server for anything.";
    Described::new("browseDocument", Tag::Server, "The API to browse", description).shows(
        "A page.",
        "text/html; charset=utf-8",
        text(),
        json!("<!doctype html><html lang=\"en\"><title>API · Tidegate</title>…"),
    )
}
