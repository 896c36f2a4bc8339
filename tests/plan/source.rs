//! Rust as a list of words and signs, without comments, strings and character literals.
//!
//! Enough to follow paths and modules; not a parser. Promises never to take a word out of a comment or a string.

/// A word or a sign (`::` is one sign), with the line it stands on, counted from 1.
#[derive(Debug)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// Splits `source` into its tokens. A string becomes the token `"`, a lifetime keeps its quote.
pub fn tokens(source: &str) -> Vec<Token> {
    let mut reader = Reader { chars: source.chars().collect(), at: 0, line: 1, found: Vec::new() };
    while reader.at < reader.chars.len() {
        reader.step();
    }
    reader.found
}

/// The text of the token at `index`, or nothing past the end.
pub fn text(tokens: &[Token], index: usize) -> &str {
    tokens.get(index).map_or("", |token| token.text.as_str())
}

/// The index just past the bracket that closes the one at `open`, or the end when none does.
pub fn past_closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

/// The index just past the attributes (`#[…]` and `#![…]`) that stand at `index`.
pub fn past_attributes(tokens: &[Token], mut index: usize) -> usize {
    loop {
        match (text(tokens, index), text(tokens, index + 1), text(tokens, index + 2)) {
            ("#", "[", _) => index = past_closing(tokens, index + 1),
            ("#", "!", "[") => index = past_closing(tokens, index + 2),
            _ => return index,
        }
    }
}

/// The index just past `pub` or `pub(…)`, when one stands at `index`.
pub fn past_visibility(tokens: &[Token], index: usize) -> usize {
    match (text(tokens, index), text(tokens, index + 1)) {
        ("pub", "(") => past_closing(tokens, index + 1),
        ("pub", _) => index + 1,
        _ => index,
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
    found: Vec<Token>,
}

impl Reader {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn advance(&mut self, by: usize) {
        for _ in 0..by {
            if self.peek(0) == '\n' {
                self.line += 1;
            }
            self.at += 1;
        }
    }

    fn push(&mut self, text: &str, line: usize) {
        self.found.push(Token { text: text.to_owned(), line });
    }

    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.line_comment(),
            ('/', '*') => self.block_comment(),
            ('"', _) => self.string(),
            ('\'', _) => self.quote(),
            (':', ':') => {
                self.push("::", self.line);
                self.advance(2);
            }
            (c, _) if c.is_alphanumeric() || c == '_' => self.word(),
            (c, _) => {
                if !c.is_whitespace() {
                    self.push(&c.to_string(), self.line);
                }
                self.advance(1);
            }
        }
    }

    fn line_comment(&mut self) {
        while self.at < self.chars.len() && self.peek(0) != '\n' {
            self.advance(1);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    self.advance(1);
                    continue;
                }
            }
            self.advance(2);
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.push("\"", self.line);
        self.advance(1);
        while self.at < self.chars.len() {
            match self.peek(0) {
                '\\' => self.advance(2),
                '"' => return self.advance(1),
                _ => self.advance(1),
            }
        }
    }

    /// The rest of a raw string, from its hashes on.
    fn raw_string(&mut self, hashes: usize) {
        self.push("\"", self.line);
        self.advance(hashes + 1);
        while self.at < self.chars.len() {
            if self.peek(0) == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == '#') {
                return self.advance(hashes + 1);
            }
            self.advance(1);
        }
    }

    /// A character literal, which is dropped, or a lifetime.
    fn quote(&mut self) {
        if self.peek(1) == '\\' {
            self.advance(3);
            while self.at < self.chars.len() && self.peek(0) != '\'' {
                self.advance(1);
            }
            self.advance(1);
        } else if self.peek(2) == '\'' {
            self.advance(3);
        } else {
            self.push("'", self.line);
            self.advance(1);
        }
    }

    /// A word or number, or the prefix of a string or raw identifier together with what it opens.
    fn word(&mut self) {
        let start = self.at;
        while self.peek(0).is_alphanumeric() || self.peek(0) == '_' {
            self.at += 1;
        }
        let word: String = self.chars[start..self.at].iter().collect();
        let raw = matches!(word.as_str(), "r" | "br" | "cr");
        let hashes = (0..).take_while(|ahead| self.peek(*ahead) == '#').count();
        if raw && self.peek(hashes) == '"' {
            return self.raw_string(hashes);
        }
        if word == "r" && hashes == 1 && (self.peek(1).is_alphabetic() || self.peek(1) == '_') {
            self.at += 1;
            let name = self.at;
            while self.peek(0).is_alphanumeric() || self.peek(0) == '_' {
                self.at += 1;
            }
            let name: String = self.chars[name..self.at].iter().collect();
            return self.push(&format!("r#{name}"), self.line);
        }
        self.push(&word, self.line);
    }
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn words(source: &str) -> String {
        tokens(source).iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_are_left_out() {
        assert_eq!(words("a // crate::x\n//! crate::x\n/// crate::x\nb"), "a b");
        assert_eq!(words("a /* crate::x /* nested */ crate::y */ b /** doc */"), "a b");
    }

    #[test]
    fn strings_are_left_out() {
        assert_eq!(words(r#"a("crate::x \" crate::y", b"crate::x", c"z") b"#), r#"a ( " , b " , c " ) b"#);
        assert_eq!(words("a r#\"crate::x \" // \"# b r\"\\\" c br##\"\"# x\"## d"), "a \" b \" c \" d");
        assert_eq!(words("a \"// no comment\" b \"/*\" c"), "a \" b \" c");
    }

    #[test]
    fn characters_are_left_out_and_lifetimes_stay() {
        assert_eq!(words(r"a '\'' b '\\' c '\u{7f}' d '/' e '}' f"), "a b c d e f");
        assert_eq!(words("fn f<'a>(x: &'a str, y: &'_ u8)"), "fn f < ' a > ( x : & ' a str , y : & ' _ u8 )");
        assert_eq!(words("'\"' a '\"' b"), "a b");
    }

    #[test]
    fn paths_and_raw_names_are_words() {
        assert_eq!(words("r#mod::x r::y 0..1_000"), "r#mod :: x r :: y 0 . . 1_000");
    }

    #[test]
    fn lines_are_counted_through_comments_and_strings() {
        let found = tokens("a\n/* \n */ b \"\n\n\" c r#\"\n\"# d\n'\n' e");
        let lines: Vec<_> = found.iter().map(|token| (token.text.as_str(), token.line)).collect();
        assert_eq!(
            lines,
            [("a", 1), ("b", 3), ("\"", 3), ("c", 5), ("\"", 5), ("d", 6), ("e", 8)],
            "{found:?}"
        );
    }
}
