//! Currencies: the alphabetic codes of ISO 4217, list one, and those withdrawn since 2015, because events may be old.

/// Sorted, three letters each.
static CODES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BYR \
BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP \
GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW \
KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRO MRU MUR MVR MWK MXN MXV MYR MZN \
NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD \
SHP SLE SLL SOS SRD SSP STD STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW \
UZS VED VEF VES VND VUV WST XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER \
ZAR ZMW ZWG ZWL";

/// The code in upper case, from three letters of either case. None when ISO 4217 has no such code.
pub fn currency(text: &str) -> Option<&'static str> {
    let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
    let wanted = letters.map(|letter| letter.to_ascii_uppercase());
    let (mut low, mut high) = (0, (CODES.len() + 1) / 4);
    while low < high {
        let middle = usize::midpoint(low, high);
        let code = CODES.get(middle * 4..middle * 4 + 3)?;
        match code.as_bytes().cmp(&wanted) {
            std::cmp::Ordering::Equal => return Some(code),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_every_code_is_found() {
        let codes: Vec<_> = CODES.split(' ').collect();
        assert!(codes.is_sorted());
        assert!(codes.len() > 180);
        for code in codes {
            assert_eq!(currency(&code.to_lowercase()), Some(code));
        }
    }

    #[rstest::rstest]
    #[case("")]
    #[case("EU")]
    #[case("EURO")]
    #[case("ZZZ")]
    #[case("BTC")]
    #[case("€")]
    fn other_texts_are_none(#[case] text: &str) {
        assert_eq!(currency(text), None);
    }
}
