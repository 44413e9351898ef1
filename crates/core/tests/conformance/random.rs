//! Random conversations and answers.

use patchbay_core::chat::{
    ChatRequest, Delivery, Delta, Finish, Image, Message, Part, ReasoningEffort, Reply, ResponseFormat,
    Sampling, Tool, ToolCall, ToolChoice, ToolResult, Turn,
};
use patchbay_core::usage::TokenUsage;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// Text with what JSON and events have to escape, never blank.
pub fn words() -> impl Strategy<Value = String> {
    "[a-zé€ {}:\"\\\\\n\r]{0,10}x"
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_-]{1,16}"
}

fn object() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        words().prop_map(Value::from),
        (-1_000_i32..1_000).prop_map(|n| (f64::from(n) / 8.0).into()),
    ];
    let value = leaf.prop_recursive(2, 8, 3, |inner| vec(inner, 0..3).prop_map(Value::from));
    proptest::collection::btree_map("[a-z]{1,4}", value, 0..4)
        .prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

fn part() -> impl Strategy<Value = Part> {
    let url = "https://[a-z]{1,8}/[a-z]{1,8}\\.png".prop_map(Image::Url);
    let inline = ("image/(png|jpeg)", "[A-Za-z0-9+/]{4,8}")
        .prop_map(|(media_type, data)| Image::Inline { media_type, data });
    prop_oneof![3 => words().prop_map(Part::Text), 1 => prop_oneof![url, inline].prop_map(Part::Image)]
}

fn call(id: String, name: &str, arguments: &Value) -> ToolCall {
    ToolCall { id, name: name.to_owned(), arguments: arguments.to_string(), signature: None }
}

/// What the user said, what the model said to it, what it called, and what its tools said to that.
type Round = (Vec<Part>, String, Vec<(String, Value, String)>);

fn round() -> impl Strategy<Value = Round> {
    let result = prop_oneof![words(), (0..99_u32).prop_map(|price| json!({ "price": price }).to_string())];
    let called = (select(vec!["get_price", "get_news"]), object(), result)
        .prop_map(|(name, arguments, result)| (name.to_owned(), arguments, result));
    (vec(part(), 1..3), words(), vec(called, 0..3))
}

/// A conversation that ends with the user, or with results of tools.
fn conversation() -> impl Strategy<Value = Vec<Message>> {
    (option::of(words()), vec(round(), 0..3), vec(part(), 1..3)).prop_map(|(system, rounds, last)| {
        let mut messages: Vec<Message> = system.into_iter().map(Message::System).collect();
        for (at, (user, text, calls)) in rounds.into_iter().enumerate() {
            messages.push(Message::User(user));
            let id = |call: usize| format!("call_{at}_{call}");
            let made = calls.iter().enumerate().map(|(n, (name, arguments, _))| call(id(n), name, arguments));
            messages.push(Message::Assistant(Turn { text, tool_calls: made.collect(), opaque: Vec::new() }));
            messages.extend(calls.into_iter().enumerate().map(|(n, (name, _, content))| {
                Message::Tool(ToolResult { call_id: id(n), name: Some(name), content, is_error: false })
            }));
        }
        if !matches!(messages.last(), Some(Message::Tool(_))) {
            messages.push(Message::User(last));
        }
        messages
    })
}

/// Messages in any order.
fn jumble() -> impl Strategy<Value = Vec<Message>> {
    let calls = vec((name(), name(), words()), 0..3).prop_map(|calls| {
        calls
            .into_iter()
            .map(|(id, name, arguments)| ToolCall { id, name, arguments, signature: None })
            .collect()
    });
    let turn = (words(), calls)
        .prop_map(|(text, tool_calls)| Message::Assistant(Turn { text, tool_calls, opaque: Vec::new() }));
    let result = (name(), words(), any::<bool>()).prop_map(|(call_id, content, is_error)| {
        Message::Tool(ToolResult { call_id, name: None, content, is_error })
    });
    let user = vec(part(), 1..4).prop_map(Message::User);
    vec(prop_oneof![words().prop_map(Message::System), user, turn, result], 1..6)
}

fn tools() -> impl Strategy<Value = Vec<Tool>> {
    let parameters = json!({ "type": "object", "properties": { "symbol": { "type": "string" } } });
    let tool = move |name: &'static str| {
        let parameters = parameters.clone();
        (option::of(words()), option::of(any::<bool>())).prop_map(move |(description, strict)| Tool {
            name: name.to_owned(),
            description,
            parameters: parameters.clone(),
            strict,
        })
    };
    prop_oneof![
        Just(Vec::new()),
        (tool("get_price"), tool("get_news")).prop_map(|(price, news)| vec![price, news]),
    ]
}

