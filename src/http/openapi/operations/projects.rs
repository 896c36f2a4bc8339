//! Projects themselves.

use serde_json::json;

use crate::http::{
    openapi::{
        described::{Described, Tag, Touches},
        examples::{entity, project},
    },
    wire::{EntityAnswer, ManagedProject, ProjectChange},
};

fn answering(described: Described) -> Described {
    described.answers::<EntityAnswer<ManagedProject<'_>>>(200, "The project.", entity(project()))
}

pub(super) fn read() -> Described {
    let description = "Reads one project and the budgets that it sets itself.";
    answering(Described::new("readProject", Tag::Projects, "Read a project", description))
}

pub(super) fn change() -> Described {
    let description = "Changes its name, locale, time zone or budgets; what is absent or `null` stays. In force on every \
                       server within a second.";
    answering(Described::new("changeProject", Tag::Projects, "Change a project", description))
        .takes::<ProjectChange>(
            json!({ "name": "Shop", "timezone": "Europe/Madrid", "limits": { "audience.read": 600 } }),
        )
        .touches(Touches::Tables)
}

pub(super) fn delete() -> Described {
    let description =
        "Deletes a project with its datasources, keys, contacts and events. The answer shows what it was.";
    answering(Described::new("deleteProject", Tag::Projects, "Delete a project", description))
        .touches(Touches::Tables)
}
