//! The built-in event types and their parameters. None of the parameters is required.

use crate::domain::spec::{DataType, DataType::*, EventSpec, ParameterSpec};

/// Name, title, description, type, longest value in characters (0: the server's limit), whether an array.
type Parameter = (&'static str, &'static str, &'static str, DataType, u32, bool);

/// Name, title, emoji, icon, category, whether important, description, parameters.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    bool,
    &'static str,
    &'static [Parameter],
);

const ONE: bool = false;
const MANY: bool = true;

const ORDER_ID: Parameter = ("order_id", "Order", "The sender's number of the order.", String, 255, ONE);
const AMOUNT: Parameter =
    ("amount", "Amount", "The total in the given currency, every digit kept.", Decimal, 0, ONE);
const CURRENCY: Parameter =
    ("currency", "Currency", "The currency of the amount, an ISO 4217 code.", Currency, 3, ONE);
const SKUS: Parameter = ("sku", "Articles", "The article numbers concerned.", String, 255, MANY);
const SKU: Parameter = ("sku", "Article", "The article number.", String, 255, ONE);
const CHANNEL: Parameter =
    ("channel", "Channel", "Where it happened, such as web, app or store.", String, 64, ONE);
const QUANTITY: Parameter = ("quantity", "Quantity", "How many pieces.", Int, 0, ONE);
const PRICE: Parameter = ("price", "Price", "The price of one piece in the given currency.", Decimal, 0, ONE);
const REASON: Parameter = ("reason", "Reason", "Why, in the sender's own terms.", String, 255, ONE);
const CART: Parameter = ("cart_id", "Cart", "The sender's number of the cart.", String, 255, ONE);
const METHOD: Parameter =
    ("method", "Method", "The way it was done, such as password, passkey or a provider.", String, 64, ONE);
const PAGE_URL: Parameter = ("url", "Address", "The address of the page.", Url, 0, ONE);
const REFERRER: Parameter = ("referrer", "Referrer", "The address of the page before.", Url, 0, ONE);
const CAMPAIGN: Parameter =
    ("campaign", "Campaign", "The campaign that the message belongs to.", String, 255, ONE);
const MESSAGE_ID: Parameter =
    ("message_id", "Message", "The sender's number of the message.", String, 255, ONE);
const CONVERSATION: Parameter = (
    "conversation_id",
    "Conversation",
    "The sender's number of the conversation; the same in all its events.",
    String,
    255,
    ONE,
);
const AGENT: Parameter = ("agent", "Agent", "Who took care of it.", String, 255, ONE);
const SCREEN: Parameter = ("screen", "Screen", "The name of the screen in the app.", String, 255, ONE);
const SUBSCRIPTION: Parameter =
    ("subscription_id", "Subscription", "The sender's number of the subscription.", String, 255, ONE);
const PLAN: Parameter = ("plan", "Plan", "The plan that was chosen.", String, 255, ONE);

