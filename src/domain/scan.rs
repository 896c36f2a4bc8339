//! The poison scan: what `serde_json` lets through and PostgreSQL refuses, found before it can reach a lot.
//!
//! Works on the text of one item that is already known to be syntactically valid JSON. One pass, no recursion, and no
//! allocation until something is found. On text that is not JSON the answer means nothing, but it comes.

use super::{
    caps::Caps,
    json::{Member, quote_or_backslash, scalar_end, skip_space, string_end, unquote},
    number::exponent_fits,
    rejection::Fault,
};

/// The rule of text that is not Unicode; such bytes arrive here as lone surrogates.
pub const NOT_UNICODE: &str = "is not valid Unicode (invalid UTF-8 or a lone surrogate); send UTF-8";
/// The rule of the character that PostgreSQL cannot store.
pub const HAS_NUL: &str = "contains the NUL character (\\u0000), which cannot be stored; remove it";

/// Looks for the first thing in `item` that must not reach the database: more bytes than allowed, NUL, lone
/// surrogates, nesting, names or numbers beyond the limits.
///
/// # Errors
/// [`Fault`] with the place of the first one.
pub fn scan(item: &str, caps: &Caps) -> Result<(), Fault> {
    fits(item, caps)?;
    // The depth never comes back to what it cannot be, so the walk goes to the end.
    walk(item, 0, Depth { now: 0, end: usize::MAX }, caps).map(|_| ())
}

/// Does what [`scan`] does to the object that is `item`, and in the same pass appends its members, names decoded.
///
/// # Errors
/// As [`scan`]; the members found before the fault stay.
pub fn scan_members<'a>(item: &'a str, caps: &Caps, members: &mut Vec<Member<'a>>) -> Result<(), Fault> {
    fits(item, caps)?;
    let bytes = item.as_bytes();
    if caps.depth == 0 {
        return Err(too_deep(item, 0, caps));
    }
    let mut at = 1;
    loop {
        let mut name = skip_space(bytes, at);
        if bytes.get(name) == Some(&b',') {
            name = skip_space(bytes, name + 1);
        }
        if bytes.get(name) != Some(&b'"') {
            return Ok(());
        }
        let name_end = checked_string(bytes, name, caps).map_err(|found| found.blame(item, name))?;
        let value = skip_space(bytes, skip_space(bytes, name_end) + 1);
        at = checked_value(item, value, caps)?;
        if let (Some(name), Some(value)) = (item.get(name..name_end).and_then(unquote), item.get(value..at)) {
            members.push(Member { name, value });
        }
    }
}

fn fits(item: &str, caps: &Caps) -> Result<(), Fault> {
    if item.len() > caps.item_bytes {
        return Err(Fault::whole(format!("is larger than {} bytes; send less in one item", caps.item_bytes)));
    }
    Ok(())
}

/// The position after the value of a member that begins at `at`.
fn checked_value(item: &str, at: usize, caps: &Caps) -> Result<usize, Fault> {
    let bytes = item.as_bytes();
    match bytes.get(at) {
        Some(b'"') => checked_string(bytes, at, caps).map_err(|found| found.blame(item, at)),
        Some(b'-' | b'0'..=b'9') => checked_number(item, at, caps).map_err(|rule| blame(item, at, rule)),
        Some(b'{' | b'[') => walk(item, at, Depth { now: 1, end: 1 }, caps),
        _ => Ok(scalar_end(bytes, at)),
    }
}

/// How many containers are open, and with how many left a walk is over.
struct Depth {
    now: usize,
    end: usize,
}

/// Checks everything from `at` on, until a container closes and leaves `depth.end` open; gives the position after it.
fn walk(item: &str, mut at: usize, mut depth: Depth, caps: &Caps) -> Result<usize, Fault> {
    let bytes = item.as_bytes();
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'"' => checked_string(bytes, at, caps).map_err(|found| found.blame(item, at))?,
            b'-' | b'0'..=b'9' => checked_number(item, at, caps).map_err(|rule| blame(item, at, rule))?,
            b'{' | b'[' => {
                depth.now += 1;
                if depth.now > caps.depth {
                    return Err(too_deep(item, at, caps));
                }
                at + 1
            }
            b'}' | b']' => {
                depth.now = depth.now.saturating_sub(1);
                if depth.now == depth.end {
                    return Ok(at + 1);
                }
                at + 1
            }
            _ => at + 1,
        };
    }
    Ok(bytes.len())
}

fn too_deep(item: &str, at: usize, caps: &Caps) -> Fault {
    blame(item, at, format!("is nested deeper than {} levels; flatten it", caps.depth))
}

