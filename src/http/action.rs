//! What each route does, by what its path names: the account, one project, or one datasource.

use actix_web::{HttpRequest, web::Payload};

use super::{
    account,
    answer::Answer,
    audience, audit, audit_log, catalogue, contacts, datasources,
    door::{Guest, Member, Person},
    doors::{Door, core, events, personal},
    keys, live, me, own_keys, probe,
    problem::{Code, Problem},
    projects, push, single_keys, specs,
    state::State,
    stream, timeline, webhooks,
};
use crate::auth::{Caller, single::Single};

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Something about the account as a whole.
    OfAccount(OnAccount),
    /// Something of the user's own to whom the key belongs.
    OfUser(OnUser),
    /// Something about one project.
    OfProject(OnProject),
    /// Something about one datasource.
    OfDatasource(OnDatasource),
    /// Something in the shape of another API, in the key's own project.
    AtDoor(Door, OnDoor),
}

impl Action {
    /// The door in whose words it is answered.
    pub(super) const fn door(self) -> Option<Door> {
        match self {
            Self::AtDoor(door, _) => Some(door),
            Self::OfAccount(_) | Self::OfUser(_) | Self::OfProject(_) | Self::OfDatasource(_) => None,
        }
    }
}

/// What is done on the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnAccount {
    /// List the projects inside the key's reach.
    Projects,
    /// Say who is calling.
    Me,
}

/// What is done with one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUser {
    /// List the personal keys.
    ListOwnKeys,
    /// Make a personal key.
    CreateOwnKey,
    /// Make the successor of one.
    RotateOwnKey,
    /// End one.
    RevokeOwnKey,
    /// End one and take it off the list.
    DeleteOwnKey,
}

/// What is done on a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnProject {
    /// Read the project.
    ReadProject,
    /// Change its name, locale, time zone or budgets.
    ChangeProject,
    /// Delete it with everything in it.
    DeleteProject,
    /// List the attributes of contacts.
    ListAttributes,
    /// Declare an attribute of the project's own.
    DeclareAttribute,
    /// Change one.
    ChangeAttribute,
    /// Take one back.
    RemoveAttribute,
    /// List the types of events.
    ListEvents,
    /// Declare a type of event.
    DeclareEvent,
    /// Change one.
    ChangeEvent,
    /// Take one back, with its parameters.
    RemoveEvent,
    /// List the parameters of one type of event.
    ListParameters,
    /// Declare a parameter.
    DeclareParameter,
    /// Change one.
    ChangeParameter,
    /// Take one back.
    RemoveParameter,
    /// Find a contact by its sender's id.
    FindByUser,
    /// Find a contact by e-mail address.
    FindByEmail,
    /// Find a contact by telephone number.
    FindByPhone,
    /// Read a contact by its own id.
    ReadPerson,
    /// List the events of a contact, newest first.
    ListTimeline,
    /// Read a page of the stream.
    ReadStream,
    /// Follow the stream.
    FollowStream,
    /// List the datasources of the project.
    ListDatasources,
    /// Make a datasource, without a token.
    CreateDatasource,
    /// List the keys of the project.
    ListKeys,
    /// Make a datasource token or a product token.
    CreateKey,
    /// Read one key, without its text.
    ReadKey,
    /// Correct its name.
    ChangeKey,
    /// Make its successor; it goes on for a while.
    RotateKey,
    /// Disable it; it stays in the list.
    RevokeKey,
    /// Disable it and take it off the list.
    DeleteKey,
    /// List who did what.
    ListAudit,
    /// Read how it is with the project's one key of a kind.
    ReadSingleKey(Single),
    /// Show its text.
    RevealSingleKey(Single),
    /// Make a new one in its place.
    RegenerateSingleKey(Single),
    /// Something about webhooks.
    Webhooks(OnWebhooks),
}

/// What is done on the webhooks of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnWebhooks {
    /// List them.
    List,
    /// Make one, with its secret.
    Create,
    /// Read one, without its secret.
    Read,
    /// Change one.
    Change,
    /// Delete one.
    Delete,
    /// Make a new secret; the old one signs besides for a while.
    RotateSecret,
    /// Send a test message now.
    Test,
    /// List the attempts to deliver.
    ListDeliveries,
    /// List the messages that were given up.
    ListDeadLetters,
    /// Deliver again: from a place on, or one message.
    Replay,
}

