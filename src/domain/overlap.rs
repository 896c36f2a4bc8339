//! How long a key that was rotated goes on beside its successor.

use std::str::FromStr;

use jiff::SignedDuration;

/// The longest, in seconds: 30 days.
const LONGEST: i64 = 30 * DAY;
const DAY: i64 = 24 * 3_600;

/// A time from none to 30 days, in whole seconds. Default: 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap(i64);

impl Overlap {
    /// As a length of time.
    pub const fn duration(self) -> SignedDuration {
        SignedDuration::from_secs(self.0)
    }
}

impl Default for Overlap {
    fn default() -> Self {
        Self(DAY)
    }
}

/// Reads a whole number and its unit: `0s`, `90m`, `24h`, `30d`.
impl FromStr for Overlap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rule =
            || "must be a whole number and its unit, from 0s to 30d, such as 90m, 24h or 7d".to_owned();
        let unit = match text.as_bytes().last() {
            Some(b's') => 1,
            Some(b'm') => 60,
            Some(b'h') => 3_600,
            Some(b'd') => DAY,
            _ => return Err(rule()),
        };
        let digits = text.get(..text.len() - 1).unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(rule());
        }
        let seconds = digits.parse::<i64>().ok().and_then(|number| number.checked_mul(unit));
        seconds.filter(|seconds| *seconds <= LONGEST).map(Self).ok_or_else(rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("0s", 0)]
    #[case("90s", 90)]
    #[case("90m", 5_400)]
    #[case("24h", Overlap::default().0)]
    #[case("30d", LONGEST)]
    #[case("720h", LONGEST)]
    fn a_time_has_a_number_and_a_unit(#[case] text: &str, #[case] seconds: i64) {
        assert_eq!(text.parse::<Overlap>().unwrap().duration().as_secs(), seconds);
    }

    #[rstest::rstest]
    #[case("")]
    #[case("h")]
    #[case("24")]
    #[case("-1h")]
    #[case("+1h")]
    #[case("1.5h")]
    #[case("1 h")]
    #[case("31d")]
    #[case("2592001s")]
    #[case("99999999999999999999d")]
    #[case("9223372036854775807d")]
    #[case("24é")]
    fn anything_else_is_refused(#[case] text: &str) {
        assert!(text.parse::<Overlap>().unwrap_err().contains("0s to 30d"));
    }
}
