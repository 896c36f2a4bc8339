//! The people of a project.

use crate::http::{
    openapi::{
        described::{Described, Tag, Touches},
        examples,
    },
    problem::Code,
    wire::{PersonAnswer, TimelineAnswer},
};

fn finding(described: Described) -> Described {
    described
        .answers::<PersonAnswer<'_>>(200, "The contact, and where it was found.", examples::person())
        .touches(Touches::Tables)
        .refuses(&[Code::InvalidPath, Code::ContactNotFound])
}

/// What all of them say.
const SEEN: &str = "Of several that match, the one whose datasource has the lowest priority number is shown. Without \
                    `PROJECT_AUDIENCE_DATA_BASIC`, e-mail addresses and phone numbers are masked.";

pub(super) fn by_user() -> Described {
    finding(Described::new("findContactByUserId", Tag::Audience, "Find a contact by its sender's id", SEEN))
}

pub(super) fn by_email() -> Described {
    finding(Described::new("findContactByEmail", Tag::Audience, "Find a contact by e-mail address", SEEN))
}

pub(super) fn by_phone() -> Described {
    finding(Described::new("findContactByPhone", Tag::Audience, "Find a contact by telephone number", SEEN))
}

pub(super) fn read() -> Described {
    finding(Described::new("readAudienceContact", Tag::Audience, "Read a contact by its own id", SEEN))
}

pub(super) fn timeline() -> Described {
    let description = "Newest first by when they were received. `metadata.cursor`, sent as `after`, leads on to older ones; it is \
                       `null` when there are none. Pages neither skip nor repeat an event.";
    Described::new("listContactEvents", Tag::Audience, "List the events of a contact", description)
        .asks(&["limit", "after"])
        .answers::<TimelineAnswer>(200, "A page of events.", examples::timeline())
        .touches(Touches::Tables)
        .refuses(&[
            Code::InvalidPath,
            Code::InvalidParameter,
            Code::InvalidCursor,
            Code::CursorExpired,
            Code::ContactNotFound,
        ])
}
