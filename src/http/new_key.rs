//! What is asked of a new key of a project, judged.

use super::{
    door::Member,
    intake::{self, noted},
    problem::Problem,
    state::State,
    wire::NewKeyBody,
};
use crate::{
    auth::{
        mint,
        scope::{Scope, ScopeSet},
        text::Kind,
    },
    domain::{
        rejection::{Fault, Rejection},
        settings,
    },
};

/// A key to make.
#[derive(Debug)]
pub(super) struct NewKey {
    kind: Kind,
    name: String,
    datasource: Option<String>,
    scopes: Vec<Scope>,
}

impl NewKey {
    /// What it may do.
    pub(super) fn grants(&self) -> ScopeSet {
        self.kind.fixed_scopes().unwrap_or_else(|| ScopeSet::of(&self.scopes))
    }

    /// The same, bound to the project of this uid.
    pub(super) fn request<'a>(&'a self, project: &'a str) -> mint::Request<'a> {
        mint::Request {
            kind: self.kind,
            name: &self.name,
            project: Some(project),
            datasource: self.datasource.as_deref(),
            scopes: &self.scopes,
        }
    }
}

/// Judges the body of a new key.
///
/// # Errors
/// 400 `invalid_body` with every member that breaks a rule.
pub(super) fn judged(state: &State, member: &Member, body: &NewKeyBody) -> Result<NewKey, Problem> {
    let mut faults = Vec::new();
    let kind = noted("kind", Some(kind(&body.kind)), &mut faults);
    let name = noted("name", Some(settings::name(&body.name)), &mut faults).unwrap_or_default();
    let mut new = NewKey { kind: kind.unwrap_or(Kind::Product), name, datasource: None, scopes: Vec::new() };
    match kind {
        Some(Kind::Datasource) => {
            new.datasource = noted("datasourceUid", Some(datasource(state, member, body)), &mut faults);
            if body.scopes.is_some() {
                faults.push(Fault::at(
                    ["scopes"],
                    "is for product tokens: those of a datasource token are fixed",
                ));
            }
        }
        Some(_) => {
            if body.datasource_uid.is_some() {
                faults.push(Fault::at(["datasourceUid"], "is for datasource tokens"));
            }
            new.scopes = scopes(body.scopes.as_deref().unwrap_or_default(), &mut faults);
        }
        None => {}
    }
    match Rejection::from_faults(faults) {
        Some(rejection) => Err(intake::invalid(&rejection)),
        None => Ok(new),
    }
}

fn kind(text: &str) -> Result<Kind, String> {
    match Kind::from_name(text) {
        Some(kind @ (Kind::Datasource | Kind::Product)) => Ok(kind),
        _ => Err("must be datasource or product; keys of the other kinds are not made here".into()),
    }
}

/// The uid of the datasource, which must be one of the project.
fn datasource(state: &State, member: &Member, body: &NewKeyBody) -> Result<String, String> {
    let uid = body.datasource_uid.as_deref();
    let uid = uid.ok_or_else(|| "is needed: a datasource token is bound to one datasource".to_owned())?;
    let known = state.authority.datasources(&member.project);
    let found = known.iter().find(|datasource| datasource.uid.as_str() == uid);
    found.map(|found| found.uid.as_str().to_owned()).ok_or_else(|| "is no datasource of this project".into())
}

fn scopes(names: &[String], faults: &mut Vec<Fault>) -> Vec<Scope> {
    if names.is_empty() {
        faults.push(Fault::at(
            ["scopes"],
            "is needed, with at least one scope: it is all a product token may do",
        ));
    }
    let mut scopes = Vec::new();
    for (place, name) in names.iter().enumerate() {
        match name.parse() {
            Ok(scope) => scopes.push(scope),
            Err(rule) => faults.push(Fault::at(["scopes", &place.to_string()], rule)),
        }
    }
    scopes
}
