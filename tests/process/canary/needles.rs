//! Secrets, and how one is found again in a heap of bytes: whole or cut off, as it is, in hexadecimal, in base64.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use tidegate::auth::text::Kind;

/// Bytes of each end of a secret that are looked for. Two that have nothing to do with each other do not agree on so many.
const END: usize = 12;

/// What nobody may see.
#[derive(Debug)]
pub struct Secret {
    what: String,
    ends: [Vec<u8>; 2],
}

impl Secret {
    /// The text of a key; the part that lists show is none of it.
    pub fn key(text: &str) -> Self {
        let kind = Kind::of_text(text).unwrap_or_else(|| panic!("no key: {text}"));
        let shown = kind.prefix().len() + 4;
        Self::of(format!("the {} key {}…", kind.name(), &text[..shown]), &text.as_bytes()[shown..])
    }

    /// Any other one.
    pub fn of(what: impl Into<String>, bytes: &[u8]) -> Self {
        assert!(bytes.len() >= 2 * END, "too short to be looked for");
        Self { what: what.into(), ends: [bytes[..END].to_vec(), bytes[bytes.len() - END..].to_vec()] }
    }

    /// Every form in which it could have come out.
    pub fn forms(&self) -> Vec<Vec<u8>> {
        self.ends.iter().flat_map(|end| forms(end)).collect()
    }
}

fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let lower: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![bytes.to_vec(), lower.to_uppercase().into(), lower.into()];
    for before in 0..3 {
        let padded = [&[0; 2][..before.min(2)], bytes].concat();
        // Characters that hold bits of these bytes alone: what stands before and after them does not matter.
        let (from, to) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        forms.push(STANDARD_NO_PAD.encode(&padded)[from..to].into());
        forms.push(URL_SAFE_NO_PAD.encode(&padded)[from..to].into());
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// Which of the secrets are in a heap of bytes.
pub fn found<'a>(secrets: &'a [Secret], place: &[u8]) -> Vec<&'a str> {
    let is_in = |form: &Vec<u8>| memchr::memmem::find(place, form).is_some();
    let seen = secrets.iter().filter(|secret| secret.forms().iter().any(is_in));
    seen.map(|secret| secret.what.as_str()).collect()
}

#[test]
fn a_planted_secret_is_found_in_every_form_and_wherever_it_was_cut() {
    let text = "tgp_3gWHvahVtNFde4hGXxJsdv94krTP3oTAZgXea4I7kvL";
    let secrets = [Secret::key(text), Secret::of("another", &[7; 24])];
    let hex: String = text.bytes().map(|byte| format!("{byte:02X}")).collect();
    let whole =
        ["", "a", "ab", "abc"].map(|before| STANDARD_NO_PAD.encode(format!("{before}{text}, and more")));
    let planted = [text, &text[4..], &text[..20], &text[30..], &hex, &hex.to_lowercase()];
    for form in planted.into_iter().chain(whole.iter().map(String::as_str)) {
        let place = format!("2026-11-20 INFO made a key key={form} in 3 ms");
        assert_eq!(found(&secrets, place.as_bytes()), ["the product key tgp_3gWH…"], "{form}");
    }
    assert!(
        found(&secrets, b"the key tgp_3gWH of tgp_ (3gWHvahVtNF)").is_empty(),
        "what lists show is no secret"
    );
}
