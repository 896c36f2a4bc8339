//! Bodies that are small on their way and huge once decoded cost the server a byte too many, and not their size.

use std::{fs, io::Read};

use reqwest::Response;
use rustix::process::Pid;
use serde_json::Value;

use crate::{
    encode::{CODINGS, bomb, encode},
    home::Home,
    inlet::{Inlet, event},
    serve::Serve,
};

/// How much more memory a bomb may take at any moment. KiB.
const GROWTH: u64 = 4 << 10;

/// MiB behind each bomb.
const SIZE: usize = 1000;

/// A line of a process's status. KiB.
fn status(pid: Pid, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches([':', '\t', ' ', 'k', 'B']).parse().unwrap()
}

/// The memory of a process from now on.
struct Memory {
    pid: Pid,
    before: u64,
}

impl Memory {
    fn of(serve: &Serve) -> Self {
        let pid = serve.pid();
        // Sets the peak back to what is in use (proc(5)).
        fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
        Self { pid, before: status(pid, "VmRSS") }
    }

    /// Checks how far it rose above what it was, at its peak.
    #[track_caller]
    fn check(&self, coding: &str) {
        let growth = status(self.pid, "VmHWM").saturating_sub(self.before);
        assert!(growth < GROWTH, "{coding}: {growth} KiB more than {} KiB", self.before);
    }
}

async fn push(inlet: &Inlet, coding: &str, body: Vec<u8>) -> Response {
    let request = inlet.http.post(format!("{}/events", inlet.url)).bearer_auth(&inlet.token);
    let request = request.header("Content-Type", "application/json").header("Content-Encoding", coding);
    request.body(body).send().await.unwrap()
}

/// The status and the code of what has to be refused.
async fn refused(inlet: &Inlet, coding: &str, body: Vec<u8>) -> (u16, String) {
    let answer = push(inlet, coding, body).await;
    let status = answer.status().as_u16();
    let document: Value = answer.json().await.unwrap();
    (status, document["code"].as_str().unwrap().to_owned())
}

fn too_large() -> (u16, String) {
    (413, "body_too_large".to_owned())
}

/// A batch of one event, filled up with white space to exactly the limit.
fn full(id: &str) -> Vec<u8> {
    let mut body = serde_json::to_vec(&[event(id)]).unwrap();
    body.pop();
    body.resize((1 << 20) - 1, b' ');
    body.push(b']');
    body
}

/// Pushes what is in order, so that nothing is done for the first time later.
async fn warm(inlet: &Inlet, coding: &str) {
    for round in 0..8 {
        let body = serde_json::to_vec(&[event(&format!("{coding}-{round}"))]).unwrap();
        assert_eq!(push(inlet, coding, encode(coding, &body)).await.status(), 202, "{coding}");
    }
}

/// Opens a coding without a bound.
fn opened(coding: &str, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let read = match coding {
        "gzip" => flate2::read::MultiGzDecoder::new(body).read_to_end(&mut out),
        "deflate" => flate2::read::ZlibDecoder::new(body).read_to_end(&mut out),
        "br" => brotli::Decompressor::new(body, 4096).read_to_end(&mut out),
        "zstd" => {
            out.reserve(8 << 20);
            Ok(zstd_safe::decompress(&mut out, body).unwrap())
        }
        _ => panic!("no such coding: {coding}"),
    };
    assert_eq!(read.unwrap(), out.len());
    out
}

#[test]
fn the_bombs_are_what_they_say() {
    for coding in CODINGS {
        let body = opened(coding, &bomb(coding, 4));
        assert!(body.len() == 4 << 20 && body.iter().all(|byte| *byte == 0), "{coding}");
    }
}

#[tokio::test]
async fn a_bomb_of_each_coding_is_refused_without_its_memory() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let inlet = Inlet::wide(&home, &serve).await;
    for coding in CODINGS {
        let bomb = bomb(coding, SIZE);
        assert!((SIZE << 20) / bomb.len() >= 1000, "{coding}: {} bytes", bomb.len());
        warm(&inlet, coding).await;
        for _ in 0..5 {
            let memory = Memory::of(&serve);
            assert_eq!(refused(&inlet, coding, bomb.clone()).await, too_large(), "{coding}");
            memory.check(coding);
        }
    }
    assert_eq!(inlet.probe().await, 200);
    serve.stop().await;
}

/// One layer is taken off, and what is inside is no JSON.
#[tokio::test]
async fn a_bomb_inside_a_coding_stays_shut() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let inlet = Inlet::wide(&home, &serve).await;
    let malformed = (400, "malformed_json".to_owned());
    for coding in CODINGS {
        let (within, beyond) =
            (encode(coding, &bomb("gzip", SIZE)), encode(coding, &bomb("gzip", SIZE + 100)));
        let same = encode(coding, &bomb(coding, SIZE));
        warm(&inlet, coding).await;
        let memory = Memory::of(&serve);
        assert_eq!(refused(&inlet, coding, within).await, malformed, "{coding}");
        memory.check(coding);
        let memory = Memory::of(&serve);
        assert_eq!(refused(&inlet, coding, beyond).await, too_large(), "{coding}");
        memory.check(coding);
        let memory = Memory::of(&serve);
        assert_eq!(refused(&inlet, coding, same).await, malformed, "{coding}");
        memory.check(coding);
    }
    serve.stop().await;
}

#[tokio::test]
async fn a_full_body_that_is_small_on_its_way_is_stored() {
    let home = Home::new();
    let serve = Serve::start(&home).await;
    let inlet = Inlet::wide(&home, &serve).await;
    for coding in CODINGS {
        let body = encode(coding, &full(coding));
        assert!(body.len() < 20_000, "{coding}: {} bytes", body.len());
        assert_eq!(push(&inlet, coding, body).await.status(), 202, "{coding}");
    }
    assert_eq!(home.number("select count(*) from event").await, 4);
    serve.stop().await;
}
