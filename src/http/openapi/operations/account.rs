//! What a key reaches.

use crate::http::{
    openapi::{
        described::{Described, Tag},
        examples,
    },
    wire::AccountAnswer,
};

pub(super) fn projects() -> Described {
    let description = "Lists the projects inside the reach of the key, and what the key may do there.";
    Described::new("listProjects", Tag::Account, "List projects", description).answers::<AccountAnswer<'_>>(
        200,
        "The projects and the scopes.",
        examples::account(),
    )
}
