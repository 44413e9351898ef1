//! What every dialect must do with every exchange.

use patchbay_core::catalog::Quirks;
use patchbay_core::chat::{Finish, Reply};
use patchbay_core::code::Code;
use patchbay_core::sse::Event;
use patchbay_core::usage::TokenUsage;
use serde_json::Value;

use crate::claim::{self, Claim};
use crate::dialects::{ALL, Dialect, OPENAI, Outcome};
use crate::exchange::{Exchange, events};
use crate::table::{Asked, Line};
use crate::{embeddings, errors, lists, pass_through, reading};

/// Requests that are refused, and the words of the refusal.
const REFUSED: [(&str, &str); 10] = [
    ("anthropic/err-400", "Invalid content"),
    ("anthropic/messages-tool-result", "container_upload"),
    ("gemini/count-tokens", "generateContentRequest"),
    ("gemini/err-429-quota", "text/plain"),
    ("gemini/generate-cached", "google_search"),
    ("gemini/generate-safety", "safetySettings"),
    ("gemini/generate-thinking", "audio/x-wav"),
    ("gemini/stream-thinking", "includeServerSideToolInvocations"),
    ("openai/err-400-param", "`messages[1].content[0].type` is missing"),
    ("openrouter/chat-plain", "`messages[0].content[1]` is of type `file`"),
];

/// Runs the check that an exchange is for.
pub fn check(exchange: &Exchange) -> Line {
    let (dialect, claim) = (claim::dialect(exchange), Claim::of(exchange));
    match claim {
        Claim::Reply => check_reply(dialect, exchange),
        Claim::Stream => check_stream(dialect, exchange),
        Claim::Error => errors::check(dialect, exchange),
        Claim::Embeddings => embeddings::check_answer(dialect, exchange),
        Claim::Models => lists::check(dialect, exchange),
        Claim::Count | Claim::Foreign(_) => check_no_answer(exchange, &ALL),
    }
    let asked = check_request(dialect, exchange, claim);
    Line { provider: exchange.provider.clone(), claim, asked }
}

/// The request means the same after a journey through the neutral form, or is refused by name.
fn check_request(dialect: &Dialect, exchange: &Exchange, claim: Claim) -> Asked {
    let (name, path) = (&exchange.name, exchange.path());
    let Some(body) = exchange.request() else { return Asked::Unknown };
    if matches!(claim, Claim::Foreign(_)) || path.starts_with("api/chat") {
        return Asked::Foreign;
    }
    if path.ends_with("/embeddings") || path.ends_with(":batchEmbedContents") {
        embeddings::check_request(dialect, exchange, body);
        return Asked::Same;
    }
    let bytes = body.to_string().into_bytes();
    let neutral = (dialect.decode_request)(path, &bytes);
    if let Some((_, words)) = REFUSED.iter().find(|(refused, _)| refused == name) {
        let failure = neutral.expect_err(name);
        assert_eq!(failure.code, Code::BadRequest, "{name}");
        assert!(failure.message.contains(words), "{name}: {}", failure.message);
        return Asked::Refused;
    }
    let neutral = neutral.unwrap_or_else(|failure| panic!("{name}: {}", failure.message));
    let encoded = dialect.encode_request(&neutral, exchange.quirks()).expect(name);
    assert_eq!(encoded.notices, Vec::<String>::new(), "{name}");
    let is_count = path.ends_with("count_tokens") || path.ends_with(":countTokens");
    assert!(
        path.split('?').next() == encoded.route.split('?').next()
            || path.contains(&encoded.route)
            || is_count,
        "{name}: {}",
        encoded.route
    );
    let written: Value = serde_json::from_slice(&encoded.body).expect("JSON");
    assert_eq!((dialect.meaning)(&written), (dialect.meaning)(body), "{name}");
    let unspoken = (dialect.unspoken)(&bytes);
    let known = reading::chat_request::UNSPOKEN;
    assert!(unspoken.iter().all(|field| known.contains(&field.as_str())), "{name}: {unspoken:?}");
    Asked::Same
}

