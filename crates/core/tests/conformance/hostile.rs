//! Answers that nobody should get, and requests that nobody should send: a typed failure each, and nothing else.

use patchbay_core::catalog::Quirks;
use patchbay_core::chat::Reply;
use patchbay_core::code::Code;
use patchbay_core::sse::{MAX_EVENT, Reader};
use serde_json::{Value, json};

use crate::claim::{self, Claim};
use crate::dialects::{ALL, Dialect};
use crate::exchange::{Exchange, events, written};

/// What a hostile or broken provider may put in the place of any value.
fn wrong() -> Vec<Value> {
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!("x"),
        json!(""),
        json!([]),
        json!({}),
        json!([{}]),
        json!({ "type": "x" }),
        deep,
    ]
}

/// A place in a JSON document.
fn places(value: &Value, path: &str, into: &mut Vec<String>) {
    into.push(path.to_owned());
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            places(value, &format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")), into);
        }),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| places(value, &format!("{path}/{at}"), into));
        }
        _ => {}
    }
}

/// The same document with something wrong at each of its places, and with each of its fields left out.
fn spoilt(document: &Value) -> Vec<String> {
    let mut all = Vec::new();
    let mut paths = Vec::new();
    places(document, "", &mut paths);
    for path in paths {
        for wrong in wrong() {
            let mut document = document.clone();
            *document.pointer_mut(&path).expect("a place") = wrong;
            all.push(document.to_string());
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or_default();
        let mut document = document.clone();
        if let Some(Value::Object(fields)) = document.pointer_mut(parent) {
            fields.remove(name);
            all.push(document.to_string());
        }
    }
    all
}

/// The classes that an answer of a provider may come to; none of them blames the caller's own side or the machine.
fn is_typed(code: Code) -> bool {
    use Code as C;
    matches!(
        code,
        C::MalformedAnswer
            | C::UpstreamFailed
            | C::BadRequest
            | C::ContentFiltered
            | C::KeyRefused
            | C::PermissionDenied
            | C::QuotaExhausted
            | C::RateLimited
            | C::ModelNotFound
            | C::ContextTooLong
            | C::Overloaded
            | C::TimedOut
    )
}

fn decode(dialect: &Dialect, body: &[u8]) -> Result<Reply, Code> {
    (dialect.decode_reply)(body, Quirks::default()).map_err(|failure| {
        assert!(!failure.message.is_empty() && failure.message.chars().count() <= 601, "{}", failure.message);
        failure.code
    })
}

fn stream(dialect: &Dialect, bytes: &[u8]) -> Result<bool, Code> {
    let outcome = dialect.decode_stream(&events(bytes, 4_096), Quirks::default());
    outcome.failure.map_or(Ok(outcome.is_complete), |failure| Err(failure.code))
}

fn written_by(claim: Claim) -> impl Iterator<Item = (Exchange, &'static Dialect)> {
    let all = written().into_iter().map(|exchange| (claim::dialect(&exchange), exchange));
    all.filter(move |(_, exchange)| Claim::of(exchange) == claim)
        .map(|(dialect, exchange)| (exchange, dialect))
}

#[test]
fn what_is_no_answer_is_a_typed_failure() {
    let nested = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    let bodies = [
        String::new(),
        " \n".into(),
        "null".into(),
        "true".into(),
        "7".into(),
        "1e999".into(),
        "\"answer\"".into(),
        "[]".into(),
        "{}".into(),
        "[[[[".into(),
        "<!DOCTYPE html><html><body>502 Bad Gateway</body></html>".into(),
        "{\"choices\":null,\"content\":null,\"candidates\":null,\"output\":null}".into(),
        nested("[", "]"),
        nested("{\"a\":", "}"),
        nested("{\"choices\":[", "]}"),
    ];
    for dialect in ALL {
        for body in &bodies {
            let shown = &body[..body.len().min(60)];
            let code = decode(dialect, body.as_bytes()).expect_err(shown);
            assert_eq!(code, Code::MalformedAnswer, "{}: {shown}", dialect.name);
            let failure = dialect.failure(500, None, body.as_bytes());
            assert_eq!(failure.code, Code::UpstreamFailed, "{}: {shown}", dialect.name);
            // As a stream it is cut, or its event is none; it never counts as an answer.
            for bytes in [body.clone(), format!("data: {body}\n\n")] {
                assert_ne!(stream(dialect, bytes.as_bytes()), Ok(true), "{}: {shown}", dialect.name);
            }
        }
    }
}

#[test]
fn a_truncated_answer_is_a_typed_failure_wherever_it_ends() {
    for (exchange, dialect) in written_by(Claim::Reply) {
        let body = exchange.answer();
        for end in 0..body.len() {
            let code = decode(dialect, &body[..end]).expect_err(&exchange.name);
            assert_eq!(code, Code::MalformedAnswer, "{} of {end} bytes", exchange.name);
        }
        let invalid: Vec<u8> = body.iter().map(|byte| if *byte == b'U' { 0xff } else { *byte }).collect();
        if invalid != body {
            assert_eq!(decode(dialect, &invalid), Err(Code::MalformedAnswer), "{}: no UTF-8", exchange.name);
        }
    }
}

#[test]
fn a_wrong_type_anywhere_in_an_answer_is_read_over_or_a_typed_failure() {
    let mut count = 0;
    for (exchange, dialect) in written_by(Claim::Reply) {
        for body in spoilt(&exchange.json()) {
            count += 1;
            if let Err(code) = decode(dialect, body.as_bytes()) {
                assert!(is_typed(code), "{}: {code:?} for {body}", exchange.name);
            }
        }
    }
    println!("{count} spoilt answers");
    assert!(count > 5_000);
}

#[test]
fn a_wrong_type_anywhere_in_a_stream_is_read_over_or_a_typed_failure() {
    let mut count = 0;
    for (exchange, dialect) in written_by(Claim::Stream) {
        let lines = exchange.stream().expect("a stream");
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| *line != "[DONE]") {
            for body in spoilt(&serde_json::from_str(line).expect("JSON")) {
                count += 1;
                let with = |(n, line): (usize, &String)| if n == at { body.clone() } else { line.clone() };
                let bytes: String =
                    lines.iter().enumerate().map(with).map(|line| format!("data: {line}\n\n")).collect();
                if let Err(code) = stream(dialect, bytes.as_bytes()) {
                    assert!(is_typed(code), "{}: {code:?} for {body}", exchange.name);
                }
            }
        }
    }
    println!("{count} spoilt streams");
    assert!(count > 5_000);
}