/// What a string breaks, and whether the string is a member's name.
struct BadString {
    rule: String,
    is_name: bool,
}

impl BadString {
    fn blame(self, item: &str, at: usize) -> Fault {
        // A name cannot be pointed at, least of all one that cannot be decoded; its object can.
        if self.is_name {
            blame(item, at, format!("has a member whose name {}", self.rule))
        } else {
            blame(item, at, self.rule)
        }
    }
}

/// The position after the string that opens at `at`.
fn checked_string(bytes: &[u8], at: usize, caps: &Caps) -> Result<usize, BadString> {
    let end = quote_or_backslash(bytes, at + 1);
    // Neither an escape nor, whether it is a name or not, too long for one.
    if end - at <= caps.name_bytes && bytes.get(end) == Some(&b'"') {
        return Ok(end + 1);
    }
    checked_slowly(bytes, at, caps)
}

#[inline(never)]
fn checked_slowly(bytes: &[u8], at: usize, caps: &Caps) -> Result<usize, BadString> {
    let (mut next, mut decoded, mut poison) = (at + 1, 0usize, None);
    let end = loop {
        let special = quote_or_backslash(bytes, next);
        decoded += special - next.min(special);
        match bytes.get(special) {
            None => break special,
            Some(b'"') => break special + 1,
            Some(_) => {
                let escape = read_escape(bytes, special);
                poison = poison.or(escape.poison);
                next = special + escape.length;
                decoded += escape.decoded;
            }
        }
    };
    let too_long = decoded > caps.name_bytes;
    if poison.is_none() && !too_long {
        return Ok(end);
    }
    let is_name = bytes.get(skip_space(bytes, end)) == Some(&b':');
    match poison {
        Some(rule) => Err(BadString { rule: rule.to_owned(), is_name }),
        None if is_name => {
            Err(BadString { rule: format!("is longer than {} bytes; shorten it", caps.name_bytes), is_name })
        }
        None => Ok(end),
    }
}

/// One escape sequence of a JSON string.
#[derive(Debug, Clone, Copy)]
pub(super) struct Escape {
    /// Bytes of the sequence; both halves of a surrogate pair count as one.
    pub length: usize,
    /// Bytes of UTF-8 that it stands for.
    pub decoded: usize,
    /// The rule it breaks, if any.
    pub poison: Option<&'static str>,
}

/// Reads the escape sequence whose backslash is at `at`.
pub(super) fn read_escape(bytes: &[u8], at: usize) -> Escape {
    let Some(unit) = code_unit(bytes, at) else {
        return Escape { length: 2, decoded: 1, poison: None };
    };
    let one = |decoded, poison| Escape { length: 6, decoded, poison };
    match unit {
        0 => one(1, Some(HAS_NUL)),
        1..0x80 => one(1, None),
        0x80..0x800 => one(2, None),
        0xD800..0xDC00 => match code_unit(bytes, at + 6) {
            Some(0xDC00..0xE000) => Escape { length: 12, decoded: 4, poison: None },
            _ => one(3, Some(NOT_UNICODE)),
        },
        0xDC00..0xE000 => one(3, Some(NOT_UNICODE)),
        _ => one(3, None),
    }
}