/// What is done on a datasource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDatasource {
    /// Read how it is set up.
    ReadDatasource,
    /// Change its name, plan, budgets, strictness, default country or priority.
    ChangeDatasource,
    /// Delete it with everything in it.
    DeleteDatasource,
    /// Remove what it holds, but keep it and its keys.
    PurgeDatasource,
    /// Who am I, where do I write, what happened lately.
    Probe,
    /// Upsert contacts.
    PushContacts,
    /// Append events.
    PushEvents,
    /// Read one contact.
    ReadContact,
    /// Delete one contact.
    DeleteContact,
    /// List the attributes of contacts.
    AttributeSpecs,
    /// List the types of events.
    EventSpecs,
    /// List the parameters of one type of event.
    ParameterSpecs,
    /// Ask for parameters without naming a type.
    NoEventType,
    /// Count what is stored.
    Stats,
    /// Count and sum what was stored, by the minute.
    Audit,
}

/// What is done at a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDoor {
    /// Make a contact, or merge into the one with its e-mail address.
    CreateContact,
    /// List contacts by pages.
    ListContacts,
    /// Read one contact.
    ReadContact,
    /// Merge into one contact.
    ChangeContact,
    /// Delete one contact.
    DeleteContact,
    /// Append an event.
    AppendEvent,
    /// List events by pages.
    ListEvents,
    /// Read a page of the stream.
    ReadStream,
    /// Follow the stream.
    FollowStream,
    /// List a user's contacts by pages.
    ListPeople,
    /// Read one of them.
    ReadPerson,
    /// Make one, or merge into the one with its e-mail address or its number.
    UpsertPerson,
    /// Merge into one of them.
    ChangePerson,
    /// Delete one of them.
    DeletePerson,
    /// List the conversations that were closed within a span.
    ListConversations,
    /// Read a conversation.
    ReadConversation,
    /// List its messages by pages.
    ReadTranscript,
}

impl OnAccount {
    /// Does it for a caller who was let in.
    pub(super) async fn perform(self, state: &State, caller: &Caller) -> Result<Answer, Problem> {
        match self {
            Self::Projects => account::projects(state, caller),
            Self::Me => me::read(state, caller).await,
        }
    }
}

impl OnUser {
    /// As [`OnAccount::perform`].
    pub(super) async fn perform(
        self,
        state: &State,
        request: &HttpRequest,
        payload: &mut Payload,
        person: &Person,
    ) -> Result<Answer, Problem> {
        match self {
            Self::ListOwnKeys => own_keys::list(state, request, person).await,
            Self::CreateOwnKey => own_keys::create(state, request, payload, person).await,
            Self::RotateOwnKey => own_keys::rotate(state, request, payload, person).await,
            Self::RevokeOwnKey => own_keys::revoke(state, request, person).await,
            Self::DeleteOwnKey => own_keys::delete(state, request, person).await,
        }
    }
}

impl OnProject {
    /// As [`OnAccount::perform`].
    pub(super) async fn perform(
        self,
        state: &State,
        request: &HttpRequest,
        payload: &mut Payload,
        member: &Member,
    ) -> Result<Answer, Problem> {
        match self {
            Self::ReadProject => projects::read(member),
            Self::ChangeProject => projects::change(state, request, payload, member).await,
            Self::DeleteProject => projects::delete(state, request, member).await,
            Self::ListAttributes => specs::list_attributes(member),
            Self::DeclareAttribute => catalogue::attributes::declare(state, request, payload, member).await,
            Self::ChangeAttribute => catalogue::attributes::change(state, request, payload, member).await,
            Self::RemoveAttribute => catalogue::attributes::remove(state, request, member).await,
            Self::ListEvents => specs::list_events(member),
            Self::DeclareEvent => catalogue::events::declare(state, request, payload, member).await,
            Self::ChangeEvent => catalogue::events::change(state, request, payload, member).await,
            Self::RemoveEvent => catalogue::events::remove(state, request, member).await,
            Self::ListParameters => specs::list_parameters(request, member),
            Self::DeclareParameter => catalogue::parameters::declare(state, request, payload, member).await,
            Self::ChangeParameter => catalogue::parameters::change(state, request, payload, member).await,
            Self::RemoveParameter => catalogue::parameters::remove(state, request, member).await,
            Self::FindByUser => audience::by_user(state, request, member).await,
            Self::FindByEmail => audience::by_email(state, request, member).await,
            Self::FindByPhone => audience::by_phone(state, request, member).await,
            Self::ReadPerson => audience::by_id(state, request, member).await,
            Self::ListTimeline => timeline::page(state, request, member).await,
            Self::ReadStream => stream::page(state, request, member).await,
            Self::FollowStream => live::follow(state, request, member).await,
            Self::ListDatasources => datasources::list(state, member),
            Self::CreateDatasource => datasources::create(state, request, payload, member).await,
            Self::ListKeys => keys::list(state, request, member).await,
            Self::CreateKey => keys::create(state, request, payload, member).await,
            Self::ReadKey => keys::read(state, request, member).await,
            Self::ChangeKey => keys::change(state, request, payload, member).await,
            Self::RotateKey => keys::rotate(state, request, payload, member).await,
            Self::RevokeKey => keys::revoke(state, request, member).await,
            Self::DeleteKey => keys::delete(state, request, member).await,
            Self::ListAudit => audit_log::list(state, request, member).await,
            Self::ReadSingleKey(single) => single_keys::read(state, member, single).await,
            Self::RevealSingleKey(single) => single_keys::reveal(state, request, member, single).await,
            Self::RegenerateSingleKey(single) => {
                single_keys::regenerate(state, request, member, single).await
            }
            Self::Webhooks(action) => Box::pin(action.perform(state, request, payload, member)).await,
        }
    }
}