/// A whole answer says what its JSON says, also to a caller; to the other dialects it is no answer.
fn check_reply(dialect: &Dialect, exchange: &Exchange) {
    let name = &exchange.name;
    let reply = (dialect.decode_reply)(&exchange.answer(), exchange.quirks())
        .unwrap_or_else(|failure| panic!("{name}: {}", failure.message));
    assert_eq!(reply, (dialect.said)(exchange), "{name}");
    let again = (dialect.decode_reply)(&(dialect.encode_reply)(&reply), Quirks::default()).expect(name);
    assert_eq!(told(again), told(reply.clone()), "{name}, for a caller");
    check_beside(dialect, exchange, &reply);
    let others: Vec<&Dialect> = ALL.into_iter().filter(|other| other.name != dialect.name).collect();
    check_no_answer(exchange, &others);
}

/// A stream says what its events say: whole, byte by byte, cut anywhere, and to a caller.
fn check_stream(dialect: &Dialect, exchange: &Exchange) {
    let (name, bytes) = (&exchange.name, exchange.answer());
    let (said, end) = (dialect.streamed)(exchange, &exchange.stream().expect("a stream"));
    let whole = dialect.decode_stream(&events(&bytes, usize::MAX), exchange.quirks());
    assert!(whole.failure.is_none() && whole.is_complete, "{name}: {:?}", whole.failure);
    assert_eq!(whole.reply(), said, "{name}");
    for length in [1, 7] {
        let pieces = dialect.decode_stream(&events(&bytes, length), exchange.quirks());
        assert_eq!(pieces.deltas, whole.deltas, "{name} in pieces of {length}");
    }
    check_cuts(dialect, exchange, &whole, end.expect(name));
    let again = dialect.encode_stream(&whole.deltas);
    let again = dialect.decode_stream(&events(&again, usize::MAX), Quirks::default());
    assert!(again.is_complete, "{name}, for a caller");
    assert_eq!(told(again.reply()), told(whole.reply()), "{name}, for a caller");
    check_beside(dialect, exchange, &said);
}

/// Cut after each event: what came is a beginning of the whole, and it is complete only after its end.
fn check_cuts(dialect: &Dialect, exchange: &Exchange, whole: &Outcome, end: usize) {
    let events: Vec<Event> =
        events(&exchange.answer(), usize::MAX).into_iter().filter(|event| event.data.is_some()).collect();
    for length in 0..events.len() {
        let part = dialect.decode_stream(&events[..length], exchange.quirks());
        assert!(part.failure.is_none(), "{}: cut after {length}", exchange.name);
        assert!(whole.deltas.starts_with(&part.deltas), "{}: cut after {length}", exchange.name);
        assert_eq!(part.is_complete, length >= end, "{}: cut after {length} of {end}", exchange.name);
    }
}

/// What else reads the same answer: the bytes' own way through, and whoever wrote it by hand.
fn check_beside(dialect: &Dialect, exchange: &Exchange, said: &Reply) {
    if dialect.name == OPENAI.name {
        pass_through::check(exchange, said);
    }
    if let Some(expect) = exchange.expect() {
        crate::expect::check(&exchange.name, expect, said);
    }
}

/// An answer of another method or protocol is no answer, and none of its words are taken for one.
fn check_no_answer(exchange: &Exchange, dialects: &[&Dialect]) {
    for dialect in dialects {
        let (name, bytes) = (format!("{} to {}", exchange.name, dialect.name), exchange.answer());
        let failure = (dialect.decode_reply)(&bytes, exchange.quirks()).expect_err(&name);
        assert_eq!(failure.code, Code::MalformedAnswer, "{name}");
        let outcome = dialect.decode_stream(&events(&bytes, usize::MAX), exchange.quirks());
        assert_eq!(outcome.reply().turn.text, "", "{name}");
    }
}

/// What a caller is told of an answer: no price, an id and a model of Patchbay's (a stream has to name a thought before it
/// has its id), and where a
/// provider said nothing, 0 and a plain end.
fn told(mut reply: Reply) -> Reply {
    for block in reply.turn.opaque.iter_mut().filter(|block| block["type"] == "reasoning") {
        block["id"] = Value::Null;
    }
    let TokenUsage { input, output, cached, cache_write, reasoning, .. } = reply.usage;
    let or_none = |tokens: Option<u64>| tokens.or(Some(0));
    let usage = TokenUsage {
        input,
        output,
        cached: or_none(cached),
        cache_write: or_none(cache_write),
        reasoning: or_none(reasoning),
        reported_cost: None,
    };
    let finish = reply.finish.or(Some(Finish::Stop));
    Reply { id: None, model: None, finish, usage, ..reply }
}
