//! How often an item is something other than a new one, and the numbers that everything in a load is made from.

use std::{fmt, str::FromStr};

/// A part of a whole, from 0 to 1; written as a percentage.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Share(f64);

/// What is no share.
#[derive(Debug, thiserror::Error)]
#[error("must be a percentage from 0% to 100%, such as 1% or 0.5%")]
pub struct NoShare;

impl Share {
    /// The part, from 0 to 1.
    pub fn part(self) -> f64 {
        self.0
    }

    /// Whether a number drawn from all 64-bit numbers falls into this part, the parts `before` it being taken.
    #[allow(clippy::cast_precision_loss)]
    pub(super) fn holds(self, drawn: u64, before: Self) -> bool {
        let drawn = (drawn >> 11) as f64 / (1_u64 << 53) as f64;
        (before.0..before.0 + self.0).contains(&drawn)
    }
}

impl FromStr for Share {
    type Err = NoShare;

    fn from_str(text: &str) -> Result<Self, NoShare> {
        let number: f64 = text.trim().trim_end_matches('%').trim_end().parse().map_err(|_| NoShare)?;
        if (0.0..=100.0).contains(&number) { Ok(Self(number / 100.0)) } else { Err(NoShare) }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0 * 100.0)
    }
}

/// A number that looks drawn, and is the same for the same seed (SplitMix64, Steele et al. 2014).
pub(super) fn scatter(seed: u64) -> u64 {
    let mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("1%", 0.01)]
    #[case("0.5 %", 0.005)]
    #[case("100", 1.0)]
    #[case("0%", 0.0)]
    fn percentages(#[case] text: &str, #[case] part: f64) {
        assert!((text.parse::<Share>().unwrap().part() - part).abs() < 1e-12);
    }

    #[rstest::rstest]
    #[case("101%")]
    #[case("-1%")]
    #[case("a lot")]
    #[case("%")]
    #[case("NaN%")]
    fn what_is_no_percentage(#[case] text: &str) {
        assert!(text.parse::<Share>().is_err());
    }

    #[test]
    fn shares_hold_their_part_and_do_not_overlap() {
        let (one, two): (Share, Share) = ("10%".parse().unwrap(), "30%".parse().unwrap());
        let drawn = || (0..100_000).map(scatter);
        let first = drawn().filter(|drawn| one.holds(*drawn, Share::default())).count();
        let second = drawn().filter(|drawn| two.holds(*drawn, one)).count();
        assert!((9_500..10_500).contains(&first) && (29_000..31_000).contains(&second), "{first} {second}");
        assert_eq!(
            drawn().filter(|drawn| one.holds(*drawn, Share::default()) && two.holds(*drawn, one)).count(),
            0
        );
        assert_eq!(
            drawn().filter(|drawn| "100%".parse::<Share>().unwrap().holds(*drawn, Share::default())).count(),
            100_000
        );
    }
}
