//! The webhooks of a project.

use serde_json::json;

use crate::http::{
    action::OnWebhooks,
    openapi::{
        described::{Described, Tag, Touches},
        examples::{entity, page, webhook, webhook_dead_letter, webhook_delivery},
    },
    problem::Code,
    wire::{
        DeadLetterPage, DeliveryPage, DeliveryShape, EntityAnswer, NewWebhookBody, WebhookChange,
        WebhookPage, WebhookReplay, WebhookShape,
    },
};

/// Describes what an action on webhooks does.
pub(super) fn of(action: OnWebhooks) -> Described {
    match action {
        OnWebhooks::List => list(),
        OnWebhooks::Create => create(),
        OnWebhooks::Read => read(),
        OnWebhooks::Change => change(),
        OnWebhooks::Delete => delete(),
        OnWebhooks::RotateSecret => rotate(),
        OnWebhooks::Test => test(),
        OnWebhooks::ListDeliveries => deliveries(),
        OnWebhooks::ListDeadLetters => dead_letters(),
        OnWebhooks::Replay => replay(),
    }
}

const OF_ONE: &[Code] = &[Code::InvalidPath, Code::WebhookNotFound];
const LIST: &[Code] = &[Code::InvalidParameter, Code::InvalidCursor];
const LIST_OF_ONE: &[Code] =
    &[Code::InvalidPath, Code::WebhookNotFound, Code::InvalidParameter, Code::InvalidCursor];

fn described(id: &'static str, summary: &'static str, description: &'static str) -> Described {
    Described::new(id, Tag::Webhooks, summary, description).touches(Touches::Tables)
}

fn answering(described: Described, status: u16) -> Described {
    described.answers::<EntityAnswer<WebhookShape<'_>>>(
        status,
        "The webhook, without its secret.",
        entity(webhook()),
    )
}

fn showing(described: Described, status: u16) -> Described {
    let mut made = webhook();
    made["secret"] = json!("whsec_q0Rk4pVtWJ1dq8r9d8jB3cQ0b1cZ6mXk7u2nqgk2m7A=");
    let what = "The webhook with its secret, which is shown this once (`Cache-Control: no-store`).";
    described.answers::<WebhookShape<'_>>(status, what, made)
}

fn list() -> Described {
    let description = "Lists the webhooks of a project, in the order in which they were made.";
    described("listWebhooks", "List webhooks", description)
        .asks(&["list.limit", "list.after"])
        .answers::<WebhookPage<'_>>(200, "A page of webhooks.", page(webhook()))
        .refuses(LIST)
}

fn create() -> Described {
    let description = "Makes a webhook, which begins at the head of the stream. Each item it asks for is sent to its URL, signed as \
                       Standard Webhooks has it, at least once and in the order of the stream. The answer has its secret and is not to \
                       be cached.";
    showing(described("createWebhook", "Make a webhook", description), 201)
        .takes::<NewWebhookBody>(
            json!({ "url": "https://hooks.example.com/tidegate", "types": ["purchase", "contact.*"], "description": "CRM" }),
        )
        .refuses(&[Code::NoSecretKey, Code::TooManyWebhooks])
        .leads_to(
            &["readWebhook", "changeWebhook", "deleteWebhook", "rotateWebhookSecret", "testWebhook"],
            "webhook_id",
            "/id",
        )
}

fn read() -> Described {
    let description = "Reads one webhook: what it gets, how it stands, how far it is. Never its secret.";
    answering(described("readWebhook", "Read a webhook", description), 200).refuses(OF_ONE)
}

fn change() -> Described {
    let description = "Changes what the body names; what is absent stays. In force on every server within a second. To turn one that \
                       gets contacts whole to another URL, `PROJECT_AUDIENCE_DATA_BASIC` is needed.";
    answering(described("changeWebhook", "Change a webhook", description), 200)
        .takes::<WebhookChange>(json!({ "types": [], "enabled": true, "parallel": 4 }))
        .refuses(OF_ONE)
}

fn delete() -> Described {
    let description =
        "Deletes a webhook with all that waits for it, and its log. The answer shows what it was.";
    answering(described("deleteWebhook", "Delete a webhook", description), 200).refuses(OF_ONE)
}

fn rotate() -> Described {
    let description = "Makes a new secret. For 24 hours the one before it signs as well, so that each message has two signatures. The \
                       answer has the new secret and is not to be cached.";
    showing(described("rotateWebhookSecret", "Rotate the secret of a webhook", description), 200).refuses(&[
        Code::InvalidPath,
        Code::WebhookNotFound,
        Code::NoSecretKey,
    ])
}

fn test() -> Described {
    let description = "Sends a signed message of the type `webhook.test` now, whether or not the webhook is enabled, and answers what \
                       became of it.";
    described("testWebhook", "Test a webhook", description)
        .answers::<EntityAnswer<DeliveryShape>>(200, "The one attempt.", entity(webhook_delivery()))
        .refuses(&[Code::InvalidPath, Code::WebhookNotFound, Code::NotRetrievable, Code::NoSecretKey])
}

fn deliveries() -> Described {
    let description =
        "Lists the attempts to deliver, the latest first: those of a week, and no more than the last 1000.";
    described("listWebhookDeliveries", "List deliveries", description)
        .asks(&["list.limit", "list.after"])
        .answers::<DeliveryPage>(200, "A page of attempts.", page(webhook_delivery()))
        .refuses(LIST_OF_ONE)
}

fn dead_letters() -> Described {
    let description = "Lists the messages that were given up after their last attempt, the latest first. What they say stays in the \
                       stream, where each can be replayed from as long as it is kept.";
    described("listWebhookDeadLetters", "List dead letters", description)
        .asks(&["list.limit", "list.after"])
        .answers::<DeadLetterPage>(200, "A page of dead letters.", page(webhook_dead_letter()))
        .refuses(LIST_OF_ONE)
}

fn replay() -> Described {
    let description = "Delivers again: everything behind a cursor (`after`) or from a time on (`from`), for which the webhook goes back \
                       there, or one message (`message`), beside what it is at.";
    answering(described("replayWebhook", "Replay a webhook", description), 202)
        .takes::<WebhookReplay>(json!({ "from": "2026-11-20T12:00:00Z" }))
        .refuses(&[
            Code::InvalidPath,
            Code::WebhookNotFound,
            Code::MessageNotFound,
            Code::InvalidCursor,
            Code::CursorExpired,
        ])
}
