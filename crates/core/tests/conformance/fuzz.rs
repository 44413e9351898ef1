//! Noise: bytes at random, and exchanges that were changed at random. Nothing panics, and nothing grows beyond what came in.
//! `PATCHBAY_FUZZ_CASES` says how many cases there are:
//! `PATCHBAY_FUZZ_CASES=100000 cargo test --release -p patchbay-core --test conformance fuzz -- --nocapture`.

use std::cell::Cell;

use patchbay_core::catalog::Quirks;
use patchbay_core::chat::{Delta, Reply};
use patchbay_core::dialect::takes::Parameters;
use patchbay_core::dialect::{Inbound, Target, anthropic, gemini, openai};
use patchbay_core::embeddings::EmbeddingsForm;
use patchbay_core::sse::Reader;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::dialects::{ALL, Dialect, LIMITS};
use crate::exchange::all;

const ROUTE: &str = "v1beta/models/gemini-2.5-flash:streamGenerateContent";

#[expect(clippy::disallowed_methods, reason = "the core reads no environment; its tests do")]
fn cases() -> u32 {
    std::env::var("PATCHBAY_FUZZ_CASES").map_or(200, |cases| cases.parse().expect("a number"))
}

/// Runs a check on so many random inputs, and tells how many calls of the code under test that came to.
fn run<T: std::fmt::Debug>(what: &str, inputs: impl Strategy<Value = T>, check: impl Fn(&T) -> u64) {
    let config = Config { cases: cases(), failure_persistence: None, ..Config::default() };
    let executions = Cell::new(0);
    let outcome = TestRunner::new(config).run(&inputs, |input| {
        executions.set(executions.get() + check(&input));
        Ok(())
    });
    println!("{what}: {} cases, {} executions", cases(), executions.get());
    outcome.unwrap_or_else(|error| panic!("{error}"));
    assert!(executions.get() >= u64::from(cases()));
}

#[test]
fn bytes_at_random() {
    run("bytes", vec(any::<u8>(), 0..300), |bytes| feed(bytes));
}

#[test]
fn exchanges_changed_at_random() {
    let corpus = corpus();
    println!("{} documents to change", corpus.len());
    let changes = vec(change(), 1..6);
    let inputs = (any::<Index>(), changes).prop_map(move |(index, changes)| {
        let mut documents = index.get(&corpus).clone();
        let bytes = changes.iter().filter_map(|change| change.apply(&mut documents)).collect::<Vec<_>>();
        bytes.into_iter().fold(written(&documents), |text, change| change.bytes(text))
    });
    run("changed exchanges", inputs, |bytes| feed(bytes));
}

/// The JSON documents of each exchange: a request, an answer, or the events of a stream. Longer ones only cost time.
fn corpus() -> Vec<Vec<Value>> {
    let mut corpus = Vec::new();
    for exchange in all() {
        let stream = exchange.stream().map(|lines| {
            lines.iter().take(12).filter_map(|line| serde_json::from_str(line).ok()).collect::<Vec<Value>>()
        });
        let answer = stream.unwrap_or_else(|| vec![exchange.json()]);
        let request = exchange.request().map(|body| vec![body.clone()]);
        corpus.extend([Some(answer), request].into_iter().flatten());
    }
    corpus.retain(|documents| {
        documents.iter().map(|document| document.to_string().len()).sum::<usize>() < 8_000
    });
    corpus
}

/// Several documents are a stream.
fn written(documents: &[Value]) -> Vec<u8> {
    match documents {
        [one] => one.to_string().into_bytes(),
        many => many.iter().map(|document| format!("data: {document}\n\n")).collect::<String>().into_bytes(),
    }
}

/// One change.
#[derive(Clone, Debug)]
enum Change {
    /// Something else at one place.
    Put(Index, Index, Value),
    /// A place without what was there.
    Remove(Index, Index),
    /// A piece of the document in another place: the protocol's own words, where nobody expects them.
    Graft(Index, Index, Index),
    /// Two documents in another order.
    Swap(Index, Index),
    /// The bytes end here.
    Cut(Index),
    /// One byte is another.
    Flip(Index, u8),
    /// A piece comes twice.
    Repeat(Index, u8),
}

