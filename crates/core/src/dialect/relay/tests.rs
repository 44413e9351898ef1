use serde_json::{Value, json};

use super::*;
use crate::code::Code;
use crate::dialect::models::ModelLimits;
use crate::dialect::takes::Parameters;
use crate::sse::Reader;

const PROTOCOLS: [Protocol; 4] =
    [Protocol::Openai, Protocol::Responses, Protocol::Anthropic, Protocol::Gemini];

fn inbound(protocol: Protocol) -> Inbound {
    let body = match protocol {
        Protocol::Openai => {
            json!({ "model": "asked", "stream": true, "messages": [{ "role": "user", "content": "hi" }] })
        }
        Protocol::Responses => json!({ "model": "asked", "stream": true, "input": "hi" }),
        Protocol::Anthropic => json!({
            "model": "asked", "stream": true, "max_tokens": 9, "messages": [{ "role": "user", "content": "hi" }],
        }),
        Protocol::Gemini => json!({ "contents": [{ "parts": [{ "text": "hi" }] }] }),
    };
    let body = body.to_string().into_bytes();
    let read = match protocol {
        Protocol::Gemini => Inbound::read_gemini("asked", crate::chat::Delivery::Streamed, &body),
        _ => Inbound::read(protocol, &body),
    };
    read.expect("a request")
}

fn target(protocol: Protocol) -> Target<'static> {
    Target {
        protocol,
        model: "served",
        quirks: Quirks::default(),
        limits: ModelLimits::default(),
        untaken: Parameters::NONE,
    }
}

fn stamp() -> Stamp<'static> {
    Stamp { model: "asked", id: "a1", created: 7 }
}

fn said() -> Vec<Delta> {
    vec![
        Delta::Start { id: Some("p1".into()), model: Some("served".into()) },
        Delta::Text("Buy ".into()),
        Delta::Text("nothing.".into()),
        Delta::Finish(Finish::Stop),
        Delta::Usage(TokenUsage { input: Some(3), output: Some(2), ..TokenUsage::default() }),
    ]
}

/// What a provider of a protocol streams.
fn provided(protocol: Protocol) -> Vec<Event> {
    let stamp = Stamp { model: "served", id: "p1", created: 7 };
    let mut encoder = Encoder::new(protocol, stamp, UsageChunk::Sent);
    let mut bytes: Vec<u8> = said().iter().flat_map(|delta| encoder.delta(delta)).collect();
    bytes.extend(encoder.finish());
    events(&bytes)
}

fn events(bytes: &[u8]) -> Vec<Event> {
    let mut reader = Reader::default();
    reader.push(bytes).expect("short");
    std::iter::from_fn(|| reader.next_event()).collect()
}

/// Everything that the caller got before the end, the end, and the relay.
fn relayed(caller: Protocol, provider: Protocol) -> (Vec<u8>, Vec<u8>, Relay) {
    let mut relay = Relay::new(&inbound(caller), &target(provider), "a1", 7);
    let mut before = Vec::new();
    for event in provided(provider) {
        match relay.event(event).expect("no error") {
            Step::Piece { raw, .. } => before.extend(raw),
            Step::Nothing => {}
            Step::End => break,
        }
    }
    let end = relay.finish();
    (before, end, relay)
}

#[test]
fn c4_the_end_of_every_answer_waits_until_it_is_asked_for() {
    for (caller, provider) in PROTOCOLS.iter().flat_map(|c| PROTOCOLS.map(|p| (*c, p))) {
        let (before, end, relay) = relayed(caller, provider);
        let mut decoder = Decoder::new(caller, Quirks::default());
        for event in events(&before) {
            decoder.event(&event).expect("an event");
        }
        let is_over = |decoder: &Decoder| match caller {
            // A finish reason is no end: the mark is.
            Protocol::Openai => String::from_utf8_lossy(&before).contains("[DONE]"),
            _ => decoder.is_complete(),
        };
        assert!(!is_over(&decoder), "{caller:?} from {provider:?} ended before its end");
        for event in events(&end) {
            decoder.event(&event).expect("an event");
        }
        assert!(decoder.is_complete(), "{caller:?} from {provider:?} did not end");
        assert!(relay.is_complete());
        assert_eq!(
            (relay.usage().input, relay.usage().output),
            (Some(3), Some(2)),
            "{caller:?} from {provider:?}"
        );
        assert_eq!((relay.finish_reason(), relay.output_bytes()), (Some("stop"), 12));
    }
}

