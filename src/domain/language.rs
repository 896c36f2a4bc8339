//! Language tags: BCP 47, well-formed by the grammar of RFC 5646, section 2.1. No registry is consulted.

/// Longest tag that is taken; RFC 5646, section 4.4.1 asks for at least 35.
const LONGEST: usize = 64;

/// The tag with the case of RFC 5646, section 2.1.1 (`zh-Hant-TW`), from any case, and from `_` as separator, which
/// many systems write. None when it is not well-formed. The irregular grandfathered tags (`i-klingon`) are not taken.
pub fn language(text: &str) -> Option<String> {
    if text.is_empty() || text.len() > LONGEST {
        return None;
    }
    let lower = text.replace('_', "-").to_ascii_lowercase();
    let subtags: Vec<&str> = lower.split('-').collect();
    if !subtags.iter().all(|s| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric())) {
        return None;
    }
    let mut rest = Rest(&subtags);
    if subtags[0] != "x" && !language_part(&mut rest) {
        return None;
    }
    private_use(&mut rest);
    rest.0.is_empty().then(|| restore_case(&subtags))
}

/// The subtags that are not yet understood.
struct Rest<'a>(&'a [&'a str]);

impl Rest<'_> {
    /// Drops the next subtag if it is as asked.
    fn take(&mut self, wanted: impl Fn(&str) -> bool) -> bool {
        match self.0.split_first() {
            Some((next, others)) if wanted(next) => {
                self.0 = others;
                true
            }
            _ => false,
        }
    }
}

fn letters(subtag: &str) -> bool {
    subtag.bytes().all(|b| b.is_ascii_alphabetic())
}

/// `language ["-" script] ["-" region] *("-" variant) *("-" extension)`.
fn language_part(rest: &mut Rest<'_>) -> bool {
    let short = rest.0.first().is_some_and(|first| first.len() <= 3);
    if !rest.take(|s| s.len() >= 2 && letters(s)) {
        return false;
    }
    let mut extended = 0;
    while short && extended < 3 && rest.take(|s| s.len() == 3 && letters(s)) {
        extended += 1;
    }
    rest.take(|s| s.len() == 4 && letters(s));
    rest.take(is_region);
    while rest.take(|s| s.len() >= 5 || (s.len() == 4 && s.as_bytes()[0].is_ascii_digit())) {}
    while rest.take(|s| s.len() == 1 && s != "x") {
        if !rest.take(|s| s.len() >= 2) {
            return false;
        }
        while rest.take(|s| s.len() >= 2) {}
    }
    true
}

fn is_region(subtag: &str) -> bool {
    (subtag.len() == 2 && letters(subtag))
        || (subtag.len() == 3 && subtag.bytes().all(|b| b.is_ascii_digit()))
}

/// `"x" 1*("-" (1*8alphanum))`; leaves a lone `x`, which is then one subtag too many.
fn private_use(rest: &mut Rest<'_>) {
    if rest.0.len() >= 2 && rest.0[0] == "x" {
        rest.0 = &[];
    }
}

/// Lower case, but regions upper and scripts titled, unless they follow a singleton.
fn restore_case(subtags: &[&str]) -> String {
    let mut plain = false;
    let cased = subtags.iter().enumerate().map(|(at, subtag)| {
        plain |= subtag.len() == 1;
        match subtag.len() {
            2 if at > 0 && !plain => subtag.to_ascii_uppercase(),
            4 if at > 0 && !plain && letters(subtag) => subtag[..1].to_ascii_uppercase() + &subtag[1..],
            _ => (*subtag).to_owned(),
        }
    });
    cased.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("de", "de")]
    #[case("DE-at", "de-AT")]
    #[case("en_US", "en-US")]
    #[case("zh-hant-tw", "zh-Hant-TW")]
    #[case("zh-yue-HK", "zh-yue-HK")]
    #[case("es-419", "es-419")]
    #[case("sl-rozaj-biske-1994", "sl-rozaj-biske-1994")]
    #[case("de-CH-1901", "de-CH-1901")]
    #[case("en-a-BBB-x-US-y", "en-a-bbb-x-us-y")]
    #[case("x-whatever", "x-whatever")]
    #[case("tlh", "tlh")]
    fn well_formed(#[case] text: &str, #[case] tag: &str) {
        assert_eq!(language(text).as_deref(), Some(tag));
        assert_eq!(language(tag).as_deref(), Some(tag));
    }

    #[rstest::rstest]
    #[case("")]
    #[case("d")]
    #[case("x")]
    #[case("de-")]
    #[case("-de")]
    #[case("de--AT")]
    #[case("german language")]
    #[case("deutschland")]
    #[case("de-AT-DE")]
    #[case("en-a")]
    #[case("en-x")]
    #[case("dé")]
    #[case("123")]
    #[case("en;q=0.8")]
    fn not_well_formed(#[case] text: &str) {
        assert_eq!(language(text), None);
    }
}
