//! The pure parts of a gateway call: `cargo bench -p patchbay-core`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use patchbay_core::catalog::{Protocol, Quirks};
use patchbay_core::dialect::models::ModelLimits;
use patchbay_core::dialect::openai::StreamDecoder;
use patchbay_core::dialect::{Inbound, Target};
use patchbay_core::price::PriceBook;
use patchbay_core::sse::Reader;
use patchbay_core::time::Timestamp;
use patchbay_core::usage::{CostSource, TokenUsage};

const EVENT: &str = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"The tape is quiet. \"},\"finish_reason\":null}],\"usage\":null}\n\n";

/// A stream of about 1 MB.
fn stream() -> Vec<u8> {
    EVENT.repeat(1_000_000 / EVENT.len()).into_bytes()
}

fn decode(c: &mut Criterion) {
    let bytes = stream();
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("openai stream, 1 MB", |b| {
        b.iter(|| {
            let (mut reader, mut decoder) = (Reader::default(), StreamDecoder::new(Quirks::default()));
            for piece in bytes.chunks(4_096) {
                let fits = reader.push(piece);
                assert!(fits.is_ok());
                while let Some(event) = reader.next_event() {
                    black_box(decoder.event(event.data.as_deref()));
                }
            }
            decoder.output_bytes()
        });
    });
    group.finish();
}

fn pass_through(c: &mut Criterion) {
    let text = "Overnight low held twice, the open reclaimed it. ".repeat(2_000);
    let body = serde_json::json!({ "model": "main/gpt-5-mini", "stream": true, "messages": [{ "role": "user", "content": text }] });
    let body = body.to_string().into_bytes();
    let target = Target {
        protocol: Protocol::Openai,
        model: "gpt-5-mini",
        quirks: Quirks::default(),
        limits: ModelLimits::default(),
    };
    let mut group = c.benchmark_group("pass through");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("openai request, 100 kB", |b| {
        b.iter(|| {
            Inbound::read(Protocol::Openai, black_box(&body))
                .and_then(|inbound| inbound.for_provider(&target, |_| None))
        });
    });
    group.finish();
}

fn price(c: &mut Criterion) {
    let book = PriceBook::default();
    let used =
        TokenUsage { input: Some(1_840), output: Some(312), cached: Some(1_024), ..TokenUsage::default() };
    c.bench_function("price an attempt", |b| {
        b.iter(|| {
            book.cost(
                "openai",
                black_box("gpt-5-mini"),
                Timestamp(1_790_000_000_000),
                &used,
                CostSource::Priced,
            )
        });
    });
}

criterion_group!(benches, decode, pass_through, price);
criterion_main!(benches);
