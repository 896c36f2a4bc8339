//! Numbers as text: one spelling for each value, without ever passing through a binary float.

use std::borrow::Cow;

use super::{caps::Caps, rejection::Rule};

/// Digits before the point up to which a whole number is written out (as ECMAScript does); beyond: an exponent.
const PLAIN_DIGITS: i64 = 21;
/// Zeros after the point up to which a fraction is written out; beyond: an exponent.
const PLAIN_ZEROS: i64 = 6;
/// Exponents beyond this are left alone: no caller can send them, and shifting the point could overflow.
const SANE_EXPONENT: u64 = 1_000_000_000;

/// The one spelling of a decimal number, itself valid JSON: `1.50`, `15e-1` and `1.5` all give `1.5`; `-0.0` gives `0`.
///
/// Exact for any number of digits, and idempotent. Also takes what PostgreSQL prints for the same `numeric` (`1e30`
/// comes back as 31 digits). A text that is not a number comes back unchanged.
pub fn canonical_number(text: &str) -> Cow<'_, str> {
    if is_canonical(text) {
        return Cow::Borrowed(text);
    }
    match read(text) {
        Some(Parts { digits, .. }) if digits.is_empty() => Cow::Borrowed("0"),
        Some(parts) => Cow::Owned(write(&parts)),
        None => Cow::Borrowed(text),
    }
}

/// Whether `text` is a number in its one spelling, of those that need no exponent; most numbers are.
fn is_canonical(text: &str) -> bool {
    let bytes = text.as_bytes();
    let unsigned = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let count = |from: usize| unsigned[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = count(0);
    if whole == 0 || whole as i64 > PLAIN_DIGITS || (whole > 1 && unsigned[0] == b'0') {
        return false;
    }
    match unsigned.get(whole) {
        None => unsigned[0] != b'0' || bytes.len() == 1,
        Some(b'.') => {
            let fraction = count(whole + 1);
            let (all, last) = (whole + 1 + fraction == unsigned.len(), unsigned[unsigned.len() - 1]);
            let zeros = |places: &[u8]| places.iter().take_while(|byte| **byte == b'0').count() as i64;
            let small = unsigned[0] == b'0' && zeros(&unsigned[2..]) >= PLAIN_ZEROS;
            all && fraction > 0 && last != b'0' && !small
        }
        Some(_) => false,
    }
}

/// A value `±0.digits × 10^point`, `digits` without zeros at either end.
struct Parts {
    negative: bool,
    digits: String,
    point: i64,
}

fn read(text: &str) -> Option<Parts> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], rest[at + 1..].parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all: String = [whole, fraction].concat();
    if all.is_empty() || exponent.unsigned_abs() > SANE_EXPONENT || !all.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let significant = all.trim_start_matches('0');
    let leading = i64::try_from(all.len() - significant.len()).ok()?;
    let point = i64::try_from(whole.len()).ok()? - leading + exponent;
    Some(Parts { negative, digits: significant.trim_end_matches('0').to_owned(), point })
}

fn write(parts: &Parts) -> String {
    let Parts { negative, digits, point } = parts;
    let count = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let zeros = |n: i64| "0".repeat(usize::try_from(n).unwrap_or(0));
    let split = |at: i64| digits.split_at(usize::try_from(at).unwrap_or(0));
    let mut text = String::with_capacity(digits.len() + 8);
    if *negative {
        text.push('-');
    }
    if *point >= count && *point <= PLAIN_DIGITS {
        text.push_str(digits);
        text.push_str(&zeros(point - count));
    } else if *point > 0 && *point < count {
        let (whole, fraction) = split(*point);
        text.extend([whole, ".", fraction]);
    } else if *point <= 0 && *point > -PLAIN_ZEROS {
        text.extend(["0.", &zeros(-point), digits]);
    } else {
        let (head, tail) = split(1);
        text.push_str(head);
        if !tail.is_empty() {
            text.extend([".", tail]);
        }
        text.push_str(&format!("e{}", point - 1));
    }
    text
}

/// Whether `text` is a number as JSON writes it, except that zeros may lead and a plus sign may: forms and CSV files
/// hold such numbers.
fn is_number(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    digits(whole) && fraction.is_none_or(digits) && exponent.is_none_or(digits)
}

/// Whether a number's exponent lies within the limit, as it is spelled and as it would be with one digit before the point; a
/// number without one does.
pub fn exponent_fits(number: &str, caps: &Caps) -> bool {
    match number.split_once(['e', 'E']) {
        Some((_, exponent)) => {
            let magnitude = exponent.trim_start_matches(['-', '+']).trim_start_matches('0');
            let spelled =
                magnitude.is_empty() || magnitude.parse().is_ok_and(|size: u32| size <= caps.number_exponent);
            // 10e308 is spelled within the limit and means 1e309.
            let meant = |parts: Parts| (parts.point - 1).unsigned_abs() <= u64::from(caps.number_exponent);
            spelled && read(number).filter(|parts| !parts.digits.is_empty()).is_none_or(meant)
        }
        None => true,
    }
}