/// The UTF-16 code unit of a `\uXXXX` at `at`.
fn code_unit(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

/// The position after the number that begins at `at`.
fn checked_number(item: &str, at: usize, caps: &Caps) -> Result<usize, String> {
    let (bytes, mut end, mut exponent) = (item.as_bytes(), at, false);
    while let Some(byte @ (b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) = bytes.get(end) {
        exponent |= byte.is_ascii_alphabetic();
        end += 1;
    }
    let length = end - at;
    if length > caps.number_bytes {
        return Err(format!(
            "is a number longer than {} characters; round it or send a string",
            caps.number_bytes
        ));
    }
    if exponent && !item.get(at..end).is_some_and(|number| exponent_fits(number, caps)) {
        return Err(format!("is a number with an exponent beyond {}; send a string", caps.number_exponent));
    }
    Ok(end)
}

/// The fault of whatever begins at `target`. Walks the item once more to learn how one gets there.
fn blame(item: &str, target: usize, rule: impl Into<String>) -> Fault {
    let steps = path_to(item, target);
    Fault::at(steps.iter().map(String::as_str), rule)
}

/// How the next value inside an open container is reached.
enum Step {
    /// By the name of a member; none until one was read.
    Member(Option<String>),
    /// By its place in an array.
    Element(usize),
}

/// The member names and array positions that lead to the value at `target`; for a name, to the object that has it.
fn path_to(item: &str, target: usize) -> Vec<String> {
    let bytes = item.as_bytes();
    let mut open: Vec<Step> = Vec::new();
    let mut at = 0;
    while at < target {
        let end = if bytes.get(at) == Some(&b'"') { string_end(bytes, at) } else { at + 1 };
        match bytes.get(at) {
            Some(b'"') if bytes.get(skip_space(bytes, end)) == Some(&b':') => {
                let name = item.get(at..end).and_then(unquote).unwrap_or_default().into_owned();
                if let Some(last) = open.last_mut() {
                    *last = Step::Member(Some(name));
                }
            }
            Some(b'{') => open.push(Step::Member(None)),
            Some(b'[') => open.push(Step::Element(0)),
            Some(b'}' | b']') => drop(open.pop()),
            Some(b',') => match open.last_mut() {
                Some(Step::Member(name)) => *name = None,
                Some(Step::Element(place)) => *place += 1,
                None => {}
            },
            _ => {}
        }
        at = end;
    }
    let named = |step| match step {
        Step::Member(name) => name,
        Step::Element(place) => Some(place.to_string()),
    };
    open.into_iter().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(item: &str) -> Option<(String, String)> {
        scan(item, &Caps::default()).err().map(|fault| (fault.pointer, fault.rule))
    }

    #[rstest::rstest]
    #[case(r#"{"a":"x\u0000"}"#, "/a", "NUL")]
    #[case(r#"{"a":"\\\u0000"}"#, "/a", "NUL")]
    #[case(r#"{"a":{"b":[1,{"c":["\ud800"]}]}}"#, "/a/b/1/c/0", "Unicode")]
    #[case(r#"{"a":"\ud83d\ud83d\ude00"}"#, "/a", "Unicode")]
    #[case(r#"{"a":"\udc80"}"#, "/a", "Unicode")]
    #[case(r#"{"a":1,"b":{"x\u0000":1}}"#, "/b", "name contains the NUL")]
    #[case(r#"{"x\udfff" : 1}"#, "", "name is not valid Unicode")]
    #[case(r#"{"a":1e309}"#, "/a", "exponent")]
    #[case(r#"{"a":[0,1E-309]}"#, "/a/1", "exponent")]
    #[case(r#"{"a":1e99999999999999999999}"#, "/a", "exponent")]
    #[case(r#"{"a":{"1":1,"2":"\u0000"}}"#, "/a/2", "NUL")]
    #[case(r#"{"a":{"1":1,"\u0000":2}}"#, "/a", "NUL")]
    fn poison_is_found(#[case] item: &str, #[case] at: &str, #[case] rule: &str) {
        let (pointer, text) = pointer(item).unwrap();
        assert_eq!(pointer, at);
        assert!(text.contains(rule), "{text}");
    }

    #[rstest::rstest]
    #[case(r#"{"a":"\\u0000","b":"\ud83d\ude00","c":-1.5e308,"d":"\"\\"}"#)]
    #[case(r#"{"a":"1e999","\u0041":[[],{}]}"#)]
    #[case("[]")]
    #[case("")]
    #[case("\"\\")]
    fn clean_text_passes(#[case] item: &str) {
        assert_eq!(pointer(item), None);
    }

    #[test]
    fn limits_are_exact() {
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(pointer(&nested(32)), None);
        assert!(pointer(&nested(33)).unwrap().1.contains("nested"));
        let named = |length: usize| format!(r#"{{"{}" :1}}"#, "n".repeat(length));
        assert_eq!(pointer(&named(256)), None);
        assert!(pointer(&named(257)).unwrap().1.contains("name is longer"));
        assert_eq!(pointer(&format!(r#"["{}"]"#, "v".repeat(257))), None);
        assert_eq!(pointer(&format!("[{}]", "9".repeat(64))), None);
        assert!(pointer(&format!("[{}]", "9".repeat(65))).unwrap().1.contains("longer"));
        assert!(pointer(&"[".repeat(100_000)).unwrap().1.contains("larger"));
    }

    #[test]
    fn names_are_measured_decoded() {
        let named = |letter: &str, count: usize| format!(r#"{{"{}":1}}"#, letter.repeat(count));
        assert_eq!(pointer(&named(r"\u00e9", 128)), None);
        assert!(pointer(&named(r"\u00e9", 129)).is_some());
        assert_eq!(pointer(&named(r"\ud83d\ude00", 64)), None);
        assert!(pointer(&named(r"\ud83d\ude00", 65)).is_some());
    }
}
