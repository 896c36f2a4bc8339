//! Zstandard: frames, each with a window that its header names and the decoder makes room for.

use zstd_safe::{
    DCtx, DParameter, InBuffer, OutBuffer, get_frame_content_size, is_error_kind, zstd_sys::ZSTD_ErrorCode,
};

use super::{Step, Undecodable};

/// Base-2 logarithm of the largest window in HTTP: 8 MiB (RFC 9659). What is not written to is room without memory.
const WINDOW: u32 = 23;

/// Longest header of a frame, magic number included (RFC 8878, section 3.1.1.1).
const HEADER: usize = 18;

/// A stream of zstd frames.
pub(super) struct Zstandard {
    context: DCtx<'static>,
    /// The first bytes of the frame at hand.
    header: Vec<u8>,
    is_first: bool,
    limit: usize,
    is_at_end: bool,
}

impl Zstandard {
    /// One for a body of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        let mut context = DCtx::create();
        let largest = context.set_parameter(DParameter::WindowLogMax(WINDOW));
        debug_assert!(largest.is_ok(), "the parameter is within its bounds");
        Self { context, header: Vec::with_capacity(HEADER), is_first: true, limit, is_at_end: false }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Undecodable> {
        if self.is_at_end {
            if input.is_empty() {
                return Ok(Step::NOTHING);
            }
            self.header.clear();
            self.is_first = false;
        }
        let missing = (HEADER - self.header.len()).min(input.len());
        let (mut source, mut sink) = (InBuffer::around(input), OutBuffer::around(output));
        let hint = self.context.decompress_stream(&mut sink, &mut source);
        let (taken, given) = (source.pos(), sink.pos());
        let seen = if hint.is_ok() { missing.min(taken) } else { missing };
        self.header.extend_from_slice(&input[..seen]);
        self.is_at_end = hint.map_err(|code| self.undecodable(code))? == 0;
        Ok(Step { taken, given })
    }

    fn undecodable(&self, code: usize) -> Undecodable {
        let says = |kind| is_error_kind(code, kind);
        if says(ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge) {
            // The whole content is the window of many a frame whose header names its length.
            return match get_frame_content_size(&self.header) {
                Ok(Some(length)) if length > self.limit as u64 => Undecodable::TooLarge,
                _ => Undecodable::Window,
            };
        }
        if says(ZSTD_ErrorCode::ZSTD_error_dictionary_wrong) {
            return Undecodable::Dictionary;
        }
        if says(ZSTD_ErrorCode::ZSTD_error_prefix_unknown) && !self.is_first {
            return Undecodable::Trailing;
        }
        Undecodable::Corrupt
    }
}
