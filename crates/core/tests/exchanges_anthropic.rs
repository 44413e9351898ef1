#![cfg(test)]
//! Every recorded exchange with Anthropic, through the dialect and back.

mod recorded;

use patchbay_core::chat::Finish;
use patchbay_core::code::Code;
use patchbay_core::dialect::anthropic::{
    Decoder, Encoder, decode_models, decode_reply, decode_request, encode, encode_reply, failure,
};
use patchbay_core::dialect::models::ModelLimits;
use patchbay_core::usage::TokenUsage;
use recorded::{Exchange, Told, events, exchanges, feed, sum, with_plain_numbers};
use serde_json::{Map, Value, json};

/// What becomes of a request.
enum Asked {
    /// It was not recorded.
    Unknown,
    /// It goes through the neutral form and comes out with the same meaning.
    Same,
    /// It cannot be said in another protocol, for this reason.
    Refused(&'static str),
}

/// What an answer is.
enum Answer {
    Reply(Finish),
    Stream(Finish),
    /// A stream that fails after this text.
    Broken(&'static str, Code),
    Error(Code, Option<u64>),
    Models(usize),
    /// Another method's, which is no reply.
    Other,
}

use Answer::{Broken, Error, Models, Other, Reply, Stream};
use Asked::{Refused, Same, Unknown};

/// Read off each file by hand.
fn table() -> Vec<(&'static str, Asked, Answer)> {
    vec![
        ("count-tokens", Same, Other),
        ("err-400", Refused("Invalid content"), Error(Code::BadRequest, None)),
        ("err-401", Same, Error(Code::KeyRefused, None)),
        ("err-402-billing", Unknown, Error(Code::QuotaExhausted, None)),
        ("err-404-model", Same, Error(Code::ModelNotFound, None)),
        ("err-429-rate-limit", Unknown, Error(Code::RateLimited, Some(21_000))),
        ("err-529-overloaded", Unknown, Error(Code::Overloaded, None)),
        ("messages-cache-write", Same, Reply(Finish::Stop)),
        ("messages-cached", Same, Reply(Finish::Length)),
        ("messages-cached-stream", Same, Stream(Finish::Length)),
        ("messages-max-tokens", Same, Reply(Finish::Length)),
        ("messages-plain", Same, Reply(Finish::Stop)),
        ("messages-plain-ratelimit-headers", Same, Reply(Finish::Stop)),
        ("messages-refusal", Unknown, Reply(Finish::ContentFilter)),
        ("messages-stop-sequence", Same, Reply(Finish::Stop)),
        ("messages-stream", Same, Stream(Finish::Stop)),
        ("messages-structured-output", Same, Reply(Finish::Stop)),
        ("messages-thinking", Same, Reply(Finish::Stop)),
        ("messages-thinking-stream", Same, Stream(Finish::Stop)),
        ("messages-tool-result", Refused("container_upload"), Reply(Finish::Stop)),
        ("messages-tools", Same, Reply(Finish::ToolCalls)),
        ("messages-tools-stream", Same, Stream(Finish::ToolCalls)),
        ("messages-vision", Same, Reply(Finish::Stop)),
        ("models-list", Unknown, Models(11)),
        ("stream-error-overloaded", Unknown, Broken("Hel", Code::Overloaded)),
    ]
}

#[test]
fn every_recorded_exchange_goes_through() {
    let Some(recorded) = exchanges("anthropic") else {
        println!("anthropic: skipped, there are no recorded exchanges");
        return;
    };
    let table = table();
    let mut checked = 0;
    for exchange in &recorded {
        if let Some((_, asked, answer)) = table.iter().find(|(name, ..)| *name == exchange.name) {
            check_request(exchange, asked);
            check_answer(exchange, answer);
            checked += 1;
        }
    }
    println!("anthropic: {checked} of {} recorded exchanges", recorded.len());
    assert_eq!(checked, recorded.len(), "a recording has no row in the table: read it and add one");
}

fn check_request(exchange: &Exchange, asked: &Asked) {
    let name = &exchange.name;
    let Some(body) = &exchange.request else {
        return assert!(matches!(asked, Unknown), "{name}");
    };
    let neutral = decode_request(body.to_string().as_bytes());
    match asked {
        Unknown => panic!("{name} has a request"),
        Refused(why) => {
            let failure = neutral.expect_err(name);
            assert_eq!(failure.code, Code::BadRequest, "{name}");
            assert!(failure.message.contains(why), "{name}: {}", failure.message);
        }
        Same => {
            let encoded =
                encode(&neutral.expect(name), ModelLimits { max_output: Some(64_000) }).expect(name);
            assert_eq!(encoded.notices, Vec::<String>::new(), "{name}");
            assert!(exchange.path.starts_with(&encoded.route), "{name}");
            let written = serde_json::from_slice(&encoded.body).expect(name);
            assert_eq!(normal(&written), normal(body), "{name}");
        }
    }
}

/// The same request in one form of several: text as blocks, instructions as one text, the schema under its final name; no
/// marks for the cache, no `stream: false`, and the limit that a count of tokens leaves out.
fn normal(body: &Value) -> Value {
    let mut body = without_cache_marks(body.clone());
    let fields = body.as_object_mut().expect("an object");
    if let Some(system) = fields.get("system").and_then(Value::as_array) {
        let texts: Vec<&str> = system.iter().filter_map(|block| block["text"].as_str()).collect();
        let joined = texts.join("\n\n");
        fields.insert("system".into(), joined.into());
    }
    if let Some(format) = fields.remove("output_format") {
        fields.insert("output_config".into(), json!({ "format": format }));
    }
    if fields.get("stream") == Some(&false.into()) {
        fields.remove("stream");
    }
    fields.entry("max_tokens").or_insert(64_000.into());
    for message in fields["messages"].as_array_mut().expect("messages") {
        if let Some(text) = message["content"].as_str() {
            message["content"] = json!([{ "type": "text", "text": text }]);
        }
    }
    with_plain_numbers(body)
}

fn without_cache_marks(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(without_cache_marks).collect(),
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(name, _)| name != "cache_control");
            Value::Object(kept.map(|(name, value)| (name, without_cache_marks(value))).collect())
        }
        other => other,
    }
}

