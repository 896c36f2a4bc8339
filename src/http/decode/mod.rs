//! Content codings of a request's body (RFC 9110, section 8.4): encoded bytes come in chunk by chunk, bounded bytes go out.
//!
//! Promises bounded work in each step and memory that does not grow with what a body claims to hold: whatever comes in, a byte
//! too many ends it. Must not know requests, problems or time.

mod brotli;

mod inflate;

mod zstandard;

#[cfg(test)]
mod tests;

use actix_web::web::Bytes;

use brotli::Brotli;
use inflate::Inflate;
use zstandard::Zstandard;

/// Most bytes that one step takes in.
const TAKEN: usize = 4 << 10;

/// Most bytes that one step gives out. Pieces of one moderate size are had again from the allocator as soon as they are free;
/// of a body that grows by copies, each former size would lie idle for a while.
const PIECE: usize = 16 << 10;

/// How much longer than the largest body its encoded form may be. What does not compress grows by far less than a byte in a
/// thousand; the rest is for headers, flushes after each item, and members.
const OVERHEAD: usize = 64 << 10;

/// How a body may be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// RFC 1952. Several members are one body.
    Gzip,
    /// RFC 1950; and RFC 1951 alone, which many send under this name.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878, with windows up to 8 MiB (RFC 9659). Several frames are one body.
    Zstd,
}

impl Coding {
    /// What is taken, as `Accept-Encoding` lists it.
    pub(super) const ACCEPTED: &str = "gzip, deflate, br, zstd, identity";

    /// The coding of a name, in any case; `x-gzip` is the old one of gzip (RFC 9110, section 8.4.1.3). `None` for any other.
    pub(super) fn parse(name: &[u8]) -> Option<Self> {
        let names =
            [(Self::Gzip, "x-gzip")].into_iter().chain(Self::ALL.map(|coding| (coding, coding.name())));
        names
            .into_iter()
            .find(|(_, known)| name.eq_ignore_ascii_case(known.as_bytes()))
            .map(|(coding, _)| coding)
    }

    const ALL: [Self; 4] = [Self::Gzip, Self::Deflate, Self::Brotli, Self::Zstd];

    /// Its registered name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// The most bytes that the encoded form of a body of at most `limit` bytes may have.
pub(super) fn encoded_limit(limit: usize) -> usize {
    limit.saturating_add(OVERHEAD)
}

/// Why a body does not decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undecodable {
    /// More comes out, or went in, than a body may have.
    TooLarge,
    /// It is not of its coding, or a checksum is wrong.
    Corrupt,
    /// It ends before its coding does.
    Truncated,
    /// Bytes follow the end of its coding.
    Trailing,
    /// It needs a dictionary that only its sender has.
    Dictionary,
    /// It needs a larger window than its coding may have in HTTP.
    Window,
    /// It needs larger tables than any sound encoder makes for a body of this size.
    Tables,
}

/// What one step of an engine took and gave. Bytes.
struct Step {
    taken: usize,
    given: usize,
}

impl Step {
    const NOTHING: Self = Self { taken: 0, given: 0 };
}

enum Engine {
    Inflate(Inflate),
    Brotli(Box<Brotli>),
    Zstandard(Zstandard),
}

impl Engine {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Undecodable> {
        match self {
            Self::Inflate(engine) => engine.step(input, output),
            Self::Brotli(engine) => engine.step(input, output),
            Self::Zstandard(engine) => engine.step(input, output),
        }
    }

    fn is_at_end(&self) -> bool {
        match self {
            Self::Inflate(engine) => engine.is_at_end(),
            Self::Brotli(engine) => engine.is_at_end(),
            Self::Zstandard(engine) => engine.is_at_end(),
        }
    }
}

/// A body on its way out of its coding.
pub(super) struct Decoder {
    engine: Engine,
    /// What came out so far, in pieces of one size.
    pieces: Vec<Vec<u8>>,
    /// Bytes in the pieces.
    given: usize,
    /// Bytes that went in.
    taken: usize,
    limit: usize,
}

impl Decoder {
    /// One for a body of at most `limit` bytes.
    pub(super) fn new(coding: Coding, limit: usize) -> Self {
        let engine = match coding {
            Coding::Gzip => Engine::Inflate(Inflate::gzip()),
            Coding::Deflate => Engine::Inflate(Inflate::deflate()),
            Coding::Brotli => Engine::Brotli(Box::new(Brotli::new(limit))),
            Coding::Zstd => Engine::Zstandard(Zstandard::new(limit)),
        };
        Self { engine, pieces: Vec::new(), given: 0, taken: 0, limit }
    }

    /// One step: takes a little off the front of `chunk` and keeps what comes out of it. `true` when it has to be called again
    /// with the rest of this chunk, be it empty, before the next one.
    ///
    /// # Errors
    /// [`Undecodable`], at the latest when the first byte too many comes out.
    pub(super) fn step(&mut self, chunk: &mut &[u8]) -> Result<bool, Undecodable> {
        let at = self.given / PIECE;
        if at == self.pieces.len() {
            self.pieces.push(vec![0; PIECE]);
        }
        let room = &mut self.pieces[at][self.given % PIECE..];
        let step = self.engine.step(&chunk[..chunk.len().min(TAKEN)], room)?;
        let is_full = step.given == room.len();
        self.given += step.given;
        self.taken += step.taken;
        if self.given > self.limit || self.taken > encoded_limit(self.limit) {
            return Err(Undecodable::TooLarge);
        }
        *chunk = &chunk[step.taken..];
        if step.taken == 0 && step.given == 0 && !chunk.is_empty() {
            // Asked again, it would do nothing again.
            return Err(Undecodable::Corrupt);
        }
        Ok(!chunk.is_empty() || is_full)
    }

    /// The whole body, after the last step of its last chunk.
    ///
    /// # Errors
    /// [`Undecodable::Truncated`] when more was to come. No bytes at all are no body of any coding.
    pub(super) fn finish(mut self) -> Result<Bytes, Undecodable> {
        if !self.engine.is_at_end() {
            return Err(Undecodable::Truncated);
        }
        // Its windows are not needed any more while the pieces are put together.
        drop(self.engine);
        let mut whole =
            if self.pieces.len() == 1 { self.pieces.swap_remove(0) } else { self.pieces.concat() };
        whole.truncate(self.given);
        Ok(Bytes::from(whole))
    }
}
