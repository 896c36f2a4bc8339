//! The document put together: one operation for each row of the table of routes, and the components that they refer to.

use std::collections::BTreeMap;

use utoipa::openapi::{
    Components, ComponentsBuilder, Content, ContentBuilder, HttpMethod, Info, InfoBuilder, OpenApi,
    OpenApiBuilder, PathItem, PathsBuilder, Ref, RefOr, Required, ResponseBuilder, Schema, Server,
    example::ExampleBuilder,
    info::LicenseBuilder,
    link::{Link, LinkBuilder},
    path::{Operation, OperationBuilder},
    request_body::RequestBodyBuilder,
    security::SecurityRequirement,
    tag::TagBuilder,
};

use super::{
    described::{Body, Described, Lead, Tag},
    headers::Used,
    operations, parameters,
    refusals::{self, Refusals},
    security,
};
use crate::http::{
    problem::Document,
    routes::{PUBLIC, ROUTES},
};

/// The OpenAPI 3.1 document of a server that is reached at `public_url`; without one, at the root of wherever the document is.
pub fn document(public_url: Option<&str>) -> OpenApi {
    let mut parts = Parts::default();
    parts.keep(&super::described::Form::of::<Document<'_>>().parts);
    let mut items: Vec<(&'static str, PathItem)> = Vec::new();
    for route in ROUTES {
        let Some(described) = operations::of(route.action, route.path) else { continue };
        let operation = parts.operation(&described, route.path, security::of(route), true, scope_note(route));
        place(&mut items, route.path, method(route.method), operation);
    }
    for (path, public) in PUBLIC {
        let described = operations::of_public(*public);
        let operation = parts.operation(&described, path, Vec::new(), false, String::new());
        place(&mut items, path, HttpMethod::Get, operation);
    }
    let paths = items.into_iter().fold(PathsBuilder::new(), |paths, (path, item)| paths.path(path, item));
    let tags =
        Tag::ALL.map(|tag| TagBuilder::new().name(tag.name()).description(Some(tag.description())).build());
    OpenApiBuilder::new()
        .info(info())
        .servers(Some([Server::new(public_url.map_or("/", |url| url.trim_end_matches('/')))]))
        .tags(Some(tags))
        .paths(paths)
        .components(Some(parts.components()))
        .build()
}

fn info() -> Info {
    let description = "Contacts and events in, durable before the 2xx. Every 4xx and 5xx but the 422 of a push is a problem \
                       document (RFC 9457). Query parameters that an operation does not name are ignored. Lengths are \
                       defaults that an operator may change.";
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    InfoBuilder::new()
        .title("Tidegate")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description))
        .license(Some(license))
        .build()
}

/// What the row of a route asks of the key, in words.
fn scope_note(route: &crate::http::routes::Route) -> String {
    let scope = route.scope.map_or_else(|| "none".to_owned(), |scope| format!("`{scope}`"));
    format!("\n\nScope: {scope}. Budget: `{}`.", route.class)
}

fn method(name: &str) -> HttpMethod {
    match name {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

/// Links to other operations, which share the parameters of this path.
fn links(leads: &[Lead], path: &str) -> BTreeMap<String, RefOr<Link>> {
    let shared: Vec<String> = parameters::of_path(path).into_iter().map(|parameter| parameter.name).collect();
    let link = |lead: &Lead| {
        let link = LinkBuilder::new().operation_id(lead.operation);
        let link =
            shared.iter().fold(link, |link, name| link.parameter(name, format!("$request.path.{name}")));
        link.parameter(lead.parameter, format!("$response.body#{}", lead.pointer)).build()
    };
    leads.iter().map(|lead| (lead.operation.to_owned(), RefOr::T(link(lead)))).collect()
}

/// Puts an operation beside those that its path has already, paths in the order of the table.
fn place(
    items: &mut Vec<(&'static str, PathItem)>,
    path: &'static str,
    method: HttpMethod,
    operation: Operation,
) {
    let item = PathItem::new(method, operation);
    match items.iter_mut().find(|(known, _)| *known == path) {
        Some((_, known)) => known.merge_operations(item),
        None => items.push((path, item)),
    }
}

/// What operations refer to, gathered on the way.
#[derive(Default)]
struct Parts {
    schemas: BTreeMap<String, RefOr<Schema>>,
    refusals: Refusals,
    headers: Used,
}

impl Parts {
    fn keep(&mut self, parts: &[(String, RefOr<Schema>)]) {
        self.schemas.extend(parts.iter().cloned());
    }

    fn operation(
        &mut self,
        described: &Described,
        path: &str,
        security: Vec<SecurityRequirement>,
        keyed: bool,
        note: String,
    ) -> Operation {
        let flags = described.flags.iter().map(|name| parameters::flag(name));
        let asks = described.asks.iter().map(|name| parameters::of_query(name));
        let repeated = described.repeatable.then(parameters::idempotency_key);
        let parameters: Vec<_> =
            parameters::of_path(path).into_iter().chain(flags).chain(asks).chain(repeated).collect();
        let mut operation = OperationBuilder::new()
            .operation_id(Some(described.id))
            .tag(described.tag.name())
            .summary(Some(described.summary))
            .description(Some(format!("{}{note}", described.description)))
            .securities(Some(security));
        if !parameters.is_empty() {
            operation = operation.parameters(Some(parameters));
        }
        if let Some(body) = &described.body {
            let content = self.content(body);
            let body =
                RequestBodyBuilder::new().required(Some(Required::True)).content(body.media_type, content);
            operation = operation.request_body(Some(body.build()));
        }
        for (at, success) in described.successes.iter().enumerate() {
            let content = self.content(&success.body);
            let response = ResponseBuilder::new().description(success.description);
            let mut response = response.content(success.body.media_type, content).build();
            response.headers = self.headers.on_success(keyed, described.repeatable);
            if at == 0 {
                response.links = links(&described.leads, path);
            }
            operation = operation.response(success.status.to_string(), response);
        }
        for (status, codes) in refusals::codes(described, path, keyed) {
            let reference: Ref = self.refusals.refer(status, &codes, keyed, &mut self.headers);
            operation = operation.response(status.to_string(), reference);
        }
        operation.build()
    }

    fn content(&mut self, body: &Body) -> Content {
        self.keep(&body.form.parts);
        let example = ExampleBuilder::new().value(Some(body.example.clone())).build();
        ContentBuilder::new()
            .schema(Some(body.form.schema.clone()))
            .examples_from_iter([("example", example)])
            .build()
    }

    fn components(self) -> Components {
        let mut components = ComponentsBuilder::new().schemas_from_iter(self.schemas);
        for (name, header) in self.headers.components() {
            components = components.header(name, header);
        }
        for (name, scheme) in security::schemes() {
            components = components.security_scheme(name, scheme);
        }
        components.responses_from_iter(self.refusals.components()).build()
    }
}
