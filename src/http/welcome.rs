//! The page behind a one-time link: a plain form, without a script, by which a user sets a password once.
//!
//! It is for people, so that what it refuses is a page as well; the link itself is the credential, and is used up by the password.

use std::net::IpAddr;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{ConnectionType, Method, StatusCode, header},
    web::Payload,
};

use super::{
    answer::refuse,
    body, client, door,
    errors_page::escape,
    intake::parameter,
    problem::{Code, Problem},
    state::State,
    trace::RequestId,
};
use crate::{
    auth::password::{CHARACTERS, LinkSecret, Password},
    domain::budget::Class,
    ingest::Refused,
    limit::Owner,
    store::{self, StoreError, users},
};

/// Where it is.
pub(super) const PATH: &str = "/welcome";

/// The methods it takes.
pub(super) const METHODS: &str = "GET, POST";

/// Requests a minute from one address: the links cannot be guessed, so this only bounds the work.
const PER_MINUTE: u32 = 30;

/// Longest form, in bytes: a password of the longest characters, twice, each of its bytes percent-encoded, and the rest.
const LONGEST: usize = 16 << 10;

/// What the page may do: show itself and send its form.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = ":root{color-scheme:light dark}body{font:1rem/1.6 system-ui,sans-serif;max-width:24rem;margin:4rem auto;\
    padding:0 1rem}label,input,button{display:block;width:100%;box-sizing:border-box;font:inherit}input,button{padding:.5rem;\
    margin:.25rem 0 1rem}[role=alert]{border-left:.25rem solid #c33;padding-left:.75rem}";

/// What is shown.
enum Shown<'a> {
    /// The form, for this link and address, with what was wrong before.
    Form { secret: &'a LinkSecret, email: &'a str, fault: Option<&'a str> },
    /// That the password is set.
    Done,
    /// That the link does not hold.
    Gone,
    /// That somebody asks too often; seconds to wait.
    Often(u64),
}

/// Answers a request for the page, or one that it sends.
pub(super) async fn answer(
    state: &State,
    request: &HttpRequest,
    mut payload: Payload,
    id: &RequestId,
) -> HttpResponse {
    let mut response = match handle(state, request, &mut payload).await {
        Ok(response) => response,
        Err(problem) => refuse(&problem, id, None),
    };
    if !body::drain(request, &mut payload).await {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

async fn handle(
    state: &State,
    request: &HttpRequest,
    payload: &mut Payload,
) -> Result<HttpResponse, Problem> {
    let sent = match *request.method() {
        Method::GET => false,
        Method::POST => true,
        _ => {
            let detail = format!("this path takes {METHODS}");
            return Err(Problem::new(Code::MethodNotAllowed, detail).header("Allow", METHODS));
        }
    };
    if let Err(spent) = state.limiter.charge(owner(state, request), Class::Manage, PER_MINUTE) {
        return Ok(page(&Shown::Often(spent.retry_after)));
    }
    if sent {
        return set(state, request, payload).await;
    }
    let secret = parameter(request, "invitation").and_then(|text| LinkSecret::read(&text));
    let Some(secret) = secret else { return Ok(page(&Shown::Gone)) };
    Ok(match invited(state, &secret).await? {
        Some(email) => page(&Shown::Form { secret: &secret, email: &email, fault: None }),
        None => page(&Shown::Gone),
    })
}

/// Whose budget pays: the address of the client, of IPv6 the network that one household has.
fn owner(state: &State, request: &HttpRequest) -> Owner {
    Owner::Address(match client::find(request, &state.proxies).map(|client| client.whole()) {
        Some(IpAddr::V4(address)) => u64::from(address.to_bits()),
        Some(IpAddr::V6(address)) => (address.to_bits() >> 64) as u64,
        None => 0,
    })
}

/// The address of the user for whom a link is that holds.
async fn invited(state: &State, secret: &LinkSecret) -> Result<Option<String>, Problem> {
    let (hash, now) = (secret.hash(), state.clock.now());
    store::on(&state.manage, async |client| users::invited(client, hash, now).await)
        .await
        .map_err(|error| away(state, &error))
}

fn away(state: &State, error: &StoreError) -> Problem {
    door::store(state, Refused::of_read(error))
}

/// What the form sends.
#[derive(Default)]
struct Form {
    invitation: String,
    password: String,
    again: String,
}

/// Sets the password, when the link holds and the password is one.
async fn set(state: &State, request: &HttpRequest, payload: &mut Payload) -> Result<HttpResponse, Problem> {
    let declared = body::declared_form(request.headers(), LONGEST)?;
    let bytes = body::read(payload, declared, LONGEST, state.body_timeout).await?;
    let mut form = Form::default();
    for (name, value) in url::form_urlencoded::parse(&bytes) {
        match &*name {
            "invitation" => form.invitation = value.into_owned(),
            "password" => form.password = value.into_owned(),
            "again" => form.again = value.into_owned(),
            _ => {}
        }
    }
    let Some(secret) = LinkSecret::read(&form.invitation) else { return Ok(page(&Shown::Gone)) };
    // Before the password is hashed: that work is for whoever holds a link.
    let Some(email) = invited(state, &secret).await? else { return Ok(page(&Shown::Gone)) };
    let again = |fault: &str| page(&Shown::Form { secret: &secret, email: &email, fault: Some(fault) });
    if form.password != form.again {
        return Ok(again("The two passwords differ."));
    }
    let password = match Password::new(form.password) {
        Ok(password) => password,
        Err(rule) => return Ok(again(&rule)),
    };
    let hash = password.hash(state.entropy.as_ref()).await.map_err(|error| {
        tracing::error!(%error, "a password could not be hashed");
        Problem::plain(Code::Internal)
    })?;
    let from = client::find(request, &state.proxies).map(|address| address.to_string()).unwrap_or_default();
    let now = state.clock.now();
    let done = store::on(&state.manage, async |client| {
        users::accept(client, secret.hash(), now, &hash, &from).await
    });
    // Another one was quicker, or the user was disabled just now.
    let done = done.await.map_err(|error| away(state, &error))?;
    Ok(page(if done { &Shown::Done } else { &Shown::Gone }))
}

fn page(shown: &Shown<'_>) -> HttpResponse {
    let (status, title, body) = match shown {
        Shown::Form { secret, email, fault } => {
            let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
            (status, "Welcome", form(secret, email, *fault))
        }
        Shown::Done => {
            let text = "<p>Your password is set. This link is used up.".to_owned();
            (StatusCode::OK, "Your password is set", text)
        }
        Shown::Gone => {
            let text =
                "<p>It was used already, replaced by another one, or its time is up. Ask for a new one.";
            (StatusCode::NOT_FOUND, "This link does not hold", text.to_owned())
        }
        Shown::Often(seconds) => {
            let text = format!("<p>Wait {seconds} s, then load this page again.");
            (StatusCode::TOO_MANY_REQUESTS, "Too many requests", text)
        }
    };
    let mut response = HttpResponse::build(status);
    if let Shown::Often(seconds) = shown {
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    response
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type("text/html; charset=utf-8")
        .body(format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title} · Tidegate</title>\
             <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style><h1>{title}</h1>{body}</html>"
        ))
}

/// The form; it is sent to where it is, without the link in the address, so that it also works below a prefix.
fn form(secret: &LinkSecret, email: &str, fault: Option<&str>) -> String {
    let (least, most) = (CHARACTERS.start(), CHARACTERS.end());
    let alert = fault.map(|fault| format!("<p role=\"alert\">{}", escape(fault))).unwrap_or_default();
    let field = |name: &str, label: &str| {
        format!(
            "<label for=\"{name}\">{label}</label><input id=\"{name}\" name=\"{name}\" type=\"password\" \
             autocomplete=\"new-password\" minlength=\"{least}\" required>"
        )
    };
    format!(
        "{alert}<p>Set a password for {email}: {least} to {most} characters.<form method=\"post\" action=\"welcome\">\
         <input type=\"hidden\" name=\"invitation\" value=\"{secret}\">{password}{again}<button>Set the password</button></form>",
        email = escape(email),
        secret = secret.reveal(),
        password = field("password", "Password"),
        again = field("again", "Again"),
    )
}
