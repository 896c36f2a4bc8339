//! Examples of what goes over the wire. A test holds each against the schema that it stands beside.

use serde_json::{Value, json};

use crate::auth::{scope::Role, single::Single};

/// A project.
pub(super) const PROJECT: &str = "proj_4kPz0LqWm2XvT8nRbYc1Ae";
/// A datasource in it.
pub(super) const DATASOURCE: &str = "ds_7nQb5HsVx0DkJ3wLtRz9Gf";
const ORGANIZATION: &str = "org_2mWc8YpKt6ZrN1xJvQs4Be";
const USER: &str = "user_8vTm2RqKz5WnD1xHcLp7Js";
const CONTACT: &str = "93cac74a-90b5-4c5e-b0a5-2d7a1e0f7a11";
const MADE: &str = "2026-11-20T09:30:00Z";
const CHANGED: &str = "2026-11-21T14:05:12.25Z";

/// The same value with the members of each object in alphabetical order, whatever order the build keeps them in.
pub(super) fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let ordered: std::collections::BTreeMap<String, Value> =
                members.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            Value::Object(ordered.into_iter().collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other => other,
    }
}

pub(super) fn entity(one: Value) -> Value {
    json!({ "entity": one })
}

pub(super) fn entities(one: Value) -> Value {
    json!({ "entities": [one] })
}

pub(super) fn specs(one: Value) -> Value {
    json!({ "specs": [one] })
}

pub(super) fn account() -> Value {
    json!({
        "entity": { "projects": [{ "uid": PROJECT, "name": "Shop" }] },
        "metadata": { "scopes": ["ACCOUNT_READ", "PROJECT_READ"] },
    })
}

pub(super) fn project() -> Value {
    json!({
        "uid": PROJECT, "name": "Shop", "locale": "es-ES", "timezone": "Europe/Madrid",
        "retentionDays": 400, "createdAt": MADE, "updatedAt": CHANGED, "limits": { "audience.read": 600 },
    })
}

pub(super) fn attribute() -> Value {
    json!({
        "uid": "shoe_size", "displayLabel": "Shoe size", "description": "In European sizes.", "dataType": "int",
        "multivalue": false, "requiredInWebhook": false, "readOnly": false, "important": true, "visible": true,
        "custom": true,
    })
}

pub(super) fn event_type() -> Value {
    json!({
        "uid": "trial_ended", "name": "Trial ended", "emoji": "⏳", "icon": "hourglass",
        "description": "The free trial came to its end.", "category": "commerce", "important": true,
    })
}

pub(super) fn parameter() -> Value {
    json!({
        "parameter": "days", "title": "Days", "description": "How long it lasted.", "dataType": "int",
        "maxLength": null, "required": false, "multiValue": false,
    })
}

pub(super) fn managed_datasource() -> Value {
    json!({
        "uid": DATASOURCE, "name": "Website", "type": "api", "plan": null, "strict": true, "defaultCountry": "ES",
        "priority": 0, "limits": { "events.write": 60000 },
        "budgets": { "contacts.write": 6000, "events.write": 60000, "contacts.read": 6000, "meta": 6000 },
        "createdAt": MADE, "updatedAt": CHANGED,
    })
}

/// The one key of a kind that a project has.
pub(super) fn single_key(single: Single) -> Value {
    let (kind, scopes) = (single.kind(), single.kind().fixed_scopes().unwrap_or_default());
    json!({
        "kind": kind.name(), "exists": true, "id": "0b8f2f4e-6a3d-4c1b-9a57-3f1d2c6e8b90", "prefix": format!("{}4kPz", kind.prefix()),
        "projectUid": PROJECT, "scopes": scopes.names(),
        "createdAt": MADE, "createdBy": "command line", "lastUsedAt": CHANGED, "lastUsedFrom": "192.0.2.0/24",
        "lastUsedAgent": "curl/8.5.0", "retrievable": true, "note": null,
    })
}

