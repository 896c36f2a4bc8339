//! Pages by number, as the doors give them.

use actix_web::HttpRequest;

use crate::http::{
    intake::parameter,
    problem::{Code, Problem},
};

/// Which page of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbered {
    /// From 1.
    pub(super) page: i64,
    /// Entries of a page.
    pub(super) size: i64,
}

/// The last page that may be asked for: what is passed over is read all the same.
const LAST: i64 = 1_000_000;

impl Numbered {
    /// Reads `page` of the query, 1 without, and the number of entries by the name that the door has for it.
    ///
    /// # Errors
    /// 400 `invalid_parameter` for what is no whole number from 1 on, and for more entries than `most`.
    pub(super) fn asked(request: &HttpRequest, size: &str, usual: i64, most: i64) -> Result<Self, Problem> {
        Ok(Self { page: number(request, "page", 1, LAST)?, size: number(request, size, usual, most)? })
    }

    /// How many entries are passed over.
    pub(super) const fn offset(self) -> i64 {
        (self.page - 1) * self.size
    }

    /// How many pages there are of so many entries.
    pub(super) const fn pages(self, entries: i64) -> i64 {
        (entries + self.size - 1) / self.size
    }
}

fn number(request: &HttpRequest, name: &str, usual: i64, most: i64) -> Result<i64, Problem> {
    let Some(text) = parameter(request, name).filter(|text| !text.is_empty()) else { return Ok(usual) };
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| {
        let rule = format!("takes a whole number from 1 to {most}");
        Problem::new(Code::InvalidParameter, format!("the query parameter {name} {rule}"))
            .at(format!("/{name}"), rule)
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn asked(query: &str) -> Result<(i64, i64, i64), Code> {
        let request = TestRequest::with_uri(&format!("/x?{query}")).to_http_request();
        let page = Numbered::asked(&request, "size", 10, 100).map_err(|problem| problem.code)?;
        Ok((page.page, page.size, page.offset()))
    }

    #[test]
    fn pages_count_from_one() {
        assert_eq!(asked(""), Ok((1, 10, 0)));
        assert_eq!(asked("page=3&size=100"), Ok((3, 100, 200)));
        assert_eq!(asked("page=&size="), Ok((1, 10, 0)));
        for query in ["page=0", "page=-1", "page=x", "size=101", "size=0", "page=1000001"] {
            assert_eq!(asked(query), Err(Code::InvalidParameter), "{query}");
        }
        let page = Numbered { page: 1, size: 10 };
        assert_eq!([0, 1, 10, 11].map(|entries| page.pages(entries)), [0, 1, 1, 2]);
    }
}
