//! The pure parts of a gateway call: `cargo bench -p patchbay-core`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use patchbay_core::catalog::{Protocol, Quirks};
use patchbay_core::chat::{
    ChatRequest, Delivery, Delta, Finish, Message, Sampling, Tool, ToolCall, ToolResult, Turn,
};
use patchbay_core::dialect::models::ModelLimits;
use patchbay_core::dialect::openai::{StreamDecoder, UsageChunk};
use patchbay_core::dialect::takes::Parameters;
use patchbay_core::dialect::{Decoder, Encoder, Inbound, Stamp, Target, encode_request};
use patchbay_core::price::PriceBook;
use patchbay_core::sse::{Event, Reader};
use patchbay_core::time::Timestamp;
use patchbay_core::usage::{CostSource, TokenUsage};

/// As bytes arrive from a socket.
const PIECE: usize = 4_096;
const MEGABYTE: usize = 1_000_000;
const PROTOCOLS: [Protocol; 4] =
    [Protocol::Openai, Protocol::Responses, Protocol::Anthropic, Protocol::Gemini];

/// A stream of about 1 MB, as a protocol writes it.
fn stream(protocol: Protocol) -> Vec<u8> {
    let mut encoder =
        Encoder::new(protocol, Stamp { model: "m", id: "a1", created: 1 }, UsageChunk::default());
    let mut bytes = encoder.delta(&Delta::Start { id: Some("a1".into()), model: Some("m".into()) });
    while bytes.len() < MEGABYTE {
        bytes.extend(encoder.delta(&Delta::Text("The tape is quiet. ".into())));
    }
    bytes.extend(encoder.delta(&Delta::Finish(Finish::Stop)));
    bytes
}

/// Reads a stream that arrives in pieces of one length.
fn read(bytes: &[u8], length: usize, mut each: impl FnMut(Event)) {
    let mut reader = Reader::default();
    for piece in bytes.chunks(length) {
        let fits = reader.push(piece);
        assert!(fits.is_ok());
        while let Some(event) = reader.next_event() {
            each(event);
        }
    }
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode 1 MB");
    let bytes = stream(Protocol::Openai);
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    for (name, length) in [("events alone", PIECE), ("events alone, in one piece", bytes.len())] {
        group.bench_function(name, |b| b.iter(|| read(&bytes, length, |event| drop(black_box(event)))));
    }
    group.bench_function("openai, pass through", |b| {
        b.iter(|| {
            let mut decoder = StreamDecoder::new(Quirks::default());
            read(&bytes, PIECE, |event| drop(black_box(decoder.event(event.data.as_deref()))));
        });
    });
    for protocol in PROTOCOLS {
        let bytes = stream(protocol);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format!("{}, neutral", protocol.as_str()), |b| {
            b.iter(|| {
                let mut decoder = Decoder::new(protocol, Quirks::default());
                read(&bytes, PIECE, |event| drop(black_box(decoder.event(&event))));
            });
        });
    }
    group.finish();
}

/// A conversation of about 100 kB with calls of a tool.
fn conversation() -> ChatRequest {
    let text = "Overnight low held twice, the open reclaimed it. ".repeat(20);
    let mut messages = vec![Message::System("You are careful.".into())];
    for round in 0..32 {
        let id = format!("call_{round}");
        let (name, arguments) = ("quote".to_owned(), r#"{"symbol":"ES"}"#.to_owned());
        let call = ToolCall { id: id.clone(), name: name.clone(), arguments, signature: None };
        let turn = Turn { text: text.clone(), tool_calls: vec![call], opaque: Vec::new() };
        let result = ToolResult { call_id: id, name: Some(name), content: text.clone(), is_error: false };
        messages.extend([Message::user(text.as_str()), Message::Assistant(turn), Message::Tool(result)]);
    }
    let parameters =
        serde_json::json!({ "type": "object", "properties": { "symbol": { "type": "string" } } });
    ChatRequest {
        messages,
        tools: vec![Tool { name: "quote".into(), description: None, parameters, strict: None }],
        sampling: Sampling { temperature: Some(0.2), ..Sampling::default() },
        max_tokens: Some(1_024),
        ..ChatRequest::default()
    }
}

fn target(protocol: Protocol) -> Target<'static> {
    let model = match protocol {
        Protocol::Openai | Protocol::Responses => "m",
        Protocol::Anthropic => "claude-opus-4-8",
        Protocol::Gemini => "gemini-2.5-flash",
    };
    Target {
        protocol,
        model,
        quirks: Quirks::default(),
        limits: ModelLimits { max_output: Some(64_000) },
        untaken: Parameters::NONE,
    }
}

/// Read as the gateway reads it and written for a provider; to its own protocol, that passes the text through.
fn translate(c: &mut Criterion) {
    let mut group = c.benchmark_group("request of 100 kB");
    for from in PROTOCOLS {
        let own = target(from);
        let request = ChatRequest { model: own.model.to_owned(), ..conversation() };
        let body = encode_request(&request, &own).map(|encoded| encoded.body).unwrap_or_default();
        assert!(body.len() > 90_000);
        group.throughput(Throughput::Bytes(body.len() as u64));
        for to in PROTOCOLS {
            let name = format!("{} to {}", from.as_str(), to.as_str());
            let target = target(to);
            let read = |body: &[u8]| match from {
                Protocol::Gemini => Inbound::read_gemini(own.model, Delivery::Whole, body),
                _ => Inbound::read(from, body),
            };
            let translated =
                || read(black_box(&body)).and_then(|inbound| inbound.for_provider(&target, |_| None));
            assert!(translated().is_ok());
            group.bench_function(name, |b| b.iter(translated));
        }
    }
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

criterion_group!(benches, decode, translate, price);
criterion_main!(benches);
