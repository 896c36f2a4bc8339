//! What projects add to the built-in catalogue: attributes, types of events, parameters.
//!
//! Every change locks the project's row, so that two of them follow one another, and touches it, so that the poll of every node
//! reads the project's specs again.

use serde::{Serialize, de::DeserializeOwned};
use tokio_postgres::Client;

use super::{
    StoreError,
    audit::{self, Actor},
    tx::Tx,
};
use crate::domain::{
    catalogue::Catalogue,
    spec::{AttributeSpec, Declared, EventSpec, ParameterSpec},
};

/// Which spec of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// The attribute of this uid.
    Attribute(&'a str),
    /// The type of event of this uid.
    Event(&'a str),
    /// A parameter of a type of event.
    Parameter {
        /// The type.
        event_type: &'a str,
        /// The parameter.
        parameter: &'a str,
    },
}

impl<'a> Which<'a> {
    /// Kind, event type and name, as the columns have them.
    fn columns(self) -> (&'static str, &'a str, &'a str) {
        match self {
            Self::Attribute(uid) => ("attribute", "", uid),
            Self::Event(uid) => ("event", "", uid),
            Self::Parameter { event_type, parameter } => ("parameter", event_type, parameter),
        }
    }

    /// Whether the built-in set has it, so that a project can neither declare nor change it.
    pub fn is_builtin(self) -> bool {
        let builtin = Catalogue::builtin();
        match self {
            Self::Attribute(uid) => builtin.attribute(uid).is_some(),
            Self::Event(uid) => builtin.event(uid).is_some(),
            Self::Parameter { event_type, parameter } => {
                builtin.event(event_type).is_some_and(|spec| spec.parameter(parameter).is_some())
            }
        }
    }

    /// What it is called in the audit.
    fn note(self) -> String {
        match self {
            Self::Attribute(uid) => format!("attribute {uid}"),
            Self::Event(uid) => format!("event {uid}"),
            Self::Parameter { event_type, parameter } => format!("parameter {event_type}.{parameter}"),
        }
    }
}

/// Why a spec stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unchanged {
    /// There is no such project.
    NoProject,
    /// The name is taken, by the project or by the built-in set.
    Taken,
    /// It is built in.
    BuiltIn,
    /// The project declared no such spec.
    Absent,
    /// The type of event that a parameter is for is neither built in nor declared.
    NoEventType,
    /// The project has declared as much as it may.
    Full,
}

/// Declares a spec under a free name; `most` is how many a project may have.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn declare(
    client: &mut Client,
    project: &str,
    which: Which<'_>,
    spec: &impl Serialize,
    most: usize,
    actor: Actor<'_>,
) -> Result<Result<(), Unchanged>, StoreError> {
    let tx = Tx::begin(client, "spec_declare").await?;
    let made = insert(&tx, project, which, spec, most, actor).await?;
    if made.is_ok() {
        tx.commit().await?;
    }
    Ok(made)
}

/// Declares a spec inside a larger transaction, which is to be given up where the spec stays as it is; see [`declare`].
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn insert(
    tx: &Tx<'_>,
    project: &str,
    which: Which<'_>,
    spec: &impl Serialize,
    most: usize,
    actor: Actor<'_>,
) -> Result<Result<(), Unchanged>, StoreError> {
    if which.is_builtin() {
        return Ok(Err(Unchanged::Taken));
    }
    let Some(id) = lock(tx, project).await? else { return Ok(Err(Unchanged::NoProject)) };
    if let Which::Parameter { event_type, .. } = which
        && !Which::Event(event_type).is_builtin()
        && read(tx, id, Which::Event(event_type)).await?.is_none()
    {
        return Ok(Err(Unchanged::NoEventType));
    }
    let count: i64 = tx.query(sql!("spec_count"), &[&id]).await?.first().map_or(0, |row| row.get(0));
    if usize::try_from(count).is_ok_and(|count| count >= most) {
        return Ok(Err(Unchanged::Full));
    }
    let (kind, event_type, name) = which.columns();
    let made = tx.query(sql!("spec_insert"), &[&id, &kind, &event_type, &name, &written(spec)?]).await?;
    if made.is_empty() {
        return Ok(Err(Unchanged::Taken));
    }
    audit::write(tx, actor, "spec.add", project, &which.note()).await?;
    Ok(Ok(()))
}

