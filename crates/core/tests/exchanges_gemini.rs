#![cfg(test)]
//! Every recorded exchange with Gemini, through the dialect and back.

mod recorded;

use patchbay_core::chat::{ChatRequest, Delivery, Finish};
use patchbay_core::code::Code;
use patchbay_core::dialect::gemini::{
    Decoder, EmbeddingsForm, Encoder, decode_embeddings, decode_embeddings_request, decode_models,
    decode_reply, decode_request, encode, encode_embeddings, encode_embeddings_request, encode_reply,
    failure,
};
use patchbay_core::dialect::models::ModelLimits;
use patchbay_core::dialect::{Encoded, Failure};
use patchbay_core::usage::TokenUsage;
use recorded::{Exchange, Told, events, exchanges, feed, sum, with_plain_numbers};
use serde_json::{Value, json};

/// What becomes of a request.
enum Asked {
    /// It was not recorded, or speaks another protocol.
    Unknown,
    /// It goes through the neutral form and comes out with the same meaning.
    Same,
    /// It cannot be said in another protocol, for this reason.
    Refused(&'static str),
    Embeddings,
}

/// What an answer is.
enum Answer {
    Reply(Finish),
    Stream(Finish),
    Error(Code, Option<u64>),
    /// A 200 that is an error.
    Blocked(&'static str),
    Models(usize),
    Vectors(usize),
    /// Another method's or protocol's, which is no reply.
    Other,
}
use Answer::{Blocked, Error, Models, Other, Reply, Stream, Vectors};
use Asked::{Embeddings, Refused, Same, Unknown};

/// Read off each file by hand.
fn table() -> Vec<(&'static str, Asked, Answer)> {
    vec![
        ("count-tokens", Refused("generateContentRequest"), Other),
        ("embed", Embeddings, Vectors(1)),
        ("err-400-key", Same, Error(Code::KeyRefused, None)),
        ("err-400-stream", Same, Error(Code::KeyRefused, None)),
        ("err-404-count", Same, Error(Code::ModelNotFound, None)),
        ("err-429-daily-quota", Unknown, Error(Code::QuotaExhausted, None)),
        ("err-429-quota", Refused("text/plain"), Error(Code::RateLimited, None)),
        ("err-429-retry-info", Unknown, Error(Code::RateLimited, Some(34_400))),
        ("err-503-overloaded", Unknown, Error(Code::Overloaded, None)),
        ("generate-cached", Refused("google_search"), Reply(Finish::Stop)),
        ("generate-max-tokens", Same, Reply(Finish::Length)),
        ("generate-plain", Same, Reply(Finish::Stop)),
        ("generate-prompt-blocked", Unknown, Blocked("PROHIBITED_CONTENT")),
        ("generate-safety", Refused("safetySettings"), Reply(Finish::ContentFilter)),
        ("generate-schema", Same, Reply(Finish::ToolCalls)),
        ("generate-system", Same, Reply(Finish::Stop)),
        ("generate-thinking", Refused("audio/x-wav"), Reply(Finish::Stop)),
        ("generate-tool-result", Same, Reply(Finish::Stop)),
        ("generate-tools", Same, Reply(Finish::ToolCalls)),
        ("generate-vision", Same, Reply(Finish::Stop)),
        ("models-list", Unknown, Models(45)),
        ("openai-compat-chat", Refused("messages"), Other),
        ("stream-plain", Same, Stream(Finish::Stop)),
        ("stream-thinking", Refused("includeServerSideToolInvocations"), Stream(Finish::Stop)),
        ("stream-thought-signature", Unknown, Stream(Finish::Stop)),
        ("stream-tools", Same, Stream(Finish::ToolCalls)),
    ]
}

#[test]
fn every_recorded_exchange_goes_through() {
    let Some(recorded) = exchanges("gemini") else {
        println!("gemini: skipped, there are no recorded exchanges");
        return;
    };
    let (table, mut checked) = (table(), 0);
    for exchange in &recorded {
        if let Some((_, asked, answer)) = table.iter().find(|(name, ..)| *name == exchange.name) {
            check_request(exchange, asked);
            check_answer(exchange, answer);
            checked += 1;
        }
    }
    println!("gemini: {checked} of {} recorded exchanges", recorded.len());
    assert_eq!(checked, recorded.len(), "a recording has no row in the table: read it and add one");
}

fn check_request(exchange: &Exchange, asked: &Asked) {
    let name = &exchange.name;
    let Some(body) = &exchange.request else {
        return assert!(matches!(asked, Unknown), "{name}");
    };
    let bytes = body.to_string().into_bytes();
    let same = |encoded: &Encoded| {
        assert_eq!(encoded.notices, Vec::<String>::new(), "{name}");
        let written = serde_json::from_slice(&encoded.body).expect(name);
        assert_eq!(normal(written), normal(body.clone()), "{name}");
    };
    match asked {
        Unknown => panic!("{name} has a request"),
        Refused(why) => {
            let failure = decoded(exchange, &bytes).expect_err(name);
            assert_eq!(failure.code, Code::BadRequest, "{name}");
            assert!(failure.message.contains(why), "{name}: {}", failure.message);
        }
        Same => {
            let encoded =
                encode(&decoded(exchange, &bytes).expect(name), ModelLimits::default()).expect(name);
            if !exchange.path.ends_with("countTokens") {
                assert_eq!(format!("v1beta/{}", encoded.route), exchange.path, "{name}");
            }
            same(&encoded);
        }
        Embeddings => {
            let neutral =
                decode_embeddings_request(&bytes, model(exchange), EmbeddingsForm::Batch).expect(name);
            let encoded = encode_embeddings_request(&neutral).expect(name);
            assert_eq!(format!("v1beta/{}", encoded.route), exchange.path, "{name}");
            same(&encoded);
        }
    }
}

fn decoded(exchange: &Exchange, body: &[u8]) -> Result<ChatRequest, Failure> {
    let is_streamed = exchange.path.contains(":streamGenerateContent");
    decode_request(body, model(exchange), if is_streamed { Delivery::Streamed } else { Delivery::Whole })
}

/// From the path.
fn model(exchange: &Exchange) -> &str {
    exchange.path.rsplit('/').next().and_then(|last| last.split(':').next()).expect("a model")
}

/// The same request in one form of several: names in camel case, schemas in JSON schema's spelling and under one name, base64
/// in its first alphabet; without the role of the instructions, the ids of calls, and what asks for text only.
fn normal(value: Value) -> Value {
    let mut body = spelled(with_plain_numbers(value));
    let fields = body.as_object_mut().expect("an object");
    for (field, inner) in [("systemInstruction", "role"), ("generationConfig", "responseModalities")] {
        if let Some(object) = fields.get_mut(field).and_then(Value::as_object_mut) {
            object.remove(inner);
        }
    }
    if fields.get("generationConfig") == Some(&json!({})) {
        fields.remove("generationConfig");
    }
    body
}

fn spelled(value: Value) -> Value {
    let camel = |name: &str| match name {
        "parameters" | "parameters_json_schema" => "parametersJsonSchema".to_owned(),
        "thinking_budget" => "thinkingBudget".to_owned(),
        other => other.to_owned(),
    };
    let field = |(name, value): (String, Value)| match (name.as_str(), value) {
        ("type", Value::String(kind)) => (name, kind.to_lowercase().into()),
        ("data", Value::String(data)) => (name, data.replace('-', "+").replace('_', "/").into()),
        ("functionCall" | "functionResponse", Value::Object(mut call)) => {
            call.remove("id");
            (name, Value::Object(call))
        }
        (_, value) => (camel(&name), spelled(value)),
    };
    match value {
        Value::Array(values) => values.into_iter().map(spelled).collect(),
        Value::Object(fields) => Value::Object(fields.into_iter().map(field).collect()),
        other => other,
    }
}

fn check_answer(exchange: &Exchange, answer: &Answer) {
    let name = &exchange.name;
    let body = exchange.body();
    match answer {
        Reply(finish) => check_reply(exchange, finish),
        Stream(finish) => check_stream(exchange, finish),
        Error(code, wait) => {
            let failure = failure(exchange.status, exchange.retry_after_ms(), &body);
            assert_eq!((failure.code, failure.retry_after_ms), (*code, *wait), "{name}");
            assert_eq!(failure.message, exchange.json()["error"]["message"], "{name}");
        }
        Blocked(why) => {
            let failure = decode_reply(&body).expect_err(name);
            assert_eq!(failure.code, Code::ContentFiltered, "{name}");
            assert!(failure.message.contains(why), "{name}: {}", failure.message);
        }
        Models(count) => check_models(exchange, *count),
        Vectors(count) => {
            let embeddings = decode_embeddings(&body).expect(name);
            assert_eq!(embeddings.vectors.len(), *count, "{name}");
            let written = encode_embeddings(&embeddings, EmbeddingsForm::Batch);
            assert_eq!(serde_json::from_slice::<Value>(&written).expect(name), exchange.json(), "{name}");
        }
        Other => assert_eq!(decode_reply(&body).expect_err(name).code, Code::MalformedAnswer, "{name}"),
    }
}

/// Those that answer or embed, without the folder in their names.
fn check_models(exchange: &Exchange, count: usize) {
    let page = decode_models(&exchange.body()).expect("a list");
    let list = exchange.json();
    let answers = |model: &&Value| {
        let methods = model["supportedGenerationMethods"].to_string();
        methods.contains("\"generateContent\"") || methods.contains("\"embedContent\"")
    };
    let listed: Vec<&Value> = list["models"].as_array().expect("models").iter().filter(answers).collect();
    assert_eq!((page.models.len(), listed.len()), (count, count));
    assert_eq!(json!(page.next), list["nextPageToken"]);
    for (model, listed) in page.models.iter().zip(listed) {
        assert_eq!(format!("models/{}", model.id), listed["name"]);
        assert_eq!(json!(model.context_window), listed["inputTokenLimit"]);
        assert_eq!(json!(model.max_output), listed["outputTokenLimit"]);
    }
}

fn check_reply(exchange: &Exchange, finish: &Finish) {
    let name = &exchange.name;
    let body = exchange.json();
    let reply = decode_reply(&exchange.body()).expect(name);
    assert_eq!(Told::of_reply(&reply), expected(std::slice::from_ref(&body), finish), "{name}");
    assert_eq!(
        [json!(reply.id), json!(reply.model)],
        [&body["responseId"], &body["modelVersion"]].map(Value::clone)
    );
    let written = encode_reply(&reply, reply.model.as_deref().expect("a model"));
    assert_eq!(decode_reply(&written).expect(name), reply, "{name}: written and read again");
}

/// From the parts themselves, over all events.
fn expected(answers: &[Value], finish: &Finish) -> Told {
    let parts: Vec<&Value> = answers
        .iter()
        .flat_map(|answer| answer["candidates"][0]["content"]["parts"].as_array().into_iter().flatten())
        .collect();
    let text = |thought: bool| {
        let is_wanted = |part: &&&Value| (part["thought"] == true) == thought;
        parts.iter().filter(is_wanted).filter_map(|part| part["text"].as_str()).collect()
    };
    let calls = parts.iter().map(|part| &part["functionCall"]).filter(|call| call.is_object());
    let is_kept = |part: &&&Value| part["functionCall"].is_null() && !part["thoughtSignature"].is_null();
    let usage = &answers.last().expect("an answer")["usageMetadata"];
    Told {
        text: text(false),
        reasoning: text(true),
        refusal: None,
        calls: calls
            .map(|call| (call["name"].as_str().expect("a name").to_owned(), call["args"].clone()))
            .collect(),
        finish: Some(finish.clone()),
        usage: TokenUsage {
            input: sum(usage, &["promptTokenCount", "toolUsePromptTokenCount"]),
            output: sum(usage, &["candidatesTokenCount", "thoughtsTokenCount"]).or(Some(0)),
            cached: sum(usage, &["cachedContentTokenCount"]),
            cache_write: None,
            reasoning: sum(usage, &["thoughtsTokenCount"]),
            reported_cost: None,
        },
        opaque: parts.iter().filter(is_kept).map(|part| (*part).clone()).collect(),
    }
}

fn check_stream(exchange: &Exchange, finish: &Finish) {
    let name = &exchange.name;
    let stream = exchange.body();
    let expected = expected(&exchange.data(), finish);
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
    let mut encoder = Encoder::new("a-model", "an-id");
    let mut written: Vec<u8> = deltas.iter().flat_map(|delta| encoder.delta(delta)).collect();
    written.extend(encoder.finish());
    let mut decoder = Decoder::default();
    let (deltas, failure) = feed(&events(&written, written.len()), |event| decoder.event(event));
    assert_eq!((failure, decoder.is_complete()), (None, true), "{name} written again");
    assert_eq!(&Told::of_deltas(&deltas), expected, "{name} written again");
}