#[test]
fn every_caller_reads_the_same_answer_from_every_provider_under_the_name_it_asked_for() {
    for (caller, provider) in PROTOCOLS.iter().flat_map(|c| PROTOCOLS.map(|p| (*c, p))) {
        let (before, end, _) = relayed(caller, provider);
        let mut decoder = Decoder::new(caller, Quirks::default());
        let mut observed = Observed::default();
        let text: String = events(&[before, end].concat())
            .iter()
            .map(|event| observed.watch(&mut decoder, event).expect("an event").0)
            .collect();
        assert_eq!(text, "Buy nothing.", "{caller:?} from {provider:?}");
        // Gemini's own answers name the version that served, whatever was asked for.
        let named =
            if (caller, provider) == (Protocol::Gemini, Protocol::Gemini) { "served" } else { "asked" };
        assert_eq!(observed.served.as_deref(), Some(named), "{caller:?} from {provider:?}");
    }
}

#[test]
fn a_whole_answer_reaches_every_caller_from_every_provider() {
    let reply = Reply {
        id: Some("p1".into()),
        model: Some("served".into()),
        turn: crate::chat::Turn { text: "Buy nothing.".into(), ..Default::default() },
        finish: Some(Finish::Stop),
        usage: TokenUsage { input: Some(3), output: Some(2), ..TokenUsage::default() },
        ..Reply::default()
    };
    for (caller, provider) in PROTOCOLS.iter().flat_map(|c| PROTOCOLS.map(|p| (*c, p))) {
        let body = encode_reply(provider, &reply, Stamp { model: "served", ..stamp() });
        let relayed = whole(&inbound(caller), &target(provider), body, stamp()).expect("an answer");
        assert_eq!((relayed.text.as_str(), relayed.finish_reason.as_deref()), ("Buy nothing.", Some("stop")));
        assert_eq!(relayed.usage.output, Some(2));
        let read = decode_reply(caller, &relayed.body, Quirks::default()).expect("the caller's protocol");
        assert_eq!(read.turn.text, "Buy nothing.", "{caller:?} from {provider:?}");
        if caller != Protocol::Gemini {
            assert_eq!(read.model.as_deref(), Some("asked"), "{caller:?} from {provider:?}");
        }
    }
}

#[test]
fn the_same_protocol_passes_byte_by_byte() {
    for protocol in PROTOCOLS {
        let mut same = inbound(protocol);
        "served".clone_into(&mut same.model);
        let mut relay = Relay::new(&same, &target(protocol), "a1", 7);
        let provided = provided(protocol);
        let sent: Vec<u8> = provided.iter().flat_map(|event| event.raw.clone()).collect();
        let mut got = Vec::new();
        for event in provided {
            if let Step::Piece { raw, .. } = relay.event(event).expect("no error") {
                got.extend(raw);
            }
        }
        got.extend(relay.finish());
        // Chat completions report tokens only to a caller that asked for them.
        let without_usage = |bytes: &[u8]| {
            events(bytes)
                .into_iter()
                .filter(|event| !event.data.as_deref().unwrap_or_default().contains("\"choices\":[]"))
                .flat_map(|event| event.raw)
                .collect::<Vec<u8>>()
        };
        assert_eq!(got, without_usage(&sent), "{protocol:?}");
    }
}

#[test]
fn f6_an_answer_that_breaks_off_ends_with_an_error_in_the_callers_protocol() {
    for (caller, provider) in PROTOCOLS.iter().flat_map(|c| PROTOCOLS.map(|p| (*c, p))) {
        let mut relay = Relay::new(&inbound(caller), &target(provider), "a1", 7);
        let end = relay.fail(&Failure::new(Code::StreamCut, "It ended before its end."));
        let mut decoder = Decoder::new(caller, Quirks::default());
        let failed = events(&end).iter().find_map(|event| decoder.event(event).err());
        assert!(failed.is_some_and(|failure| failure.message.contains("before its end")), "{caller:?}");
        assert!(!relay.is_complete());
    }
}

#[test]
fn what_is_no_stream_says_what_it_is() {
    let stray = |body: &[u8]| stray(Protocol::Anthropic, Quirks::default(), "Main", body);
    let error = br#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#;
    assert_eq!(stray(error).code, Code::KeyRefused);
    let reply: Value = json!({
        "type": "message", "content": [{ "type": "text", "text": "hi" }], "stop_reason": "end_turn", "model": "m",
        "usage": { "input_tokens": 1, "output_tokens": 1 },
    });
    let failure = stray(reply.to_string().as_bytes());
    assert!(failure.message.contains("without one"), "{}", failure.message);
}
