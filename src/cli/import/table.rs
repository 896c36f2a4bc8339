//! Rows of CSV turned into the items that the API takes: the header says which member each cell is.

use anyhow::{bail, ensure};
use csv::{ReaderBuilder, StringRecord};

use super::Kind;
use crate::domain::{
    catalogue::{Catalogue, nearest},
    json::quote_into,
    rejection::Fault,
    spec::DataType,
};

/// The columns of an event that are not parameters.
const ENVELOPE: [&str; 4] = ["_user_id", "_event_id", "_event_type", "_event_date"];

/// What may stand before the name of a parameter.
const PARAMETER: &str = "_event_parameters.";

/// What the header of a file says.
#[derive(Debug, Clone)]
pub(super) struct Table {
    delimiter: u8,
    kind: Kind,
    columns: Vec<Column>,
    /// Where the type of an event is, by which its parameters are known.
    event_type: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    Member(String),
    Parameter(String),
}

impl Column {
    fn name(&self) -> &str {
        match self {
            Self::Member(name) | Self::Parameter(name) => name,
        }
    }
}

impl Table {
    /// Reads a header. Without `kind`, the columns of events make it events, else it is contacts.
    ///
    /// # Errors
    /// Which column cannot be, and why; nothing was imported then.
    pub(super) fn of(
        header: &[u8],
        delimiter: u8,
        kind: Option<Kind>,
        catalogue: &Catalogue,
    ) -> anyhow::Result<Self> {
        let Some(cells) = cells(header, delimiter) else { bail!("the header is not UTF-8") };
        let names: Vec<&str> = cells.iter().map(str::trim).collect();
        let has = |name: &str| names.contains(&name);
        ensure!(
            has("_user_id"),
            "the header has no column _user_id: its first line must name the attributes or members of each cell, such as \
             _user_id,_email (with another separator than a comma, name it by --delimiter)"
        );
        let events = has("_event_id") || has("_event_type");
        let kind = kind.unwrap_or(if events { Kind::Events } else { Kind::Contacts });
        let mut columns = Vec::with_capacity(names.len());
        for name in &names {
            let column = match kind {
                Kind::Events => of_event(name)?,
                Kind::Contacts => of_contact(name, catalogue)?,
            };
            ensure!(!column.name().is_empty(), "the header has a column without a name");
            ensure!(!columns.contains(&column), "the header has the column {name} twice");
            columns.push(column);
        }
        if kind == Kind::Events {
            for name in ["_event_id", "_event_type"] {
                ensure!(has(name), "the header has no column {name}, which every event needs");
            }
        }
        let event_type = names.iter().position(|name| *name == "_event_type");
        Ok(Self { delimiter, kind, columns, event_type })
    }

    /// What the rows are.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Writes the item of a row to `out`. An empty cell is left out, any other one is a string, as clients may send every value;
    /// arrays are JSON where the catalogue takes several values, and so is anything where it takes any JSON.
    ///
    /// # Errors
    /// [`Fault`] when it is no row of this table.
    pub(super) fn item(&self, row: &[u8], catalogue: &Catalogue, out: &mut String) -> Result<(), Fault> {
        let cells = cells(row, self.delimiter)
            .ok_or_else(|| Fault::whole("is not valid Unicode (invalid UTF-8); save the file as UTF-8"))?;
        if cells.len() != self.columns.len() {
            let (found, wanted) = (cells.len(), self.columns.len());
            return Err(Fault::whole(format!("has {found} cells where the header names {wanted}")));
        }
        let filled = || self.columns.iter().zip(&cells).filter(|(_, cell)| !cell.is_empty());
        out.clear();
        out.push('{');
        for (column, cell) in filled() {
            if let Column::Member(name) = column {
                let spec = catalogue.attribute(name).filter(|_| self.kind == Kind::Contacts);
                member(out, name, cell, spec.map(|spec| (spec.data_type, spec.multivalue)));
            }
        }
        let spec = self.event_type.and_then(|at| catalogue.event(cells.get(at)?));
        if self.kind == Kind::Events {
            let begin = out.len() + 1;
            out.push_str(if begin > 2 { ",\"_event_parameters\":{" } else { "\"_event_parameters\":{" });
            for (column, cell) in filled() {
                if let Column::Parameter(name) = column {
                    let known = spec.and_then(|spec| spec.parameter(name));
                    member(out, name, cell, known.map(|spec| (spec.data_type, spec.multi_value)));
                }
            }
            out.push('}');
        }
        out.push('}');
        Ok(())
    }
}

