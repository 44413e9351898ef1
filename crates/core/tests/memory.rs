#![cfg(test)]
//! Streams without end: whatever a provider sends, and for as long as it likes, a decoder needs no more than so much memory.

use patchbay_core::catalog::{Protocol, Quirks};
use patchbay_core::code::Code;
use patchbay_core::dialect::Decoder;
use patchbay_core::sse::Reader;
use peak_alloc::PeakAlloc;
use serde_json::{Value, json};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Beyond what was there before. The longest event, once as it came and once as text, is most of it.
const MOST: usize = 96 * 1024 * 1024;
/// For streams whose pieces are handed on as they come.
const LITTLE: usize = 8 * 1024 * 1024;

/// The unoptimised test is to end as well.
const BYTES: usize = if cfg!(debug_assertions) { 16 << 20 } else { 1 << 30 };
const EVENTS: usize = if cfg!(debug_assertions) { 10_000 } else { 1_000_000 };

const PROTOCOLS: [Protocol; 4] =
    [Protocol::Openai, Protocol::Responses, Protocol::Anthropic, Protocol::Gemini];

/// A piece of text, as each protocol writes it.
fn text(dialect: &str, text: &str) -> Value {
    match dialect {
        "openai" => json!({ "choices": [{ "delta": { "content": text } }] }),
        "responses" => json!({ "type": "response.output_text.delta", "delta": text }),
        "anthropic" => {
            json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text } })
        }
        _ => json!({ "candidates": [{ "content": { "parts": [{ "text": text }] } }] }),
    }
}

/// Something that a decoder has to remember, another one each time.
fn remembered(dialect: &str, at: usize) -> Value {
    let long = "x".repeat(1_000);
    match dialect {
        "openai" if at.is_multiple_of(2) => {
            json!({ "choices": [{ "delta": { "reasoning_details": [{ "type": "reasoning.text", "index": at, "text": "hm" }] } }] })
        }
        "openai" => {
            json!({ "choices": [{ "delta": { "tool_calls": [{ "index": at, "id": format!("c{at}"), "function": { "name": "f" } }] } }] })
        }
        "responses" => {
            json!({ "type": "response.output_item.added", "output_index": at, "item": { "type": "function_call", "call_id": format!("c{at}"), "name": "f" } })
        }
        "anthropic" if at.is_multiple_of(2) => {
            json!({ "type": "content_block_start", "index": at, "content_block": { "type": "tool_use", "id": format!("c{at}{long}"), "name": "f" } })
        }
        "anthropic" => {
            json!({ "type": "content_block_start", "index": at, "content_block": { "type": "thinking", "thinking": long } })
        }
        _ => json!({ "candidates": [{ "content": { "parts": [{ "functionCall": { "name": "f" } }] } }] }),
    }
}

/// Reads a stream and throws away what it tells; how it ended, and the most memory that it took.
fn read(protocol: Protocol, pieces: impl Iterator<Item = Vec<u8>>) -> (Result<(), Code>, usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let (mut reader, mut decoder) = (Reader::default(), Decoder::new(protocol, Quirks::default()));
    let mut outcome = Ok(());
    for piece in pieces {
        if reader.push(&piece).is_err() {
            outcome = Err(Code::MalformedAnswer);
            break;
        }
        while let Some(event) = reader.next_event() {
            outcome = outcome.and(decoder.event(&event).map(drop).map_err(|failure| failure.code));
        }
        if outcome.is_err() {
            break;
        }
    }
    (outcome, MEMORY.peak_usage().saturating_sub(before))
}

fn event(data: &Value) -> Vec<u8> {
    format!("data: {data}\n\n").into_bytes()
}

/// One test: a second one beside it would count in the same memory.
#[test]
fn a_stream_without_end_needs_no_more_than_so_much_memory() {
    let mut told = Vec::new();
    for protocol in PROTOCOLS {
        let name = protocol.as_str();
        let long = event(&text(name, &"x".repeat(1 << 20)));
        let (outcome, most) = read(protocol, std::iter::repeat_n(long, BYTES >> 20));
        assert!(outcome.is_ok() && most < LITTLE, "{name}: {outcome:?} in {most} bytes");
        told.push((name, "text without end", most));

        for tiny in [b":\n\n".to_vec(), b"data:\n\n".to_vec(), event(&text(name, "x"))] {
            let (outcome, most) = read(protocol, std::iter::repeat_n(tiny, EVENTS));
            assert!(outcome.is_ok() && most < LITTLE, "{name}: {outcome:?} in {most} bytes");
            told.push((name, "tiny events", most));
        }

        // Gemini's calls come whole: there is nothing to remember, and no end.
        let count = if name == "gemini" { EVENTS } else { usize::MAX };
        let (outcome, most) = read(protocol, (0..count).map(|at| event(&remembered(name, at))));
        let expected = if name == "gemini" { Ok(()) } else { Err(Code::MalformedAnswer) };
        assert_eq!(outcome, expected, "{name}");
        assert!(most < MOST, "{name}: {most} bytes");
        told.push((name, "calls and blocks without end", most));

        let one = std::iter::once(b"data: ".to_vec()).chain(std::iter::repeat(vec![b'x'; 64 * 1024]));
        let (outcome, most) = read(protocol, one);
        assert!(outcome == Err(Code::MalformedAnswer) && most < MOST, "{name}: {most} bytes");
        told.push((name, "an event without end", most));
    }
    for (name, what, most) in told {
        println!("{name:<10} {what:<30} {:>8} kB at most", most / 1024);
    }
}
