//! Whole numbers as JSON has them: `7`, `7.0` and `7e0` are one number, whatever a client's library writes.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected, Visitor},
};

/// A whole number of the range of `T`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) struct Whole<T>(pub(in crate::http) T);

/// Beyond this, a binary float stands for more than one whole number.
const EXACT: f64 = 9_007_199_254_740_992.0;

struct WholeVisitor<T>(PhantomData<T>);

impl<T: TryFrom<i64>> Visitor<'_> for WholeVisitor<T> {
    type Value = Whole<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        let found = Unexpected::Signed(number);
        T::try_from(number).map(Whole).map_err(|_| {
            let wanted =
                if number < 0 { "a whole number that is not negative" } else { "a smaller whole number" };
            E::invalid_value(found, &wanted)
        })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Unsigned(number), &"a smaller whole number")),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        if number.fract() != 0.0 || number.abs() > EXACT {
            return Err(E::invalid_value(Unexpected::Float(number), &self));
        }
        self.visit_i64(number as i64)
    }
}

impl<'de, T: TryFrom<i64>> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: TryFrom<i64>>(text: &str) -> Result<T, String> {
        serde_json::from_str::<Whole<T>>(text).map(|whole| whole.0).map_err(|error| error.to_string())
    }

    #[test]
    fn every_spelling_of_a_whole_number_is_taken() {
        for text in ["7", "7.0", "7e0", "0.7e1", "70E-1"] {
            assert_eq!(read::<u32>(text), Ok(7), "{text}");
        }
        assert_eq!(read::<i64>("-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(read::<i64>("-0.0"), Ok(0));
    }

    #[test]
    fn what_is_not_whole_or_out_of_range_is_refused() {
        for text in
            ["7.5", "1e300", "-1", "4294967296", "18446744073709551615", "\"7\"", "true", "null", "[7]"]
        {
            let error = read::<u32>(text).unwrap_err();
            assert!(error.contains("whole number"), "{text}: {error}");
        }
    }
}
