//! What an operator may see of a rejected item: its shape and its names, none of the customer's data.

use super::{
    json::{skip_space, string_end, unquote},
    scan::read_escape,
};

/// Longest excerpt in bytes.
pub const LONGEST: usize = 512;
/// Characters kept of one name or value; more would push later members out of the excerpt.
const PIECE: usize = 40;

/// The item with the letters of its values replaced by `x` and their digits by `9`; punctuation, names, `true`,
/// `false`, `null`, and escapes of NUL and lone surrogates stay. Event types that `is_public` knows stay readable.
///
/// At most [`LONGEST`] bytes; names and values are cut with `…`. Takes any text, JSON or not.
pub fn excerpt(item: &str, is_public: impl Fn(&str) -> bool) -> String {
    let bytes = item.as_bytes();
    let mut out = String::with_capacity(LONGEST);
    let (mut at, mut name) = (0, "");
    while let (true, Some(byte)) = (out.len() < LONGEST, bytes.get(at)) {
        let end = match byte {
            b'"' => string_end(bytes, at),
            b'-' | b'0'..=b'9' => number_end(bytes, at),
            _ => at + 1,
        };
        let text = item.get(at..end).unwrap_or_default();
        if *byte == b'"' {
            let is_name = bytes.get(skip_space(bytes, end)) == Some(&b':');
            if is_name {
                name = text;
            }
            let readable =
                is_name || (name == "\"_event_type\"" && unquote(text).is_some_and(|kind| is_public(&kind)));
            string(text, readable, &mut out);
        } else {
            plain(text, &mut out);
        }
        at = end;
    }
    cut(&mut out);
    out
}

fn number_end(bytes: &[u8], at: usize) -> usize {
    at + bytes[at..]
        .iter()
        .take_while(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
        .count()
}

/// What stands outside strings: digits are masked, words can only be `true`, `false` and `null`.
fn plain(text: &str, out: &mut String) {
    out.extend(
        text.chars()
            .take(PIECE)
            .map(|c| if c.is_ascii_digit() { '9' } else { c })
            .filter(|c| !c.is_control()),
    );
}

/// A string with its quotes, masked unless it is readable.
fn string(text: &str, readable: bool, out: &mut String) {
    let inner = text.strip_prefix('"').unwrap_or(text);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    out.push('"');
    let (mut at, mut pieces) = (0, 0);
    while let Some(c) = inner.get(at..).and_then(|rest| rest.chars().next()) {
        if pieces == PIECE {
            out.push('…');
            break;
        }
        pieces += 1;
        if c == '\\' {
            let escape = read_escape(inner.as_bytes(), at);
            let shown = inner.get(at..at + escape.length).unwrap_or_default();
            // A letter may be written as an escape; only poison and the short forms (\n, \") tell nothing.
            let harmless = readable || escape.poison.is_some() || escape.length == 2;
            out.push_str(if harmless { shown } else { "x" });
            at += escape.length;
        } else {
            out.push(if readable { c } else { mask(c) });
            at += c.len_utf8();
        }
    }
    out.push('"');
}

fn mask(c: char) -> char {
    match c {
        '0'..='9' => '9',
        c if c.is_ascii_alphabetic() || !c.is_ascii() => 'x',
        punctuation => punctuation,
    }
}

fn cut(out: &mut String) {
    if out.len() <= LONGEST {
        return;
    }
    let end = (0..=LONGEST - '…'.len_utf8()).rev().find(|end| out.is_char_boundary(*end)).unwrap_or(0);
    out.truncate(end);
    out.push('…');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(item: &str) -> String {
        excerpt(item, |kind| kind == "purchase")
    }

    #[rstest::rstest]
    #[case(
        r#"{"_email":"Ann@x-1.de","n":-12.5e3,"b":true}"#,
        r#"{"_email":"xxx@x-9.xx","n":-99.9e9,"b":true}"#
    )]
    #[case(r#"{"_event_type":"purchase","c":"purchase"}"#, r#"{"_event_type":"purchase","c":"xxxxxxxx"}"#)]
    #[case(r#"{"_event_type":"other"}"#, r#"{"_event_type":"xxxxx"}"#)]
    #[case(r#"{"a":"\u0041\u0000\ud800\n\"ü😀"}"#, r#"{"a":"x\u0000\ud800\n\"xx"}"#)]
    #[case("\"Ann\"", "\"xxx\"")]
    #[case("12345", "99999")]
    #[case("", "")]
    fn data_is_masked(#[case] item: &str, #[case] masked: &str) {
        assert_eq!(shown(item), masked);
    }

    #[test]
    fn the_length_is_bounded() {
        let item = format!(r#"{{"{}":"{}"}}"#, "n".repeat(999), "ü".repeat(99_999));
        assert!(shown(&item).len() <= LONGEST);
        assert!(shown(&item).contains('…'));
        let many = format!("[{}]", vec!["\"😀😀😀\""; 9_999].join(","));
        assert!(shown(&many).len() <= LONGEST);
        assert!(shown(&"[".repeat(100_000)).len() <= LONGEST);
    }
}