fn change() -> impl Strategy<Value = Change> {
    let deep = (0..120).fold(json!({}), |inner, _| json!({ "a": [inner] }));
    let value = prop_oneof![
        select(vec![Value::Null, json!(true), json!(-1), json!(1.5), json!(u64::MAX), json!(1e300)]),
        select(vec![json!(""), json!("x"), json!("[DONE]"), json!([]), json!({}), json!([[]]), deep]),
        "\\PC{0,20}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
    ];
    let at = any::<Index>;
    prop_oneof![
        6 => (at(), at(), value).prop_map(|(one, two, value)| Change::Put(one, two, value)),
        3 => (at(), at()).prop_map(|(one, two)| Change::Remove(one, two)),
        3 => (at(), at(), at()).prop_map(|(one, two, three)| Change::Graft(one, two, three)),
        1 => (at(), at()).prop_map(|(one, two)| Change::Swap(one, two)),
        1 => at().prop_map(Change::Cut),
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Flip(at, byte)),
        1 => (at(), any::<u8>()).prop_map(|(at, length)| Change::Repeat(at, length)),
    ]
}

impl Change {
    /// Changes the documents, or gives itself back where it changes bytes.
    fn apply<'a>(&'a self, documents: &mut [Value]) -> Option<&'a Self> {
        if documents.is_empty() {
            return Some(self);
        }
        match self {
            Self::Put(one, two, value) => {
                visit(one.get_mut(documents), *two, &mut |place| *place = value.clone());
            }
            Self::Remove(one, two) => visit(one.get_mut(documents), *two, &mut |place| match place {
                Value::Object(fields) => {
                    let last = fields.keys().next_back().cloned();
                    last.map(|name| fields.remove(&name));
                }
                Value::Array(list) => drop(list.pop()),
                other => *other = Value::Null,
            }),
            Self::Graft(one, from, to) => {
                let document = one.get_mut(documents);
                let mut piece = Value::Null;
                visit(document, *from, &mut |place| piece = place.clone());
                visit(document, *to, &mut |place| *place = piece.clone());
            }
            Self::Swap(one, two) => documents.swap(one.index(documents.len()), two.index(documents.len())),
            bytes => return Some(bytes),
        }
        None
    }

    fn bytes(&self, mut text: Vec<u8>) -> Vec<u8> {
        if text.is_empty() {
            return text;
        }
        match self {
            Self::Cut(at) => text.truncate(at.index(text.len())),
            Self::Flip(at, byte) => *at.get_mut(&mut text) = *byte,
            Self::Repeat(at, length) => {
                let from = at.index(text.len());
                let to = (from + usize::from(*length)).min(text.len());
                let piece = text[from..to].to_vec();
                text.splice(from..from, piece);
            }
            _ => {}
        }
        text
    }
}

/// Changes one of the places of a document.
fn visit(document: &mut Value, place: Index, change: &mut dyn FnMut(&mut Value)) {
    let mut left = place.index(places(document));
    descend(document, &mut left, change);
}

fn places(value: &Value) -> usize {
    1 + match value {
        Value::Object(fields) => fields.values().map(places).sum(),
        Value::Array(list) => list.iter().map(places).sum(),
        _ => 0,
    }
}

/// Whether it is done.
fn descend(value: &mut Value, left: &mut usize, change: &mut dyn FnMut(&mut Value)) -> bool {
    if *left == 0 {
        change(value);
        return true;
    }
    *left -= 1;
    match value {
        Value::Object(fields) => fields.values_mut().any(|value| descend(value, left, change)),
        Value::Array(list) => list.iter_mut().any(|value| descend(value, left, change)),
        _ => false,
    }
}

