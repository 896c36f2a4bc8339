//! The table of routes. Everything about who may call what, and which budget pays for it, is a row here.

use actix_web::{
    HttpRequest, HttpResponse,
    http::Method,
    web::{self, Payload, ServiceConfig},
};
use metrics_exporter_prometheus::PrometheusHandle;

use super::{
    action::{
        Action::{self, OfAccount, OfDatasource, OfProject},
        OnAccount::Projects,
        OnDatasource::{
            AttributeSpecs, ChangeDatasource, DeleteContact, DeleteDatasource, EventSpecs, NoEventType,
            ParameterSpecs, Probe, PurgeDatasource, PushContacts, PushEvents, ReadContact, ReadDatasource,
            Stats,
        },
        OnProject::{
            ChangeAttribute, ChangeEvent, ChangeParameter, ChangeProject, CreateDatasource, DeclareAttribute,
            DeclareEvent, DeclareParameter, DeleteProject, FindByEmail, FindByPhone, FindByUser,
            ListAttributes, ListDatasources, ListEvents, ListParameters, ListTimeline, ReadPerson,
            ReadProject, RemoveAttribute, RemoveEvent, RemoveParameter,
        },
    },
    answer::refuse,
    door, errors_page, health, page,
    problem::{Code, Problem},
    state::State,
};
use crate::{
    auth::scope::Scope::{
        self, AccountRead, ProjectAudienceDataEvents, ProjectAudienceRead, ProjectIngestRead,
        ProjectIngestWrite, ProjectManage, ProjectRead,
    },
    domain::budget::Class::{self, AudienceRead, ContactsRead, ContactsWrite, EventsWrite, Manage, Meta},
};

/// A route under `/v1`.
#[derive(Debug)]
pub struct Route {
    /// Method.
    pub method: &'static str,
    /// Path, with `{project}` and `{datasource}`.
    pub path: &'static str,
    /// What the caller must be allowed to do.
    pub scope: Scope,
    /// Which budget pays: that of the narrowest thing the path names, but for managing, for which the project pays.
    pub class: Class,
    /// What is done.
    pub action: Action,
}

macro_rules! project {
    ($rest:literal) => {
        concat!("/v1/project/{project}", $rest)
    };
}

macro_rules! datasource {
    ($rest:literal) => {
        concat!("/v1/project/{project}/datasource/{datasource}", $rest)
    };
}

const fn row(method: &'static str, path: &'static str, scope: Scope, class: Class, action: Action) -> Route {
    Route { method, path, scope, class, action }
}