/// The same with its text.
pub(super) fn shown_key(single: Single) -> Value {
    let mut shown = single_key(single);
    shown["key"] = json!(format!("{}4kPz…", single.kind().prefix()));
    shown
}

fn datasource() -> Value {
    json!({
        "uid": DATASOURCE, "name": "Website", "type": "api", "plan": "M", "priority": 0, "defaultCountry": "ES",
        "createdAt": MADE, "updatedAt": CHANGED, "lastContactReceivedAt": CHANGED, "lastEventReceivedAt": null,
        "receivedContacts": 2, "receivedEvents": 0,
    })
}

pub(super) fn key() -> Value {
    json!({
        "id": "5b0f4a3e-6d1c-4f0e-9a52-c1d1a4a3a0b7", "kind": "datasource", "name": "crm", "description": "", "role": null,
        "scopes": ["PROJECT_INGEST_READ", "PROJECT_INGEST_WRITE"], "prefix": "tgd_9oHh", "projectUid": PROJECT,
        "datasourceUid": DATASOURCE, "userUid": null, "createdAt": MADE, "createdBy": "command line",
        "lastUsedAt": CHANGED, "lastUsedFrom": "192.0.2.0/24", "lastUsedAgent": "crm-sync/2.1", "expiresAt": null,
        "rotatedAt": null, "revokedAt": null, "replaces": null, "state": "live",
    })
}

pub(super) fn personal_key() -> Value {
    let mut key = key();
    for (name, value) in [
        ("kind", json!("personal")),
        ("name", json!("laptop")),
        ("description", json!("Reports from my laptop")),
        ("role", json!("read_only")),
        ("prefix", json!("in-9oHh")),
        ("projectUid", Value::Null),
        ("datasourceUid", Value::Null),
        ("userUid", json!(USER)),
    ] {
        key[name] = value;
    }
    key["scopes"] = json!(Role::ReadOnly.scopes().names());
    key
}

pub(super) fn me() -> Value {
    json!({
        "organization": { "uid": ORGANIZATION, "name": "Tidegate", "plan": "M" },
        "key": {
            "id": "5b0f4a3e-6d1c-4f0e-9a52-c1d1a4a3a0b7", "kind": "personal", "name": "laptop", "prefix": "in-9oHh",
            "role": "read_only", "scopes": Role::ReadOnly.scopes().names(), "rotatedAt": null, "expiresAt": null,
        },
        "user": { "uid": USER, "email": "ada@example.com", "role": "full_access" },
        "reach": {
            "allProjects": false, "projects": [{ "uid": PROJECT, "name": "Shop" }], "projectUid": null,
            "datasourceUid": null,
        },
    })
}

pub(super) fn page(one: Value) -> Value {
    json!({ "entities": [one], "metadata": { "next": null } })
}

pub(super) fn audit_line() -> Value {
    json!({
        "at": CHANGED, "actor": "command line", "address": "", "action": "key.revoke",
        "subject": "5b0f4a3e-6d1c-4f0e-9a52-c1d1a4a3a0b7", "note": "datasource tgd_9oHh",
    })
}

pub(super) fn probe() -> Value {
    json!({
        "organization": { "uid": ORGANIZATION, "name": "Tidegate", "plan": "M" },
        "project": {
            "uid": PROJECT, "name": "Shop", "locale": "es-ES", "timezone": "Europe/Madrid",
            "createdAt": MADE, "updatedAt": CHANGED,
        },
        "datasource": datasource(),
        "stream": {
            "callsTotal": 2, "callsSuccess": 1, "callsFailures": 1, "processedEntitiesSuccess": 2,
            "processedEntitiesFailures": 1, "lastCallTime": CHANGED, "lastSuccessTime": CHANGED,
            "lastFailureTime": MADE,
        },
        "token": {
            "kind": "datasource", "name": "crm", "prefix": "tgd_9oHh",
            "scopes": ["PROJECT_INGEST_READ", "PROJECT_INGEST_WRITE"],
        },
    })
}

