//! The hallway that every request walks: authenticate, resolve, check the scope, pace; and for a push: admit, read and
//! decode bounded, parse. One function after the other, each awaited before the next.
//!
//! The order is a matter of sequence here and not of extractors or middlewares, because the framework polls the former at
//! the same time and runs the latter backwards.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web::Payload,
};

use super::{
    action::Action,
    answer::{Answer, refuse},
    body, client,
    doors::Door,
    fading::Fading,
    intake,
    problem::{Code, Problem},
    routes::Route,
    state::State,
    trace::RequestId,
};
use crate::{
    auth::{Caller, Datasource, Presented, Project, Refusal, Seen, scope::Scope},
    domain::{
        batch::{Batch, Draft, Malformed, Rules},
        budget::Class,
        country::Country,
        ids::Inlet,
    },
    ingest::{Refused, Room},
    limit::{Pass, Spent},
};

/// A caller who was let into a project: authenticated, inside its reach, paced, and with the scope of the route.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) caller: Caller,
    pub(super) project: Arc<Project>,
}

/// A caller whose key belongs to a user, and who was let in to what is the user's own, in the same way.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) caller: Caller,
    /// Row.
    pub(super) user: i64,
}

/// A caller who was let into a datasource, in the same way.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    pub(super) caller: Caller,
    pub(super) project: Arc<Project>,
    pub(super) datasource: Arc<Datasource>,
}

impl Guest {
    pub(super) fn inlet(&self) -> Inlet {
        Inlet { project: self.project.id, datasource: self.datasource.id }
    }

    /// What items of this datasource are judged by, now.
    pub(super) fn rules<'a>(&'a self, state: &'a State) -> Rules<'a> {
        Rules {
            caps: &state.caps,
            catalogue: &self.project.catalogue,
            strict: self.datasource.strict,
            default_country: self.datasource.default_country.as_deref().and_then(Country::parse),
            now: state.clock.now(),
        }
    }
}

/// Walks one request of a route to its answer.
pub(super) async fn walk(
    state: &State,
    request: &HttpRequest,
    mut payload: Payload,
    route: &'static Route,
    id: &RequestId,
) -> HttpResponse {
    let (mut pass, mut fading) = (None, None);
    let outcome = answer(state, request, &mut payload, route, &mut pass, &mut fading).await;
    finish(outcome, request, payload, id, pass.as_ref(), fading, route.action.door()).await
}

async fn answer(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    route: &'static Route,
    pass: &mut Option<Pass>,
    fading: &mut Option<Fading>,
) -> Result<Answer, Problem> {
    let caller = arrive(state, request)?;
    *fading = Fading::of(&caller);
    match route.action {
        Action::OfAccount(action) => {
            let caller = into_account(state, caller, route, pass)?;
            Box::pin(action.perform(state, &caller)).await
        }
        Action::OfUser(action) => {
            let person = into_own(state, caller, route, pass)?;
            Box::pin(action.perform(state, request, payload, &person)).await
        }
        Action::OfProject(action) => {
            let member = into_project(state, request, caller, route, pass)?;
            // In a box, or every push would carry room for it.
            Box::pin(action.perform(state, request, payload, &member)).await
        }
        Action::OfDatasource(action) => {
            let guest = into_datasource(state, request, caller, route, pass)?;
            action.perform(state, request, payload, &guest).await
        }
        Action::AtDoor(door, action) => {
            let member = into_door(state, request, caller, (door, route), pass)?;
            Box::pin(action.perform(state, request, payload, &member)).await
        }
    }
}

/// Walks a request that no route takes: known callers learn that there is nothing, unknown ones that they are unknown.
pub(super) async fn turn_away(
    state: &State,
    request: &HttpRequest,
    payload: Payload,
    problem: Problem,
    id: &RequestId,
    face: Option<Door>,
) -> HttpResponse {
    let (mut pass, mut fading) = (None, None);
    let outcome = authenticate(state, request).and_then(|caller| {
        fading = Fading::of(&caller);
        charge_own(state, &caller, &mut pass)
    });
    finish(outcome.and(Err(problem)), request, payload, id, pass.as_ref(), fading, face).await
}