fn check_answer(exchange: &Exchange, answer: &Answer) {
    let name = &exchange.name;
    let body = exchange.body();
    match answer {
        Reply(finish) => check_reply(exchange, finish),
        Stream(finish) => check_stream(exchange, finish),
        Broken(text, code) => {
            for size in [body.len(), 1] {
                let mut decoder = Decoder::default();
                let (deltas, failure) = feed(&events(&body, size), |event| decoder.event(event));
                assert_eq!(Told::of_deltas(&deltas).text, *text, "{name}");
                assert_eq!((failure.expect(name).code, decoder.is_complete()), (*code, false), "{name}");
            }
        }
        Error(code, wait) => {
            let failure = failure(exchange.status, exchange.retry_after_ms(), &body);
            assert_eq!((failure.code, failure.retry_after_ms), (*code, *wait), "{name}");
            assert_eq!(failure.message, exchange.json()["error"]["message"], "{name}");
        }
        Models(count) => {
            let page = decode_models(&body).expect(name);
            let list = exchange.json();
            let listed = list["data"].as_array().expect("a list");
            assert_eq!((page.models.len(), page.next), (*count, None), "{name}");
            for (model, listed) in page.models.iter().zip(listed) {
                assert_eq!(model.id, listed["id"], "{name}");
                assert_eq!(json!(model.context_window), listed["max_input_tokens"], "{name}");
                assert_eq!(json!(model.max_output), listed["max_tokens"], "{name}");
            }
        }
        Other => assert_eq!(decode_reply(&body).expect_err(name).code, Code::MalformedAnswer, "{name}"),
    }
}

fn check_reply(exchange: &Exchange, finish: &Finish) {
    let name = &exchange.name;
    let body = exchange.json();
    let reply = decode_reply(&exchange.body()).expect(name);
    let told = Told::of_reply(&reply);
    let blocks = body["content"].as_array().expect("blocks");
    assert_eq!(told, expected(blocks, finish, &body["stop_details"], &body["usage"]), "{name}");
    assert_eq!((json!(reply.id), json!(reply.model)), (body["id"].clone(), body["model"].clone()), "{name}");

    let again = decode_reply(&encode_reply(&reply, reply.model.as_deref().expect("a model"))).expect(name);
    let known = |usage: TokenUsage| (usage.input, usage.output, usage.reasoning);
    assert_eq!(known(again.usage), known(reply.usage), "{name}");
    assert_eq!(
        patchbay_core::chat::Reply { usage: reply.usage, ..again },
        reply,
        "{name}: written and read again"
    );
}

