//! Who is let in: every row of the table of authentication, on every route that needs a key.

mod credentials;

mod elsewhere;

mod kinds;

mod matrix;

mod reach;

mod unread;

mod uses;

use tidegate::{
    auth::scope::Scope,
    http::routes::{ROUTES, Route},
};

use crate::support::house::{Inlet, TestHouse};

/// A route's path in a project and a datasource.
pub fn path_in(route: &Route, project: &str, datasource: &str) -> String {
    let path = route.path.replace("{project}", project).replace("{datasource}", datasource);
    let path = path.replace("{user_id}", "somebody").replace("{event_type}", "purchase");
    path.replace("{attribute}", "_email")
        .replace("{parameter}", "amount")
        .replace("{email}", "a@b.de")
        .replace("{phone}", "+34600111222")
        .replace("{contact_id}", "x")
        .replace("{key_id}", "00000000-0000-4000-8000-000000000000")
}

/// A route's path in an inlet.
pub fn path_of(route: &Route, inlet: &Inlet) -> String {
    path_in(route, &inlet.project, &inlet.datasource)
}

/// The routes that a datasource token has to work on.
pub fn routes_of_a_datasource() -> impl Iterator<Item = &'static Route> {
    let scopes = [Scope::ProjectIngestRead, Scope::ProjectIngestWrite];
    ROUTES.iter().filter(move |route| route.scope.is_some_and(|scope| scopes.contains(&scope)))
}

/// What the answer to a request on any route must be: the status, and the challenge after the realm.
pub type Expected = (u16, &'static str);

/// No word on why.
pub const MISSING: Expected = (401, "Bearer realm=\"tidegate\"");

/// A credential that does not hold.
pub const INVALID: Expected = (401, "Bearer realm=\"tidegate\", error=\"invalid_token\"");

/// A request that must not be asked like this.
pub const AMBIGUOUS: Expected = (400, "Bearer realm=\"tidegate\", error=\"invalid_request\"");

/// Sends one presentation of a credential to every route and checks each answer; all bodies must be the same text.
///
/// The request id is fixed, so that answers differ only where they should not.
pub async fn on_every_route(
    house: &TestHouse,
    inlet: &Inlet,
    query: &str,
    headers: &[(&str, String)],
    expected: Expected,
) -> String {
    let mut body = None;
    for route in ROUTES {
        let mut request = house.request(route.method, &format!("{}{query}", path_of(route, inlet)));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let reply = crate::support::house::Reply::of(request.header("X-Request-Id", "fixed")).await;
        let seen = (reply.status, reply.header("www-authenticate"));
        assert_eq!(seen, expected, "{} {}{query} {headers:?}", route.method, route.path);
        assert_eq!(reply.header("content-type"), "application/problem+json");
        assert!(reply.rate_headers().is_empty(), "{:?} on {}", reply.rate_headers(), route.path);
        assert_eq!(*body.get_or_insert_with(|| reply.text.clone()), reply.text, "{}", route.path);
    }
    body.unwrap()
}
