//! Dates and times of RFC 3339, nothing looser: a guessed time zone is a wrong one.

use jiff::{SignedDuration, Timestamp, civil, tz::Offset};

use super::{clock::truncate, rejection::Rule};

/// The rule of a date.
pub const NOT_A_DATE: &str = "is not a date, such as 2026-11-20";
/// The rule of a time.
pub const NOT_A_TIME: &str = "is not an RFC 3339 time with a zone, such as 2026-11-20T12:00:00Z";

/// Events older than this are mistakes of a clock or a unit: 2000-01-01T00:00:00Z in Unix seconds.
const EARLIEST_EVENT: i64 = 946_684_800;
/// How far a client's clock may run ahead of ours.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// Reads an RFC 3339 `full-date` of the years 1 to 9999, which PostgreSQL can hold. None for anything else.
pub fn date(text: &str) -> Option<civil::Date> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = number(&bytes[..4])?;
    let date = civil::Date::new(year, small(&bytes[5..7])?, small(&bytes[8..])?).ok()?;
    (year >= 1).then_some(date)
}

/// Reads an RFC 3339 `date-time`, or a plain date as its midnight in UTC; cut to microseconds. A leap second counts as
/// the second before it. None for anything else, and for times that fall outside the years 1 to 9999 in UTC.
pub fn datetime(text: &str) -> Option<Timestamp> {
    let date = date(text.get(..10)?)?;
    let local = match text.as_bytes().get(10) {
        None => (civil::Time::midnight(), 0),
        Some(b'T' | b't' | b' ') => time_and_offset(&text.as_bytes()[11..])?,
        Some(_) => return None,
    };
    let offset = Offset::from_seconds(local.1).ok()?;
    let at = truncate(offset.to_timestamp(date.to_datetime(local.0)).ok()?);
    (1..=9999).contains(&Offset::UTC.to_datetime(at).year()).then_some(at)
}

/// The time of day, and the zone's distance from UTC in seconds.
fn time_and_offset(bytes: &[u8]) -> Option<(civil::Time, i32)> {
    if bytes.len() < 9 || bytes[2] != b':' || bytes[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (small(&bytes[..2])?, small(&bytes[3..5])?, small(&bytes[6..8])?);
    let (nanos, zone) = match &bytes[8..] {
        [b'.', rest @ ..] => fraction(rest)?,
        zone => (0, zone),
    };
    let second = if second == 60 { 59 } else { second };
    Some((civil::Time::new(hour, minute, second, nanos).ok()?, offset(zone)?))
}

/// The fraction of a second in nanoseconds, digits beyond the ninth ignored, and what follows it.
fn fraction(bytes: &[u8]) -> Option<(i32, &[u8])> {
    let length = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let digits = bytes[..length].iter().chain(std::iter::repeat(&b'0')).take(9);
    let nanos = digits.fold(0i32, |sum, digit| sum * 10 + i32::from(digit - b'0'));
    (length > 0).then_some((nanos, &bytes[length..]))
}

fn offset(zone: &[u8]) -> Option<i32> {
    if matches!(zone, b"Z" | b"z") {
        return Some(0);
    }
    let sign = match zone.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    if zone.len() != 6 || zone[3] != b':' {
        return None;
    }
    let (hours, minutes) = (i32::from(small(&zone[1..3])?), i32::from(small(&zone[4..])?));
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn number(digits: &[u8]) -> Option<i16> {
    let all = digits.iter().all(u8::is_ascii_digit);
    all.then(|| digits.iter().fold(0, |sum, digit| sum * 10 + i16::from(digit - b'0')))
}

fn small(digits: &[u8]) -> Option<i8> {
    number(digits)?.try_into().ok()
}

/// Reads the time of an event.
///
/// # Errors
/// The broken rule when it is no time, before the year 2000, or more than 24 hours after `now`.
pub fn event_date(text: &str, now: Timestamp) -> Result<Timestamp, Rule> {
    let at = datetime(text).ok_or(NOT_A_TIME)?;
    if at.as_second() < EARLIEST_EVENT {
        return Err("is before the year 2000; send the time as RFC 3339, or leave it out for now".into());
    }
    if at.duration_since(now) > AHEAD {
        return Err("is more than 24 hours ahead of the server's clock".into());
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("2026-11-20", true)]
    #[case("2024-02-29", true)]
    #[case("2023-02-29", false)]
    #[case("0000-01-01", false)]
    #[case("0001-01-01", true)]
    #[case("9999-12-31", true)]
    #[case("20261120", false)]
    #[case("2026-11-2", false)]
    #[case("2026-1１-2", false)]
    #[case("-026-11-20", false)]
    #[case("2026-13-01", false)]
    fn dates(#[case] text: &str, #[case] fine: bool) {
        assert_eq!(date(text).is_some(), fine);
    }

    #[rstest::rstest]
    #[case("2026-11-20", Some("2026-11-20T00:00:00Z"))]
    #[case("2026-11-20T12:00:00Z", Some("2026-11-20T12:00:00Z"))]
    #[case("2026-11-20t12:00:00.5z", Some("2026-11-20T12:00:00.5Z"))]
    #[case("2026-11-20 12:00:00.123456789+02:30", Some("2026-11-20T09:30:00.123456Z"))]
    #[case("2016-12-31T23:59:60Z", Some("2016-12-31T23:59:59Z"))]
    #[case("2026-11-20T12:00:00", None)]
    #[case("2026-11-20T12:00:00.Z", None)]
    #[case("2026-11-20T24:00:00Z", None)]
    #[case("2026-11-20T12:00:00+2:30", None)]
    #[case("2026-11-20T12:00:00+24:00", None)]
    #[case("2026-11-20T12:00Z", None)]
    #[case("0001-01-01T00:00:00+01:00", None)]
    #[case("9999-12-31T23:00:00-02:00", None)]
    #[case("2026-11-2é", None)]
    #[case("1763640000", None)]
    fn times(#[case] text: &str, #[case] utc: Option<&str>) {
        assert_eq!(datetime(text).map(|at| at.to_string()).as_deref(), utc);
    }

    #[rstest::rstest]
    #[case("2000-01-01", true)]
    #[case("1999-12-31T23:59:59Z", false)]
    #[case("2026-11-21T12:00:00Z", true)]
    #[case("2026-11-21T12:00:00.000001Z", false)]
    #[case("yesterday", false)]
    fn event_times(#[case] text: &str, #[case] fine: bool) {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        assert_eq!(event_date(text, now).is_ok(), fine);
    }
}
