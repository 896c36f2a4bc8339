//! The API described: the OpenAPI document, and a page to browse it that works offline.
//!
//! The page is Swagger UI from the binary. Nothing of it is loaded from elsewhere, and the browser is told to refuse that too.

use std::sync::Arc;

use actix_web::{HttpResponse, http::header, web};

use super::{
    answer::refuse,
    problem::{Code, Problem},
    state::State,
    trace::RequestId,
};

/// What the page may load: itself. Swagger UI sets styles on elements and draws its icons from `data:` addresses.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// The files of the page: paths and names.
pub(super) const FILES: [(&str, &str); 3] = [
    ("/docs/swagger-ui.css", "swagger-ui.css"),
    ("/docs/swagger-ui-bundle.js", "swagger-ui-bundle.js"),
    ("/docs/start.js", START),
];

/// Addresses are relative, so that the page also works below a prefix that a proxy takes away.
const PAGE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>API · Tidegate</title>\
    <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"icon\" href=\"data:,\">\
    <link rel=\"stylesheet\" href=\"docs/swagger-ui.css\">\
    <noscript>This page needs JavaScript; <a href=\"openapi.json\">the document</a> itself does not.</noscript>\
    <div id=\"api\"></div><script src=\"docs/swagger-ui-bundle.js\"></script><script src=\"docs/start.js\"></script></html>";

const START: &str = "start.js";

/// Starts Swagger UI, without the badge that would send the document's address to a validator elsewhere.
const START_SCRIPT: &str = "SwaggerUIBundle({url: \"openapi.json\", dom_id: \"#api\", deepLinking: true, validatorUrl: null, \
    docExpansion: \"list\", defaultModelsExpandDepth: 0});\n";

/// `GET /openapi.json`.
pub(super) fn document(state: &State) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(web::Bytes::from_owner(Arc::clone(&state.document)))
}

/// `GET /docs`.
pub(super) fn browse() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .content_type("text/html; charset=utf-8")
        .body(PAGE)
}

/// `GET /docs/<one of the files>`.
pub(super) fn file(name: &'static str, id: &RequestId) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CACHE_CONTROL, "max-age=3600"))
        .content_type(if name.ends_with(".css") {
            "text/css; charset=utf-8"
        } else {
            "text/javascript; charset=utf-8"
        });
    if name == START {
        return response.body(START_SCRIPT);
    }
    match utoipa_swagger_ui::serve(name, Arc::new(utoipa_swagger_ui::Config::from(""))) {
        Ok(Some(file)) => response.body(file.bytes.into_owned()),
        found => {
            let error = found.err();
            tracing::error!(name, ?error, "a file of the page is not in the program");
            refuse(&Problem::plain(Code::Internal), id, None)
        }
    }
}
