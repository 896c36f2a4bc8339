//! The table of routes. Everything about who may call what, and which budget pays for it, is a row here.

use actix_web::{
    HttpRequest, HttpResponse,
    http::Method,
    web::{self, Payload, ServiceConfig},
};
use metrics_exporter_prometheus::PrometheusHandle;

use super::{
    answer::{Answer, refuse},
    contacts, door,
    door::Guest,
    errors_page, health, probe,
    problem::{Code, Problem},
    push, specs,
    state::State,
};
use crate::{auth::scope::Scope, domain::budget::Class};

/// A route under `/v1`.
#[derive(Debug)]
pub struct Route {
    /// Method.
    pub method: &'static str,
    /// Path, with `{project}` and `{datasource}`.
    pub path: &'static str,
    /// What the caller must be allowed to do.
    pub scope: Scope,
    /// Which budget pays.
    pub class: Class,
    /// What is done.
    pub action: Action,
}

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Who am I, where do I write, what happened lately.
    Probe,
    /// Upsert contacts.
    PushContacts,
    /// Append events.
    PushEvents,
    /// Read one contact.
    ReadContact,
    /// Delete one contact.
    DeleteContact,
    /// List the attributes of contacts.
    AttributeSpecs,
    /// List the types of events.
    EventSpecs,
    /// List the parameters of one type of event.
    ParameterSpecs,
    /// Ask for parameters without naming a type.
    NoEventType,
    /// Count what is stored.
    Stats,
}

macro_rules! base {
    ($rest:literal) => {
        concat!("/v1/project/{project}/datasource/{datasource}", $rest)
    };
}

const fn route(
    method: &'static str,
    path: &'static str,
    scope: Scope,
    class: Class,
    action: Action,
) -> Route {
    Route { method, path, scope, class, action }
}

/// Every route that needs a key.
pub static ROUTES: &[Route] = &[
    route("GET", base!("/stream"), Scope::ProjectIngestRead, Class::Meta, Action::Probe),
    route(
        "POST",
        base!("/stream/contacts"),
        Scope::ProjectIngestWrite,
        Class::ContactsWrite,
        Action::PushContacts,
    ),
    route(
        "GET",
        base!("/stream/contacts/{user_id}"),
        Scope::ProjectIngestRead,
        Class::ContactsRead,
        Action::ReadContact,
    ),
    route(
        "DELETE",
        base!("/stream/contacts/{user_id}"),
        Scope::ProjectIngestWrite,
        Class::ContactsWrite,
        Action::DeleteContact,
    ),
    route("POST", base!("/stream/events"), Scope::ProjectIngestWrite, Class::EventsWrite, Action::PushEvents),
    route(
        "GET",
        base!("/stream/specs/attributes"),
        Scope::ProjectIngestRead,
        Class::Meta,
        Action::AttributeSpecs,
    ),
    route("GET", base!("/stream/specs/events"), Scope::ProjectIngestRead, Class::Meta, Action::EventSpecs),
    route(
        "GET",
        base!("/stream/specs/event-parameters"),
        Scope::ProjectIngestRead,
        Class::Meta,
        Action::NoEventType,
    ),
    route(
        "GET",
        base!("/stream/specs/event-parameters/"),
        Scope::ProjectIngestRead,
        Class::Meta,
        Action::NoEventType,
    ),
    route(
        "GET",
        base!("/stream/specs/event-parameters/{event_type}"),
        Scope::ProjectIngestRead,
        Class::Meta,
        Action::ParameterSpecs,
    ),
    route("GET", base!("/stats"), Scope::ProjectIngestRead, Class::Meta, Action::Stats),
];

impl Action {
    /// Does it for a caller who was let in.
    pub(super) async fn perform(
        self,
        state: &State,
        request: &HttpRequest,
        payload: &mut Payload,
        guest: &Guest,
    ) -> Result<Answer, Problem> {
        match self {
            Self::Probe => probe::stream(state, guest).await,
            Self::PushContacts => push::contacts(state, request, payload, guest).await,
            Self::PushEvents => push::events(state, request, payload, guest).await,
            Self::ReadContact => contacts::read(state, request, guest).await,
            Self::DeleteContact => contacts::delete(state, request, guest).await,
            Self::AttributeSpecs => specs::attributes(guest),
            Self::EventSpecs => specs::events(guest),
            Self::ParameterSpecs => specs::parameters(request, guest),
            Self::NoEventType => Err(Problem::plain(Code::EventTypeMissing)),
            Self::Stats => probe::stats(state, guest).await,
        }
    }
}

/// Puts every route into the application.
pub(super) fn configure(config: &mut ServiceConfig) {
    let mut paths: Vec<&'static str> = ROUTES.iter().map(|route| route.path).collect();
    paths.dedup();
    for path in paths {
        let routes: Vec<&'static Route> = ROUTES.iter().filter(|route| route.path == path).collect();
        let allowed = routes.iter().map(|route| route.method).collect::<Vec<_>>().join(", ");
        let mut resource = web::resource(path);
        for route in routes {
            let method = Method::from_bytes(route.method.as_bytes()).unwrap_or(Method::GET);
            resource = resource.route(web::route().method(method).to(
                move |state: web::Data<State>, request: HttpRequest, payload: Payload| async move {
                    door::walk(&state, &request, payload, route).await
                },
            ));
        }
        config.service(resource.default_service(web::route().to(
            move |state: web::Data<State>, request: HttpRequest, payload: Payload| {
                let problem = method_not_allowed(&allowed);
                async move { door::turn_away(&state, &request, payload, problem).await }
            },
        )));
    }
    public(config, "/health/live", || web::get().to(health::live));
    public(config, "/health/ready", || web::get().to(health::ready));
    public(config, "/docs/errors", || web::get().to(errors));
}

/// Puts the metrics into an application of their own.
pub(super) fn exposition(config: &mut ServiceConfig, metrics: PrometheusHandle) {
    let page = move || {
        let page = metrics.render();
        async move { HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(page) }
    };
    public(config, "/metrics", || web::get().to(page.clone()));
}

/// A route that needs no key.
fn public(config: &mut ServiceConfig, path: &str, get: impl Fn() -> actix_web::Route) {
    let not_allowed =
        |request: HttpRequest| async move { refuse(&method_not_allowed("GET"), &request, None) };
    config.service(web::resource(path).route(get()).default_service(web::route().to(not_allowed)));
}

fn method_not_allowed(allowed: &str) -> Problem {
    Problem::new(Code::MethodNotAllowed, format!("this path takes {allowed}")).header("Allow", allowed)
}

/// Whatever no route takes.
pub(super) async fn nowhere(state: web::Data<State>, request: HttpRequest, payload: Payload) -> HttpResponse {
    if request.path() == "/v1" || request.path().starts_with("/v1/") {
        return door::turn_away(&state, &request, payload, Problem::plain(Code::NotFound)).await;
    }
    nothing(request).await
}

/// Whatever no route takes where no key is asked for.
pub(super) async fn nothing(request: HttpRequest) -> HttpResponse {
    refuse(&Problem::plain(Code::NotFound), &request, None)
}

async fn errors() -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(errors_page::html())
}
