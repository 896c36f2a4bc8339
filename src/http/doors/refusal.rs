//! How the doors by instance key and by event-stream key say no.

use std::borrow::Cow;

use actix_web::HttpResponse;
use serde::Serialize;

use crate::{
    http::{
        answer,
        problem::{Code, Problem},
    },
    limit::Pass,
};

/// A problem of one member.
pub(super) fn faulty(name: &str, rule: &str) -> Problem {
    Problem::new(Code::InvalidBody, format!("{name}: {rule}")).at(format!("/{name}"), rule)
}

/// A problem in the words of these doors, as a response.
pub(super) fn refuse(problem: &Problem, pass: Option<&Pass>) -> HttpResponse {
    #[derive(Serialize)]
    struct Unauthorized {
        error: &'static str,
        message: &'static str,
        r#type: &'static str,
    }
    #[derive(Serialize)]
    struct Errors<'a> {
        errors: Vec<One<'a>>,
    }
    #[derive(Serialize)]
    struct One<'a> {
        code: &'static str,
        message: Cow<'a, str>,
    }
    if problem.code.status() == 401 {
        let message = "Invalid or revoked API key";
        let body = Unauthorized { error: "unauthorized", message, r#type: "authentication_error" };
        return answer::refuse_as(problem, &body, pass);
    }
    let code = problem.code.as_str();
    let mut errors: Vec<One<'_>> = problem
        .errors
        .iter()
        .map(|error| match error.pointer.trim_start_matches('/') {
            "" => One { code, message: error.detail.as_str().into() },
            name => One { code, message: format!("{name}: {}", error.detail).into() },
        })
        .collect();
    if errors.is_empty() {
        errors.push(One { code, message: problem.detail.as_ref().into() });
    }
    answer::refuse_as(problem, &Errors { errors }, pass)
}
