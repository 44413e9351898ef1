//! Random conversations through every dialect, and through each pair of them.

use patchbay_core::catalog::Quirks;
use patchbay_core::chat::{ChatRequest, Finish, ReasoningEffort, Reply, ToolChoice};
use patchbay_core::code::Code;
use patchbay_core::dialect::openai::StreamDecoder;
use patchbay_core::sse::{Event, Reader};
use patchbay_core::usage::TokenUsage;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::Value;

use crate::dialects::{ALL, Dialect, OPENAI, RESPONSES};
use crate::exchange::events;
use crate::meaning::Meaning;
use crate::random;

/// The events of a stream that is cut at these places.
fn events_of_pieces(stream: &[u8], cuts: &[usize]) -> Vec<Event> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.sort_unstable();
    let mut reader = Reader::default();
    let mut events = Vec::new();
    let mut from = 0;
    for to in cuts.into_iter().chain([stream.len()]) {
        reader.push(&stream[from..to]).expect("short events");
        events.extend(std::iter::from_fn(|| reader.next_event()));
        from = to;
    }
    events.extend(reader.finish());
    events
}

/// A model of the dialect's own: how it thinks depends on it.
fn request_to(dialect: &Dialect, request: &ChatRequest) -> ChatRequest {
    let model = match dialect.name {
        "anthropic" => "claude-opus-4-8",
        "gemini" => "gemini-2.5-flash",
        _ => "m",
    };
    let mut request = ChatRequest { model: model.to_owned(), ..request.clone() };
    // All that this model can is its `high`, and is read back as that.
    if dialect.name == "gemini" && request.reasoning_effort == Some(ReasoningEffort::Max) {
        request.reasoning_effort = Some(ReasoningEffort::High);
    }
    request
}

fn passed(dialect: &Dialect, request: &ChatRequest) -> ChatRequest {
    let encoded = dialect.encode_request(&request_to(dialect, request), Quirks::default());
    let encoded = encoded.unwrap_or_else(|failure| panic!("{}: {}", dialect.name, failure.message));
    (dialect.decode_request)(&encoded.route, &encoded.body)
        .unwrap_or_else(|failure| panic!("{}: {}", dialect.name, failure.message))
}

/// What Anthropic cannot say is taken away: it does not think where a tool is forced, and takes no temperature while it does.
fn sayable(mut request: ChatRequest) -> ChatRequest {
    let is_forced = matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Function(_)));
    if is_forced {
        request.reasoning_effort = None;
    }
    if request.reasoning_effort.is_some_and(|effort| effort != ReasoningEffort::None) {
        request.sampling.temperature = None;
    }
    request
}

/// What an answer says, apart from what only its own provider takes back.
fn said(reply: Reply) -> Reply {
    let mut reply = Reply { id: None, model: None, ..reply };
    reply.turn.opaque.clear();
    for call in &mut reply.turn.tool_calls {
        let arguments: Value = serde_json::from_str(&call.arguments).expect("an object");
        call.arguments = arguments.to_string();
    }
    let TokenUsage { input, output, cached, reasoning, .. } = reply.usage;
    let (cached, reasoning) = (cached.or(Some(0)), reasoning.or(Some(0)));
    reply.usage = TokenUsage { input, output, cached, reasoning, ..TokenUsage::default() };
    reply
}

fn pairs() -> impl Iterator<Item = (&'static Dialect, &'static Dialect)> {
    ALL.into_iter().flat_map(|from| ALL.into_iter().map(move |to| (from, to)))
}

