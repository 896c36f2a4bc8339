//! The outbound stream.

use utoipa::openapi::{ObjectBuilder, Type};

use crate::http::{
    answer::EVENT_STREAM,
    openapi::{
        described::{Described, Tag, Touches},
        examples,
    },
    problem::Code,
    wire::StreamPage,
};

const CODES: &[Code] = &[Code::InvalidParameter, Code::InvalidCursor, Code::CursorExpired];

pub(super) fn read() -> Described {
    let description = "Every event and every change of a contact comes once, in one order that never changes, whatever is committed \
                       meanwhile. Go on with `next` until `caughtUp`, and later from there. With `Accept: application/x-ndjson`, \
                       one item a line; `next` and `caughtUp` are then the headers `X-Next-Cursor` and `X-Caught-Up`. Without \
                       `PROJECT_AUDIENCE_DATA_BASIC`, e-mail addresses and phone numbers are masked.";
    Described::new("readStream", Tag::Stream, "Read a page of the stream", description)
        .asks(&["stream.after", "stream.from", "stream.limit", "type", "datasource"])
        .answers::<StreamPage>(200, "A page of the stream.", examples::stream())
        .touches(Touches::Tables)
        .refuses(CODES)
}

pub(super) fn follow() -> Described {
    let description = "Server-Sent Events: `data` is an item as in a page, `id` its cursor. A client that comes back with \
                       `Last-Event-ID` goes on where it was. A comment comes at least every 15 seconds. The stream ends when the key \
                       does, when the server does, and when the client does not take what it is sent.";
    let text = ObjectBuilder::new().schema_type(Type::String);
    Described::new("followStream", Tag::Stream, "Follow the stream", description)
        .asks(&["live.after", "stream.from", "type", "datasource"])
        .shows("Items as they come.", EVENT_STREAM, text, examples::live())
        .touches(Touches::Tables)
        .refuses(CODES)
}