/// A decimal number in its one spelling, from a JSON number or the text of a string.
///
/// # Errors
/// The broken rule when it is no number, or longer or with a larger exponent than the limits allow.
pub fn decimal<'t>(text: &'t str, caps: &Caps) -> Result<Cow<'t, str>, Rule> {
    if text.len() <= caps.number_bytes && is_canonical(text) {
        return Ok(Cow::Borrowed(text));
    }
    if !is_number(text) {
        return Err("is not a decimal number, such as 12.5".into());
    }
    if text.len() > caps.number_bytes || !exponent_fits(text, caps) {
        return Err(format!(
            "is a number beyond the limits ({} characters, exponent {}); round it or send it as text",
            caps.number_bytes, caps.number_exponent
        )
        .into());
    }
    Ok(canonical_number(text))
}

/// A whole number of 64 bits in its one spelling; `42.0` and `4.2e1` are whole too.
///
/// # Errors
/// The broken rule when it is no number, has a fraction, or does not fit into 64 bits with a sign.
pub fn int<'t>(text: &'t str, caps: &Caps) -> Result<Cow<'t, str>, Rule> {
    let number = decimal(text, caps).ok().filter(|number| number.parse::<i64>().is_ok());
    number.ok_or_else(|| "is not a whole number of at most 64 bits, such as 42".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("1.50", "1.5")]
    #[case("15e-1", "1.5")]
    #[case("0.15E+1", "1.5")]
    #[case("-0.0", "0")]
    #[case("0e999", "0")]
    #[case("100", "100")]
    #[case("1e2", "100")]
    #[case("1e30", "1e30")]
    #[case("1000000000000000000000000000000", "1e30")]
    #[case("1e20", "100000000000000000000")]
    #[case("0.000001", "0.000001")]
    #[case("0.0000001", "1e-7")]
    #[case("-12.5e-400", "-1.25e-399")]
    #[case("123456789012345678901234.5", "123456789012345678901234.5")]
    #[case("007", "7")]
    #[case("abc", "abc")]
    #[case("", "")]
    #[case("-", "-")]
    #[case("1e99999999999999999999", "1e99999999999999999999")]
    fn one_spelling(#[case] sent: &str, #[case] canonical: &str) {
        assert_eq!(canonical_number(sent), canonical);
        assert_eq!(canonical_number(canonical), canonical);
    }

    #[test]
    fn what_is_taken_as_canonical_is() {
        let parts = ["", "0", "1", "7", "10", "00", "05", "50", "000000", "0000005", "000005"];
        let long = "1".repeat(21);
        let wholes: Vec<String> =
            parts.iter().map(|part| (*part).to_owned()).chain([long.clone(), long + "0"]).collect();
        for sign in ["", "-", "+"] {
            for whole in &wholes {
                for rest in parts.iter().map(|part| format!(".{part}")).chain(["".into(), "e1".into()]) {
                    let text = format!("{sign}{whole}{rest}");
                    let slow = match read(&text) {
                        Some(Parts { digits, .. }) if digits.is_empty() => "0".to_owned(),
                        Some(parts) => write(&parts),
                        None => text.clone(),
                    };
                    assert_eq!(canonical_number(&text), slow, "{text}");
                    // Beyond 21 digits it is left to the slow way, whatever follows them.
                    let simple = is_number(&text) && !text.contains('e') && whole.len() <= 21;
                    assert_eq!(is_canonical(&text), slow == text && simple, "{text}");
                }
            }
        }
    }

    #[rstest::rstest]
    #[case("42", Some("42"))]
    #[case("+42", Some("42"))]
    #[case("42.0", Some("42"))]
    #[case("-9223372036854775808", Some("-9223372036854775808"))]
    #[case("9223372036854775808", None)]
    #[case("4.5", None)]
    #[case("1e40", None)]
    #[case("0x10", None)]
    #[case("NaN", None)]
    fn whole_numbers(#[case] sent: &str, #[case] stored: Option<&str>) {
        assert_eq!(int(sent, &Caps::default()).ok().as_deref(), stored);
    }

    #[rstest::rstest]
    #[case("12.5", true)]
    #[case("1e308", true)]
    #[case("1e-309", false)]
    #[case("1e00000000000308", true)]
    #[case("1.", false)]
    #[case(".5", false)]
    #[case("1e", false)]
    #[case("Infinity", false)]
    #[case("1 000", false)]
    #[case("12345678901234567890123456789012345678901234567890123456789012345", false)]
    fn decimals(#[case] sent: &str, #[case] fine: bool) {
        assert_eq!(decimal(sent, &Caps::default()).is_ok(), fine);
    }

    #[test]
    fn an_exponent_counts_as_spelled_and_as_meant() {
        let fits = |text: &str| exponent_fits(text, &Caps::default());
        for text in ["1e308", "1e-308", "0e0", "10.0E307", "0.1e-307", "0.0e308", "1"] {
            assert!(fits(text), "{text}");
        }
        for text in ["1e309", "10.0E308", "0.1e-308", "0.0001e310", "1e99999999999"] {
            assert!(!fits(text), "{text}");
        }
    }
}