#[test]
fn a_wrong_type_anywhere_in_a_request_is_read_over_or_refused() {
    let mut count = 0;
    for exchange in written() {
        let dialect = claim::dialect(&exchange);
        let Some(body) = exchange.request() else { continue };
        for body in spoilt(body) {
            count += 1;
            match (dialect.decode_request)(exchange.path(), body.as_bytes()) {
                Ok(request) => drop(dialect.encode_request(&request, exchange.quirks())),
                Err(failure) => {
                    assert_eq!((failure.code, failure.status), (Code::BadRequest, Some(400)), "{body}");
                }
            }
        }
    }
    println!("{count} spoilt requests");
    assert!(count > 5_000);
}

/// Where a field comes twice, serde refuses it or the last one counts: in no case do both.
#[test]
fn a_field_that_comes_twice_is_not_counted_twice() {
    for (exchange, dialect) in written_by(Claim::Reply) {
        let body = exchange.json();
        let once = (dialect.decode_reply)(&exchange.answer(), exchange.quirks()).expect("an answer");
        for name in body.as_object().expect("an object").keys() {
            let text = body.to_string();
            let field = format!("{}:{}", json!(name), body[name]);
            let twice = format!("{},{field}}}", &text[..text.len() - 1]);
            match (dialect.decode_reply)(twice.as_bytes(), exchange.quirks()) {
                Ok(reply) => assert_eq!(reply, once, "{}: {name} twice", exchange.name),
                Err(failure) => assert_eq!(failure.code, Code::MalformedAnswer, "{}: {name}", exchange.name),
            }
        }
    }
}

#[test]
fn f6_an_error_inside_a_200_stream_is_its_failure() {
    let error = r#"{"type":"error","error":{"type":"overloaded_error","code":503,"status":"UNAVAILABLE","message":"Busy."}}"#;
    for (exchange, dialect) in written_by(Claim::Stream) {
        let lines = exchange.stream().expect("a stream");
        let bytes = format!("data: {}\n\nevent: error\ndata: {error}\n\n", lines[0]);
        let failed = stream(dialect, bytes.as_bytes());
        assert_eq!(failed, Err(Code::Overloaded), "{}", exchange.name);
    }
}

#[test]
fn an_event_without_end_is_refused_before_it_fills_the_memory() {
    let mut reader = Reader::default();
    assert!(reader.push(b"data: ").is_ok());
    let block = vec![b'x'; 64 * 1024];
    let taken = (0..MAX_EVENT).take_while(|_| reader.push(&block).is_ok()).count();
    assert_eq!(taken, (MAX_EVENT - 6) / block.len());
    assert_eq!(reader.next_event(), None);
}
