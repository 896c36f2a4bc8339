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
    let description = "Changes its name, locale, time zone, retention or budgets; what is absent stays, and so does what is `null`, \
                       but for `retentionDays`: `null` keeps everything for ever. In force on every server within a second. With a \
                       shorter retention, what is older is gone from the stream at once, and does not come back.";
    answering(Described::new("changeProject", Tag::Projects, "Change a project", description))
        .takes::<ProjectChange>(
            json!({ "name": "Shop", "timezone": "Europe/Madrid", "retentionDays": 400, "limits": { "audience.read": 600 } }),
        )
        .touches(Touches::Tables)
}

pub(super) fn delete() -> Described {
    let description =
        "Deletes a project with its datasources, keys, contacts and events. The answer shows what it was.";
    answering(Described::new("deleteProject", Tag::Projects, "Delete a project", description))
        .touches(Touches::Tables)
}
