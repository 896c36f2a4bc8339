//! What each operation is called, takes and answers: one function for each action of the table of routes.
//!
//! Promises that an action without a description does not compile.
//! Must not know paths, scopes, or what follows from them.

mod account;

mod me;

mod projects;

mod specs;

mod stream;

mod audience;

mod datasources;

mod keys;
mod single_keys;

mod webhooks;

mod ingest;

mod server;

use super::described::Described;
use crate::http::{
    action::{
        Action::{self, AtDoor, OfAccount, OfDatasource, OfProject, OfUser},
        OnAccount, OnDatasource, OnProject, OnUser,
    },
    routes::Public,
};

/// Describes what an action does; a route that is another spelling of one has a name of its own. Doors have shapes of other APIs,
/// their problems included, and are not described here.
pub(super) fn of(action: Action, path: &str) -> Option<Described> {
    Some(match action {
        OfAccount(action) => on_account(action),
        OfUser(action) => on_user(action),
        OfProject(action) => on_project(action),
        OfDatasource(action) => on_datasource(action, path),
        AtDoor(..) => return None,
    })
}

fn on_account(action: OnAccount) -> Described {
    match action {
        OnAccount::Projects => account::projects(),
        OnAccount::Me => me::read(),
    }
}

fn on_user(action: OnUser) -> Described {
    match action {
        OnUser::ListOwnKeys => me::list(),
        OnUser::CreateOwnKey => me::create(),
        OnUser::RotateOwnKey => me::rotate(),
        OnUser::RevokeOwnKey => me::revoke(),
        OnUser::DeleteOwnKey => me::delete(),
    }
}

fn on_project(action: OnProject) -> Described {
    match action {
        OnProject::ReadProject => projects::read(),
        OnProject::ChangeProject => projects::change(),
        OnProject::DeleteProject => projects::delete(),
        OnProject::ListAttributes => specs::list_attributes(),
        OnProject::DeclareAttribute => specs::declare_attribute(),
        OnProject::ChangeAttribute => specs::change_attribute(),
        OnProject::RemoveAttribute => specs::remove_attribute(),
        OnProject::ListEvents => specs::list_events(),
        OnProject::DeclareEvent => specs::declare_event(),
        OnProject::ChangeEvent => specs::change_event(),
        OnProject::RemoveEvent => specs::remove_event(),
        OnProject::ListParameters => specs::list_parameters(),
        OnProject::DeclareParameter => specs::declare_parameter(),
        OnProject::ChangeParameter => specs::change_parameter(),
        OnProject::RemoveParameter => specs::remove_parameter(),
        OnProject::FindByUser => audience::by_user(),
        OnProject::FindByEmail => audience::by_email(),
        OnProject::FindByPhone => audience::by_phone(),
        OnProject::ReadPerson => audience::read(),
        OnProject::ListTimeline => audience::timeline(),
        OnProject::ReadStream => stream::read(),
        OnProject::FollowStream => stream::follow(),
        OnProject::ListDatasources => datasources::list(),
        OnProject::CreateDatasource => datasources::create(),
        OnProject::ListKeys => keys::list(),
        OnProject::CreateKey => keys::create(),
        OnProject::ReadKey => keys::read(),
        OnProject::ChangeKey => keys::change(),
        OnProject::RotateKey => keys::rotate(),
        OnProject::RevokeKey => keys::revoke(),
        OnProject::DeleteKey => keys::delete(),
        OnProject::ListAudit => keys::audit(),
        OnProject::ReadSingleKey(single) => single_keys::read(single),
        OnProject::RevealSingleKey(single) => single_keys::reveal(single),
        OnProject::RegenerateSingleKey(single) => single_keys::regenerate(single),
        OnProject::Webhooks(action) => webhooks::of(action),
    }
}

fn on_datasource(action: OnDatasource, path: &str) -> Described {
    match action {
        OnDatasource::ReadDatasource => datasources::read(),
        OnDatasource::ChangeDatasource => datasources::change(),
        OnDatasource::DeleteDatasource => datasources::delete(),
        OnDatasource::PurgeDatasource => datasources::purge(),
        OnDatasource::Probe => ingest::probe(),
        OnDatasource::PushContacts => ingest::push_contacts(),
        OnDatasource::PushEvents => ingest::push_events(),
        OnDatasource::ReadContact => ingest::read_contact(),
        OnDatasource::DeleteContact => ingest::delete_contact(),
        OnDatasource::AttributeSpecs => ingest::attribute_specs(),
        OnDatasource::EventSpecs => ingest::event_specs(),
        OnDatasource::ParameterSpecs => ingest::parameter_specs(),
        OnDatasource::NoEventType => ingest::no_event_type(path.ends_with('/')),
        OnDatasource::Stats => ingest::stats(),
        OnDatasource::Audit => ingest::audit(),
    }
}

/// Describes a route that needs no key.
pub(super) fn of_public(public: Public) -> Described {
    match public {
        Public::Live => server::live(),
        Public::Ready => server::ready(),
        Public::Errors => server::errors(),
        Public::Document => server::document(),
        Public::Page => server::page(),
    }
}
