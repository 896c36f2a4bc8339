use std::io::Write;

use flate2::{Compression, write};
use proptest::prelude::*;
use zstd_safe::{CCtx, CParameter};

use super::*;

const LIMIT: usize = 100_000;

fn encoded(coding: Coding, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match coding {
        Coding::Gzip => write::GzEncoder::new(&mut out, Compression::fast()).write_all(body).unwrap(),
        Coding::Deflate => write::ZlibEncoder::new(&mut out, Compression::fast()).write_all(body).unwrap(),
        Coding::Brotli => ::brotli::CompressorWriter::new(&mut out, 4096, 2, 22).write_all(body).unwrap(),
        Coding::Zstd => out = zstd(body, &[CParameter::ChecksumFlag(true)]),
    }
    out
}

/// In one frame.
fn zstd(body: &[u8], parameters: &[CParameter]) -> Vec<u8> {
    let mut context = CCtx::create();
    for parameter in parameters {
        context.set_parameter(*parameter).unwrap();
    }
    let mut out = vec![0; zstd_safe::compress_bound(body.len())];
    let length = context.compress2(&mut out[..], body).unwrap();
    out.truncate(length);
    out
}

/// Decodes a body that arrives in chunks of this size; answers what came of it, and after how many steps.
fn stepped(
    coding: Coding,
    encoded: &[u8],
    chunk: usize,
    limit: usize,
) -> (Result<Vec<u8>, Undecodable>, usize) {
    let (mut decoder, mut steps) = (Decoder::new(coding, limit), 0);
    for mut chunk in encoded.chunks(chunk) {
        loop {
            steps += 1;
            match decoder.step(&mut chunk) {
                Ok(true) => {}
                Ok(false) => break,
                Err(why) => return (Err(why), steps),
            }
        }
    }
    (decoder.finish().map(|body| body.to_vec()), steps)
}

fn in_chunks(coding: Coding, encoded: &[u8], chunk: usize) -> Result<Vec<u8>, Undecodable> {
    stepped(coding, encoded, chunk, LIMIT).0
}

fn decoded(coding: Coding, encoded: &[u8]) -> Result<Vec<u8>, Undecodable> {
    in_chunks(coding, encoded, encoded.len().max(1))
}

