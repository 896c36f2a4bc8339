//! The table of routes. Everything about who may call what, and which budget pays for it, is a row here.

use std::rc::Rc;

use actix_web::{HttpRequest, HttpResponse, http::Method, web::Payload};
use metrics_exporter_prometheus::PrometheusHandle;

use super::{
    action::{
        Action::{self, AtDoor, OfAccount, OfDatasource, OfProject, OfUser},
        OnAccount::{Me, Projects},
        OnDatasource::{
            AttributeSpecs, Audit, ChangeDatasource, DeleteContact, DeleteDatasource, EventSpecs,
            NoEventType, ParameterSpecs, Probe, PurgeDatasource, PushContacts, PushEvents, ReadContact,
            ReadDatasource, Stats,
        },
        OnDoor::{
            self, AppendEvent, ChangeContact, ChangePerson, CreateContact, DeletePerson, ListContacts,
            ListConversations, ListPeople, ReadConversation, ReadTranscript, UpsertPerson,
        },
        OnProject::{
            ChangeAttribute, ChangeEvent, ChangeKey, ChangeParameter, ChangeProject, CreateDatasource,
            CreateKey, DeclareAttribute, DeclareEvent, DeclareParameter, DeleteKey, DeleteProject,
            FindByEmail, FindByPhone, FindByUser, FollowStream, ListAttributes, ListAudit, ListDatasources,
            ListEvents, ListKeys, ListParameters, ListTimeline, ReadKey, ReadPerson, ReadProject,
            ReadSingleKey, ReadStream, RegenerateSingleKey, RemoveAttribute, RemoveEvent, RemoveParameter,
            RevealSingleKey, RevokeKey, RotateKey, Webhooks,
        },
        OnUser::{CreateOwnKey, DeleteOwnKey, ListOwnKeys, RevokeOwnKey, RotateOwnKey},
        OnWebhooks,
    },
    answer::refuse,
    door,
    doors::Door::{self, Activity, Core, Events, Personal},
    errors_page, health, page,
    places::{self, Place, What},
    problem::{Code, Problem},
    state::State,
    trace::{RequestId, trace},
    welcome,
    worker::{Label, Worker},
};
use crate::{
    auth::scope::Scope::{
        self, AccountRead, ProjectAudienceDataEvents, ProjectAudienceRead, ProjectIngestRead,
        ProjectIngestWrite, ProjectManage, ProjectRead, ProjectStreamRead, ProjectStreamWrite,
    },
    auth::single::Single::{EventStream, Instance},
    domain::budget::Class::{
        self, AudienceRead, ContactsRead, ContactsWrite, DoorCore, DoorEvents, DoorPersonal, EventsWrite,
        Manage, Meta, StreamRead,
    },
};

/// A route under `/v1`.
#[derive(Debug)]
pub struct Route {
    /// Method.
    pub method: &'static str,
    /// Path, with `{project}` and `{datasource}`.
    pub path: &'static str,
    /// What the caller must be allowed to do; `None` where every key may ask.
    pub scope: Option<Scope>,
    /// Which budget pays: that of the narrowest thing the path names, but for managing, for which the project or the user pays.
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
    Route { method, path, scope: Some(scope), class, action }
}

/// A route for every key.
const fn any(method: &'static str, path: &'static str, class: Class, action: Action) -> Route {
    Route { method, path, scope: None, class, action }
}

