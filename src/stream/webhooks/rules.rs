//! The rules of what an endpoint may be, but for its URL.

use crate::domain::{caps::Caps, pattern::Patterns, settings};

/// The most messages that may be under way to one receiver.
pub const PARALLEL: std::ops::RangeInclusive<i64> = 1..=64;

/// Reads what an endpoint is for; it may be empty.
///
/// # Errors
/// The rule.
pub fn description(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Ok(String::new()) } else { settings::description(text) }
}

/// Reads how many messages may be under way at once.
///
/// # Errors
/// The rule.
pub fn parallel(number: i64) -> Result<i32, String> {
    let wanted = || format!("must be a whole number from {} to {}", PARALLEL.start(), PARALLEL.end());
    let fits = Some(number).filter(|number| PARALLEL.contains(number));
    fits.and_then(|number| i32::try_from(number).ok()).ok_or_else(wanted)
}

/// Judges patterns of types.
///
/// # Errors
/// The place of the first that is none, where it is one alone that is at fault, and the rule.
pub fn types(texts: &[String]) -> Result<(), (Option<usize>, String)> {
    let longest = Caps::default().type_bytes;
    let alone = |text: &String| Patterns::parse(std::slice::from_ref(text), longest).err();
    match texts.iter().enumerate().find_map(|(place, text)| Some((place, alone(text)?))) {
        Some((place, rule)) => Err((Some(place), rule.to_string())),
        None => Patterns::parse(texts, longest).map(drop).map_err(|rule| (None, rule.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_a_rule_is_named() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(types(&texts(&["purchase", "contact.*", "*"])), Ok(()));
        assert_eq!(types(&[]), Ok(()));
        assert_eq!(types(&texts(&["a", "b*c"])).unwrap_err().0, Some(1));
        assert_eq!(types(&vec!["a".to_owned(); 51]).unwrap_err().0, None);
        assert_eq!((parallel(1), parallel(64)), (Ok(1), Ok(64)));
        for number in [0, 65, -1, i64::MAX] {
            assert!(parallel(number).is_err());
        }
        assert_eq!(description("  "), Ok(String::new()));
        assert_eq!(description(" CRM "), Ok("CRM".into()));
        assert!(description("a\u{7}b").is_err());
    }
}
