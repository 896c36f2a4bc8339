//! What is said about one operation, beside what follows from its row in the table of routes.

use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{Ref, RefOr, Schema},
};

use super::examples::sorted;
use crate::http::problem::Code;

/// A group of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// What a key reaches.
    Account,
    /// The caller, and the keys of one's own.
    Me,
    /// Projects themselves.
    Projects,
    /// What a project declares of its own.
    Specs,
    /// Datasources themselves.
    Datasources,
    /// The keys of a project, and who did what.
    Keys,
    /// What goes in, and single contacts out.
    Ingest,
    /// Contacts across a project.
    Audience,
    /// What goes out.
    Stream,
    /// What is pushed out.
    Webhooks,
    /// The server itself, without a key.
    Server,
}

impl Tag {
    pub(super) const ALL: [Self; 11] = [
        Self::Ingest,
        Self::Audience,
        Self::Stream,
        Self::Webhooks,
        Self::Account,
        Self::Me,
        Self::Projects,
        Self::Specs,
        Self::Datasources,
        Self::Keys,
        Self::Server,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Account => "Account",
            Self::Me => "Me",
            Self::Projects => "Projects",
            Self::Specs => "Specs",
            Self::Datasources => "Datasources",
            Self::Keys => "Keys",
            Self::Ingest => "Ingest",
            Self::Audience => "Audience",
            Self::Stream => "Stream",
            Self::Webhooks => "Webhooks",
            Self::Server => "Server",
        }
    }

    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::Account => "What a key reaches.",
            Self::Me => "Who is calling, and the personal keys of the caller's own user.",
            Self::Projects => "Projects: read, change, delete.",
            Self::Specs => {
                "Attributes, event types and parameters that a project declares beside the built-in ones."
            }
            Self::Datasources => "Datasources: list, make, read, change, delete.",
            Self::Keys => {
                "Keys of a project: list, make, rename, rotate, reveal, regenerate, revoke, delete; and the audit."
            }
            Self::Ingest => "Contacts and events in, single contacts out, by datasource.",
            Self::Audience => "Contacts of a project by any of their names, and what happened to them.",
            Self::Stream => {
                "Every event and every change of a contact, once, in one order that never changes."
            }
            Self::Webhooks => {
                "Receivers to which the stream is pushed, signed: list, make, change, delete, test, replay."
            }
            Self::Server => "The server itself; without a key.",
        }
    }
}

/// What an operation needs of the database, from which follows how it can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touches {
    /// Nothing: it answers from memory.
    Memory,
    /// One table, in a connection of its own.
    Tables,
    /// The log, through the queue that all writers share.
    Log,
}

/// The schema of a type, and those that it refers to.
pub(super) struct Form {
    pub(super) schema: RefOr<Schema>,
    pub(super) parts: Vec<(String, RefOr<Schema>)>,
}

impl Form {
    pub(super) fn of<T: ToSchema>() -> Self {
        let mut parts = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut parts);
        Self { schema: Ref::from_schema_name(T::name()).into(), parts }
    }

    fn inline(schema: impl Into<RefOr<Schema>>) -> Self {
        Self { schema: schema.into(), parts: Vec::new() }
    }
}

/// A body with an example.
pub(super) struct Body {
    pub(super) media_type: &'static str,
    pub(super) form: Form,
    pub(super) example: Value,
}

/// An answer that is no problem.
pub(super) struct Success {
    pub(super) status: u16,
    pub(super) description: &'static str,
    pub(super) body: Body,
}

/// What an answer leads to: another operation, whose parameter is a part of this answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lead {
    /// The other operation's id.
    pub(super) operation: &'static str,
    /// Its parameter.
    pub(super) parameter: &'static str,
    /// Where that is in the answer, a JSON pointer.
    pub(super) pointer: &'static str,
}

/// An operation.
pub(super) struct Described {
    pub(super) id: &'static str,
    pub(super) tag: Tag,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) flags: &'static [&'static str],
    pub(super) asks: &'static [&'static str],
    pub(super) body: Option<Body>,
    pub(super) successes: Vec<Success>,
    pub(super) touches: Touches,
    pub(super) codes: &'static [Code],
    pub(super) leads: Vec<Lead>,
    pub(super) repeatable: bool,
}

impl Described {
    /// One by its stable name, with a title of a few words and a paragraph.
    pub(super) const fn new(
        id: &'static str,
        tag: Tag,
        summary: &'static str,
        description: &'static str,
    ) -> Self {
        Self {
            id,
            tag,
            summary,
            description,
            flags: &[],
            asks: &[],
            body: None,
            successes: Vec::new(),
            touches: Touches::Memory,
            codes: &[],
            leads: Vec::new(),
            repeatable: false,
        }
    }

    /// Flags of the query.
    pub(super) fn flags(mut self, flags: &'static [&'static str]) -> Self {
        self.flags = flags;
        self
    }

    /// Other parameters of the query.
    pub(super) fn asks(mut self, asks: &'static [&'static str]) -> Self {
        self.asks = asks;
        self
    }

    /// A JSON body.
    pub(super) fn takes<T: ToSchema>(mut self, example: Value) -> Self {
        let example = sorted(example);
        self.body = Some(Body { media_type: "application/json", form: Form::of::<T>(), example });
        self
    }

    /// A JSON object as an answer.
    pub(super) fn answers<T: ToSchema>(self, status: u16, description: &'static str, example: Value) -> Self {
        self.with(status, description, "application/json", Form::of::<T>(), sorted(example))
    }

    /// Another kind of answer.
    pub(super) fn shows(
        self,
        description: &'static str,
        media_type: &'static str,
        schema: impl Into<RefOr<Schema>>,
        example: Value,
    ) -> Self {
        self.with(200, description, media_type, Form::inline(schema), sorted(example))
    }

    fn with(
        mut self,
        status: u16,
        description: &'static str,
        media_type: &'static str,
        form: Form,
        example: Value,
    ) -> Self {
        self.successes.push(Success { status, description, body: Body { media_type, form, example } });
        self
    }

    /// What it needs of the database.
    pub(super) fn touches(mut self, touches: Touches) -> Self {
        self.touches = touches;
        self
    }

    /// What its first answer leads to: these operations, by the same part of it.
    pub(super) fn leads_to(
        mut self,
        operations: &[&'static str],
        parameter: &'static str,
        pointer: &'static str,
    ) -> Self {
        self.leads = operations.iter().map(|operation| Lead { operation, parameter, pointer }).collect();
        self
    }

    /// Whether it takes an `Idempotency-Key`.
    pub(super) const fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// The codes that do not follow from its row, its body and what it touches.
    pub(super) fn refuses(mut self, codes: &'static [Code]) -> Self {
        self.codes = codes;
        self
    }
}
