//! Countries: the officially assigned codes of ISO 3166-1 alpha-2.

use std::fmt;

/// One bit for each pair of letters: row by the first letter, bit by the second.
static ASSIGNED: [u32; 26] = bits(
    b"ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZ\
DEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISIT\
JEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNG\
NINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTH\
TJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW",
);

const fn bits(pairs: &[u8]) -> [u32; 26] {
    let mut rows = [0u32; 26];
    let mut at = 0;
    while at + 1 < pairs.len() {
        rows[(pairs[at] - b'A') as usize] |= 1 << (pairs[at + 1] - b'A');
        at += 2;
    }
    rows
}

/// A country by its two letters, upper case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// Reads two letters of either case. None when the code is not officially assigned (`UK`, `EU` and `XK` are not).
    pub fn parse(text: &str) -> Option<Self> {
        let letters: [u8; 2] = text.as_bytes().try_into().ok()?;
        let letters = letters.map(|letter| letter.to_ascii_uppercase());
        let place = letters.map(|letter| letter.wrapping_sub(b'A'));
        let row = ASSIGNED.get(usize::from(place[0]))?;
        (place[1] < 26 && row >> place[1] & 1 == 1).then_some(Self(letters))
    }

    /// The two letters, upper case.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_249_codes_are_there() {
        assert_eq!(ASSIGNED.iter().map(|row| row.count_ones()).sum::<u32>(), 249);
    }

    #[rstest::rstest]
    #[case("DE", Some("DE"))]
    #[case("gb", Some("GB"))]
    #[case("zW", Some("ZW"))]
    #[case("UK", None)]
    #[case("EU", None)]
    #[case("ZZ", None)]
    #[case("D", None)]
    #[case("DEU", None)]
    #[case("é", None)]
    #[case("D1", None)]
    #[case("", None)]
    fn codes(#[case] text: &str, #[case] code: Option<&str>) {
        assert_eq!(Country::parse(text).as_ref().map(Country::as_str), code);
    }
}