/// A body that compresses about as well as a batch.
fn batch(bytes: usize) -> Vec<u8> {
    let items = (0_u64..).flat_map(|at| {
        let noise = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        format!(r#"{{"_user_id":"{noise:x}","_email":"u{at}@example.com"}},"#).into_bytes()
    });
    items.take(bytes).collect()
}

/// A body that does not compress.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

#[test]
fn every_coding_comes_back_whole_in_chunks_of_any_size() {
    let body = batch(40_000);
    for coding in Coding::ALL {
        let encoded = encoded(coding, &body);
        assert!(encoded.len() < body.len() / 2, "{coding:?}");
        for chunk in [1, 2, 7, TAKEN - 1, TAKEN, TAKEN + 1, encoded.len()] {
            let outcome = in_chunks(coding, &encoded, chunk);
            assert!(outcome.as_ref() == Ok(&body), "{coding:?} in chunks of {chunk}: {:?}", outcome.err());
        }
    }
}

#[test]
fn the_limit_is_exact() {
    for body in [batch(LIMIT + 1), noise(LIMIT + 1), vec![b' '; LIMIT + 1]] {
        for coding in Coding::ALL {
            assert!(
                decoded(coding, &encoded(coding, &body[..LIMIT])).unwrap() == body[..LIMIT],
                "{coding:?}"
            );
            assert_eq!(decoded(coding, &encoded(coding, &body)), Err(Undecodable::TooLarge), "{coding:?}");
            let outcome = in_chunks(coding, &encoded(coding, &body), 1);
            assert_eq!(outcome, Err(Undecodable::TooLarge), "{coding:?}");
        }
    }
}

#[test]
fn nothing_encoded_is_nothing_and_no_bytes_are_no_encoding() {
    for coding in Coding::ALL {
        assert_eq!(decoded(coding, &encoded(coding, b"")), Ok(Vec::new()), "{coding:?}");
        assert_eq!(decoded(coding, b""), Err(Undecodable::Truncated), "{coding:?}");
        assert_eq!(stepped(coding, &encoded(coding, b""), 1, 0).0, Ok(Vec::new()), "{coding:?}");
        assert_eq!(stepped(coding, &encoded(coding, b"x"), 1, 0).0, Err(Undecodable::TooLarge), "{coding:?}");
    }
}

#[test]
fn what_ends_early_is_truncated_wherever_it_ends() {
    for coding in Coding::ALL {
        let encoded = encoded(coding, &batch(2_000));
        for end in 0..encoded.len() {
            let outcome = in_chunks(coding, &encoded[..end], 100);
            assert_eq!(
                outcome,
                Err(Undecodable::Truncated),
                "{coding:?} after {end} of {} bytes",
                encoded.len()
            );
        }
    }
}

#[test]
fn what_follows_the_end_is_refused() {
    for coding in Coding::ALL {
        for garbage in [&b"\0"[..], b"[]", b"\r\n"] {
            let long = [&encoded(coding, b"[1]"), garbage].concat();
            assert_eq!(decoded(coding, &long), Err(Undecodable::Trailing), "{coding:?}");
            assert_eq!(in_chunks(coding, &long, 1), Err(Undecodable::Trailing), "{coding:?}");
        }
    }
    for coding in [Coding::Deflate, Coding::Brotli] {
        let twice = encoded(coding, b"[1]").repeat(2);
        assert_eq!(decoded(coding, &twice), Err(Undecodable::Trailing), "{coding:?}");
    }
}

#[test]
fn members_and_frames_are_one_body_with_one_limit() {
    let half = batch(LIMIT / 2);
    for coding in [Coding::Gzip, Coding::Zstd] {
        let two = [encoded(coding, &half), encoded(coding, b""), encoded(coding, &half)].concat();
        for chunk in [1, 1000, two.len()] {
            let whole = in_chunks(coding, &two, chunk).unwrap();
            assert!(whole == half.repeat(2), "{coding:?} in chunks of {chunk}");
        }
        let three = [&two[..], &encoded(coding, b"x")].concat();
        assert_eq!(decoded(coding, &three), Err(Undecodable::TooLarge), "{coding:?}");
        let open = [&encoded(coding, b"[1]")[..], &encoded(coding, b"[2]")[..8]].concat();
        assert_eq!(decoded(coding, &open), Err(Undecodable::Truncated), "{coding:?}");
    }
    let member = encoded(Coding::Gzip, b"[1]");
    let broken = [&member[..], &member[..1], b"no header"].concat();
    assert_eq!(decoded(Coding::Gzip, &broken), Err(Undecodable::Corrupt));
}

#[test]
fn another_coding_is_corrupt() {
    for coding in Coding::ALL {
        for other in Coding::ALL.into_iter().filter(|other| *other != coding) {
            let outcome = decoded(coding, &encoded(other, &batch(2_000)));
            assert_eq!(outcome, Err(Undecodable::Corrupt), "{coding:?} fed {other:?}");
        }
        assert_eq!(decoded(coding, br#"[{"_user_id":"u"}]"#), Err(Undecodable::Corrupt), "{coding:?}");
    }
}

/// Ten MiB behind one look: no step goes on after the byte too many, and no engine works ahead of what is asked of it.
#[test]
fn a_bomb_ends_at_the_limit() {
    let zeros = vec![0; 10 << 20];
    for coding in Coding::ALL {
        let bomb = encoded(coding, &zeros);
        let (outcome, steps) = stepped(coding, &bomb, bomb.len(), LIMIT);
        assert_eq!(outcome, Err(Undecodable::TooLarge), "{coding:?}");
        assert!(steps <= LIMIT / PIECE + 2, "{coding:?}: {steps} steps");
    }
}

#[test]
fn what_gives_nothing_out_cannot_go_on_for_ever() {
    let endless = encoded_limit(LIMIT) + 1;
    let name = [&[0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3], &vec![b'x'; endless][..]].concat();
    let stored = [0, 0, 0, 0xff, 0xff].repeat(endless / 5 + 1);
    let metadata = [&[0x0c], &vec![0x06; endless][..]].concat();
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff], &vec![0; endless][..]].concat();
    let codings = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];
    for (coding, body) in codings.into_iter().zip([name, stored, metadata, skipped]) {
        let (outcome, steps) = stepped(coding, &body, body.len(), LIMIT);
        assert_eq!(outcome, Err(Undecodable::TooLarge), "{coding:?}");
        assert!(steps <= endless / TAKEN + 2, "{coding:?}: {steps} steps");
        let outcome = in_chunks(coding, &body[..encoded_limit(LIMIT)], 10_000);
        assert_eq!(outcome, Err(Undecodable::Truncated), "{coding:?}");
    }
}

#[test]
fn deflate_is_taken_with_and_without_its_wrapper() {
    for body in [batch(40_000), noise(40_000), Vec::new()] {
        for level in [Compression::none(), Compression::fast(), Compression::best()] {
            let mut bare = write::DeflateEncoder::new(Vec::new(), level);
            bare.write_all(&body).unwrap();
            let bare = bare.finish().unwrap();
            assert!(decoded(Coding::Deflate, &bare).unwrap() == body, "{level:?}");
            assert!(in_chunks(Coding::Deflate, &bare, 1).unwrap() == body, "{level:?}");
        }
    }
    let dictionary = [0x78, 0x20, 0, 0, 0, 1, 3, 0];
    assert_eq!(decoded(Coding::Deflate, &dictionary), Err(Undecodable::Dictionary));
}