proptest! {
    #![proptest_config(Config { cases: 96, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_request_means_the_same_through_each_pair(request in random::plain_request().prop_map(sayable)) {
        for (from, to) in pairs() {
            let mut request = request.clone();
            // Responses has no word for them.
            if [from.name, to.name].contains(&"responses") {
                request.sampling.stop.clear();
            }
            let passed = passed(to, &passed(from, &request));
            prop_assert_eq!(Meaning::of(&passed), Meaning::of(&request), "{} to {}", from.name, to.name);
        }
    }

    #[test]
    fn m4_nothing_is_dropped_in_silence(request in random::any_request()) {
        for dialect in ALL {
            let asked = request_to(dialect, &request);
            match dialect.encode_request(&asked, Quirks::default()) {
                Err(failure) => {
                    prop_assert_eq!(failure.code, Code::BadRequest);
                    prop_assert!(failure.message.contains('`'), "{}: it names the field: {}", dialect.name, failure.message);
                }
                Ok(encoded) if encoded.notices.is_empty() => {
                    let again = (dialect.decode_request)(&encoded.route, &encoded.body);
                    let again = again.map_err(|failure| TestCaseError::fail(failure.message))?;
                    prop_assert_eq!(Meaning::of(&again), Meaning::of(&asked), "{}", dialect.name);
                }
                Ok(encoded) => prop_assert!(encoded.notices.iter().all(|notice| notice.contains(':')), "{:?}", encoded.notices),
            }
        }
    }

    #[test]
    fn an_answer_means_the_same_through_each_pair(reply in random::reply()) {
        for (from, to) in pairs() {
            let first = (from.decode_reply)(&(from.encode_reply)(&reply), Quirks::default()).expect("an answer");
            let second = (to.decode_reply)(&(to.encode_reply)(&first), Quirks::default()).expect("an answer");
            prop_assert_eq!(said(second), said(reply.clone()), "{} to {}", from.name, to.name);
        }
    }

    #[test]
    fn a_stream_means_the_same_through_each_pair(reply in random::reply()) {
        for (from, to) in pairs() {
            let first = from.encode_stream(&random::pieces(&reply));
            let first = from.decode_stream(&events(&first, usize::MAX), Quirks::default());
            prop_assert!(first.is_complete, "{}", from.name);
            let second = to.encode_stream(&first.deltas);
            let second = to.decode_stream(&events(&second, usize::MAX), Quirks::default());
            prop_assert!(second.is_complete, "{} to {}", from.name, to.name);
            prop_assert_eq!(said(second.reply()), said(reply.clone()), "{} to {}", from.name, to.name);
        }
    }

    #[test]
    fn a_stream_means_the_same_wherever_it_is_cut(
        reply in random::reply(),
        cuts in vec(any::<usize>(), 0..20),
    ) {
        for dialect in ALL {
            let stream = dialect.encode_stream(&random::pieces(&reply));
            let whole = dialect.decode_stream(&events(&stream, usize::MAX), Quirks::default());
            prop_assert!(whole.is_complete, "{}", dialect.name);
            let with_crlf = String::from_utf8(stream.clone()).expect("text").replace('\n', "\r\n").into_bytes();
            for bytes in [stream, with_crlf] {
                let pieces = dialect.decode_stream(&events_of_pieces(&bytes, &cuts), Quirks::default());
                prop_assert_eq!(&pieces.deltas, &whole.deltas, "{}", dialect.name);
            }
        }
    }

    #[test]
    fn both_ways_through_chat_completions_read_a_stream_alike(reply in random::reply()) {
        let stream = OPENAI.encode_stream(&random::pieces(&reply));
        let events = events(&stream, usize::MAX);
        let outcome = OPENAI.decode_stream(&events, Quirks::default());
        let mut beside = StreamDecoder::default();
        for event in &events {
            beside.event(event.data.as_deref());
        }
        prop_assert!(outcome.is_complete && beside.is_complete());
        prop_assert_eq!(beside.usage(), outcome.reply().usage);
        prop_assert_eq!(beside.finish_reason(), reply.finish.as_ref().map(Finish::as_str));
    }

    #[test]
    fn the_last_event_of_responses_says_what_the_pieces_said(reply in random::reply()) {
        let stream = RESPONSES.encode_stream(&random::pieces(&reply));
        let last = events(&stream, usize::MAX).pop().and_then(|event| event.data).expect("an end");
        let response = serde_json::from_str::<Value>(&last).expect("JSON")["response"].to_string();
        let whole = (RESPONSES.decode_reply)(response.as_bytes(), Quirks::default()).expect("an answer");
        prop_assert_eq!(said(whole), said(reply));
    }
}
