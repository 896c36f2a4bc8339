//! A reader for text that is already known to be syntactically valid JSON: it finds where things end, allocates
//! nothing and never recurses. On text that is not JSON it stops early; it never panics.

use std::borrow::Cow;

/// One member of an object: the name decoded, the value as its own JSON text.
#[derive(Debug, Clone)]
pub struct Member<'a> {
    /// The name after unescaping.
    pub name: Cow<'a, str>,
    /// The value's text without the white space around it.
    pub value: &'a str,
}

/// The first position at or after `at` that holds no JSON white space.
pub fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// The first position at or after `at` that holds a quote or a backslash; the end where there is none.
///
/// Looks at eight bytes at a time: strings of customer data are short, so that a call of `memchr` would cost more than it saves.
pub fn quote_or_backslash(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let found = flags(u64::from_le_bytes(*chunk));
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = bytes.len().saturating_sub(at);
    match bytes.last_chunk::<8>() {
        // What comes before the rest is shifted out, and zeros are shifted in behind it.
        Some(chunk) if rest > 0 => {
            let found = flags(u64::from_le_bytes(*chunk) >> (8 * (8 - rest)));
            if found == 0 { bytes.len() } else { at + (found.trailing_zeros() / 8) as usize }
        }
        _ => {
            while bytes.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\')) {
                at += 1;
            }
            at.min(bytes.len())
        }
    }
}

/// The high bit of each byte that is a quote or a backslash; the lowest flag is exact, those above it may not be.
const fn flags(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    let quotes = word ^ (ONES * b'"' as u64);
    let backslashes = word ^ (ONES * b'\\' as u64);
    ((quotes.wrapping_sub(ONES) & !quotes) | (backslashes.wrapping_sub(ONES) & !backslashes)) & HIGHS
}

/// The position after the closing quote of the string that opens at `at`.
pub fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    loop {
        at = quote_or_backslash(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return at + 1,
            Some(_) => at += 2,
            None => return bytes.len(),
        }
    }
}

/// The position after the value that begins at `at`.
pub fn value_end(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'"') => string_end(bytes, at),
        Some(b'{' | b'[') => container_end(bytes, at),
        _ => scalar_end(bytes, at),
    }
}

/// The position after the number or word that begins at `at`.
pub fn scalar_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b',' | b']' | b'}' | b':' | b' ' | b'\t' | b'\n' | b'\r') {
            break;
        }
        at += 1;
    }
    at
}

fn container_end(bytes: &[u8], mut at: usize) -> usize {
    let mut open = 0usize;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            b'{' | b'[' => open += 1,
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        at += 1;
        if open == 0 {
            break;
        }
    }
    at
}

/// Walks the members of an object as pairs of texts: the name with its quotes, and the value.
#[derive(Debug, Clone)]
pub struct RawMembers<'a> {
    text: &'a str,
    at: usize,
}

/// The members of the object that is `text`; none when it is not an object.
pub fn raw_members(text: &str) -> RawMembers<'_> {
    let at = if text.starts_with('{') { 1 } else { text.len() };
    RawMembers { text, at }
}

impl<'a> Iterator for RawMembers<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        let mut name = skip_space(bytes, self.at);
        if bytes.get(name) == Some(&b',') {
            name = skip_space(bytes, name + 1);
        }
        if bytes.get(name) != Some(&b'"') {
            return None;
        }
        let name_end = string_end(bytes, name);
        let value = skip_space(bytes, skip_space(bytes, name_end) + 1);
        self.at = value_end(bytes, value);
        Some((self.text.get(name..name_end)?, self.text.get(value..self.at)?))
    }
}

/// The members of an object in their order, names decoded. Those whose name cannot be decoded are left out.
pub fn members(text: &str) -> Vec<Member<'_>> {
    // Few objects have more members than this.
    let mut members = Vec::with_capacity(FEW);
    members
        .extend(raw_members(text).filter_map(|(name, value)| Some(Member { name: unquote(name)?, value })));
    members
}

/// Members up to which each is compared with each: faster than sorting them, and no memory is asked for.
const FEW: usize = 16;

