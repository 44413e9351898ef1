//! Random requests and answers for the tests of this protocol and of Responses, and how to read a stream back.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use crate::chat::{
    ChatRequest, Delivery, Delta, Finish, Image, Message, Part, ReasoningEffort, Reply, ResponseFormat,
    Sampling, Tool, ToolCall, ToolChoice, ToolResult, Turn,
};
use crate::sse::{Event, Reader};
use crate::usage::TokenUsage;

pub(in crate::dialect) fn words() -> impl Strategy<Value = String> {
    "[a-zé€\"\\\\\n {}]{1,12}"
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_-]{1,16}"
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        words().prop_map(Part::Text),
        "https://[a-z]{1,8}/[a-z]{1,8}\\.png".prop_map(|url| Part::Image(Image::Url(url))),
        ("image/(png|jpeg)", "[A-Za-z0-9+/]{0,16}={0,2}")
            .prop_map(|(media_type, data)| Part::Image(Image::Inline { media_type, data })),
    ]
}

pub(in crate::dialect) fn call() -> impl Strategy<Value = ToolCall> {
    (name(), name(), words()).prop_map(|(id, name, arguments)| ToolCall {
        id,
        name,
        arguments,
        signature: None,
    })
}

/// A turn with words; beside them, calls.
fn turn() -> impl Strategy<Value = Turn> {
    let text = prop_oneof![Just(String::new()), words()];
    (text, vec(call(), 0..3)).prop_map(|(text, tool_calls)| Turn { text, tool_calls, opaque: Vec::new() })
}

fn message() -> impl Strategy<Value = Message> {
    let result = |(call_id, content)| ToolResult { call_id, name: None, content, is_error: false };
    prop_oneof![
        words().prop_map(Message::System),
        vec(part(), 1..4).prop_map(Message::User),
        turn().prop_map(Message::Assistant),
        (name(), words()).prop_map(result).prop_map(Message::Tool),
    ]
}

fn tool() -> impl Strategy<Value = Tool> {
    (name(), option::of(words()), option::of(any::<bool>())).prop_map(|(name, description, strict)| Tool {
        name,
        description,
        parameters: json!({ "type": "object", "properties": { "a": { "type": "string" } } }),
        strict,
    })
}

fn tool_choice() -> impl Strategy<Value = ToolChoice> {
    prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::None),
        Just(ToolChoice::Required),
        name().prop_map(ToolChoice::Function),
    ]
}

fn format() -> impl Strategy<Value = ResponseFormat> {
    let schema = |(name, description, strict)| ResponseFormat::JsonSchema {
        name,
        description,
        schema: json!({ "type": "object" }),
        strict,
    };
    prop_oneof![
        Just(ResponseFormat::Text),
        Just(ResponseFormat::JsonObject),
        (name(), option::of(words()), option::of(any::<bool>())).prop_map(schema),
    ]
}

fn effort() -> impl Strategy<Value = ReasoningEffort> {
    use ReasoningEffort as E;
    prop::sample::select(vec![E::None, E::Minimal, E::Low, E::Medium, E::High, E::Xhigh, E::Max])
}

fn sampling() -> impl Strategy<Value = Sampling> {
    let number = || option::of((0_i32..150).prop_map(|n| f64::from(n) / 100.0));
    (number(), number(), number(), number(), option::of(any::<i64>()), vec(words(), 0..3)).prop_map(
        |(temperature, top_p, presence_penalty, frequency_penalty, seed, stop)| Sampling {
            temperature,
            top_p,
            presence_penalty,
            frequency_penalty,
            seed,
            stop,
        },
    )
}

pub(in crate::dialect) fn request() -> impl Strategy<Value = ChatRequest> {
    let tools = (vec(tool(), 0..3), option::of(tool_choice()), option::of(any::<bool>()));
    let limits = (option::of(1_u32..9_999), option::of(effort()), any::<bool>());
    (name(), vec(message(), 1..6), tools, option::of(format()), sampling(), limits).prop_map(
        |(model, messages, (tools, tool_choice, parallel_tool_calls), response_format, sampling, limits)| {
            ChatRequest {
                model,
                messages,
                tools,
                tool_choice,
                parallel_tool_calls,
                response_format,
                sampling,
                max_tokens: limits.0,
                reasoning_effort: limits.1,
                delivery: if limits.2 { Delivery::Streamed } else { Delivery::Whole },
            }
        },
    )
}

