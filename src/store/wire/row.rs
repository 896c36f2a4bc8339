//! Types that a statement takes and gives, and the rows it answers.

use std::{io, ops::Range, sync::Arc};

use bytes::Bytes;
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{DataRowBody, Fields, Parameters};
use tokio_postgres::types::{FromSql, Oid, Type};

use super::{Statement, StoreError};

/// A row in binary form.
#[derive(Debug)]
pub struct Row {
    columns: Arc<[Type]>,
    bytes: Bytes,
    ranges: Vec<Option<Range<usize>>>,
}

impl Row {
    pub(super) fn read(statement: &Statement, body: &DataRowBody) -> Result<Self, StoreError> {
        let (columns, bytes) = (statement.columns.clone(), body.buffer_bytes().clone());
        Ok(Self { columns, bytes, ranges: body.ranges().collect()? })
    }

    /// The value of a column, counted from 0.
    ///
    /// # Errors
    /// [`StoreError::Content`] when there is no such column or it has another type.
    pub fn get<'a, T: FromSql<'a>>(&'a self, at: usize) -> Result<T, StoreError> {
        let wrong = |cause: String| StoreError::Content(format!("column {at} of a row: {cause}"));
        let (Some(kind), Some(range)) = (self.columns.get(at), self.ranges.get(at)) else {
            return Err(wrong("is not there".to_owned()));
        };
        if !T::accepts(kind) {
            return Err(wrong(format!("has the type {kind}")));
        }
        let value = range.as_ref().map(|range| &self.bytes[range.clone()]);
        T::from_sql_nullable(kind, value).map_err(|error| wrong(error.to_string()))
    }
}

pub(super) fn types(parameters: Parameters<'_>) -> Result<Vec<Type>, StoreError> {
    parameters.map_err(StoreError::from).map(built_in).collect()
}

pub(super) fn columns(fields: Fields<'_>) -> Result<Vec<Type>, StoreError> {
    fields.map_err(StoreError::from).map(|field| built_in(field.type_oid())).collect()
}

fn built_in(oid: Oid) -> Result<Type, StoreError> {
    let unknown = || io::Error::new(io::ErrorKind::Unsupported, format!("type {oid} is not built in"));
    Type::from_oid(oid).ok_or_else(|| unknown().into())
}