pub(super) fn stats() -> Value {
    json!({ "contacts": { "total": 2 }, "events": { "total": 0 }, "datasource": datasource() })
}

pub(super) fn audit() -> Value {
    json!({
        "from": "2026-11-20T12:00:00Z", "to": "2026-11-20T12:10:00Z",
        "minutes": [{
            "minute": "2026-11-20T12:03:00Z", "events": 1, "idSum": "ba7816bf8f01cfea",
            "contacts": 0, "contactIdSum": "0000000000000000",
        }],
    })
}

pub(super) fn person() -> Value {
    json!({
        "entity": {
            "id": CONTACT, "_user_id": "ada", "_email": "ada@example.com", "_phone_mobile": "+34600111221",
            "shoe_size": 38, "_contact_id": CONTACT, "_created_at": MADE, "_updated_at": CHANGED,
        },
        "metadata": { "datasource": DATASOURCE, "matches": 1 },
    })
}

pub(super) fn timeline() -> Value {
    json!({
        "entities": [{
            "cursor": "AQAAAAEABkPfgVQWAAAAAAAAAAABzlvMDQ", "kind": "event", "type": "purchase", "datasource": DATASOURCE,
            "_user_id": "ada", "_event_id": "order-1", "_event_date": MADE, "receivedAt": CHANGED,
            "parameters": { "order_id": "1", "amount": 12.5, "currency": "EUR" },
        }],
        "metadata": { "cursor": null },
    })
}

fn changed_contact() -> Value {
    json!({
        "cursor": "AQAAAAEAAAAAAAAC8QAAAAAAAAAB8vIYJw", "kind": "contact", "type": "contact.updated", "datasource": DATASOURCE,
        "_user_id": "ada", "_event_id": null, "_event_date": CHANGED, "receivedAt": CHANGED,
        "changed": { "_email": { "from": null, "to": "ada@example.com" } },
    })
}

pub(super) fn stream() -> Value {
    json!({ "items": [changed_contact()], "next": "AQAAAAEAAAAAAAAC8QAAAAAAAAAB8vIYJw", "caughtUp": true })
}

pub(super) fn live() -> Value {
    let item = changed_contact();
    let cursor = item["cursor"].as_str().unwrap_or_default();
    json!(format!("id: {cursor}\ndata: {item}\n\n"))
}

pub(super) fn contact_batch() -> Value {
    json!([
        { "_user_id": "ada", "_email": "ada@example.com", "_phone_mobile": "+34600111221", "shoe_size": 38 },
        { "_user_id": "alan", "_first_name": "Alan", "_consent_email": "true", "_last_name": null },
    ])
}

pub(super) fn event_batch() -> Value {
    json!([{
        "_user_id": "ada", "_event_id": "order-1", "_event_type": "purchase", "_event_date": "2026-11-20T12:00:00Z",
        "_event_parameters": { "order_id": "1", "amount": "12.50", "currency": "EUR", "sku": ["a-1", "a-2"] },
    }])
}

/// The members of a push answer that are the same everywhere, with these laid over them.
fn pushed(members: Value) -> Value {
    let mut answer = json!({
        "success": true, "status": 202, "dryRun": false, "entitiesLimit": 100, "errors": [],
        "projectUid": PROJECT, "datasourceUid": DATASOURCE,
        "receipt": {
            "durability": "committed", "cursor": "AQAAAAEAAAAAAAAC8QAAAAAAAAABqwe6JA", "receivedAt": CHANGED,
        },
    });
    if let (Value::Object(answer), Value::Object(members)) = (&mut answer, members) {
        answer.extend(members);
    }
    answer
}

pub(super) fn pushed_contacts() -> Value {
    pushed(json!({
        "success": false, "entitiesSuccess": 1, "entitiesFailures": 1,
        "accepted": [{ "position": 0, "item": "ada" }],
        "errors": [{ "position": 1, "item": "alan", "error": "_email: is not a valid e-mail address" }],
        "entity": { "successful": 1, "failed": 1, "items": [
            { "status": "success", "_user_id": "ada", "outcome": "created" },
            { "status": "error", "_user_id": "alan", "outcome": "invalid",
              "errors": { "_email": ["is not a valid e-mail address"] } },
        ] },
    }))
}