fn of_event(name: &str) -> anyhow::Result<Column> {
    if ENVELOPE.contains(&name) {
        return Ok(Column::Member(name.to_owned()));
    }
    let name = name.strip_prefix(PARAMETER).unwrap_or(name);
    if name == "_event_parameters" {
        bail!("the column _event_parameters cannot be one cell: give each parameter a column of its own");
    }
    if let Some(known) = nearest(name, ENVELOPE).filter(|_| name.starts_with('_')) {
        bail!(
            "the column {name} is no member of an event; did you mean {known}? A parameter of that name is written \
             {PARAMETER}{name}"
        );
    }
    Ok(Column::Parameter(name.to_owned()))
}

fn of_contact(name: &str, catalogue: &Catalogue) -> anyhow::Result<Column> {
    match catalogue.attribute(name) {
        Some(spec) if spec.read_only && name != "_user_id" => {
            bail!("the column {name} is set by the server; leave it out")
        }
        None if name.starts_with('_') && name != "_user_id" => match catalogue.nearest_attribute(name) {
            Some(known) => bail!("the column {name} is no known attribute; did you mean {known}?"),
            None => bail!("the column {name} is no known attribute; those of your own have no underscore"),
        },
        _ => Ok(Column::Member(name.to_owned())),
    }
}

/// The cells of one record; none where they are not UTF-8.
fn cells(row: &[u8], delimiter: u8) -> Option<StringRecord> {
    let mut reader = ReaderBuilder::new();
    let mut reader = reader
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(row.len().clamp(1, 8 << 10))
        .from_reader(row);
    let mut record = StringRecord::new();
    reader.read_record(&mut record).is_ok().then_some(record)
}

fn member(out: &mut String, name: &str, cell: &str, declared: Option<(DataType, bool)>) {
    if !out.ends_with('{') {
        out.push(',');
    }
    quote_into(name, out);
    out.push(':');
    let json = match declared {
        Some((DataType::Payload, _)) => is_json(cell),
        Some((_, true)) => cell.trim_start().starts_with('[') && is_json(cell),
        _ => false,
    };
    if json {
        out.push_str(cell.trim());
    } else {
        quote_into(cell, out);
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(header: &str, kind: Option<Kind>) -> anyhow::Result<Table> {
        Table::of(header.as_bytes(), b',', kind, Catalogue::builtin())
    }

    fn item(table: &Table, row: &str) -> Result<String, String> {
        let mut out = String::new();
        let read = table.item(row.as_bytes(), Catalogue::builtin(), &mut out);
        read.map(|()| out).map_err(|fault| fault.to_string())
    }

    #[test]
    fn cells_are_strings_and_empty_ones_are_left_out() {
        let contacts = table("_user_id,_email, shoe", None).unwrap();
        assert_eq!(contacts.kind(), Kind::Contacts);
        assert_eq!(item(&contacts, "u1,,\"4\"\"2\"").unwrap(), r#"{"_user_id":"u1","shoe":"4\"2"}"#);
        assert_eq!(item(&contacts, "u1,a@b.de").unwrap_err(), "has 2 cells where the header names 3");
    }

    #[test]
    fn parameters_have_their_prefix_or_not() {
        let events =
            table("_event_id,_event_type,_user_id,amount,_event_parameters.sku,_event_parameters.own", None)
                .unwrap();
        assert_eq!(events.kind(), Kind::Events);
        assert_eq!(
            item(&events, "e,purchase,u,12.5,\"[\"\"a\"\",\"\"b\"\"]\",[1]").unwrap(),
            r#"{"_event_id":"e","_event_type":"purchase","_user_id":"u","_event_parameters":{"amount":"12.5","sku":["a","b"],"own":"[1]"}}"#
        );
        assert_eq!(
            item(&events, "e,other,u,,[x,").unwrap(),
            r#"{"_event_id":"e","_event_type":"other","_user_id":"u","_event_parameters":{"sku":"[x"}}"#
        );
        assert_eq!(item(&events, ",,,,,").unwrap(), r#"{"_event_parameters":{}}"#);
    }

    #[rstest::rstest]
    #[case("user,email", "no column _user_id")]
    #[case("_user_id,_emial", "did you mean _email?")]
    #[case("_user_id,a,a", "column a twice")]
    #[case("_user_id,", "column without a name")]
    #[case("_user_id,_event_id", "no column _event_type")]
    #[case("_user_id,_event_id,_event_type,_event_tim", "no member of an event")]
    #[case("_user_id,_event_id,_event_type,_event_parameters", "a column of its own")]
    #[case("_user_id,_event_id,_event_type,a,_event_parameters.a", "twice")]
    fn headers_that_cannot_be(#[case] header: &str, #[case] words: &str) {
        let error = table(header, None).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
