//! What a request costs in memory: parse and validate, the keyring, the limiter.
//!
//! ```text
//! cargo bench                       # these
//! cargo bench -- keyring            # those whose name holds a word
//! cargo bench -- --quick            # fewer repetitions
//! ```

#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::panic, clippy::expect_used, reason = "a bench whose sample is bad must not go on")]

#[path = "sample/mod.rs"]
mod sample;

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sample::Judge;
use sha2::{Digest, Sha256};
use tidegate::{
    auth::{
        Keyring,
        text::{self, KeyHash, KeyText, Kind},
    },
    domain::{
        budget::Class,
        clock::{SystemClock, SystemEntropy},
    },
    limit::{Limiter, Owner},
    store::changes::KeyRow,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Parse and validate, and encode the rows.
fn parse(bench: &mut Criterion) {
    let judge = Judge::new();
    judge.check().expect("the samples are good");
    let mut group = bench.benchmark_group("parse");
    for items in [1, 100] {
        let body = sample::events(items);
        group.throughput(Throughput::Elements(items as u64));
        group.bench_function(format!("events/{items}"), |b| b.iter(|| judge.events(black_box(&body))));
        group.bench_function(format!("events to rows/{items}"), |b| {
            b.iter(|| judge.prepare(black_box(&body)))
        });
        let body = sample::contacts(items);
        group.bench_function(format!("contacts/{items}"), |b| b.iter(|| judge.contacts(black_box(&body))));
    }
    group.finish();
}

/// Finding a key among many: the hash of its text and the look-up.
fn keyring(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("keyring");
    let shown = KeyText::mint(Kind::Datasource, &SystemEntropy).expect("randomness");
    let stranger = KeyText::mint(Kind::Datasource, &SystemEntropy).expect("randomness");
    let malformed = format!("{}x", &shown.reveal()[..shown.reveal().len() - 1]);
    for keys in [1_000_u64, 100_000] {
        let keyring = Keyring::default();
        let rows: Vec<KeyRow> = (1..keys).map(|n| key(Sha256::digest(n.to_be_bytes()).into())).collect();
        keyring.apply(&rows);
        keyring.apply(&[key(shown.hash())]);
        let find = |text: &str| text::parse(text).and_then(|(_, hash)| keyring.get(&hash));
        assert!(find(shown.reveal()).is_some() && find(stranger.reveal()).is_none());
        for (what, text) in
            [("known", shown.reveal()), ("unknown", stranger.reveal()), ("malformed", malformed.as_str())]
        {
            group.bench_function(format!("{what}/{keys}"), |b| b.iter(|| find(black_box(text))));
        }
    }
    group.finish();
}

fn key(hash: KeyHash) -> KeyRow {
    KeyRow {
        id: uuid::Uuid::nil(),
        kind: Kind::Datasource.name().into(),
        hash,
        prefix: "tgd_abcd".into(),
        name: "bench".into(),
        scopes: vec!["PROJECT_INGEST_WRITE".into()],
        project: None,
        datasource: Some(1),
        user: None,
        user_projects: None,
        rotated_at: None,
        expires_at: None,
        dead: false,
    }
}

/// Charging a request.
fn limiter(bench: &mut Criterion) {
    let limiter = Limiter::new(SystemClock::shared());
    for datasource in 0..1_000 {
        charge(&limiter, datasource);
    }
    let mut group = bench.benchmark_group("limiter");
    group.bench_function("charge/one of 1000", |b| {
        let mut datasource = 0;
        b.iter(|| {
            datasource = (datasource + 1) % 1_000;
            charge(&limiter, datasource);
        });
    });
    group.bench_function("charge/the same", |b| b.iter(|| charge(&limiter, 7)));
    group.finish();
}

/// Refused or not, it costs the same; the budget is large enough for any bench.
fn charge(limiter: &Limiter, datasource: i64) {
    let _verdict =
        black_box(limiter.charge(Owner::Datasource(datasource), Class::EventsWrite, 1_000_000_000));
}

/// All that is measured by one pair of numbers keeps the whole below a minute.
fn short() -> Criterion {
    Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! { name = all; config = short(); targets = parse, keyring, limiter }
criterion_main!(all);
