//! How a key is presented: what follows from its kind and from the scope of the route.

use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};

use crate::{auth::text::Kind, http::routes::Route};

const BEARER: &str = "bearer";
const QUERY: &str = "query";
const RAW: &str = "raw";

/// The schemes by name.
pub(super) fn schemes() -> [(&'static str, SecurityScheme); 3] {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("tidegate")
        .description(Some("`Authorization: Bearer <key>`, for keys of all kinds."))
        .build();
    let query = ApiKeyValue::with_description("api_key", "`?api_key=<key>`, for personal keys alone.");
    let raw = "`Authorization: <key>` without a scheme, for instance keys and event-stream keys alone.";
    [
        (BEARER, SecurityScheme::Http(bearer)),
        (QUERY, SecurityScheme::ApiKey(ApiKey::Query(query))),
        (RAW, SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description("Authorization", raw)))),
    ]
}

/// The schemes that can lead to success on a route: one of them at a time.
pub(super) fn of(route: &Route) -> Vec<SecurityRequirement> {
    // Personal keys have no fixed scopes: their role decides, and no route is beyond every role.
    let can = |kind: &Kind| {
        let fixed = kind.fixed_scopes();
        fixed.is_none_or(|scopes| route.scope.is_none_or(|scope| scopes.contains(scope)))
    };
    let mut requirements = vec![BEARER];
    if Kind::ALL.iter().any(|kind| kind.in_query() && can(kind)) {
        requirements.push(QUERY);
    }
    if Kind::ALL.iter().any(|kind| kind.raw() && can(kind)) {
        requirements.push(RAW);
    }
    requirements.into_iter().map(|name| SecurityRequirement::new(name, [""; 0])).collect()
}