#[test]
fn brotli_is_taken_with_every_window_of_its_rfc() {
    let body = batch(LIMIT);
    for window in 10..=24 {
        let mut encoder = ::brotli::CompressorWriter::new(Vec::new(), 4096, 2, window);
        encoder.write_all(&body).unwrap();
        let encoded = encoder.into_inner();
        for chunk in [1000, encoded.len()] {
            let whole = in_chunks(Coding::Brotli, &encoded, chunk);
            assert!(whole.as_ref() == Ok(&body), "window of 2^{window}: {:?}", whole.err());
        }
    }
    let large_window = [0x11, 0x1c, 0x03];
    assert_eq!(decoded(Coding::Brotli, &large_window), Err(Undecodable::Corrupt));
}

/// The largest window, and a block of 16 MiB that is not compressed.
#[test]
fn a_brotli_block_beyond_the_limit_is_refused_before_any_of_it() {
    let bomb = [&[0xcf, 0xff, 0xff, 0xff], &vec![b'x'; 1000][..]].concat();
    assert_eq!(stepped(Coding::Brotli, &bomb, bomb.len(), LIMIT), (Err(Undecodable::TooLarge), 1));
    assert_eq!(stepped(Coding::Brotli, &bomb, bomb.len(), 16 << 20), (Err(Undecodable::Truncated), 1));
}

/// A frame of one block that is not compressed.
fn frame(header: &[u8], body: &[u8]) -> Vec<u8> {
    let block = (u32::try_from(body.len()).unwrap() << 3 | 1).to_le_bytes();
    [&[0x28, 0xb5, 0x2f, 0xfd], header, &block[..3], body].concat()
}

#[test]
fn zstd_is_taken_with_windows_up_to_8_mib() {
    let window = |log: u8| [0, (log - 10) << 3];
    assert_eq!(decoded(Coding::Zstd, &frame(&window(23), b"[]")), Ok(b"[]".to_vec()));
    for chunk in [1, 100] {
        let too_large = frame(&window(24), b"[]");
        assert_eq!(in_chunks(Coding::Zstd, &too_large, chunk), Err(Undecodable::Window));
        // A header that names a length of 1 GiB, which is the window, too.
        let long = frame(&[0xe0, 0, 0, 0, 0x40, 0, 0, 0, 0], b"[]");
        assert_eq!(in_chunks(Coding::Zstd, &long, chunk), Err(Undecodable::TooLarge));
        let skipped = [&[0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3], &too_large[..]].concat();
        assert_eq!(in_chunks(Coding::Zstd, &skipped, chunk), Err(Undecodable::Window));
        let long = [&frame(&window(20), b"[]")[..], &long].concat();
        assert_eq!(in_chunks(Coding::Zstd, &long, chunk), Err(Undecodable::TooLarge));
    }
    let dictionary = frame(&[1, 0, 7], b"[]");
    assert_eq!(decoded(Coding::Zstd, &dictionary), Err(Undecodable::Dictionary));
    let streamed = zstd(&batch(50_000), &[CParameter::WindowLog(23), CParameter::ContentSizeFlag(false)]);
    assert!(decoded(Coding::Zstd, &streamed).unwrap() == batch(50_000));
}

#[test]
fn names_are_those_of_the_registry() {
    for coding in Coding::ALL {
        assert_eq!(Coding::parse(coding.name().as_bytes()), Some(coding));
        assert!(Coding::ACCEPTED.split(", ").any(|name| name == coding.name()));
    }
    assert_eq!(Coding::parse(b"x-GZIP"), Some(Coding::Gzip));
    assert_eq!(Coding::parse(b"identity"), None);
}

proptest! {
    /// Whatever comes in ends in a bounded number of steps, within the limit, and without a panic.
    #[test]
    fn noise_never_goes_on(at in 0_usize..4, bytes: Vec<u8>, chunk in 1_usize..64) {
        let (_, steps) = stepped(Coding::ALL[at], &bytes, chunk, 1000);
        prop_assert!(steps <= 2 * bytes.len() + 8, "{} steps for {} bytes", steps, bytes.len());
    }

    /// A byte that changed on its way is an error, where the coding has a checksum; and never more than the limit comes out.
    #[test]
    fn a_changed_byte_changes_nothing_unseen(
        at in 0_usize..4, length in 0_usize..3_000, place: prop::sample::Index, flipped in 1_u8..=255, chunk in 1_usize..500,
    ) {
        let (coding, body) = (Coding::ALL[at], batch(length));
        let mut encoded = encoded(coding, &body);
        let place = place.index(encoded.len());
        encoded[place] ^= flipped;
        if let Ok(whole) = stepped(coding, &encoded, chunk, 3_000).0 {
            prop_assert!(whole == body || coding == Coding::Brotli && whole.len() <= 3_000);
        }
    }
}