/// Answers, a problem in the words of a door where the request came to one; what answers a key in the query must not be kept under that address.
async fn finish(
    outcome: Result<Answer, Problem>,
    request: &HttpRequest,
    payload: Payload,
    id: &RequestId,
    pass: Option<&Pass>,
    fading: Option<Fading>,
    face: Option<Door>,
) -> HttpResponse {
    // A key that was ended in the meantime is as unknown as any other.
    let known = !matches!(&outcome, Err(problem) if problem.code == Code::InvalidToken);
    let (pass, fading) = (pass.filter(|_| known), fading.filter(|_| known));
    let mut response = match outcome {
        Ok(answer) => answer.respond(pass),
        Err(problem) => Box::pin(refuse_unread(&problem, request, payload, id, pass, face)).await,
    };
    if Presented::is_in(request.uri().query()) {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Some(fading) = fading {
        fading.say(response.headers_mut());
    }
    response
}

/// Answers a problem, and drains or closes where a body was left unread.
async fn refuse_unread(
    problem: &Problem,
    request: &HttpRequest,
    mut payload: Payload,
    id: &RequestId,
    pass: Option<&Pass>,
    face: Option<Door>,
) -> HttpResponse {
    let mut response = match face {
        Some(door) => door.refuse(problem, id, pass),
        None => refuse(problem, id, pass),
    };
    if !body::drain(request, &mut payload).await {
        response.head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
    }
    response
}

/// Turns newcomers away while the server drains, and authenticates the others.
fn arrive(state: &State, request: &HttpRequest) -> Result<Caller, Problem> {
    if state.traffic.is_draining() {
        let detail = "nothing was stored; send the same request again, to another node or after the restart";
        return Err(Problem::new(Code::Draining, detail).retry_after(STORE_WAIT));
    }
    authenticate(state, request)
}

/// Checks the scope and paces; there is no target that could be out of reach.
fn into_account(
    state: &State,
    caller: Caller,
    route: &Route,
    pass: &mut Option<Pass>,
) -> Result<Caller, Problem> {
    charge_own(state, &caller, pass)?;
    allowed(&caller, route)?;
    Ok(caller)
}

/// Finds the user, checks the scope, and paces; a key of nobody has nothing of its own.
fn into_own(
    state: &State,
    caller: Caller,
    route: &Route,
    pass: &mut Option<Pass>,
) -> Result<Person, Problem> {
    let user = inside(state, &caller, route, pass, caller.key().user)?;
    let paced = state.limiter.user(user, state.authority.plan(), route.class);
    *pass = Some(paced.map_err(|spent| too_many(spent, pass))?);
    Ok(Person { caller, user })
}

/// Whether the caller may do what the route takes.
fn allowed(caller: &Caller, route: &Route) -> Result<(), Problem> {
    match route.scope {
        Some(scope) if !caller.may(scope) => Err(lacks(scope)),
        _ => Ok(()),
    }
}

/// Resolves the project, checks the scope, and paces.
fn into_project(
    state: &State,
    request: &HttpRequest,
    caller: Caller,
    route: &Route,
    pass: &mut Option<Pass>,
) -> Result<Member, Problem> {
    let project = state.authority.project(&caller, segment(request, PROJECT));
    let project = inside(state, &caller, route, pass, project)?;
    let plan = state.authority.plan();
    let paced = state.limiter.project(&project, plan, route.class);
    *pass = Some(paced.map_err(|spent| too_many(spent, pass))?);
    Ok(Member { caller, project })
}

/// Finds the project that the key names, checks the scope, and paces. A key of a kind that the door is not for is as unknown as any
/// other.
fn into_door(
    state: &State,
    request: &HttpRequest,
    caller: Caller,
    (door, route): (Door, &Route),
    pass: &mut Option<Pass>,
) -> Result<Member, Problem> {
    if !door.takes(caller.key().kind) {
        return Err(unknown(Refusal::Invalid));
    }
    let project = match named(state, request, &caller) {
        Ok(project) => project,
        Err(unclear) => {
            charge_own(state, &caller, pass)?;
            return Err(unclear);
        }
    };
    let project = inside(state, &caller, route, pass, project)?;
    let paced = state.limiter.project(&project, state.authority.plan(), route.class);
    *pass = Some(paced.map_err(|spent| too_many(spent, pass))?);
    Ok(Member { caller, project })
}

/// The project that a key is bound to; for one that reaches several, the one that the query names, or its only one.
///
/// # Errors
/// 400 `invalid_parameter` that names them, where there are several and the query names none.
fn named(state: &State, request: &HttpRequest, caller: &Caller) -> Result<Option<Arc<Project>>, Problem> {
    if let (Some(bound), _) = state.authority.home(caller) {
        return Ok(Some(bound));
    }
    if let Some(uid) = intake::parameter(request, "project") {
        return Ok(state.authority.project(caller, &uid));
    }
    let mut projects = state.authority.projects(caller);
    if projects.len() > 1 {
        let uids: Vec<&str> = projects.iter().map(|one| one.uid.as_str()).collect();
        let detail =
            format!("the key reaches several projects; name one with ?project=: {}", uids.join(", "));
        return Err(Problem::new(Code::InvalidParameter, detail));
    }
    Ok(projects.pop())
}

/// Lets a member in once more while its answer is still being sent, without a charge; `None` where it would not get in now.
pub(super) fn again(state: &State, request: &HttpRequest, project: &Project, scope: Scope) -> Option<Member> {
    let caller = arrive(state, request).ok().filter(|caller| caller.may(scope))?;
    let project = state.authority.project(&caller, project.uid.as_str())?;
    Some(Member { caller, project })
}

/// Resolves the datasource, checks the scope, and paces; managing it is paid for by its project.
fn into_datasource(
    state: &State,
    request: &HttpRequest,
    caller: Caller,
    route: &Route,
    pass: &mut Option<Pass>,
) -> Result<Guest, Problem> {
    let target = state.authority.datasource(&caller, segment(request, PROJECT), segment(request, DATASOURCE));
    let (project, datasource) = inside(state, &caller, route, pass, target)?;
    let plan = state.authority.plan();
    let paced = match route.class {
        Class::Manage => state.limiter.project(&project, plan, route.class),
        class => state.limiter.datasource(&project, &datasource, plan, class),
    };
    *pass = Some(paced.map_err(|spent| too_many(spent, pass))?);
    Ok(Guest { caller, project, datasource })
}

/// The target, when there is one inside the caller's reach and the caller has the scope of the route.
fn inside<T>(
    state: &State,
    caller: &Caller,
    route: &Route,
    pass: &mut Option<Pass>,
    target: Option<T>,
) -> Result<T, Problem> {
    // The key's own budget pays for both refusals, or a key that may only read could use up the budget of those who write.
    let Some(target) = target else {
        charge_own(state, caller, pass)?;
        return Err(Problem::plain(Code::NotFound));
    };
    if let Err(lacking) = allowed(caller, route) {
        charge_own(state, caller, pass)?;
        return Err(lacking);
    }
    Ok(target)
}

/// The text of a uid in the path, as the framework decodes it: whatever else it holds, it names nothing.
fn segment(request: &HttpRequest, place: usize) -> &str {
    request.match_info().unprocessed().split('/').nth(place).unwrap_or_default()
}

/// Where in a path the uids are; every route that has them has them there.
const PROJECT: usize = 3;
const DATASOURCE: usize = 5;

const CHALLENGE: &str = "Bearer realm=\"tidegate\"";

/// The refusal of a key without this scope.
pub(super) fn lacks(scope: Scope) -> Problem {
    let challenge = format!("{CHALLENGE}, error=\"insufficient_scope\", scope=\"{scope}\"");
    let detail = format!("the key lacks the scope {scope}");
    Problem::new(Code::InsufficientScope, detail).header("WWW-Authenticate", challenge)
}

/// Who is calling; before a byte of the body is read.
fn authenticate(state: &State, request: &HttpRequest) -> Result<Caller, Problem> {
    let headers = request.headers().get_all(header::AUTHORIZATION).map(|value| value.as_bytes());
    let query = request.uri().query();
    let presented = Presented::find(headers, query);
    let admitted = presented.and_then(|presented| state.authority.authenticate(&presented));
    let caller = admitted.map_err(unknown)?;
    state.uses.note(&caller, || seen(state, request));
    Ok(caller)
}

/// The answer to a credential that does not hold, or to none.
pub(super) fn unknown(refusal: Refusal) -> Problem {
    let (code, challenge) = match refusal {
        Refusal::Missing => (Code::MissingCredentials, CHALLENGE.to_owned()),
        Refusal::Invalid => (Code::InvalidToken, format!("{CHALLENGE}, error=\"invalid_token\"")),
        Refusal::Ambiguous => (Code::InvalidRequest, format!("{CHALLENGE}, error=\"invalid_request\"")),
    };
    Problem::plain(code).header("WWW-Authenticate", challenge)
}

/// Where a request came from, for the list of keys.
fn seen(state: &State, request: &HttpRequest) -> Seen {
    let agent = request.headers().get(header::USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
    Seen {
        address: client::find(request, &state.proxies).map(|address| address.to_string()).unwrap_or_default(),
        agent: String::from_utf8_lossy(agent).into_owned(),
    }
}

/// Charges the caller's own `meta` budget, for what was not found.
fn charge_own(state: &State, caller: &Caller, pass: &mut Option<Pass>) -> Result<(), Problem> {
    *pass = Some(state.limiter.own(&state.authority, caller).map_err(|spent| too_many(spent, pass))?);
    Ok(())
}

fn too_many(spent: Spent, pass: &mut Option<Pass>) -> Problem {
    *pass = Some(spent.pass);
    let (class, limit) = (spent.pass.class(), spent.pass.limit());
    let detail =
        format!("the budget {class} of {limit} requests a minute is spent; wait {} s", spent.retry_after);
    Problem::new(Code::RateLimited, detail).retry_after(spent.retry_after)
}

/// The rest of the hallway for a push: the declared form, room in the queue, the bytes, the items.
///
/// # Errors
/// A [`Problem`] for the request as a whole; nothing is stored then.
pub(super) async fn receive<T: Draft>(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
    guest: &Guest,
) -> Result<(Batch<T>, Room), Problem> {
    is_open(state, guest)?;
    let limit = state.caps.body_bytes;
    let declared = body::declared(request.headers(), limit)?;
    let mut room =
        state.ingest.admit(guest.inlet(), declared.most(limit)).map_err(|refused| store(state, refused))?;
    let bytes = body::read(payload, declared, limit, state.body_timeout).await?;
    room.shrink(bytes.len());
    Ok((parse(state, guest, &bytes)?, room))
}

/// As [`receive`], for the text of a batch that was made here.
///
/// # Errors
/// As [`receive`].
pub(super) fn take_in<T: Draft>(
    state: &State,
    guest: &Guest,
    text: &str,
) -> Result<(Batch<T>, Room), Problem> {
    is_open(state, guest)?;
    let room = state.ingest.admit(guest.inlet(), text.len()).map_err(|refused| store(state, refused))?;
    Ok((parse(state, guest, text.as_bytes())?, room))
}

fn parse<T: Draft>(state: &State, guest: &Guest, bytes: &[u8]) -> Result<Batch<T>, Problem> {
    Batch::parse(guest.inlet(), bytes, &guest.rules(state)).map_err(|malformed| malformed_body(&malformed))
}

/// Refuses what would be judged by data that a purge is about to remove.
///
/// # Errors
/// 503 `purging`.
pub(super) fn is_open(state: &State, guest: &Guest) -> Result<(), Problem> {
    if state.authority.is_closed(guest.datasource.id) {
        return Err(Problem::plain(Code::Purging).retry_after(STORE_WAIT));
    }
    Ok(())
}

fn malformed_body(malformed: &Malformed) -> Problem {
    let code = match malformed {
        Malformed::NotUtf8OrJson { .. } => Code::MalformedJson,
        Malformed::NotAnArray => Code::NotAnArray,
        Malformed::Empty => Code::EmptyBatch,
        Malformed::TooMany { .. } => Code::TooManyItems,
    };
    let detail = malformed.to_string();
    Problem::new(code, detail.clone()).at("", detail)
}

/// Seconds that a client is asked to wait when the store cannot take its batch.
const STORE_WAIT: u64 = 1;

/// The problem behind a refusal of the store.
pub(super) fn store(state: &State, refused: Refused) -> Problem {
    let code = match refused {
        _ if state.traffic.is_draining() && refused == Refused::Unavailable => Code::Draining,
        Refused::Overloaded => Code::Overloaded,
        Refused::Unavailable => Code::StoreUnavailable,
        Refused::OutcomeUnknown => Code::OutcomeUnknown,
        Refused::Unstorable => return Problem::plain(Code::Unstorable),
        Refused::Defect => return Problem::plain(Code::Internal),
    };
    let detail = match code {
        Code::OutcomeUnknown => "the database was lost during the commit; send the same ids again",
        _ => "nothing was stored; send the same request again later",
    };
    Problem::new(code, detail).retry_after(STORE_WAIT)
}

#[cfg(test)]
mod tests {
    use super::{
        super::routes::{DOORS, ROUTES},
        *,
    };

    #[test]
    fn uids_are_where_they_are_looked_for() {
        for route in ROUTES.iter().chain(DOORS) {
            let place = |name| route.path.split('/').position(|segment| segment == name);
            let (project, datasource) = match route.action {
                Action::OfAccount(_) | Action::OfUser(_) | Action::AtDoor(..) => (None, None),
                Action::OfProject(_) => (Some(PROJECT), None),
                Action::OfDatasource(_) => (Some(PROJECT), Some(DATASOURCE)),
            };
            assert_eq!(place("{project}"), project, "{}", route.path);
            assert_eq!(place("{datasource}"), datasource, "{}", route.path);
        }
    }
}