/// A name that more than one member has, if any.
pub fn duplicate<'m>(members: &'m [Member<'_>]) -> Option<&'m str> {
    let repeated =
        |(at, member): (usize, &Member<'_>)| members[..at].iter().any(|before| before.name == member.name);
    if members.len() <= FEW && !members.iter().enumerate().any(repeated) {
        return None;
    }
    let mut names: Vec<&str> = members.iter().map(|member| &*member.name).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// The elements of the array that is `text`, each as its own text; none when it is not an array.
pub fn elements(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let mut at = if text.starts_with('[') { 1 } else { bytes.len() };
    std::iter::from_fn(move || {
        let mut start = skip_space(bytes, at);
        if bytes.get(start) == Some(&b',') {
            start = skip_space(bytes, start + 1);
        }
        let end = value_end(bytes, start);
        at = end;
        text.get(start..end).filter(|element| !element.is_empty())
    })
}

/// Decodes a JSON string, quotes included. None when `text` is no string or holds a lone surrogate.
pub fn unquote(text: &str) -> Option<Cow<'_, str>> {
    match plain(text) {
        Some(inner) => Some(Cow::Borrowed(inner)),
        None => serde_json::from_str(text).ok().map(Cow::Owned),
    }
}

/// What stands between the quotes of a JSON string without escapes; none for other texts.
pub fn plain(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (quote_or_backslash(inner.as_bytes(), 0) == inner.len()).then_some(inner)
}

/// Writes `text` as a JSON string, always in the same spelling.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote_into(text, &mut out);
    out
}

/// Appends `text` as [`quote`] writes it.
pub fn quote_into(text: &str, out: &mut String) {
    // Folded without an early end, so that it can be done for many bytes at once.
    let escaped = |byte: u8| (byte < b' ') | (byte == b'"') | (byte == b'\\');
    if text.bytes().fold(false, |any, byte| any | escaped(byte)) {
        out.push_str(&serde_json::Value::from(text).to_string());
    } else {
        out.reserve(text.len() + 2);
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_order_and_decode_names() {
        let found = members(" {}".trim_start());
        assert!(found.is_empty());
        let found = members(r#"{ "a" : [1,{"x":"}"}] ,"\u0062":"c\"}", "d":-1.5e3}"#);
        let pairs: Vec<_> = found.iter().map(|m| (&*m.name, m.value)).collect();
        assert_eq!(duplicate(&found), None);
        assert_eq!(duplicate(&members(r#"{"a":1,"b":2,"\u0061":3}"#)), Some("a"));
        assert_eq!(pairs, [("a", r#"[1,{"x":"}"}]"#), ("b", r#""c\"}""#), ("d", "-1.5e3")]);
    }

    #[test]
    fn elements_are_cut_apart() {
        let found: Vec<_> = elements("[ 1 , [2, 3],\"]\" ,null]").collect();
        assert_eq!(found, ["1", "[2, 3]", "\"]\"", "null"]);
        assert_eq!(elements("[]").count(), 0);
        assert_eq!(elements("{}").count(), 0);
    }

    #[test]
    fn strings_are_decoded_and_written_alike() {
        assert_eq!(unquote(r#""a\u00e9\n""#).unwrap(), "aé\n");
        assert_eq!(unquote(r#""\ud800""#), None);
        assert_eq!(unquote("12"), None);
        assert_eq!(quote("a\"\u{1}é"), r#""a\"\u0001é""#);
    }

    #[test]
    fn the_first_quote_or_backslash_is_found_wherever_it_is() {
        for length in 0..40 {
            // Neighbours of both letters, and letters that differ from them by the high bit alone.
            let text: Vec<u8> = b"!#[]\xa2\xdc\x01\x00".iter().copied().cycle().take(length).collect();
            assert_eq!(quote_or_backslash(&text, 0), length);
            for place in 0..length {
                for letter in [b'"', b'\\'] {
                    let mut text = text.clone();
                    text[place..].fill(letter);
                    for from in 0..=place {
                        assert_eq!(quote_or_backslash(&text, from), place);
                    }
                }
            }
        }
        assert_eq!(quote_or_backslash(b"abc", 9), 3);
    }

    #[test]
    fn every_letter_is_quoted_as_serde_does() {
        for letter in (0..=0x100).filter_map(char::from_u32) {
            let text = format!("ab{letter}cd");
            assert_eq!(quote(&text), serde_json::to_string(&text).unwrap());
        }
    }
}