fn finish() -> impl Strategy<Value = Finish> {
    prop::sample::select(vec![Finish::Stop, Finish::Length, Finish::ContentFilter])
}

fn usage() -> impl Strategy<Value = TokenUsage> {
    (0_u64..9_999, 0_u64..9_999, option::of(0_u64..9)).prop_map(|(input, output, cache_write)| TokenUsage {
        input: Some(input),
        output: Some(output),
        cached: Some(input / 2),
        cache_write,
        reasoning: Some(output / 3),
        reported_cost: None,
    })
}

/// An answer; one with calls stopped for them.
pub(in crate::dialect) fn reply() -> impl Strategy<Value = Reply> {
    (turn(), option::of(words()), prop_oneof![Just(String::new()), words()], finish(), usage()).prop_map(
        |(turn, refusal, reasoning, finish, usage)| Reply {
            id: Some("a1".into()),
            model: Some("m".into()),
            finish: Some(if turn.tool_calls.is_empty() { finish } else { Finish::ToolCalls }),
            turn,
            refusal,
            reasoning,
            usage,
        },
    )
}

/// The pieces in which an answer could come; texts are cut in two.
pub(in crate::dialect) fn pieces(reply: &Reply) -> Vec<Delta> {
    let mut deltas = vec![Delta::Start { id: reply.id.clone(), model: reply.model.clone() }];
    let mut texts = |text: &str, delta: &dyn Fn(String) -> Delta| {
        let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
        let halves = [&text[..middle], &text[middle..]];
        deltas.extend(halves.iter().filter(|half| !half.is_empty()).map(|half| delta((*half).to_owned())));
    };
    texts(&reply.reasoning, &Delta::Reasoning);
    texts(&reply.turn.text, &Delta::Text);
    texts(reply.refusal.as_deref().unwrap_or_default(), &Delta::Refusal);
    for (index, call) in (0_u32..).zip(&reply.turn.tool_calls) {
        deltas.push(Delta::ToolCall { index, call: ToolCall { arguments: String::new(), ..call.clone() } });
        deltas.push(Delta::Arguments { index, text: call.arguments.clone() });
    }
    deltas.extend(reply.finish.clone().map(Delta::Finish));
    deltas.push(Delta::Usage(reply.usage));
    deltas
}

/// The answer that pieces come to.
pub(in crate::dialect) fn gather(deltas: Vec<Delta>) -> Reply {
    let mut reply = Reply::default();
    for delta in deltas {
        match delta {
            Delta::Start { id, model } => (reply.id, reply.model) = (id, model),
            Delta::Text(text) => reply.turn.text += &text,
            Delta::Refusal(text) => *reply.refusal.get_or_insert_default() += &text,
            Delta::Reasoning(text) => reply.reasoning += &text,
            Delta::ToolCall { index, call } => {
                assert_eq!(index as usize, reply.turn.tool_calls.len(), "calls are counted from 0");
                reply.turn.tool_calls.push(call);
            }
            Delta::Arguments { index, text } => reply.turn.tool_calls[index as usize].arguments += &text,
            Delta::Opaque(block) => reply.turn.opaque.push(block),
            Delta::Finish(finish) => reply.finish = Some(finish),
            Delta::Usage(usage) => reply.usage = usage,
        }
    }
    reply
}

/// The events of a stream that arrives in pieces of these lengths.
pub(in crate::dialect) fn events(bytes: &[u8], lengths: &[usize]) -> Vec<Event> {
    let mut reader = Reader::default();
    let mut events = Vec::new();
    let mut rest = bytes;
    for length in lengths.iter().copied().chain([usize::MAX]) {
        let (now, later) = rest.split_at(length.min(rest.len()));
        reader.push(now).expect("short");
        events.extend(std::iter::from_fn(|| reader.next_event()));
        rest = later;
    }
    events.extend(reader.finish());
    events
}

/// JSON made of the protocol's own names in the wrong places.
pub(in crate::dialect) fn nonsense(
    names: &'static [&'static str],
) -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-1e3_f64..1e3).prop_map(Into::into),
        words().prop_map(Into::into),
        prop::sample::select(names).prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let object = vec((prop::sample::select(names), inner.clone()), 0..5)
            .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        prop_oneof![
            vec(inner, 0..4).prop_map(serde_json::Value::Array),
            object.prop_map(serde_json::Value::Object)
        ]
    })
}
