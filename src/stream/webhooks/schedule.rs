//! When a message that was not taken is sent again.

use std::{fmt, str::FromStr, time::Duration};

use jiff::{Timestamp, fmt::rfc2822};

/// The longest wait that a receiver may ask for.
pub const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// The most retries.
const MOST: usize = 32;

/// How much a wait is spread, so that messages that failed together do not come back together: up to a tenth more or less.
const SPREAD: f64 = 0.1;

/// The waits between the attempts for one message; after the last one it is a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Vec<Duration>);

impl Default for Schedule {
    /// 5 s, 30 s, 5 min, 30 min, 2 h, 5 h, 10 h: almost 18 hours.
    fn default() -> Self {
        Self([5, 30, 300, 1_800, 7_200, 18_000, 36_000].map(Duration::from_secs).into())
    }
}

impl Schedule {
    /// How long to wait after so many attempts, of which there was at least one; `None` when that was the last one.
    ///
    /// `chance` from 0 to 1 decides where inside the spread. A receiver that asked for more gets it, up to a day.
    pub fn wait(&self, attempts: u32, chance: f64, asked: Option<Duration>) -> Option<Duration> {
        let index = usize::try_from(attempts).unwrap_or(usize::MAX).saturating_sub(1);
        let wait = self.0.get(index)?.mul_f64(1.0 - SPREAD + 2.0 * SPREAD * chance.clamp(0.0, 1.0));
        Some(wait.max(asked.unwrap_or_default().min(LONGEST_WAIT)))
    }
}

impl FromStr for Schedule {
    type Err = String;

    /// Reads `5s,30s,5m,2h`; an empty text means that nothing is sent twice.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self(Vec::new()));
        }
        let waits: Vec<Duration> = text.split(',').map(|part| wait(part.trim())).collect::<Result<_, _>>()?;
        if waits.len() > MOST {
            return Err(format!("there may be at most {MOST} retries"));
        }
        Ok(Self(waits))
    }
}

fn wait(text: &str) -> Result<Duration, String> {
    let wanted =
        || format!("{text:?} is no wait: a whole number and its unit (ms, s, m, h), from 10ms to 24h");
    let unit = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wanted)?;
    let (number, unit) = text.split_at(unit);
    let number: u64 = number.parse().map_err(|_| wanted())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wanted()),
    };
    let wait = number.checked_mul(millis).map(Duration::from_millis).ok_or_else(wanted)?;
    (Duration::from_millis(10)..=LONGEST_WAIT).contains(&wait).then_some(wait).ok_or_else(wanted)
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, wait) in self.0.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            let millis = wait.as_millis();
            match (millis % 1_000, millis % 60_000, millis % 3_600_000) {
                (_, _, 0) => write!(f, "{comma}{}h", millis / 3_600_000)?,
                (_, 0, _) => write!(f, "{comma}{}m", millis / 60_000)?,
                (0, _, _) => write!(f, "{comma}{}s", millis / 1_000)?,
                _ => write!(f, "{comma}{millis}ms")?,
            }
        }
        Ok(())
    }
}

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. `None` for anything else and for what is past.
pub fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().map_or(LONGEST_WAIT, Duration::from_secs).min(LONGEST_WAIT));
    }
    let at = rfc2822::parse(text).ok()?.timestamp();
    Duration::try_from(at.duration_since(now)).ok().map(|wait| wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_usual_one_is_as_promised_and_comes_back_from_its_text() {
        let usual = Schedule::default();
        assert_eq!(usual.to_string(), "5s,30s,5m,30m,2h,5h,10h");
        assert_eq!(usual.to_string().parse(), Ok(usual.clone()));
        let waits: Vec<u64> = (1..=7).map(|n| usual.wait(n, 0.5, None).unwrap().as_secs()).collect();
        assert_eq!(waits, [5, 30, 300, 1_800, 7_200, 18_000, 36_000]);
        assert_eq!(usual.wait(8, 0.5, None), None);
        assert_eq!(usual.wait(8, 0.5, Some(SECOND)), None, "nobody asks for more attempts");
    }

    #[test]
    fn waits_are_spread_by_a_tenth() {
        let usual = Schedule::default();
        let wait = |chance| usual.wait(1, chance, None).unwrap().as_secs_f64();
        assert!((wait(0.0) - 4.5).abs() < 1e-9 && (wait(1.0) - 5.5).abs() < 1e-9);
        assert!(wait(0.3) < wait(0.6));
    }

    #[test]
    fn a_receiver_gets_the_wait_it_asks_for_within_a_day() {
        let usual = Schedule::default();
        assert_eq!(usual.wait(1, 0.5, Some(60 * SECOND)), Some(60 * SECOND));
        assert_eq!(
            usual.wait(1, 0.5, Some(SECOND)),
            Some(5 * SECOND),
            "never sooner than the schedule has it"
        );
        assert_eq!(usual.wait(1, 0.5, Some(10 * LONGEST_WAIT)), Some(LONGEST_WAIT));
    }

    #[rstest::rstest]
    #[case("0", Some(0))]
    #[case(" 120 ", Some(120))]
    #[case("99999999999999999999999", Some(86_400))]
    #[case("Fri, 20 Nov 2026 12:00:30 GMT", Some(30))]
    #[case("Sat, 20 Nov 2027 12:00:00 GMT", Some(86_400))]
    #[case("Fri, 20 Nov 2026 11:00:00 GMT", None)]
    #[case("-1", None)]
    #[case("1.5", None)]
    #[case("soon", None)]
    #[case("", None)]
    fn retry_after_is_seconds_or_a_date(#[case] text: &str, #[case] wanted: Option<u64>) {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        assert_eq!(retry_after(text, now).map(|wait| wait.as_secs()), wanted);
    }

    #[test]
    fn other_schedules_are_refused() {
        for text in ["5", "s", "5d", "0s", "25h", "5s,", "-5s", "1.5s", "99999999999999999999h"] {
            assert!(text.parse::<Schedule>().is_err(), "{text}");
        }
        assert!(vec!["1s"; 33].join(",").parse::<Schedule>().is_err());
        assert_eq!("".parse::<Schedule>().unwrap().wait(1, 0.5, None), None);
        assert_eq!("100ms, 2min".parse::<Schedule>().unwrap().to_string(), "100ms,2m");
    }
}
