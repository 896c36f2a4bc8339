//! Which types of item a reader of the stream wants.

/// The most patterns of one reader.
pub const MOST: usize = 50;

/// Types by name, or by how their names begin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns {
    exact: Vec<String>,
    prefixes: Vec<String>,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It says nothing.
    #[error("is empty; name a type, or leave it out for all of them")]
    Empty,
    /// No type has such a name.
    #[error("is longer than a type may be: {most} bytes at the most")]
    TooLong {
        /// What a type may have, in bytes.
        most: usize,
    },
    /// A star that is not at the end.
    #[error("has a * that is not at its end; a star stands for the rest of a name")]
    Star,
    /// No type holds one.
    #[error("holds a control character")]
    Control,
    /// More than [`MOST`].
    #[error("takes {MOST} types at the most")]
    TooMany,
}

impl Patterns {
    /// Reads patterns: the name of a type, or its beginning with a `*` behind. None at all, and `*` alone, are every type.
    ///
    /// # Errors
    /// [`PatternError`] for the first that is none.
    pub fn parse<T: AsRef<str>>(texts: &[T], longest: usize) -> Result<Self, PatternError> {
        if texts.len() > MOST {
            return Err(PatternError::TooMany);
        }
        let mut patterns = Self::default();
        for text in texts.iter().map(AsRef::as_ref) {
            let (name, is_prefix) = text.strip_suffix('*').map_or((text, false), |name| (name, true));
            if text.is_empty() {
                return Err(PatternError::Empty);
            }
            if name.len() > longest {
                return Err(PatternError::TooLong { most: longest });
            }
            if name.contains('*') {
                return Err(PatternError::Star);
            }
            if name.chars().any(char::is_control) {
                return Err(PatternError::Control);
            }
            if is_prefix { &mut patterns.prefixes } else { &mut patterns.exact }.push(name.to_owned());
        }
        Ok(patterns)
    }

    /// Whether every type is wanted.
    pub fn is_all(&self) -> bool {
        (self.exact.is_empty() && self.prefixes.is_empty()) || self.prefixes.iter().any(String::is_empty)
    }

    /// Whether a type is wanted.
    pub fn matches(&self, name: &str) -> bool {
        self.is_all()
            || self.exact.iter().any(|known| known == name)
            || self.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }

    /// Names of types.
    pub fn exact(&self) -> &[String] {
        &self.exact
    }

    /// Beginnings of names.
    pub fn prefixes(&self) -> &[String] {
        &self.prefixes
    }

    /// The patterns as they are written.
    pub fn texts(&self) -> Vec<String> {
        let prefixes = self.prefixes.iter().map(|prefix| format!("{prefix}*"));
        self.exact.iter().cloned().chain(prefixes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(&[], "purchase", true)]
    #[case(&["purchase"], "purchase", true)]
    #[case(&["purchase"], "purchase_return", false)]
    #[case(&["contact.*"], "contact.created", true)]
    #[case(&["contact.*"], "contact", false)]
    #[case(&["a", "contact.*"], "a", true)]
    #[case(&["*"], "anything", true)]
    fn a_pattern_is_a_name_or_its_beginning(
        #[case] texts: &[&str],
        #[case] name: &str,
        #[case] wanted: bool,
    ) {
        assert_eq!(Patterns::parse(texts, 100).unwrap().matches(name), wanted);
    }

    #[rstest::rstest]
    #[case("", PatternError::Empty)]
    #[case("a*b", PatternError::Star)]
    #[case("**", PatternError::Star)]
    #[case("a\nb", PatternError::Control)]
    #[case("abcdef", PatternError::TooLong { most: 5 })]
    fn other_texts_are_none(#[case] text: &str, #[case] error: PatternError) {
        assert_eq!(Patterns::parse(&[text], 5), Err(error));
    }

    #[test]
    fn what_was_read_is_written_again() {
        let patterns = Patterns::parse(&["contact.*", "purchase"], 100).unwrap();
        assert_eq!(Patterns::parse(&patterns.texts(), 100), Ok(patterns));
    }
}
