//! Bodies in each content coding: honest ones, and bombs.

use std::io::Write;

use flate2::{Compress, Compression, FlushCompress, write};

/// The codings that are taken, by the name that `Content-Encoding` has for them.
pub const CODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

const MIB: usize = 1 << 20;

/// A body in a coding.
pub fn encode(coding: &str, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match coding {
        "gzip" => write::GzEncoder::new(&mut out, Compression::fast()).write_all(body).unwrap(),
        "deflate" => write::ZlibEncoder::new(&mut out, Compression::fast()).write_all(body).unwrap(),
        "br" => brotli::CompressorWriter::new(&mut out, 4096, 2, 22).write_all(body).unwrap(),
        "zstd" => {
            out.resize(zstd_safe::compress_bound(body.len()), 0);
            let length = zstd_safe::compress(&mut out[..], body, 3).unwrap();
            out.truncate(length);
        }
        _ => panic!("no such coding: {coding}"),
    }
    out
}

/// That many MiB of zeros in a coding, valid to the last byte.
pub fn bomb(coding: &str, mib: usize) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut sum = crc32fast::Hasher::new();
            sum.update(&vec![0; MIB]);
            let mut all = crc32fast::Hasher::new();
            (0..mib).for_each(|_| all.combine(&sum));
            let length = u32::try_from(mib * MIB).unwrap();
            let trailer = [all.finalize().to_le_bytes(), length.to_le_bytes()].concat();
            [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255][..], &deflated(mib), &trailer].concat()
        }
        "deflate" => {
            // Adler-32 of zeros counts them (RFC 1950, section 8.2).
            let sum = u32::try_from(mib * MIB % 65_521).unwrap() << 16 | 1;
            [&[0x78, 0x9c][..], &deflated(mib), &sum.to_be_bytes()].concat()
        }
        "br" => brotli_zeros(mib),
        "zstd" => zstd_zeros(mib),
        _ => panic!("no such coding: {coding}"),
    }
}

/// In raw deflate. What follows a full flush knows nothing of what came before it, so that one piece serves for all.
fn deflated(mib: usize) -> Vec<u8> {
    let mut piece = Vec::with_capacity(MIB);
    let mut deflate = Compress::new(Compression::best(), false);
    deflate.compress_vec(&vec![0; MIB], &mut piece, FlushCompress::Full).unwrap();
    assert_eq!(deflate.total_in(), MIB as u64);
    let mut out = piece.repeat(mib);
    out.extend([3, 0]);
    out
}

/// With the largest window. Each piece but the first repeats the zeros before it.
fn brotli_zeros(mib: usize) -> Vec<u8> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 24);
    let mut ends = [0; 3];
    for end in &mut ends {
        encoder.write_all(&vec![0; MIB]).unwrap();
        encoder.flush().unwrap();
        *end = encoder.get_ref().len();
    }
    let written = encoder.get_ref();
    let mut out = written[..ends[1]].to_vec();
    out.extend(written[ends[1]..ends[2]].repeat(mib - 2));
    out.push(3);
    out
}

/// In one frame with the largest window that is taken, in blocks of 128 KiB that repeat one byte.
fn zstd_zeros(mib: usize) -> Vec<u8> {
    const BLOCK: usize = 128 << 10;
    let block = |last: u32| [&((BLOCK as u32) << 3 | 1 << 1 | last).to_le_bytes()[..3], &[0]].concat();
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3];
    out.extend(block(0).repeat(mib * MIB / BLOCK - 1));
    out.extend(block(1));
    out
}
