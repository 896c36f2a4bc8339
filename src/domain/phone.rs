//! Phone numbers, stored as ITU-T E.164: a plus sign and up to 15 digits.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

use super::{country::Country, rejection::Rule};

/// Longest text that is looked at: 15 digits with generous punctuation.
const LONGEST: usize = 40;

/// The number as E.164. An international number (`+…`) is taken by its shape alone; a national one is judged and
/// completed by the numbering plan of `country`.
///
/// # Errors
/// The broken rule; it tells to send E.164 when no country is known.
pub fn phone(text: &str, country: Option<Country>) -> Result<String, Rule> {
    let text = text.trim();
    let known = |c: char| c.is_ascii_digit() || is_separator(c);
    if text.len() > LONGEST || !text.strip_prefix('+').unwrap_or(text).chars().all(known) {
        return Err("is not a phone number; send E.164, such as +4930123456".into());
    }
    if let Some(number) = international(text) {
        return Ok(number);
    }
    if !text.starts_with('+') && country.is_none() {
        return Err(
            "is a national number; send E.164, such as +4930123456, or set the datasource's default country"
                .into(),
        );
    }
    national(text, country).ok_or_else(|| match country {
        Some(country) => {
            format!("is not a phone number of {country}; send E.164, such as +4930123456").into()
        }
        None => "is not a phone number; send E.164, such as +4930123456".into(),
    })
}

fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}' | '\u{2011}' | '\u{2013}')
}

/// What needs no numbering plan. A bracketed zero, as in `+49 (0)30 …`, does: whether it counts depends on the country.
fn international(text: &str) -> Option<String> {
    let rest = text.strip_prefix('+').filter(|rest| !rest.contains("(0"))?;
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    ((8..=15).contains(&digits.len()) && !digits.starts_with('0')).then(|| format!("+{digits}"))
}

fn national(text: &str, country: Option<Country>) -> Option<String> {
    let plain: String =
        text.chars().map(|c| if is_separator(c) && !c.is_ascii() { ' ' } else { c }).collect();
    let region = country.and_then(|country| Region::from_code(country.as_str()).ok());
    let number = PHONE_NUMBER_UTIL.parse(&plain, region).ok().filter(|number| number.is_valid())?;
    Some(number.format_as(PhoneNumberFormat::E164).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("+4930123456", None, "+4930123456")]
    #[case("+49 30 / 12-34.56", None, "+4930123456")]
    #[case("+49 (0)30 901820", None, "+4930901820")]
    #[case("030 901820", Some("DE"), "+4930901820")]
    #[case("0049 30 901820", Some("DE"), "+4930901820")]
    #[case("(202) 456-1414", Some("US"), "+12024561414")]
    #[case("+1 202 456 1414", Some("DE"), "+12024561414")]
    #[case("0664\u{a0}1234567", Some("AT"), "+436641234567")]
    fn numbers(#[case] sent: &str, #[case] country: Option<&str>, #[case] stored: &str) {
        let country = country.and_then(Country::parse);
        assert_eq!(phone(sent, country).as_deref(), Ok(stored));
        assert_eq!(phone(stored, None).as_deref(), Ok(stored));
    }

    #[rstest::rstest]
    #[case("", None)]
    #[case("", Some("DE"))]
    #[case("+", None)]
    #[case("call me", Some("US"))]
    #[case("1-800-FLOWERS", Some("US"))]
    #[case("+0123456789", None)]
    #[case("+1234567890123456", None)]
    #[case("030 901820", None)]
    #[case("12", Some("DE"))]
    #[case("++4930123456", None)]
    #[case("０３０", Some("DE"))]
    fn other_texts(#[case] sent: &str, #[case] country: Option<&str>) {
        assert!(phone(sent, country.and_then(Country::parse)).is_err());
    }

    #[test]
    fn a_national_number_without_a_country_tells_what_to_do() {
        assert!(phone("030 901820", None).unwrap_err().contains("default country"));
    }
}