#[rustfmt::skip]
static ROWS: &[Row] = &[
    ("purchase", "Purchase", "🛒", "shopping-cart", "commerce", true, "The person bought something.",
        &[ORDER_ID, AMOUNT, CURRENCY, SKUS, CHANNEL]),
    ("refund", "Refund", "💸", "rotate-ccw", "commerce", true, "Money went back to the person, in whole or in part.",
        &[ORDER_ID, AMOUNT, CURRENCY, SKUS, REASON]),
    ("order_shipped", "Order shipped", "📦", "package", "commerce", false, "An order left the warehouse.",
        &[ORDER_ID, ("carrier", "Carrier", "Who delivers it.", String, 255, ONE),
          ("tracking_url", "Tracking", "Where its way can be followed.", Url, 0, ONE)]),
    ("order_delivered", "Order delivered", "🏠", "home", "commerce", false, "An order reached the person.",
        &[ORDER_ID, ("delivered_at", "Delivered at", "When it was handed over.", Datetime, 0, ONE)]),
    ("order_cancelled", "Order cancelled", "🚫", "x-circle", "commerce", false, "An order was called off.",
        &[ORDER_ID, AMOUNT, CURRENCY, REASON]),
    ("product_viewed", "Product viewed", "👀", "eye", "commerce", false, "The person looked at an article.",
        &[SKU, PRICE, CURRENCY, ("category", "Category", "The group of the article.", String, 255, ONE), PAGE_URL]),
    ("cart_item_added", "Added to cart", "➕", "plus-circle", "commerce", false, "An article was put into the cart.",
        &[CART, SKU, QUANTITY, PRICE, CURRENCY]),
    ("cart_item_removed", "Removed from cart", "➖", "minus-circle", "commerce", false, "An article was taken out of the cart.",
        &[CART, SKU, QUANTITY]),
    ("cart_abandoned", "Cart abandoned", "🛍️", "shopping-bag", "commerce", true, "A filled cart was left without a purchase.",
        &[CART, AMOUNT, CURRENCY, SKUS, PAGE_URL]),
    ("checkout_started", "Checkout started", "💳", "credit-card", "commerce", false, "The person went to pay.",
        &[CART, AMOUNT, CURRENCY, SKUS]),
    ("subscription_started", "Subscription started", "🔁", "repeat", "commerce", true, "The person began to pay regularly.",
        &[SUBSCRIPTION, PLAN, AMOUNT, CURRENCY, ("trial", "Trial", "Whether it begins with a free trial.", Bool, 0, ONE)]),
    ("subscription_cancelled", "Subscription cancelled", "✂️", "scissors", "commerce", true, "The person ended a subscription.",
        &[SUBSCRIPTION, PLAN, REASON, ("ends_on", "Ends on", "The last day that is paid for.", Date, 0, ONE)]),
    ("account_created", "Account created", "🎉", "user-plus", "account", true, "The person opened an account.",
        &[METHOD, CHANNEL, ("country", "Country", "Where the account was opened, ISO 3166-1 alpha-2.", Country, 2, ONE)]),
    ("account_deleted", "Account deleted", "🗑️", "user-minus", "account", true, "The person closed their account.",
        &[REASON]),
    ("signed_in", "Signed in", "🔑", "log-in", "account", false, "The person signed in.",
        &[METHOD, ("ip_country", "Country", "The country that the address belongs to, ISO 3166-1 alpha-2.", Country, 2, ONE)]),
    ("signed_out", "Signed out", "👋", "log-out", "account", false, "The person signed out.", &[]),
    ("password_changed", "Password changed", "🔐", "lock", "account", false, "The person set another password.", &[METHOD]),
    ("consent_changed", "Consent changed", "📝", "check-square", "account", true, "The person gave or withdrew a consent.",
        &[("purpose", "Purpose", "What the consent is about.", String, 255, ONE),
          ("granted", "Granted", "Whether it was given; false: withdrawn.", Bool, 0, ONE),
          ("document", "Document", "The version of the text agreed to.", Text, 0, ONE)]),
    ("page_viewed", "Page viewed", "📄", "file-text", "engagement", false, "The person opened a web page.",
        &[PAGE_URL, REFERRER, ("title", "Title", "The title of the page.", String, 512, ONE),
          ("language", "Language", "The language of the page, BCP 47.", Language, 64, ONE)]),
    ("screen_viewed", "Screen viewed", "📱", "smartphone", "engagement", false, "The person opened a screen of the app.",
        &[SCREEN, ("app_version", "App version", "The version of the app.", String, 64, ONE)]),
    ("search_performed", "Search", "🔍", "search", "engagement", false, "The person searched for something.",
        &[("query", "Query", "What was searched for.", String, 512, ONE),
          ("results", "Results", "How many results were shown.", Int, 0, ONE)]),
    ("form_submitted", "Form submitted", "📨", "send", "engagement", true, "The person sent a form.",
        &[("form", "Form", "The name of the form.", String, 255, ONE), PAGE_URL,
          ("email", "E-mail", "The address given in the form.", Email, 254, ONE),
          ("phone", "Phone", "The number given in the form.", Phone, 40, ONE),
          ("answers", "Answers", "What was filled in, any JSON.", Payload, 0, ONE)]),
    ("review_posted", "Review posted", "⭐", "star", "engagement", false, "The person judged an article.",
        &[SKU, ("rating", "Rating", "The mark that was given.", Decimal, 0, ONE),
          ("comment", "Comment", "What the person wrote.", Text, 0, ONE)]),
    ("points_earned", "Points earned", "🏅", "award", "engagement", false, "The person collected loyalty points.",
        &[("points", "Points", "How many; negative when spent.", Int, 0, ONE), REASON]),
    ("message_sent", "Message sent", "✉️", "mail", "messaging", false, "A message was sent to the person.",
        &[MESSAGE_ID, CAMPAIGN, CHANNEL, ("subject", "Subject", "The subject line.", String, 512, ONE)]),
    ("message_delivered", "Message delivered", "📬", "inbox", "messaging", false, "A message reached the person's mailbox or device.",
        &[MESSAGE_ID, CAMPAIGN, CHANNEL]),
    ("message_opened", "Message opened", "📖", "book-open", "messaging", true, "The person opened a message.",
        &[MESSAGE_ID, CAMPAIGN, CHANNEL]),
    ("message_clicked", "Message clicked", "🖱️", "mouse-pointer", "messaging", true, "The person followed a link in a message.",
        &[MESSAGE_ID, CAMPAIGN, CHANNEL, ("url", "Link", "The link that was followed.", Url, 0, ONE)]),
    ("message_bounced", "Message bounced", "↩️", "corner-up-left", "messaging", false, "A message could not be delivered.",
        &[MESSAGE_ID, CAMPAIGN, CHANNEL, REASON, ("permanent", "Permanent", "Whether further attempts are useless.", Bool, 0, ONE)]),
    ("unsubscribed", "Unsubscribed", "🔕", "bell-off", "messaging", true, "The person asked for no more messages.",
        &[MESSAGE_ID, CAMPAIGN, CHANNEL, REASON]),
    ("conversation_opened", "Conversation opened", "💬", "message-square", "support", true, "A conversation with support began.",
        &[CONVERSATION, CHANNEL, ("subject", "Subject", "What it is about.", String, 512, ONE),
          ("priority", "Priority", "How urgent it is, in the sender's own terms.", String, 64, ONE)]),
    ("conversation_message", "Conversation message", "🗨️", "message-circle", "support", false, "Somebody wrote in a conversation.",
        &[CONVERSATION, ("direction", "Direction", "inbound from the person, outbound to the person.", String, 16, ONE),
          ("text", "Text", "What was written.", Text, 0, ONE), AGENT,
          ("attachments", "Attachments", "Where the attached files are.", Url, 0, MANY)]),
    ("conversation_closed", "Conversation closed", "✅", "check-circle", "support", true, "A conversation with support ended.",
        &[CONVERSATION, AGENT, ("resolution", "Resolution", "How it ended, in the sender's own terms.", String, 255, ONE),
          ("rating", "Rating", "The mark that the person gave.", Int, 0, ONE)]),
];

/// The specs, in listing order.
pub(super) fn all() -> impl Iterator<Item = EventSpec> {
    ROWS.iter().map(|(uid, name, emoji, icon, category, important, description, parameters)| EventSpec {
        uid: (*uid).to_owned(),
        name: (*name).to_owned(),
        emoji: (*emoji).to_owned(),
        icon: (*icon).to_owned(),
        description: (*description).to_owned(),
        category: (*category).to_owned(),
        important: *important,
        parameters: parameters.iter().map(parameter).collect(),
    })
}

fn parameter((name, title, description, data_type, max_length, multi_value): &Parameter) -> ParameterSpec {
    ParameterSpec {
        parameter: (*name).to_owned(),
        title: (*title).to_owned(),
        description: (*description).to_owned(),
        data_type: *data_type,
        max_length: Some(*max_length).filter(|length| *length > 0),
        required: false,
        multi_value: *multi_value,
    }
}
