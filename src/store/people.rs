//! The contacts of a project as its doors list and match them, whichever of its datasources holds them.
//!
//! Deleted datasources do not count. A list reads a narrow row of every contact of the project, to sort and to count them, and the
//! contacts of one page whole.

use deadpool_postgres::Pool;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    StoreError,
    contacts::{ContactKey, ContactRecord},
    lease::Lease,
};

/// How many contacts with one e-mail address, or with one number, are looked at for the one that changed last.
const LOOKED_AT: i64 = 1_000;

/// A contact of a project.
#[derive(Debug, Clone)]
pub struct Known {
    /// Which.
    pub key: ContactKey,
    /// What is stored of it.
    pub record: ContactRecord,
}

/// What a list is sorted by; ties by what never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// When it last changed.
    Updated,
    /// When it was first stored.
    Created,
    /// Its e-mail address; one without comes before all others.
    Email,
}

/// Where a word is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// The e-mail address.
    Email,
    /// The mobile number, in E.164.
    Phone,
    /// The contact's own id.
    Id,
    /// What its sender calls it.
    User,
    /// The text of an attribute.
    Attribute(String),
}

/// A word to look for; upper and lower case are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Where.
    pub field: Field,
    /// What.
    pub keyword: String,
    /// Whether it has to be the whole value.
    pub exact: bool,
}

/// What of the contacts is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Row of the project.
    pub project: i64,
    /// In which order.
    pub sort: Sort,
    /// Whether the last comes first.
    pub descending: bool,
    /// Which; all without.
    pub search: Option<Search>,
    /// How many are passed over.
    pub offset: i64,
    /// How many at the most.
    pub limit: i64,
}

/// A page of contacts.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The contacts, in the order asked for.
    pub people: Vec<Known>,
    /// How many there are on all pages.
    pub total: i64,
}

/// Lists contacts.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn list(pool: &Pool, wanted: &Wanted) -> Result<Listed, StoreError> {
    let sort = match wanted.sort {
        Sort::Updated => "last_updated",
        Sort::Created => "created",
        Sort::Email => "email",
    };
    let Terms { email, phone, id, field, attribute, pattern } = Terms::of(wanted.search.as_ref());
    let values: [&(dyn ToSql + Sync); 11] = [
        &wanted.project,
        &sort,
        &wanted.descending,
        &email,
        &phone,
        &id,
        &field,
        &attribute,
        &pattern,
        &wanted.limit,
        &wanted.offset,
    ];
    let rows = Lease::of(pool).await?.query(sql!("people_list"), &values).await?;
    let total = rows.first().map_or(0, |row| row.get(6));
    // A page that holds nobody is a row without a contact.
    let people = rows.iter().filter(|row| row.get::<_, Option<i64>>(0).is_some()).map(known).collect();
    Ok(Listed { people, total })
}

/// A search as the statement takes it: by an index where there is one, else by a pattern.
#[derive(Debug, Default, PartialEq)]
struct Terms {
    email: Option<String>,
    phone: Option<String>,
    id: Option<Uuid>,
    field: Option<&'static str>,
    attribute: Option<String>,
    pattern: Option<String>,
}

impl Terms {
    fn of(search: Option<&Search>) -> Self {
        let Some(Search { field, keyword, exact }) = search else { return Self::default() };
        let word = keyword.to_lowercase();
        match field {
            Field::Email if *exact => return Self { email: Some(word), ..Self::default() },
            Field::Phone if *exact => return Self { phone: Some(word), ..Self::default() },
            Field::Id if *exact => {
                if let Ok(id) = word.parse() {
                    return Self { id: Some(id), ..Self::default() };
                }
            }
            _ => {}
        }
        let (field, attribute) = match field {
            Field::Email => ("email", None),
            Field::Phone => ("phone", None),
            Field::Id => ("uuid", None),
            Field::User => ("user_id", None),
            Field::Attribute(name) => ("attribute", Some(name.clone())),
        };
        let plain = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let pattern = if *exact { plain } else { format!("%{plain}%") };
        Self { field: Some(field), attribute, pattern: Some(pattern), ..Self::default() }
    }
}

fn known(row: &Row) -> Known {
    Known {
        key: ContactKey { datasource: row.get(0), user_id: row.get(1) },
        record: ContactRecord {
            contact_id: row.get(2),
            attributes: row.get(3),
            created_at: row.get(4),
            updated_at: row.get(5),
        },
    }
}

/// The names of a person by which a door finds it again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// E-mail address, all in lower case.
    pub email: Option<String>,
    /// Telephone number, in E.164.
    pub phone: Option<String>,
}

/// A hold on the names of a person in a project: nobody else looks for them, on this node or another, until it is let go. Dropped,
/// it ends its connection, and the hold with it.
pub struct Hold {
    lease: Lease,
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hold")
    }
}

/// Takes a hold on names, so that of two who look for them at once one makes the contact, and the other one finds it.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked, or others hold them for too long.
pub async fn hold(pool: &Pool, project: i64, names: &Names) -> Result<Hold, StoreError> {
    let mut lease = Lease::of(pool).await?;
    lease.spoil();
    let names: Vec<&str> =
        [&names.email, &names.phone].into_iter().filter_map(|name| name.as_deref()).collect();
    lease.query(sql!("people_hold"), &[&project, &names]).await?;
    Ok(Hold { lease })
}

impl Hold {
    /// The contact of the project that has one of the names; of several the one that changed last.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn latest(&mut self, project: i64, names: &Names) -> Result<Option<Known>, StoreError> {
        let values: [&(dyn ToSql + Sync); 4] = [&project, &names.email, &names.phone, &LOOKED_AT];
        Ok(self.lease.first(sql!("people_latest"), &values).await?.as_ref().map(known))
    }

    /// Lets others look again.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked; then the hold has ended with the connection.
    pub async fn let_go(mut self) -> Result<(), StoreError> {
        self.lease.query(sql!("people_let_go"), &[]).await?;
        self.lease.unspoil();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(field: Field, keyword: &str, exact: bool) -> Terms {
        Terms::of(Some(&Search { field, keyword: keyword.into(), exact }))
    }

    #[test]
    fn words_are_no_patterns() {
        let found = terms(Field::Attribute("_city".into()), r"50%_\U", false);
        assert_eq!(found.pattern.as_deref(), Some(r"%50\%\_\\u%"));
        assert_eq!(found.attribute.as_deref(), Some("_city"));
        assert_eq!(terms(Field::Phone, "+34", false).pattern.as_deref(), Some("%+34%"));
    }

    #[test]
    fn what_has_an_index_is_looked_up_by_it() {
        assert_eq!(terms(Field::Email, "A@B.de", true).email.as_deref(), Some("a@b.de"));
        let id = Uuid::from_u128(7);
        assert_eq!(terms(Field::Id, &id.to_string(), true).id, Some(id));
        assert_eq!(terms(Field::Id, "none", true).pattern.as_deref(), Some("none"), "matches nothing");
        assert_eq!(Terms::of(None), Terms::default());
    }
}
