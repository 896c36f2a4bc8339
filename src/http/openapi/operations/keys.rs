//! The keys of a project, and the audit.

use serde_json::json;

use crate::http::{
    openapi::{
        described::{Described, Tag, Touches},
        examples::{DATASOURCE, audit_line, entity, key, page},
    },
    problem::Code,
    wire::{AuditLinePage, EntityAnswer, KeyChange, KeyPage, KeyRotation, KeyShape, NewKeyBody},
};

fn described(id: &'static str, summary: &'static str, description: &'static str) -> Described {
    Described::new(id, Tag::Keys, summary, description).touches(Touches::Tables)
}

fn answering(described: Described) -> Described {
    described.answers::<EntityAnswer<KeyShape<'_>>>(200, "The key, without its text.", entity(key()))
}

fn making(described: Described) -> Described {
    let mut made = key();
    made["key"] = json!("tgd_…");
    described
        .answers::<EntityAnswer<KeyShape<'_>>>(
            201,
            "The new key with its text, which is shown this once.",
            entity(made),
        )
        .leads_to(&["readKey", "changeKey", "rotateKey", "revokeKey", "deleteKey"], "key_id", "/entity/id")
}

pub(super) fn list() -> Described {
    let description = "Lists the keys that are bound to the project or to one of its datasources, in the order in which they were made. \
                       Those that were deleted are not among them.";
    described("listKeys", "List keys", description)
        .asks(&["list.limit", "list.after"])
        .answers::<KeyPage<'_>>(200, "A page of keys.", page(key()))
        .refuses(&[Code::InvalidParameter, Code::InvalidCursor])
}

pub(super) fn create() -> Described {
    let description = "Makes a datasource token (with `datasourceUid`) or a product token (with `scopes`) of this project. The new key \
                       may do nothing that the caller's may not: else 403, which names the scope. The answer is not to be cached.";
    let body = json!({ "kind": "datasource", "name": "crm", "datasourceUid": DATASOURCE });
    making(described("createKey", "Make a key", description)).takes::<NewKeyBody>(body)
}

pub(super) fn read() -> Described {
    let description = "Reads one key: what it may do, how it stands, when it was last used. Never its text.";
    answering(described("readKey", "Read a key", description))
        .refuses(&[Code::InvalidPath, Code::KeyNotFound])
}

pub(super) fn change() -> Described {
    let description =
        "Corrects the name of a datasource token or a product token. Nothing else of a key ever changes.";
    answering(described("changeKey", "Rename a key", description))
        .takes::<KeyChange>(json!({ "name": "crm" }))
        .refuses(&[Code::InvalidPath, Code::KeyNotFound, Code::NameFixed])
}

pub(super) fn rotate() -> Described {
    let description = "Makes the successor of a live key, like it in all but its text. Both hold until the overlap is over; until then \
                       answers to the old one carry `Deprecation` and `Sunset`. The caller must be allowed all that the key is. The \
                       answer is not to be cached.";
    making(described("rotateKey", "Rotate a key", description))
        .takes::<KeyRotation>(json!({ "overlap": "24h" }))
        .refuses(&[Code::InvalidPath, Code::KeyNotFound, Code::NotRotatable])
}

pub(super) fn revoke() -> Described {
    let description = "Ends a key: 401 from then on, on every server within a second. It stays in the list. Once more changes nothing.";
    answering(described("revokeKey", "Revoke a key", description))
        .refuses(&[Code::InvalidPath, Code::KeyNotFound])
}

pub(super) fn delete() -> Described {
    let description = "Ends a key and takes it off every list. The answer shows what it was.";
    answering(described("deleteKey", "Delete a key", description))
        .refuses(&[Code::InvalidPath, Code::KeyNotFound])
}

pub(super) fn audit() -> Described {
    let description = "Lists who did what to the project, its datasources and its keys, when, and from where; the latest first.";
    described("listAudit", "List the audit", description)
        .asks(&["list.limit", "list.after"])
        .answers::<AuditLinePage>(200, "A page of the audit.", page(audit_line()))
        .refuses(&[Code::InvalidParameter, Code::InvalidCursor])
}
