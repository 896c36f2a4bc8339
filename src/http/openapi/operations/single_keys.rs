//! The instance key and the event-stream key of a project.

use crate::{
    auth::single::Single,
    http::{
        openapi::{
            described::{Described, Tag, Touches},
            examples::{entity, shown_key, single_key},
        },
        problem::Code,
        wire::{EntityAnswer, SingleKeyShape},
    },
};

pub(super) fn read(single: Single) -> Described {
    let (id, summary) = match single {
        Single::Instance => ("readInstanceKey", "Read the state of the instance key"),
        Single::EventStream => ("readEventStreamKey", "Read the state of the event-stream key"),
    };
    let description = "Whether the project's one key of this kind was made, when it was last used, and whether its text can be \
                       shown. It works whether or not its text can be shown.";
    Described::new(id, Tag::Keys, summary, description)
        .answers::<EntityAnswer<SingleKeyShape<'_>>>(200, "Its state.", entity(single_key(single)))
        .touches(Touches::Tables)
}

pub(super) fn reveal(single: Single) -> Described {
    let (id, summary) = match single {
        Single::Instance => ("revealInstanceKey", "Show the instance key"),
        Single::EventStream => ("revealEventStreamKey", "Show the event-stream key"),
    };
    let description = "Answers with the text of the project's one key of this kind, which is made when it is first needed. The \
                       caller must have every scope that the key has. Written down in the audit.";
    showing(single, Described::new(id, Tag::Keys, summary, description))
        .refuses(&[Code::NotRetrievable, Code::NoSecretKey])
}

pub(super) fn regenerate(single: Single) -> Described {
    let (id, summary) = match single {
        Single::Instance => ("regenerateInstanceKey", "Regenerate the instance key"),
        Single::EventStream => ("regenerateEventStreamKey", "Regenerate the event-stream key"),
    };
    let description = "Makes a new key and ends the old one in the same transaction: from the answer on it is 401 here, and within a \
                       second on every server. The caller must have every scope that the key has.";
    showing(single, Described::new(id, Tag::Keys, summary, description)).refuses(&[Code::NoSecretKey])
}

fn showing(single: Single, described: Described) -> Described {
    described
        .answers::<EntityAnswer<SingleKeyShape<'_>>>(
            200,
            "The key with its text; not to be kept on the way (`Cache-Control: no-store`).",
            entity(shown_key(single)),
        )
        .touches(Touches::Tables)
}
