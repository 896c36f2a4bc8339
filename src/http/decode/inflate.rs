//! gzip and deflate: one algorithm, with a window of at most 32 KiB, in three wrappers.

use flate2::{Decompress, FlushDecompress, Status};

use super::{Step, Undecodable};

/// Base-2 logarithm of the largest window of deflate.
const WINDOW: u8 = 15;

/// First byte of a gzip member.
const MEMBER: u8 = 0x1f;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrapper {
    Gzip,
    /// zlib or nothing: the first byte tells.
    Deflate,
}

/// A stream of gzip members, or one stream of deflate.
#[derive(Debug)]
pub(super) struct Inflate {
    wrapper: Wrapper,
    /// There once the first byte is.
    member: Option<Decompress>,
    is_at_end: bool,
}

impl Inflate {
    pub(super) fn gzip() -> Self {
        Self { wrapper: Wrapper::Gzip, member: None, is_at_end: false }
    }

    pub(super) fn deflate() -> Self {
        Self { wrapper: Wrapper::Deflate, member: None, is_at_end: false }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Undecodable> {
        if self.is_at_end {
            let Some(first) = input.first() else { return Ok(Step::NOTHING) };
            if self.wrapper == Wrapper::Deflate || *first != MEMBER {
                return Err(Undecodable::Trailing);
            }
            (self.member, self.is_at_end) = (None, false);
        }
        let wrapper = self.wrapper;
        let member = match (&mut self.member, input.first()) {
            (Some(member), _) => member,
            (None, Some(first)) => self.member.insert(begin(wrapper, *first)),
            (None, None) => return Ok(Step::NOTHING),
        };
        let before = (member.total_in(), member.total_out());
        let status = member.decompress(input, output, FlushDecompress::None).map_err(|error| {
            if error.needs_dictionary().is_some() { Undecodable::Dictionary } else { Undecodable::Corrupt }
        })?;
        self.is_at_end = status == Status::StreamEnd;
        // Both are at most as long as the slices.
        let taken = (member.total_in() - before.0) as usize;
        let given = (member.total_out() - before.1) as usize;
        Ok(Step { taken, given })
    }
}

fn begin(wrapper: Wrapper, first: u8) -> Decompress {
    match wrapper {
        Wrapper::Gzip => Decompress::new_gzip(WINDOW),
        // A zlib header names method 8 and a window up to 32 KiB in its first byte (RFC 1950, section 2.2). Deflate alone would
        // have to begin with a stored block whose padding is not zero, which no encoder writes.
        Wrapper::Deflate => Decompress::new(first & 0x8f == 0x08),
    }
}