impl OnWebhooks {
    /// As [`OnAccount::perform`].
    pub(super) async fn perform(
        self,
        state: &State,
        request: &HttpRequest,
        payload: &mut Payload,
        member: &Member,
    ) -> Result<Answer, Problem> {
        match self {
            Self::List => webhooks::list(state, request, member).await,
            Self::Create => webhooks::create(state, request, payload, member).await,
            Self::Read => webhooks::read(state, request, member).await,
            Self::Change => webhooks::change(state, request, payload, member).await,
            Self::Delete => webhooks::delete(state, request, member).await,
            Self::RotateSecret => webhooks::rotate(state, request, member).await,
            Self::Test => webhooks::activity::test(state, request, member).await,
            Self::ListDeliveries => webhooks::activity::deliveries(state, request, member).await,
            Self::ListDeadLetters => webhooks::activity::dead_letters(state, request, member).await,
            Self::Replay => webhooks::activity::replay(state, request, payload, member).await,
        }
    }
}

impl OnDoor {
    /// As [`OnAccount::perform`].
    pub(super) async fn perform(
        self,
        state: &State,
        request: &HttpRequest,
        payload: &mut Payload,
        member: &Member,
    ) -> Result<Answer, Problem> {
        match self {
            Self::CreateContact => core::create(state, request, payload, member).await,
            Self::ListContacts => core::list(state, request, member).await,
            Self::ReadContact => core::read(state, request, member).await,
            Self::ChangeContact => core::change(state, request, payload, member).await,
            Self::DeleteContact => core::delete(state, request, member).await,
            Self::AppendEvent => events::append(state, request, payload, member).await,
            Self::ListEvents => events::list(state, request, member).await,
            Self::ReadStream => stream::page(state, request, member).await,
            Self::FollowStream => live::follow(state, request, member).await,
            Self::ListPeople => personal::list(state, request, member).await,
            Self::ReadPerson => personal::read(state, request, member).await,
            Self::UpsertPerson => personal::upsert(state, request, payload, member).await,
            Self::ChangePerson => personal::change(state, request, payload, member).await,
            Self::DeletePerson => personal::delete(state, request, member).await,
            Self::ListConversations => personal::conversations(state, request, member).await,
            Self::ReadConversation => personal::conversation(state, request, member).await,
            Self::ReadTranscript => personal::transcript(state, request, member).await,
        }
    }
}

impl OnDatasource {
    /// As [`OnAccount::perform`].
    pub(super) async fn perform(
        self,
        state: &State,
        request: &HttpRequest,
        payload: &mut Payload,
        guest: &Guest,
    ) -> Result<Answer, Problem> {
        match self {
            // All but the pushes in a box, or every request would carry room for the largest of them.
            Self::ReadDatasource => Box::pin(datasources::read(state, guest)).await,
            Self::ChangeDatasource => Box::pin(datasources::change(state, request, payload, guest)).await,
            Self::DeleteDatasource => Box::pin(datasources::delete(state, request, guest)).await,
            Self::PurgeDatasource => Box::pin(datasources::purge(state, request, guest)).await,
            Self::Probe => Box::pin(probe::stream(state, guest)).await,
            Self::PushContacts => push::contacts(state, request, payload, guest).await,
            Self::PushEvents => push::events(state, request, payload, guest).await,
            Self::ReadContact => Box::pin(contacts::read(state, request, guest)).await,
            Self::DeleteContact => Box::pin(contacts::delete(state, request, guest)).await,
            Self::AttributeSpecs => specs::attributes(guest),
            Self::EventSpecs => specs::events(guest),
            Self::ParameterSpecs => specs::parameters(request, guest),
            Self::NoEventType => Err(Problem::plain(Code::EventTypeMissing)),
            Self::Stats => Box::pin(probe::stats(state, guest)).await,
            Self::Audit => Box::pin(audit::read(state, request, guest)).await,
        }
    }
}
