//! Who is calling, and the keys of one's own.

use serde_json::{Value, json};

use crate::http::{
    openapi::{
        described::{Described, Tag, Touches},
        examples::{entity, me, page, personal_key},
    },
    problem::Code,
    wire::{EntityAnswer, KeyPage, KeyRotation, KeyShape, Me, NewOwnKey},
};

fn described(id: &'static str, summary: &'static str, description: &'static str) -> Described {
    Described::new(id, Tag::Me, summary, description).touches(Touches::Tables)
}

/// What needs a key that belongs to a user.
fn owned(id: &'static str, summary: &'static str, description: &'static str) -> Described {
    described(id, summary, description).refuses(&[Code::NotFound])
}

fn answering(described: Described) -> Described {
    described.answers::<EntityAnswer<KeyShape<'_>>>(200, "The key, without its text.", entity(personal_key()))
}

fn making(described: Described) -> Described {
    let mut made: Value = personal_key();
    made["key"] = json!("in-…");
    let what = "The new key with its text, which is shown this once.";
    described.answers::<EntityAnswer<KeyShape<'_>>>(201, what, entity(made)).leads_to(
        &["rotateOwnKey", "revokeOwnKey", "deleteOwnKey"],
        "key_id",
        "/entity/id",
    )
}

pub(super) fn read() -> Described {
    let description = "Says which key is calling, what it may do and where, and to whom it belongs. Keys of every kind may ask; \
                       those that may not read projects get no names of them.";
    described("readMe", "Who am I", description).answers::<EntityAnswer<Me<'_>>>(
        200,
        "The key, its reach and its user.",
        entity(me()),
    )
}

pub(super) fn list() -> Described {
    let description = "Lists the personal keys of the caller's own user, in the order in which they were made. A key that belongs to \
                       no user is answered 404, here and below.";
    described("listOwnKeys", "List one's own keys", description)
        .asks(&["list.limit", "list.after"])
        .answers::<KeyPage<'_>>(200, "A page of keys.", page(personal_key()))
        .refuses(&[Code::InvalidParameter, Code::InvalidCursor, Code::NotFound])
}

pub(super) fn create() -> Described {
    let description = "Makes a personal key of the caller's own user: for the projects that the user sees, with a role that is no \
                       wider than that of the key that makes it. The answer is not to be cached.";
    let body = json!({ "name": "laptop", "description": "Reports from my laptop", "role": "read_only" });
    making(owned("createOwnKey", "Make a key of one's own", description)).takes::<NewOwnKey>(body)
}

pub(super) fn rotate() -> Described {
    let description = "Makes the successor of one of one's own live keys, like it in all but its text. Both hold until the overlap is \
                       over. The answer is not to be cached.";
    making(described("rotateOwnKey", "Rotate a key of one's own", description))
        .takes::<KeyRotation>(json!({ "overlap": "24h" }))
        .refuses(&[Code::KeyNotFound, Code::NotRotatable])
}

pub(super) fn revoke() -> Described {
    let description = "Ends one of one's own keys, which may be the calling one. It stays in the list.";
    answering(described("revokeOwnKey", "Revoke a key of one's own", description))
        .refuses(&[Code::KeyNotFound])
}

pub(super) fn delete() -> Described {
    let description = "Ends one of one's own keys, which may be the calling one, and takes it off the list. The answer shows what it was.";
    answering(described("deleteOwnKey", "Delete a key of one's own", description))
        .refuses(&[Code::KeyNotFound])
}