/// From the blocks themselves.
fn expected(blocks: &[Value], finish: &Finish, details: &Value, usage: &Value) -> Told {
    let is = |kind: &'static str| blocks.iter().filter(move |block| block["type"] == kind);
    let text = |kind, field: &str| is(kind).filter_map(|block| block[field].as_str()).collect();
    let call = |block: &Value| (block["name"].as_str().expect("a name").to_owned(), block["input"].clone());
    let kept = blocks.iter().filter(|block| block["type"] != "text" && block["type"] != "tool_use");
    Told {
        text: text("text", "text"),
        reasoning: text("thinking", "thinking"),
        refusal: details["explanation"].as_str().map(str::to_owned),
        calls: is("tool_use").map(call).collect(),
        finish: Some(finish.clone()),
        usage: TokenUsage {
            input: sum(usage, &["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"]),
            output: sum(usage, &["output_tokens"]),
            cached: sum(usage, &["cache_read_input_tokens"]),
            cache_write: sum(usage, &["cache_creation_input_tokens"]),
            reasoning: None,
            reported_cost: None,
        },
        opaque: kept.cloned().collect(),
    }
}

fn check_stream(exchange: &Exchange, finish: &Finish) {
    let name = &exchange.name;
    let stream = exchange.body();
    let (blocks, usage) = assembled(&exchange.data());
    let expected = expected(&blocks, finish, &Value::Null, &usage);
    for size in [stream.len(), 1, 7] {
        let mut decoder = Decoder::default();
        let (deltas, failure) = feed(&events(&stream, size), |event| decoder.event(event));
        assert_eq!((failure, decoder.is_complete()), (None, true), "{name}");
        assert_eq!(Told::of_deltas(&deltas), expected, "{name} in pieces of {size}");
    }
    let events = events(&stream, stream.len());
    for cut in 0..events.len() {
        let mut decoder = Decoder::default();
        let (_, failure) = feed(&events[..cut], |event| decoder.event(event));
        assert_eq!((failure, decoder.is_complete()), (None, false), "{name} cut at {cut}");
    }
    check_written_again(name, &stream, &expected);
}

/// Through the encoder and another decoder.
fn check_written_again(name: &str, stream: &[u8], expected: &Told) {
    let mut decoder = Decoder::default();
    let (deltas, _) = feed(&events(stream, stream.len()), |event| decoder.event(event));
    let mut encoder = Encoder::new("a-model", "msg_1");
    let mut written: Vec<u8> = deltas.iter().flat_map(|delta| encoder.delta(delta)).collect();
    written.extend(encoder.finish());
    let mut decoder = Decoder::default();
    let (deltas, failure) = feed(&events(&written, written.len()), |event| decoder.event(event));
    assert_eq!((failure, decoder.is_complete()), (None, true), "{name} written again");
    assert_eq!(&Told::of_deltas(&deltas), expected, "{name} written again");
}

/// The blocks and the usage that the events add up to.
fn assembled(data: &[Value]) -> (Vec<Value>, Value) {
    let mut blocks: Vec<Value> = Vec::new();
    let mut inputs: Vec<String> = Vec::new();
    let mut usage = Map::new();
    for event in data {
        let block = usize::try_from(event["index"].as_u64().unwrap_or(0)).expect("small");
        for reported in [&event["message"]["usage"], &event["usage"]] {
            usage.extend(reported.as_object().cloned().unwrap_or_default());
        }
        if event["type"] == "content_block_start" {
            blocks.push(event["content_block"].clone());
            inputs.push(String::new());
        }
        for field in ["text", "thinking", "signature"] {
            if let Some(piece) = event["delta"][field].as_str() {
                blocks[block][field] =
                    (blocks[block][field].as_str().expect("text").to_owned() + piece).into();
            }
        }
        if let Some(piece) = event["delta"]["partial_json"].as_str() {
            inputs[block] += piece;
        }
    }
    for (block, input) in blocks.iter_mut().zip(inputs).filter(|(_, input)| !input.is_empty()) {
        block["input"] = serde_json::from_str(&input).expect("JSON");
    }
    (blocks, usage.into())
}
