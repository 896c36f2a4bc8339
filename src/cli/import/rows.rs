//! The rows of an input one after the other, in bounded memory: a line of NDJSON, or a record of CSV with the lines inside its quotes.

use std::io::{self, BufRead, BufReader, Read};

use super::input::{Format, Input};

/// Longest row that is taken: an item with what the stream adds to it, which may be a whole contact. Bytes.
pub(super) const LONGEST: usize = 4 << 20;

/// What may stand before the first line, where another program put it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads rows, and knows where it is.
pub(super) struct Rows {
    reader: BufReader<Box<dyn Read + Send>>,
    /// Quotes hold lines together only in CSV.
    delimiter: Option<u8>,
    /// Where the next row begins. Unpacked bytes.
    pub(super) offset: u64,
    /// Lines before it.
    pub(super) lines: u64,
}

/// A row that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Its first line, from 1.
    pub(super) line: u64,
    /// Whether all of it is there; a longer one is cut.
    pub(super) whole: bool,
}

impl Rows {
    /// Goes on at a place, so many lines behind the beginning.
    pub(super) fn new(input: Input, format: Format, delimiter: u8, (offset, lines): (u64, u64)) -> Self {
        let reader = BufReader::with_capacity(256 << 10, input.reader);
        Self { reader, delimiter: (format == Format::Csv).then_some(delimiter), offset, lines }
    }

    /// Appends the next row that is not blank to `out`, without its end; none at the end of the input.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> io::Result<Option<Found>> {
        let begin = out.len();
        loop {
            let line = self.lines + 1;
            let first = self.offset == 0;
            if !self.line(out, LONGEST)? {
                return Ok(None);
            }
            if first && out[begin..].starts_with(BYTE_ORDER_MARK) {
                out.drain(begin..begin + BYTE_ORDER_MARK.len());
            }
            let mut quotes = self.delimiter.map(Quotes::new);
            let mut seen = begin;
            while let Some(quotes) = &mut quotes {
                quotes.pass(&out[seen..]);
                seen = out.len();
                let room = LONGEST.saturating_sub(out.len() - begin);
                if !quotes.open || room == 0 || !self.line(out, room)? {
                    break;
                }
            }
            let whole = out.len() - begin < LONGEST;
            while out.len() > begin && matches!(out.last(), Some(b'\n' | b'\r')) {
                out.pop();
            }
            if !out[begin..].trim_ascii().is_empty() {
                return Ok(Some(Found { line, whole }));
            }
            out.truncate(begin);
        }
    }

    /// Appends one line with its end, of which at most `room` bytes are kept; `false` at the end of the input.
    fn line(&mut self, out: &mut Vec<u8>, room: usize) -> io::Result<bool> {
        let before = out.len();
        let mut taken = (&mut self.reader).take(room as u64).read_until(b'\n', out)?;
        if taken == 0 {
            return Ok(false);
        }
        if out.last() != Some(&b'\n') && out.len() - before == room {
            taken += self.reader.skip_until(b'\n')?;
        }
        self.offset += taken as u64;
        self.lines += 1;
        Ok(true)
    }
}

/// Whether a record of CSV goes on behind the end of a line (RFC 4180, section 2, rule 6).
#[derive(Debug)]
struct Quotes {
    delimiter: u8,
    /// Whether the place is inside quotes.
    open: bool,
    /// Whether the next byte begins a cell.
    begins: bool,
}

impl Quotes {
    fn new(delimiter: u8) -> Self {
        Self { delimiter, open: false, begins: true }
    }

    fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let quote = *byte == b'"';
            if self.open {
                // Of two quotes in a row the first closes and the second opens again, which comes to the same.
                self.open = !quote;
                self.begins = quote;
            } else {
                self.open = quote && self.begins;
                self.begins = *byte == self.delimiter;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn rows(text: &[u8], format: Format) -> Vec<(u64, String, u64)> {
        let input = Input { reader: Box::new(io::Cursor::new(text.to_vec())), taken: Arc::default() };
        let mut rows = Rows::new(input, format, b',', (0, 0));
        let mut found = Vec::new();
        let mut out = Vec::new();
        while let Some(row) = rows.next(&mut out).unwrap() {
            assert!(row.whole);
            found.push((row.line, String::from_utf8(std::mem::take(&mut out)).unwrap(), rows.offset));
        }
        assert_eq!(rows.offset, text.len() as u64);
        found
    }

    fn row(line: u64, text: &str, end: u64) -> (u64, String, u64) {
        (line, text.to_owned(), end)
    }

    #[test]
    fn lines_are_rows_and_blank_ones_are_not() {
        let found = rows(b"\xef\xbb\xbf{}\r\n\n  \n[\"\n\"]", Format::Ndjson);
        assert_eq!(found, [row(1, "{}", 7), row(4, "[\"", 14), row(5, "\"]", 16)]);
        assert_eq!(rows(b"", Format::Ndjson), []);
    }

    #[test]
    fn quotes_hold_lines_together_in_csv() {
        let text = b"a,b\r\n1,\"x\r\n\"\"y\"\"\"\r\n2,3\" pipe\r\n\"\",\"z\"\n";
        let found = rows(text, Format::Csv);
        assert_eq!(
            found,
            [
                row(1, "a,b", 5),
                row(2, "1,\"x\r\n\"\"y\"\"\"", 19),
                row(4, "2,3\" pipe", 30),
                row(5, "\"\",\"z\"", 37)
            ]
        );
    }

    #[test]
    fn what_never_ends_is_cut_and_left_behind() {
        let mut text = vec![b'x'; LONGEST + 10];
        text.extend(b"\nshort\n");
        let input = Input { reader: Box::new(io::Cursor::new(text)), taken: Arc::default() };
        let mut rows = Rows::new(input, Format::Ndjson, b',', (0, 0));
        let mut out = Vec::new();
        assert_eq!(rows.next(&mut out).unwrap(), Some(Found { line: 1, whole: false }));
        assert_eq!(out.len(), LONGEST);
        out.clear();
        assert_eq!(rows.next(&mut out).unwrap(), Some(Found { line: 2, whole: true }));
        assert_eq!(out, b"short");
    }
}