/// Every route that needs a key.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    row("GET", "/v1/", AccountRead, Meta, OfAccount(Projects)),

    any("GET", "/v1/me", Meta, OfAccount(Me)),
    row("GET", "/v1/me/keys", ProjectManage, Manage, OfUser(ListOwnKeys)),
    row("POST", "/v1/me/keys", ProjectManage, Manage, OfUser(CreateOwnKey)),
    row("POST", "/v1/me/keys/{key_id}/rotate", ProjectManage, Manage, OfUser(RotateOwnKey)),
    row("POST", "/v1/me/keys/{key_id}/revoke", ProjectManage, Manage, OfUser(RevokeOwnKey)),
    row("DELETE", "/v1/me/keys/{key_id}", ProjectManage, Manage, OfUser(DeleteOwnKey)),

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

    row("GET", project!("/stream"), ProjectStreamRead, StreamRead, OfProject(ReadStream)),
    row("GET", project!("/stream/live"), ProjectStreamRead, StreamRead, OfProject(FollowStream)),

    row("GET", project!("/datasource"), ProjectRead, Meta, OfProject(ListDatasources)),
    row("POST", project!("/datasource"), ProjectManage, Manage, OfProject(CreateDatasource)),

    row("GET", project!("/instance-key"), ProjectManage, Manage, OfProject(ReadSingleKey(Instance))),
    row("POST", project!("/instance-key/reveal"), ProjectManage, Manage, OfProject(RevealSingleKey(Instance))),
    row("POST", project!("/instance-key/regenerate"), ProjectManage, Manage, OfProject(RegenerateSingleKey(Instance))),
    row("GET", project!("/event-stream-key"), ProjectManage, Manage, OfProject(ReadSingleKey(EventStream))),
    row("POST", project!("/event-stream-key/reveal"), ProjectManage, Manage, OfProject(RevealSingleKey(EventStream))),
    row("POST", project!("/event-stream-key/regenerate"), ProjectManage, Manage, OfProject(RegenerateSingleKey(EventStream))),

    row("GET", datasource!(""), ProjectRead, Meta, OfDatasource(ReadDatasource)),
    row("PATCH", datasource!(""), ProjectManage, Manage, OfDatasource(ChangeDatasource)),
    row("DELETE", datasource!(""), ProjectManage, Manage, OfDatasource(DeleteDatasource)),
    row("POST", datasource!("/purge"), ProjectManage, Manage, OfDatasource(PurgeDatasource)),

    row("GET", project!("/keys"), ProjectManage, Manage, OfProject(ListKeys)),
    row("POST", project!("/keys"), ProjectManage, Manage, OfProject(CreateKey)),
    row("GET", project!("/keys/{key_id}"), ProjectManage, Manage, OfProject(ReadKey)),
    row("PATCH", project!("/keys/{key_id}"), ProjectManage, Manage, OfProject(ChangeKey)),
    row("POST", project!("/keys/{key_id}/rotate"), ProjectManage, Manage, OfProject(RotateKey)),
    row("POST", project!("/keys/{key_id}/revoke"), ProjectManage, Manage, OfProject(RevokeKey)),
    row("DELETE", project!("/keys/{key_id}"), ProjectManage, Manage, OfProject(DeleteKey)),
    row("GET", project!("/audit"), ProjectManage, Manage, OfProject(ListAudit)),

    row("GET", project!("/webhooks"), ProjectManage, Manage, OfProject(Webhooks(OnWebhooks::List))),
    row("POST", project!("/webhooks"), ProjectManage, Manage, OfProject(Webhooks(OnWebhooks::Create))),
    row("GET", project!("/webhooks/{webhook_id}"), ProjectManage, Manage, OfProject(Webhooks(OnWebhooks::Read))),
    row("PATCH", project!("/webhooks/{webhook_id}"), ProjectManage, Manage, OfProject(Webhooks(OnWebhooks::Change))),
    row("POST", project!("/webhooks/{webhook_id}/secret/rotate"), ProjectManage, Manage, OfProject(Webhooks(OnWebhooks::RotateSecret))),
    row("POST", project!("/webhooks/{webhook_id}/test"), ProjectManage, Manage, OfProject(Webhooks(OnWebhooks::Test))),
    row("GET", project!("/webhooks/{webhook_id}/deliveries"), ProjectManage, Manage, OfProject(Webhooks(OnWebhooks::ListDeliveries))),
    row("GET", project!("/webhooks/{webhook_id}/dead-letters"), ProjectManage, Manage, OfProject(Webhooks(OnWebhooks::ListDeadLetters))),
    row("POST", project!("/webhooks/{webhook_id}/replay"), ProjectManage, Manage, OfProject(Webhooks(OnWebhooks::Replay))),
    row("DELETE", project!("/webhooks/{webhook_id}"), ProjectManage, Manage, OfProject(Webhooks(OnWebhooks::Delete))),

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
    row("GET", datasource!("/audit"), ProjectIngestRead, Meta, OfDatasource(Audit)),
];

const fn door(
    method: &'static str,
    path: &'static str,
    scope: Scope,
    class: Class,
    door: Door,
    action: OnDoor,
) -> Route {
    Route { method, path, scope: Some(scope), class, action: AtDoor(door, action) }
}