/// Every route that needs a key.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    row("GET", "/v1/", AccountRead, Meta, OfAccount(Projects)),

    row("GET", project!(""), ProjectRead, Meta, OfProject(ReadProject)),
    row("PATCH", project!(""), ProjectManage, Manage, OfProject(ChangeProject)),
    row("DELETE", project!(""), ProjectManage, Manage, OfProject(DeleteProject)),

    row("GET", project!("/specs/attributes"), ProjectRead, Meta, OfProject(ListAttributes)),
    row("POST", project!("/specs/attributes"), ProjectManage, Manage, OfProject(DeclareAttribute)),
    row("PATCH", project!("/specs/attributes/{attribute}"), ProjectManage, Manage, OfProject(ChangeAttribute)),
    row("DELETE", project!("/specs/attributes/{attribute}"), ProjectManage, Manage, OfProject(RemoveAttribute)),
    row("GET", project!("/specs/events"), ProjectRead, Meta, OfProject(ListEvents)),
    row("POST", project!("/specs/events"), ProjectManage, Manage, OfProject(DeclareEvent)),
    row("GET", project!("/specs/events/{event_type}"), ProjectRead, Meta, OfProject(ListParameters)),
    row("PATCH", project!("/specs/events/{event_type}"), ProjectManage, Manage, OfProject(ChangeEvent)),
    row("DELETE", project!("/specs/events/{event_type}"), ProjectManage, Manage, OfProject(RemoveEvent)),
    row("POST", project!("/specs/events/{event_type}/parameters"), ProjectManage, Manage, OfProject(DeclareParameter)),
    row("PATCH", project!("/specs/events/{event_type}/parameters/{parameter}"), ProjectManage, Manage, OfProject(ChangeParameter)),
    row("DELETE", project!("/specs/events/{event_type}/parameters/{parameter}"), ProjectManage, Manage, OfProject(RemoveParameter)),

    row("GET", project!("/audience/user/{user_id}"), ProjectAudienceRead, AudienceRead, OfProject(FindByUser)),
    row("GET", project!("/audience/search/email/{email}"), ProjectAudienceRead, AudienceRead, OfProject(FindByEmail)),
    row("GET", project!("/audience/search/phone/{phone}"), ProjectAudienceRead, AudienceRead, OfProject(FindByPhone)),
    row("GET", project!("/audience/{contact_id}"), ProjectAudienceRead, AudienceRead, OfProject(ReadPerson)),
    row("GET", project!("/audience/{contact_id}/events"), ProjectAudienceDataEvents, AudienceRead, OfProject(ListTimeline)),

    row("GET", project!("/datasource"), ProjectRead, Meta, OfProject(ListDatasources)),
    row("POST", project!("/datasource"), ProjectManage, Manage, OfProject(CreateDatasource)),
    row("GET", datasource!(""), ProjectRead, Meta, OfDatasource(ReadDatasource)),
    row("PATCH", datasource!(""), ProjectManage, Manage, OfDatasource(ChangeDatasource)),
    row("DELETE", datasource!(""), ProjectManage, Manage, OfDatasource(DeleteDatasource)),
    row("POST", datasource!("/purge"), ProjectManage, Manage, OfDatasource(PurgeDatasource)),

    row("GET", datasource!("/stream"), ProjectIngestRead, Meta, OfDatasource(Probe)),
    row("POST", datasource!("/stream/contacts"), ProjectIngestWrite, ContactsWrite, OfDatasource(PushContacts)),
    row("GET", datasource!("/stream/contacts/{user_id}"), ProjectIngestRead, ContactsRead, OfDatasource(ReadContact)),
    row("DELETE", datasource!("/stream/contacts/{user_id}"), ProjectIngestWrite, ContactsWrite, OfDatasource(DeleteContact)),
    row("POST", datasource!("/stream/events"), ProjectIngestWrite, EventsWrite, OfDatasource(PushEvents)),
    row("GET", datasource!("/stream/specs/attributes"), ProjectIngestRead, Meta, OfDatasource(AttributeSpecs)),
    row("GET", datasource!("/stream/specs/events"), ProjectIngestRead, Meta, OfDatasource(EventSpecs)),
    row("GET", datasource!("/stream/specs/event-parameters"), ProjectIngestRead, Meta, OfDatasource(NoEventType)),
    row("GET", datasource!("/stream/specs/event-parameters/"), ProjectIngestRead, Meta, OfDatasource(NoEventType)),
    row("GET", datasource!("/stream/specs/event-parameters/{event_type}"), ProjectIngestRead, Meta, OfDatasource(ParameterSpecs)),
    row("GET", datasource!("/stats"), ProjectIngestRead, Meta, OfDatasource(Stats)),
];

/// A route that needs no key, always `GET`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Public {
    /// Whether the process lives.
    Live,
    /// Whether the server takes work.
    Ready,
    /// The list of errors.
    Errors,
    /// The OpenAPI document.
    Document,
    /// The page to browse it.
    Page,
}

/// Every route that needs no key, but for the files of the page.
pub static PUBLIC: &[(&str, Public)] = &[
    ("/health/live", Public::Live),
    ("/health/ready", Public::Ready),
    ("/docs/errors", Public::Errors),
    ("/openapi.json", Public::Document),
    ("/docs", Public::Page),
];

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
    for (path, what) in PUBLIC {
        public(config, path, || match what {
            Public::Live => web::get().to(health::live),
            Public::Ready => web::get().to(health::ready),
            Public::Errors => web::get().to(errors),
            Public::Document => web::get().to(page::document),
            Public::Page => web::get().to(page::browse),
        });
    }
    for name in page::FILES {
        let file = move |request: HttpRequest| page::file(request, name);
        public(config, &format!("/docs/{name}"), || web::get().to(file));
    }
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
