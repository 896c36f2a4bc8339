//! What goes in, and single contacts out.

use crate::http::{
    openapi::{
        described::{Described, Tag, Touches},
        examples::{self, specs},
    },
    problem::Code,
    wire::{
        AttributeShape, AuditAnswer, ContactAnswer, ContactBatch, EventBatch, EventShape, ParameterShape,
        Probe, PushAnswer, RefusedPush, Specs, Stats,
    },
};

/// How a batch as a whole can be refused.
const BATCH: &[Code] =
    &[Code::InvalidParameter, Code::NotAnArray, Code::EmptyBatch, Code::TooManyItems, Code::Purging];

pub(super) fn probe() -> Described {
    let description = "The cheapest probe of a key: who am I, where do I write, what happened lately.";
    Described::new("probe", Tag::Ingest, "Who, where, and what lately", description)
        .answers::<Probe<'_>>(200, "Everything about this inlet.", examples::probe())
        .touches(Touches::Tables)
}

pub(super) fn push_contacts() -> Described {
    let description = "Each item is judged on its own. 202 means that every item called `success` is committed to PostgreSQL. \
                       Send the same batch again after 408, 429, 500 or 503: nothing is stored twice.";
    Described::new("pushContacts", Tag::Ingest, "Upsert 1 to 100 contacts", description)
        .flags(&["_dryRun", "_sync"])
        .takes::<ContactBatch>(examples::contact_batch())
        .answers::<PushAnswer<'_>>(202, "At least one item is good.", examples::pushed_contacts())
        .answers::<RefusedPush>(422, "Every item is bad.", examples::refused_contacts())
        .touches(Touches::Log)
        .refuses(BATCH)
}

pub(super) fn push_events() -> Described {
    let description = "Each item is judged on its own. An event whose `_event_id` was stored before is a `duplicate` when it \
                       says the same, and a `conflict` when not. Send the same batch again after 408, 429, 500 or 503.";
    Described::new("pushEvents", Tag::Ingest, "Append 1 to 100 events", description)
        .flags(&["_dryRun", "_sync"])
        .takes::<EventBatch>(examples::event_batch())
        .answers::<PushAnswer<'_>>(202, "At least one item is good.", examples::pushed_events())
        .answers::<RefusedPush>(422, "Every item is bad.", examples::refused_events())
        .touches(Touches::Log)
        .refuses(BATCH)
}

pub(super) fn read_contact() -> Described {
    let description = "Reads one stored contact. Keys other than the datasource's own see e-mail addresses and phone numbers \
                       masked, unless they have `PROJECT_AUDIENCE_DATA_BASIC`.";
    Described::new("readContact", Tag::Ingest, "Read a contact", description)
        .answers::<ContactAnswer>(200, "The contact.", examples::contact())
        .touches(Touches::Tables)
        .refuses(&[Code::InvalidPath, Code::ContactNotFound])
}

pub(super) fn delete_contact() -> Described {
    let description =
        "Deletes one contact; its events stay. Also 200 when there was none: then the answer has no item.";
    Described::new("deleteContact", Tag::Ingest, "Delete a contact", description)
        .flags(&["_erase"])
        .answers::<PushAnswer<'_>>(200, "It is gone.", examples::deleted())
        .touches(Touches::Log)
        .refuses(&[Code::InvalidPath, Code::InvalidParameter, Code::Purging])
}

pub(super) fn attribute_specs() -> Described {
    let description =
        "Lists the attributes that contacts can have: the built-in ones and those that the project declares.";
    Described::new("listAttributeSpecs", Tag::Ingest, "Catalogue of attributes", description).answers::<Specs<
        AttributeShape<'_>,
    >>(
        200,
        "The attributes.",
        specs(examples::attribute()),
    )
}

pub(super) fn event_specs() -> Described {
    let description = "Lists the event types: the built-in ones and those that the project declares.";
    Described::new("listEventSpecs", Tag::Ingest, "Catalogue of event types", description).answers::<Specs<
        EventShape<'_>,
    >>(
        200,
        "The event types.",
        specs(examples::event_type()),
    )
}

pub(super) fn parameter_specs() -> Described {
    let description = "Lists the declared parameters of one event type; others are kept as sent.";
    Described::new("listParameterSpecs", Tag::Ingest, "Catalogue of parameters", description)
        .answers::<Specs<ParameterShape<'_>>>(200, "The parameters.", specs(examples::parameter()))
        .refuses(&[Code::InvalidPath, Code::EventTypeNotFound])
}

pub(super) fn no_event_type(slash: bool) -> Described {
    let id = if slash { "listParameterSpecsOfEmptyType" } else { "listParameterSpecsOfNoType" };
    let description =
        "There is no list of the parameters of all types: this path is always answered with 400.";
    Described::new(id, Tag::Ingest, "Parameters without a type", description)
        .refuses(&[Code::EventTypeMissing])
}

pub(super) fn stats() -> Described {
    let description = "Counts what is stored now.";
    Described::new("stats", Tag::Ingest, "Totals of the datasource", description)
        .answers::<Stats<'_>>(200, "The totals.", examples::stats())
        .touches(Touches::Tables)
}

pub(super) fn audit() -> Described {
    let description = "By the minute of the server's clock, how many rows were stored and what their ids add up to: a sender can \
                       prove that exactly what it sent is there, without listing it. Minutes that hold nothing are left out; a \
                       minute that is not over still grows.";
    Described::new("audit", Tag::Ingest, "Count and sum of what was stored", description)
        .asks(&["from", "to"])
        .answers::<AuditAnswer>(200, "The minutes.", examples::audit())
        .touches(Touches::Tables)
        .refuses(&[Code::InvalidParameter])
}