/// Every route in the shape of another API. The project is the key's.
#[rustfmt::skip]
pub static DOORS: &[Route] = &[
    door("POST", "/crm/api/v2/contacts", ProjectIngestWrite, DoorCore, Core, CreateContact),
    door("GET", "/crm/api/v2/contacts", ProjectAudienceRead, DoorCore, Core, ListContacts),
    door("GET", "/crm/api/v2/contacts/{uuid}", ProjectAudienceRead, DoorCore, Core, OnDoor::ReadContact),
    door("PATCH", "/crm/api/v2/contacts/{uuid}", ProjectIngestWrite, DoorCore, Core, ChangeContact),
    door("PUT", "/crm/api/v2/contacts/{uuid}", ProjectIngestWrite, DoorCore, Core, ChangeContact),
    door("DELETE", "/crm/api/v2/contacts/{uuid}", ProjectIngestWrite, DoorCore, Core, OnDoor::DeleteContact),

    door("POST", "/v1/events", ProjectStreamWrite, DoorEvents, Events, AppendEvent),
    door("GET", "/v1/events", ProjectStreamRead, DoorEvents, Events, OnDoor::ListEvents),
    door("GET", "/v1/events/stream", ProjectStreamRead, StreamRead, Events, OnDoor::ReadStream),
    door("GET", "/v1/events/live", ProjectStreamRead, StreamRead, Events, OnDoor::FollowStream),
    door("POST", "/crm/api/v2/event-streams", ProjectStreamWrite, DoorEvents, Activity, AppendEvent),
    door("GET", "/crm/api/v2/event-streams", ProjectAudienceDataEvents, DoorEvents, Activity, OnDoor::ListEvents),

    door("GET", "/api/v1/contact", ProjectAudienceRead, DoorPersonal, Personal, ListPeople),
    door("GET", "/api/v1/contact/list", ProjectAudienceRead, DoorPersonal, Personal, ListPeople),
    door("POST", "/api/v1/contact/upsert", ProjectIngestWrite, DoorPersonal, Personal, UpsertPerson),
    door("GET", "/api/v1/contact/{uuid}", ProjectAudienceRead, DoorPersonal, Personal, OnDoor::ReadPerson),
    door("PUT", "/api/v1/contact/{uuid}", ProjectIngestWrite, DoorPersonal, Personal, ChangePerson),
    door("DELETE", "/api/v1/contact/{uuid}", ProjectIngestWrite, DoorPersonal, Personal, DeletePerson),
    door("GET", "/api/v1/conversation", ProjectAudienceDataEvents, DoorPersonal, Personal, ListConversations),
    door("GET", "/api/v1/conversation/{conversation_id}", ProjectAudienceDataEvents, DoorPersonal, Personal, ReadConversation),
    door("GET", "/api/v1/conversation/{conversation_id}/transcript", ProjectAudienceDataEvents, DoorPersonal, Personal, ReadTranscript),
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

/// Answers a request to the API.
pub(super) async fn serve(worker: Rc<Worker>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let place = places::find(request.match_info().unprocessed());
    let answer = async |id: &RequestId| answer(&worker.state, &request, payload, place, id).await;
    trace(&worker, &request, Label::of(place), answer).await
}

async fn answer(
    state: &State,
    request: &HttpRequest,
    payload: Payload,
    place: Option<&'static Place>,
    id: &RequestId,
) -> HttpResponse {
    let Some(place) = place else { return Box::pin(nowhere(state, request, payload, id)).await };
    let not_allowed = || method_not_allowed(&place.allowed());
    match &place.what {
        What::Keyed(routes) => match routes.iter().find(|route| route.method == request.method().as_str()) {
            Some(route) => door::walk(state, request, payload, route, id).await,
            None => {
                let face = routes.first().and_then(|route| route.action.door());
                Box::pin(door::turn_away(state, request, payload, not_allowed(), id, face)).await
            }
        },
        What::Welcome => Box::pin(welcome::answer(state, request, payload, id)).await,
        _ if request.method() != Method::GET => refuse(&not_allowed(), id, None),
        What::Open(page) => open(state, *page, id).await,
        What::File(name) => page::file(name, id),
    }
}

async fn open(state: &State, page: Public, id: &RequestId) -> HttpResponse {
    match page {
        Public::Live => health::live(),
        Public::Ready => Box::pin(health::ready(state, id)).await,
        Public::Errors => {
            HttpResponse::Ok().content_type("text/html; charset=utf-8").body(errors_page::html())
        }
        Public::Document => page::document(state),
        Public::Page => page::browse(),
    }
}

/// Answers a request for the metrics.
pub(super) async fn expose(
    worker: Rc<Worker>,
    request: HttpRequest,
    metrics: PrometheusHandle,
) -> HttpResponse {
    let here = request.path() == Label::metrics().name;
    let label = if here { Label::metrics() } else { Label::of(None) };
    let answer = async |id: &RequestId| match here {
        false => refuse(&Problem::plain(Code::NotFound), id, None),
        true if request.method() != Method::GET => refuse(&method_not_allowed("GET"), id, None),
        true => {
            HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(metrics.render())
        }
    };
    trace(&worker, &request, label, answer).await
}

fn method_not_allowed(allowed: &str) -> Problem {
    Problem::new(Code::MethodNotAllowed, format!("this path takes {allowed}")).header("Allow", allowed)
}

/// Whatever no route takes.
async fn nowhere(state: &State, request: &HttpRequest, payload: Payload, id: &RequestId) -> HttpResponse {
    let problem = Problem::plain(Code::NotFound);
    if request.path() == "/v1" || request.path().starts_with("/v1/") {
        return door::turn_away(state, request, payload, problem, id, None).await;
    }
    refuse(&problem, id, None)
}