fn choice() -> impl Strategy<Value = ToolChoice> {
    select(vec![
        ToolChoice::Auto,
        ToolChoice::None,
        ToolChoice::Required,
        ToolChoice::Function("get_price".to_owned()),
    ])
}

fn delivery() -> impl Strategy<Value = Delivery> {
    select(vec![Delivery::Whole, Delivery::Streamed])
}

/// A request that every protocol can say.
pub fn plain_request() -> impl Strategy<Value = ChatRequest> {
    use ReasoningEffort as E;
    let effort = option::of(select(vec![E::None, E::Low, E::Medium, E::High]));
    let sampling =
        (option::of((0..=100_u8).prop_map(|percent| f64::from(percent) / 100.0)), vec(words(), 0..3))
            .prop_map(|(temperature, stop)| Sampling { temperature, stop, ..Sampling::default() });
    let tools =
        tools().prop_map(|tools| tools.into_iter().map(|tool| Tool { strict: None, ..tool }).collect());
    (conversation(), (tools, option::of(choice())), sampling, 1..9_000_u32, effort, delivery()).prop_map(
        |(messages, (tools, choice), sampling, max_tokens, effort, delivery): (
            _,
            (Vec<Tool>, _),
            _,
            _,
            _,
            _,
        )| {
            ChatRequest {
                tool_choice: choice.filter(|_| !tools.is_empty()),
                messages,
                tools,
                sampling,
                max_tokens: Some(max_tokens),
                reasoning_effort: effort,
                delivery,
                ..ChatRequest::default()
            }
        },
    )
}

fn sampling() -> impl Strategy<Value = Sampling> {
    let number = || option::of((0_i32..150).prop_map(|n| f64::from(n) / 100.0));
    (number(), number(), number(), number(), option::of(any::<i64>()), vec(words(), 0..7)).prop_map(
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

fn format() -> impl Strategy<Value = ResponseFormat> {
    let schema =
        (name(), option::of(words()), option::of(any::<bool>())).prop_map(|(name, description, strict)| {
            ResponseFormat::JsonSchema {
                name,
                description,
                schema: json!({ "type": "object", "additionalProperties": false }),
                strict,
            }
        });
    prop_oneof![Just(ResponseFormat::Text), Just(ResponseFormat::JsonObject), schema]
}

/// A request that asks for all that the neutral form can say, in any order.
pub fn any_request() -> impl Strategy<Value = ChatRequest> {
    use ReasoningEffort as E;
    let effort = select(vec![E::None, E::Minimal, E::Low, E::Medium, E::High, E::Xhigh, E::Max]);
    let tools = (tools(), option::of(choice()), option::of(any::<bool>()));
    let messages = prop_oneof![conversation(), jumble()];
    let limits = (1_u32..99_000, option::of(effort), delivery());
    (messages, tools, option::of(format()), sampling(), limits).prop_map(
        |(messages, (tools, tool_choice, parallel_tool_calls), response_format, sampling, limits)| {
            ChatRequest {
                messages,
                tools,
                tool_choice,
                parallel_tool_calls,
                response_format,
                sampling,
                max_tokens: Some(limits.0),
                reasoning_effort: limits.1,
                delivery: limits.2,
                ..ChatRequest::default()
            }
        },
    )
}

/// An answer that every protocol can give: one with calls stopped for them, one that declines for its content.
pub fn reply() -> impl Strategy<Value = Reply> {
    let text = || prop_oneof![Just(String::new()), words()];
    let calls = vec((select(vec!["get_price", "get_news"]), object()), 0..3);
    let finish = select(vec![Finish::Stop, Finish::Length, Finish::ContentFilter]);
    let usage = (1..9_999_u64, 1..9_999_u64);
    (text(), text(), calls, option::of(words()), finish, usage).prop_map(
        |(text, reasoning, calls, refusal, finish, (input, output))| {
            let calls = calls.iter().enumerate();
            let tool_calls: Vec<_> =
                calls.map(|(n, (name, arguments))| call(format!("call_{n}"), name, arguments)).collect();
            let refusal = refusal.filter(|_| finish == Finish::ContentFilter && tool_calls.is_empty());
            let finish = if tool_calls.is_empty() { finish } else { Finish::ToolCalls };
            let usage = TokenUsage {
                input: Some(input),
                output: Some(output),
                cached: Some(input / 2),
                reasoning: Some(output / 3),
                ..TokenUsage::default()
            };
            let turn = Turn { text, tool_calls, opaque: Vec::new() };
            Reply { id: None, model: None, turn, refusal, reasoning, finish: Some(finish), usage }
        },
    )
}

/// The pieces in which an answer could come; texts are cut in two.
pub fn pieces(reply: &Reply) -> Vec<Delta> {
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
