//! Why an item was refused: which field, which rule, and what to change. Never the value itself.

use std::{borrow::Cow, collections::BTreeMap, fmt};

/// What a value breaks, as a phrase that follows the field's name: "is not a valid e-mail address".
pub type Rule = Cow<'static, str>;

/// The name under which faults of the item as a whole are listed.
pub const WHOLE_ITEM: &str = "_item";

/// One broken rule of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The member at fault, `_email` or `_event_parameters.amount`; empty for the item as a whole.
    pub field: String,
    /// Where it is inside the item: a JSON pointer (RFC 6901), empty for the item as a whole.
    pub pointer: String,
    /// The broken rule, to be read after the field's name.
    pub rule: String,
}

impl Fault {
    /// A fault of the value reached through these member names or array positions.
    pub fn at<'p>(path: impl IntoIterator<Item = &'p str>, rule: impl Into<String>) -> Self {
        let mut field = String::new();
        let mut pointer = String::new();
        for (depth, step) in path.into_iter().enumerate() {
            push_step(&mut pointer, step);
            match depth {
                0 => field.push_str(step),
                1 if field == "_event_parameters" => {
                    field.push('.');
                    field.push_str(step);
                }
                _ => {}
            }
        }
        Self { field, pointer, rule: rule.into() }
    }

    /// A fault of the item as a whole.
    pub fn whole(rule: impl Into<String>) -> Self {
        Self::at([], rule)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.rule)
        } else {
            write!(f, "{}: {}", self.field, self.rule)
        }
    }
}

/// Appends one reference token of a JSON pointer, escaped (RFC 6901, section 3).
fn push_step(pointer: &mut String, step: &str) {
    pointer.push('/');
    for letter in step.chars() {
        match letter {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// The refusal of one item; holds at least one fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    faults: Vec<Fault>,
}

impl Rejection {
    /// A refusal for these reasons; none when there are none.
    pub fn from_faults(faults: Vec<Fault>) -> Option<Self> {
        (!faults.is_empty()).then_some(Self { faults })
    }

    /// A refusal for one reason.
    pub fn of(fault: Fault) -> Self {
        Self { faults: vec![fault] }
    }

    /// The faults, in the order they were found; never empty.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// One line for people: `_email: is not a valid e-mail address`, several joined by `; `.
    pub fn summary(&self) -> String {
        self.faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
    }

    /// The rules by field; those of the item as a whole under [`WHOLE_ITEM`].
    pub fn by_field(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut map: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for fault in &self.faults {
            let field = if fault.field.is_empty() { WHOLE_ITEM } else { &fault.field };
            map.entry(field).or_default().push(&fault.rule);
        }
        map
    }
}

/// Gathers the faults of one item, up to a limit.
#[derive(Debug)]
pub struct Faults {
    found: Vec<Fault>,
    limit: usize,
}

impl Faults {
    /// An empty list that takes `limit` faults, at least one.
    pub fn up_to(limit: usize) -> Self {
        Self { found: Vec::new(), limit: limit.max(1) }
    }

    /// Whether looking for more is pointless.
    pub fn is_full(&self) -> bool {
        self.found.len() > self.limit
    }

    /// Adds a fault; the first one beyond the limit becomes a note that there are more.
    pub fn add(&mut self, fault: Fault) {
        if self.found.len() < self.limit {
            self.found.push(fault);
        } else if self.found.len() == self.limit {
            self.found.push(Fault::whole("has more faults than are listed here"));
        }
    }

    /// Nothing when the list is empty.
    ///
    /// # Errors
    /// [`Rejection`] with all faults otherwise.
    pub fn verdict(self) -> Result<(), Rejection> {
        if self.found.is_empty() { Ok(()) } else { Err(Rejection { faults: self.found }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_names_field_and_rule() {
        let mut faults = Faults::up_to(9);
        faults.add(Fault::at(["_email"], "is not a valid e-mail address"));
        faults.add(Fault::whole("is too large"));
        faults.add(Fault::at(["_event_parameters", "a/b", "0"], "is odd"));
        let rejection = faults.verdict().unwrap_err();
        assert_eq!(
            rejection.summary(),
            "_email: is not a valid e-mail address; is too large; _event_parameters.a/b: is odd"
        );
        assert_eq!(rejection.faults()[2].pointer, "/_event_parameters/a~1b/0");
        assert_eq!(rejection.by_field()[WHOLE_ITEM], ["is too large"]);
    }

    #[test]
    fn faults_beyond_the_limit_are_only_mentioned() {
        let mut faults = Faults::up_to(2);
        for _ in 0..9 {
            faults.add(Fault::whole("no"));
        }
        assert!(faults.is_full());
        assert_eq!(faults.verdict().unwrap_err().faults().len(), 3);
    }
}
