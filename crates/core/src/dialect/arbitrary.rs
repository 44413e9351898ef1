//! Conversations, answers and noise for the property tests of the dialects.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use crate::chat::{
    ChatRequest, Delivery, Delta, Finish, Image, Message, Part, ReasoningEffort, Sampling, Tool, ToolCall,
    ToolChoice, ToolResult, Turn,
};
use crate::sse::{Event, Reader};
use crate::usage::TokenUsage;

/// Text with what JSON and events have to escape, never blank.
pub(super) fn text() -> impl Strategy<Value = String> {
    "[a-zé€ {}:\"\\\\\n\r]{0,10}x"
}

fn object() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        text().prop_map(Value::from),
        (-1_000_i32..1_000).prop_map(|n| (f64::from(n) / 8.0).into()),
    ];
    let value =
        leaf.prop_recursive(2, 8, 3, |inner| proptest::collection::vec(inner, 0..3).prop_map(Value::from));
    proptest::collection::btree_map("[a-z]{1,4}", value, 0..4)
        .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>()))
}

fn image() -> impl Strategy<Value = Image> {
    prop_oneof![
        "[A-Za-z0-9+/]{4,8}".prop_map(|data| Image::Inline { media_type: "image/png".into(), data }),
        "[a-z]{1,8}".prop_map(|name| Image::Url(format!("https://example.com/{name}.jpg"))),
    ]
}

fn user() -> impl Strategy<Value = Message> {
    let part = prop_oneof![3 => text().prop_map(Part::Text), 1 => image().prop_map(Part::Image)];
    proptest::collection::vec(part, 1..3).prop_map(Message::User)
}

/// A call, and what its tool says.
type Called = (String, Value, String, bool);

fn called() -> impl Strategy<Value = Called> {
    let result = prop_oneof![text(), (0..99_u32).prop_map(|price| json!({ "price": price }).to_string())];
    (select(vec!["get_price", "get_news"]), object(), result, any::<bool>())
        .prop_map(|(name, arguments, result, is_error)| (name.to_owned(), arguments, result, is_error))
}

/// What the model said to the user, and what its tools said to it.
fn round() -> impl Strategy<Value = (Message, String, Vec<Called>)> {
    (user(), text(), proptest::collection::vec(called(), 0..3))
}

/// A conversation that ends with the user, or with results of tools.
fn messages() -> impl Strategy<Value = Vec<Message>> {
    let rounds = proptest::collection::vec(round(), 0..3);
    (proptest::option::of(text()), rounds, user()).prop_map(|(system, rounds, last)| {
        let mut messages: Vec<Message> = system.into_iter().map(Message::System).collect();
        let mut made = 0;
        for (user, text, calls) in rounds {
            messages.push(user);
            let numbered: Vec<(String, Called)> = calls
                .into_iter()
                .map(|call| {
                    made += 1;
                    (format!("call_{made}"), call)
                })
                .collect();
            let tool_calls = numbered.iter().map(|(id, (name, arguments, ..))| ToolCall {
                id: id.clone(),
                name: name.clone(),
                arguments: arguments.to_string(),
                signature: None,
            });
            messages.push(Message::Assistant(Turn {
                text,
                tool_calls: tool_calls.collect(),
                opaque: Vec::new(),
            }));
            messages.extend(numbered.into_iter().map(|(call_id, (name, _, content, is_error))| {
                Message::Tool(ToolResult { call_id, name: Some(name), content, is_error })
            }));
        }
        if !matches!(messages.last(), Some(Message::Tool(_))) {
            messages.push(last);
        }
        messages
    })
}

fn tools() -> impl Strategy<Value = Vec<Tool>> {
    let tool = |name: &'static str| {
        proptest::option::of(text()).prop_map(move |description| Tool {
            name: name.to_owned(),
            description,
            parameters: json!({ "type": "object", "properties": { "symbol": { "type": "string" } } }),
            strict: None,
        })
    };
    prop_oneof![
        Just(Vec::new()),
        (tool("get_price"), tool("get_news")).prop_map(|(price, news)| vec![price, news]),
    ]
}

/// A request that every protocol can say, but for what each test takes away.
pub(super) fn request(model: &'static str) -> impl Strategy<Value = ChatRequest> {
    let choice = proptest::option::of(select(vec![
        ToolChoice::Auto,
        ToolChoice::None,
        ToolChoice::Required,
        ToolChoice::Function("get_price".to_owned()),
    ]));
    let effort = proptest::option::of(select(vec![
        ReasoningEffort::None,
        ReasoningEffort::Low,
        ReasoningEffort::Medium,
        ReasoningEffort::High,
    ]));
    let sampling = (
        proptest::option::of((0..=100_u8).prop_map(|percent| f64::from(percent) / 100.0)),
        proptest::collection::vec(text(), 0..3),
    )
        .prop_map(|(temperature, stop)| Sampling { temperature, stop, ..Sampling::default() });
    let delivery = select(vec![Delivery::Whole, Delivery::Streamed]);
    (messages(), tools(), choice, sampling, 1..9_000_u32, effort, delivery).prop_map(
        move |(messages, tools, choice, sampling, max_tokens, effort, delivery)| ChatRequest {
            model: model.to_owned(),
            tool_choice: choice.filter(|_| !tools.is_empty()),
            messages,
            tools,
            sampling,
            max_tokens: Some(max_tokens),
            reasoning_effort: effort,
            delivery,
            ..ChatRequest::default()
        },
    )
}

/// The pieces of an answer that ends.
pub(super) fn deltas() -> impl Strategy<Value = Vec<Delta>> {
    let piece = prop_oneof![text().prop_map(Delta::Text), text().prop_map(Delta::Reasoning)];
    let call = (select(vec!["get_price", "get_news"]), object());
    (proptest::collection::vec(piece, 0..6), proptest::collection::vec(call, 0..3), 0..9_u64).prop_map(
        |(mut deltas, calls, tokens)| {
            for (index, (name, arguments)) in (0..).zip(&calls) {
                let id = format!("call_{index}");
                let call =
                    ToolCall { id, name: (*name).to_owned(), arguments: String::new(), signature: None };
                deltas.push(Delta::ToolCall { index, call });
                deltas.push(Delta::Arguments { index, text: arguments.to_string() });
            }
            deltas.push(Delta::Finish(if calls.is_empty() { Finish::Stop } else { Finish::ToolCalls }));
            deltas.push(Delta::Usage(TokenUsage {
                input: Some(9),
                output: Some(1 + tokens),
                ..TokenUsage::default()
            }));
            deltas
        },
    )
}

/// JSON in the words of a protocol, put together at random: what random bytes hardly ever are.
pub(super) fn babble(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0..4_u8).prop_map(Value::from),
        select(words).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((select(words), inner), 0..6).prop_map(|fields| fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

/// The events of a stream that is cut at these places.
pub(super) fn events(stream: &[u8], cuts: &[usize]) -> Vec<Event> {
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
