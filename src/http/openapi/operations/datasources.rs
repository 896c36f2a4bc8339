//! Datasources themselves.

use serde_json::json;

use crate::http::{
    openapi::{
        described::{Described, Tag, Touches},
        examples::{entities, entity, managed_datasource},
    },
    wire::{
        DatasourceChange, DatasourceStanding, EntitiesAnswer, EntityAnswer, ManagedDatasource,
        NewDatasourceBody,
    },
};

fn answering(described: Described, status: u16) -> Described {
    described.answers::<EntityAnswer<ManagedDatasource<'_>>>(
        status,
        "The datasource.",
        entity(managed_datasource()),
    )
}

pub(super) fn purge() -> Described {
    let description = "Removes everything that the datasource received until now: events, contacts, claims on event ids, counters. It \
                       stays, with its keys. Done behind the answer, in small steps; until then pushes are 503 `purging`, and \
                       `metadata.purge` is not `null`.";
    Described::new("purgeDatasource", Tag::Datasources, "Purge a datasource", description)
        .answers::<DatasourceStanding<'_>>(202, "Asked for.", standing(json!({ "left": 12_000 })))
        .touches(Touches::Tables)
}

fn standing(purge: serde_json::Value) -> serde_json::Value {
    json!({ "entity": managed_datasource(), "metadata": { "purge": purge } })
}

pub(super) fn list() -> Described {
    let description = "Lists the datasources of a project, in the order in which they were made.";
    Described::new("listDatasources", Tag::Datasources, "List datasources", description)
        .answers::<EntitiesAnswer<ManagedDatasource<'_>>>(
            200,
            "The datasources.",
            entities(managed_datasource()),
        )
}

pub(super) fn create() -> Described {
    let description = "Makes a datasource. It has no token yet: `tidegate key create` makes one.";
    answering(Described::new("createDatasource", Tag::Datasources, "Make a datasource", description), 201)
        .takes::<NewDatasourceBody>(json!({ "name": "Website", "plan": "L", "defaultCountry": "ES" }))
        .repeatable()
        .touches(Touches::Tables)
        .leads_to(
            &["readDatasource", "changeDatasource", "deleteDatasource", "stats"],
            "datasource",
            "/entity/uid",
        )
}

pub(super) fn read() -> Described {
    let description = "Reads how a datasource is set up, the budgets in force, and how far a purge is.";
    Described::new("readDatasource", Tag::Datasources, "Read a datasource", description)
        .answers::<DatasourceStanding<'_>>(200, "The datasource.", standing(json!(null)))
        .touches(Touches::Tables)
}

pub(super) fn change() -> Described {
    let description =
        "Changes what the body names; what is absent stays. In force on every server within a second.";
    answering(Described::new("changeDatasource", Tag::Datasources, "Change a datasource", description), 200)
        .takes::<DatasourceChange>(
            json!({ "name": "Website", "plan": null, "strict": true, "limits": { "events.write": 60000 } }),
        )
        .touches(Touches::Tables)
}

pub(super) fn delete() -> Described {
    let description =
        "Deletes a datasource with its keys, contacts and events. The answer shows what it was.";
    answering(Described::new("deleteDatasource", Tag::Datasources, "Delete a datasource", description), 200)
        .touches(Touches::Tables)
}