/// Changes a declared spec: `change` gets it as it stands and says what is wrong with the result, if anything is.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn change<S: Serialize + DeserializeOwned, F>(
    client: &mut Client,
    project: &str,
    which: Which<'_>,
    change: impl FnOnce(&mut S) -> Result<(), F>,
    actor: Actor<'_>,
) -> Result<Result<Result<S, F>, Unchanged>, StoreError> {
    if which.is_builtin() {
        return Ok(Err(Unchanged::BuiltIn));
    }
    let tx = Tx::begin(client, "spec_change").await?;
    let Some(id) = lock(&tx, project).await? else { return Ok(Err(Unchanged::NoProject)) };
    let Some(body) = read(&tx, id, which).await? else { return Ok(Err(Unchanged::Absent)) };
    let mut spec: S = parsed(&body)?;
    if let Err(faults) = change(&mut spec) {
        return Ok(Ok(Err(faults)));
    }
    let (kind, event_type, name) = which.columns();
    tx.execute(sql!("spec_update"), &[&id, &kind, &event_type, &name, &written(&spec)?]).await?;
    audit::write(&tx, actor, "spec.change", project, &which.note()).await?;
    tx.commit().await?;
    Ok(Ok(Ok(spec)))
}

/// Takes a declared spec back, with a type its declared parameters too, and tells what it was; what was stored under it stays.
/// `judge` gets all that would go and says what is wrong with that, if anything is; then nothing goes.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn remove<S: DeserializeOwned, F>(
    client: &mut Client,
    project: &str,
    which: Which<'_>,
    judge: impl FnOnce(&[Declared]) -> Result<(), F>,
    actor: Actor<'_>,
) -> Result<Result<Result<S, F>, Unchanged>, StoreError> {
    if which.is_builtin() {
        return Ok(Err(Unchanged::BuiltIn));
    }
    let tx = Tx::begin(client, "spec_remove").await?;
    let Some(id) = lock(&tx, project).await? else { return Ok(Err(Unchanged::NoProject)) };
    let (kind, event_type, name) = which.columns();
    let gone = tx.query(sql!("spec_delete"), &[&id, &kind, &event_type, &name]).await?;
    let Some(own) = gone.iter().find(|row| row.get(0)) else { return Ok(Err(Unchanged::Absent)) };
    let spec: S = parsed(own.get(3))?;
    let all: Vec<Declared> =
        gone.iter().map(|row| declared(row.get(1), row.get(2), row.get(3))).collect::<Result<_, _>>()?;
    if let Err(why) = judge(&all) {
        return Ok(Ok(Err(why)));
    }
    audit::write(&tx, actor, "spec.remove", project, &which.note()).await?;
    tx.commit().await?;
    Ok(Ok(Ok(spec)))
}

/// Lists what a project declared, in the order in which it did; `None` when there is no such project.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn list(client: &Client, project: &str) -> Result<Option<Vec<Declared>>, StoreError> {
    let rows = client.query(sql!("spec_list"), &[&project]).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let specs = rows.iter().filter_map(|row| {
        let kind: Option<&str> = row.get(0);
        kind.map(|kind| declared(kind, row.get(1), row.get(2)))
    });
    specs.collect::<Result<_, _>>().map(Some)
}

/// Locks and touches a project; its row, when there is one.
async fn lock(tx: &Tx<'_>, project: &str) -> Result<Option<i64>, StoreError> {
    Ok(tx.query(sql!("project_touch"), &[&project]).await?.first().map(|row| row.get(0)))
}

async fn read(tx: &Tx<'_>, project: i64, which: Which<'_>) -> Result<Option<String>, StoreError> {
    let (kind, event_type, name) = which.columns();
    let rows = tx.query(sql!("spec_read"), &[&project, &kind, &event_type, &name]).await?;
    Ok(rows.first().map(|row| row.get(0)))
}

/// One spec as the poll reads it.
pub(super) fn declared(kind: &str, event_type: &str, body: &str) -> Result<Declared, StoreError> {
    match kind {
        "attribute" => Ok(Declared::Attribute(parsed::<AttributeSpec>(body)?)),
        "event" => Ok(Declared::Event(parsed::<EventSpec>(body)?)),
        "parameter" => Ok(Declared::Parameter {
            event_type: event_type.to_owned(),
            spec: parsed::<ParameterSpec>(body)?,
        }),
        other => Err(StoreError::Content(format!("a spec of kind {other:?}"))),
    }
}

fn written(spec: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(spec).map_err(|error| StoreError::Content(format!("a spec: {error}")))
}

fn parsed<S: DeserializeOwned>(body: &str) -> Result<S, StoreError> {
    serde_json::from_str(body).map_err(|error| StoreError::Content(format!("a spec: {error}")))
}