/// Feeds bytes to everything that reads any, and answers how many readers that were.
fn feed(bytes: &[u8]) -> u64 {
    let each: u64 = ALL.iter().map(|dialect| feed_dialect(dialect, bytes)).sum();
    each + feed_lists(bytes)
}

fn feed_dialect(dialect: &Dialect, bytes: &[u8]) -> u64 {
    let mut executions = 4;
    if let Ok(request) = (dialect.decode_request)(ROUTE, bytes) {
        for target in ALL {
            executions += 1;
            let _ = target.encode_request(&request, Quirks::default());
        }
    }
    if let Ok(reply) = (dialect.decode_reply)(bytes, Quirks::default()) {
        check_growth(dialect, &reply, bytes);
        for target in ALL {
            executions += 1;
            let _ = (target.encode_reply)(&reply);
        }
    }
    for status in [200, 400] {
        let failure = dialect.failure(status, None, bytes);
        assert!(failure.message.chars().count() <= 601, "{}", failure.message);
    }
    executions + feed_stream(dialect, bytes) + feed_stream(dialect, &[b"data: ", bytes, b"\n\n"].concat())
}

/// Through the reader of events, a decoder, and an encoder of each protocol.
fn feed_stream(dialect: &Dialect, bytes: &[u8]) -> u64 {
    let mut reader = Reader::default();
    let mut decoder = dialect.decoder(Quirks::default());
    let (mut deltas, mut raw, mut executions) = (Vec::<Delta>::new(), 0, 1);
    for piece in bytes.chunks(64) {
        assert!(reader.push(piece).is_ok());
        while let Some(event) = reader.next_event() {
            raw += event.raw.len();
            executions += 1;
            deltas.extend(decoder.event(&event).unwrap_or_default());
        }
    }
    if let Some(event) = reader.finish() {
        raw += event.raw.len();
        deltas.extend(decoder.event(&event).unwrap_or_default());
    }
    assert!(raw <= bytes.len(), "an event is made of what came");
    check_growth(dialect, &deltas.iter().cloned().collect(), bytes);
    for target in ALL {
        executions += 1;
        let _ = target.encode_stream(&deltas);
    }
    executions
}

/// What is told is what came, and a few words of Patchbay's own.
fn check_growth(dialect: &Dialect, reply: &Reply, bytes: &[u8]) {
    let calls: usize = reply.turn.tool_calls.iter().map(|call| call.arguments.len() + call.id.len()).sum();
    let told = reply.turn.text.len() + reply.reasoning.len() + calls;
    assert!(told <= 4 * bytes.len() + 64, "{}: {told} bytes told of {}", dialect.name, bytes.len());
}

fn feed_lists(bytes: &[u8]) -> u64 {
    let _ = openai::decode_models(bytes);
    let _ = anthropic::decode_models(bytes);
    let _ = gemini::decode_models(bytes);
    let _ = openai::decode_reply(bytes, Quirks::default());
    let _ = openai::decode_embeddings(bytes, Quirks::default());
    let _ = openai::decode_embeddings_request(bytes);
    let _ = openai::unspoken_fields(bytes);
    let _ = gemini::decode_embeddings(bytes);
    let _ = gemini::decode_embeddings_request(bytes, "m", EmbeddingsForm::One);
    let _ = gemini::decode_embeddings_request(bytes, "m", EmbeddingsForm::Batch);
    for dialect in ALL {
        let target = Target {
            protocol: dialect.protocol,
            model: "m",
            quirks: Quirks::default(),
            limits: LIMITS,
            untaken: Parameters::NONE,
        };
        let _ = Inbound::read(dialect.protocol, bytes)
            .and_then(|inbound| inbound.for_provider(&target, |_| None));
    }
    let mut decoder = openai::StreamDecoder::new(Quirks::default());
    let text = String::from_utf8_lossy(bytes);
    for line in text.lines() {
        let _ = decoder.event(Some(line.strip_prefix("data: ").unwrap_or(line)));
    }
    15
}