pub(super) fn pushed_events() -> Value {
    pushed(json!({
        "entitiesSuccess": 1, "entitiesFailures": 0,
        "accepted": [{ "position": 0, "item": "order-1" }],
        "entity": { "successful": 1, "failed": 0, "items": [
            { "status": "success", "_event_id": "order-1", "outcome": "stored" },
        ] },
    }))
}

fn refused(item: Value, position: Value) -> Value {
    pushed(json!({
        "success": false, "status": 422, "code": "no_valid_item", "message": "No item was valid",
        "entitiesSuccess": 0, "entitiesFailures": 1, "accepted": [], "errors": [position],
        "entity": { "successful": 0, "failed": 1, "items": [item] },
        "receipt": { "durability": "none", "cursor": null, "receivedAt": CHANGED },
    }))
}

pub(super) fn refused_contacts() -> Value {
    refused(
        json!({ "status": "error", "_user_id": "alan", "outcome": "invalid",
                "errors": { "_email": ["is not a valid e-mail address"] } }),
        json!({ "position": 0, "item": "alan", "error": "_email: is not a valid e-mail address" }),
    )
}

pub(super) fn refused_events() -> Value {
    let rule = "was used before for an event with other content; the first one stays";
    refused(
        json!({ "status": "error", "_event_id": "order-1", "outcome": "conflict", "errors": { "_event_id": [rule] } }),
        json!({ "position": 0, "item": "order-1", "error": format!("_event_id: {rule}") }),
    )
}

pub(super) fn deleted() -> Value {
    pushed(json!({
        "status": 200, "entitiesSuccess": 1, "entitiesFailures": 0,
        "accepted": [{ "position": 0, "item": "ada" }],
        "entity": { "successful": 1, "failed": 0, "items": [
            { "status": "success", "_user_id": "ada", "outcome": "deleted" },
        ] },
    }))
}

pub(super) fn contact() -> Value {
    json!({ "contact": {
        "contactId": "93cac74a-5d4e-4c53-9f0b-0b6f6c8a7c11",
        "contactData": {
            "_user_id": "ada", "_email": "ada@example.com", "_phone_mobile": "+34600111221",
            "_consent_email": true, "_interests": ["tea"], "shoe_size": 38,
        },
        "createdAt": MADE, "updatedAt": CHANGED,
    } })
}

pub(super) fn webhook() -> Value {
    json!({
        "id": "0d9c8f6e-7a1b-4c55-9a52-3f1d2c6e8b90", "url": "https://hooks.example.com/tidegate",
        "types": ["purchase", "contact.*"], "datasources": null, "description": "CRM", "enabled": true, "parallel": 1,
        "whole": true, "state": "active", "note": null, "position": "AQAAAAEAAAAAAAAC8QAAAAAAAAABqwe6JA",
        "skippedAt": null, "failures": 0, "lastSuccessAt": CHANGED, "lastFailureAt": null, "pending": 0, "deadLetters": 0,
        "previousSecretUntil": null, "createdAt": MADE, "createdBy": "command line", "updatedAt": CHANGED,
    })
}

pub(super) fn webhook_delivery() -> Value {
    json!({
        "message": "msg_AQAAAAEAAAAAAAAC8QAAAAAAAAABqwe6JA", "type": "purchase", "at": CHANGED, "attempt": 1, "status": 204,
        "latencyMs": 38, "error": null,
    })
}

pub(super) fn webhook_dead_letter() -> Value {
    json!({
        "message": "msg_AQAAAAEAAAAAAAAC8QAAAAAAAAABqwe6JA", "type": "purchase",
        "cursor": "AQAAAAEAAAAAAAAC8QAAAAAAAAABqwe6JA", "at": CHANGED, "attempts": 8, "status": 500,
        "error": "the receiver answered 500",
    })
}
