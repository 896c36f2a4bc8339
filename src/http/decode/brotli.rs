//! Brotli: its window may be 16 MiB, and the decoder fills it before it gives anything out. So the window is rationed.

use brotli_decompressor::{
    Allocator, BrotliDecoderErrorCode as Fault, BrotliDecompressStream, BrotliResult, BrotliState,
    SliceWrapper, StandardAlloc,
};

use super::{Step, Undecodable};

/// What the prefix codes of one block may take, or as much as the largest body where that is more. Bytes. A MiB of JSON takes
/// 50 KiB at the highest quality, one that changes from text to binary every 16 KiB takes 500 KiB; the format allows 3 MiB.
const TABLES: usize = 1 << 20;

/// The largest window of RFC 7932. Bytes.
const LARGEST: usize = 16 << 20;

/// What the window may take beside the decoded bytes: context maps, and slack. Bytes.
const MAPS: usize = 64 << 10;

/// Memory of a decoder, handed out until it is used up. Bytes.
struct Ration {
    left: usize,
}

type Memory<T> = <StandardAlloc as Allocator<T>>::AllocatedMemory;

impl<T: Clone + Default> Allocator<T> for Ration {
    type AllocatedMemory = Memory<T>;

    /// Nothing where what is left does not suffice, which the decoder takes for a failed allocation.
    fn alloc_cell(&mut self, len: usize) -> Memory<T> {
        match self.left.checked_sub(len.saturating_mul(size_of::<T>())) {
            Some(left) => {
                self.left = left;
                StandardAlloc::default().alloc_cell(len)
            }
            None => Memory::<T>::default(),
        }
    }

    fn free_cell(&mut self, cell: Memory<T>) {
        self.left += size_of_val(cell.slice());
    }
}

/// One stream of brotli.
pub(super) struct Brotli {
    state: BrotliState<Ration, StandardAlloc, Ration>,
    is_at_end: bool,
}

impl Brotli {
    /// One for a body of at most `limit` bytes.
    ///
    /// The decoder's window is the least power of two that holds all that will have been written after the block at hand,
    /// whose header tells its length; it grows by a copy, up to what the stream asks for. So a body within the limit needs
    /// the next power of two and, while it is copied, the half of it. A block that needs more is too large before any of it
    /// is decoded.
    pub(super) fn new(limit: usize) -> Self {
        let window = limit.min(LARGEST).next_power_of_two();
        let window = Ration { left: window + window / 2 + MAPS };
        let tables = Ration { left: limit.max(TABLES) };
        // Strict: no larger windows than those of the RFC.
        let state = BrotliState::new_strict(window, StandardAlloc::default(), tables);
        Self { state, is_at_end: false }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Undecodable> {
        if self.is_at_end {
            return if input.is_empty() { Ok(Step::NOTHING) } else { Err(Undecodable::Trailing) };
        }
        let (mut unread, mut taken) = (input.len(), 0);
        let (mut room, mut given, mut total) = (output.len(), 0, 0);
        let state = &mut self.state;
        let result = BrotliDecompressStream(
            &mut unread,
            &mut taken,
            input,
            &mut room,
            &mut given,
            output,
            &mut total,
            state,
        );
        match result {
            BrotliResult::ResultFailure => Err(undecodable(self.state.error_code)),
            BrotliResult::ResultSuccess => {
                self.is_at_end = true;
                Ok(Step { taken, given })
            }
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => Ok(Step { taken, given }),
        }
    }
}

fn undecodable(fault: Fault) -> Undecodable {
    match fault {
        // Refused is only a window that the next block would fill beyond the limit.
        Fault::BROTLI_DECODER_ERROR_ALLOC_RING_BUFFER_1 | Fault::BROTLI_DECODER_ERROR_ALLOC_RING_BUFFER_2 => {
            Undecodable::TooLarge
        }
        Fault::BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES
        | Fault::BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MAP
        | Fault::BROTLI_DECODER_ERROR_ALLOC_TREE_GROUPS
        | Fault::BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES => Undecodable::Tables,
        _ => Undecodable::Corrupt,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn tables_beyond_the_ration_are_refused() {
        let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
        encoder.write_all(&b"a text of many letters, and not of one alone. ".repeat(20)).unwrap();
        let encoded = encoder.into_inner();
        let mut output = [0; 1024];
        for tables in [0, 1000, 5000] {
            let mut brotli = Brotli::new(1000);
            brotli.state.alloc_hc.left = tables;
            let refused = brotli.step(&encoded, &mut output).err();
            assert_eq!(refused, Some(Undecodable::Tables), "{tables} bytes");
        }
        for limit in [1000, usize::MAX] {
            let step = Brotli::new(limit).step(&encoded, &mut output).ok();
            assert_eq!(step.map(|step| step.given), Some(920));
        }
    }

    #[test]
    fn what_is_given_back_can_be_had_again() {
        let mut ration = Ration { left: 100 };
        let cell: Memory<u32> = ration.alloc_cell(25);
        assert_eq!((cell.slice().len(), ration.left), (25, 0));
        let refused: Memory<u8> = ration.alloc_cell(1);
        assert!(refused.slice().is_empty());
        ration.free_cell(cell);
        assert_eq!(ration.left, 100);
    }
}
