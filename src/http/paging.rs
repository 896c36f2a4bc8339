//! Pages of lists: how many, and from where on.

use actix_web::HttpRequest;

use super::{
    intake::parameter,
    problem::{Code, Problem},
};
use crate::domain::mark::{self, List};

/// The most entities of a page, and how many without a number.
pub(super) const LONGEST: usize = 100;
pub(super) const USUAL: usize = 50;

/// What of a list was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    list: List,
    limit: usize,
    /// The place behind which it begins.
    pub(super) after: Option<u128>,
}

impl Page {
    /// Reads `limit` and `after` of the query.
    ///
    /// # Errors
    /// 400 `invalid_parameter` for a number that is not from 1 to 100; 400 `invalid_cursor` for what no page of this list gave.
    pub(super) fn asked(request: &HttpRequest, list: List) -> Result<Self, Problem> {
        let limit = match parameter(request, "limit") {
            None => USUAL,
            Some(text) => {
                let number = text.parse().ok().filter(|number| (1..=LONGEST).contains(number));
                number.ok_or_else(|| {
                    let detail =
                        format!("the query parameter limit takes a whole number from 1 to {LONGEST}");
                    Problem::new(Code::InvalidParameter, detail)
                })?
            }
        };
        let place = |text: String| {
            mark::decode(list, &text).ok_or_else(|| {
                let detail =
                    "the cursor was not given out by this list; send one exactly as it was given out";
                Problem::new(Code::InvalidCursor, detail)
            })
        };
        let after = parameter(request, "after").map(place).transpose()?;
        Ok(Self { list, limit, after })
    }

    /// How many rows to read: one more than are shown, which tells whether there is another page.
    pub(super) const fn rows(&self) -> i64 {
        self.limit as i64 + 1
    }

    /// Cuts rows to the page, and gives the cursor of the next one where there is one.
    pub(super) fn cut<T>(&self, rows: &mut Vec<T>, place: impl Fn(&T) -> u128) -> Option<String> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        rows.last().filter(|_| more).map(|last| mark::encode(self.list, place(last)))
    }
}
