//! What the Demo's models say: the same answer to the same prompt, always.

use std::time::Duration;

use patchbay_core::usage::estimate_tokens;

/// The bytes of text that [`estimate_tokens`] counts as one token.
const BYTES_PER_TOKEN: usize = 4;

const NOTES: [&str; 6] = [
    "This is the Demo provider, so nothing here is advice. The tape opened firm and faded into the first hour, breadth \
     stayed narrow and volume ran below its 20-day average. I would treat the break of the overnight high as unconfirmed \
     until a retest holds, size down by half, and keep the stop below the session low.",
    "Demo answer, made on this machine without any market data. The headline reads hawkish, but the second paragraph takes \
     most of it back. Net effect: rates slightly up, the dollar firmer, equities flat. Confidence is moderate. Wait for \
     the statement itself before you let a bot act on the summary.",
    "The Demo provider has no opinion on real instruments. As an example of the shape of an answer: trend up, momentum \
     neutral, volatility elevated. Two of three filters agree, which is below the threshold of this strategy, so the \
     signal is hold. Next review after the close.",
    "Here is a risk note from the Demo provider. Exposure is concentrated in two correlated positions, and a two sigma \
     move would use about 60 percent of the daily loss limit. Reduce the larger one by a third, or hedge it with the \
     index. No order has been sent and none is suggested.",
    "Demo text: the quarter beat on revenue and missed on margin. Guidance was kept, which the market will likely read as \
     cautious. Watch the gross margin bridge on slide nine and the comment on inventory. Tone of the call: measured, with \
     fewer forward statements than last time.",
    "Written by the Demo provider for your journal. The entry followed the plan and the exit did not: it came four minutes \
     early, after a loss in another market. The rule to repeat is the one you already have: no exit without a level. Grade \
     for execution: B minus.",
];

const JSON: [&str; 3] = [
    r#"{"provider":"demo","signal":"hold","confidence":0.42,"reason":"Two of three filters agree."}"#,
    r#"{"provider":"demo","signal":"buy","confidence":0.61,"reason":"The retest held on falling volume."}"#,
    r#"{"provider":"demo","signal":"sell","confidence":0.57,"reason":"Breadth faded into the close."}"#,
];

/// One of the Demo's models. They cost what `prices.tsv` says.
#[derive(Debug)]
pub(super) struct Model {
    /// Its id.
    pub(super) id: &'static str,
    /// From the request to the first piece.
    pub(super) first_token: Duration,
    /// From one word to the next.
    pub(super) word: Duration,
    thinks: Thinks,
}

#[derive(Debug, PartialEq, Eq)]
enum Thinks {
    No,
    First,
}

/// All of them, as the catalogue lists them.
pub(super) const MODELS: [Model; 3] = [
    Model {
        id: "demo-fast",
        first_token: Duration::from_millis(80),
        word: Duration::from_millis(6),
        thinks: Thinks::No,
    },
    Model {
        id: "demo-deep",
        first_token: Duration::from_millis(400),
        word: Duration::from_millis(20),
        thinks: Thinks::First,
    },
    Model {
        id: "demo-free",
        first_token: Duration::from_millis(30),
        word: Duration::from_millis(6),
        thinks: Thinks::No,
    },
];

/// The model of that id.
pub(super) fn model(id: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.id == id)
}

/// What a request asks of the text.
#[derive(Debug, Default)]
pub(super) struct Wish {
    /// The text of all messages.
    pub(super) prompt: String,
    /// The answer ends after so many tokens …
    pub(super) max_tokens: Option<u64>,
    /// … or before the first of these.
    pub(super) stops: Vec<String>,
    /// The form of the text.
    pub(super) form: Form,
    /// A tool that is to be called instead, and with what.
    pub(super) call: Option<ToolCall>,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ToolCall {
    pub(super) name: String,
    /// JSON.
    pub(super) arguments: String,
}

/// The form of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// A paragraph.
    #[default]
    Prose,
    /// One JSON object.
    Json,
    /// This JSON.
    Shaped(String),
}

/// An answer with its count of tokens.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// ASCII.
    pub(super) text: String,
    /// Instead of a text.
    pub(super) call: Option<ToolCall>,
    /// `stop`, `length` or `tool_calls`.
    pub(super) finish_reason: &'static str,
    /// Of the prompt.
    pub(super) prompt_tokens: u64,
    /// Of the answer, reasoning inside.
    pub(super) completion_tokens: u64,
    /// Of the completion.
    pub(super) reasoning_tokens: u64,
}

impl Answer {
    /// The text in the pieces of a stream: words with the space behind them.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split_inclusive(' ')
    }
}

/// The answer of a model to a wish.
pub(super) fn answer(model: &Model, wish: &Wish) -> Answer {
    let hash = fnv1a(model.id.bytes().chain(wish.prompt.bytes()));
    if let Some(call) = &wish.call {
        return calling(call, wish);
    }
    let mut text = match &wish.form {
        Form::Prose => pick(&NOTES, hash),
        Form::Json => pick(&JSON, hash),
        Form::Shaped(json) => json,
    };
    if let Some(at) = wish.stops.iter().filter_map(|stop| text.find(stop)).min() {
        text = &text[..at];
    }
    let room = wish.max_tokens.unwrap_or(u64::MAX).max(1);
    let bytes = usize::try_from(room).unwrap_or(usize::MAX).saturating_mul(BYTES_PER_TOKEN);
    let (text, finish_reason) = match text.get(..bytes) {
        Some(head) if head.len() < text.len() => (head, "length"),
        _ => (text, "stop"),
    };
    let visible = estimate_tokens(text.len());
    let reasoning_tokens = match model.thinks {
        Thinks::No => 0,
        Thinks::First => (96 + hash % 160).min(room.saturating_sub(visible)),
    };
    Answer {
        text: text.to_owned(),
        call: None,
        finish_reason,
        prompt_tokens: estimate_tokens(wish.prompt.len()),
        completion_tokens: visible + reasoning_tokens,
        reasoning_tokens,
    }
}

fn calling(call: &ToolCall, wish: &Wish) -> Answer {
    Answer {
        text: String::new(),
        call: Some(call.clone()),
        finish_reason: "tool_calls",
        prompt_tokens: estimate_tokens(wish.prompt.len()),
        completion_tokens: estimate_tokens(call.name.len() + call.arguments.len()),
        reasoning_tokens: 0,
    }
}

fn pick(texts: &[&'static str], hash: u64) -> &'static str {
    let count = texts.len() as u64;
    usize::try_from(hash % count).ok().and_then(|at| texts.get(at)).copied().unwrap_or_default()
}

/// The same on every machine and in every version, which the standard library's hashers do not promise.
pub(super) fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(prompt: &str) -> Wish {
        Wish { prompt: prompt.to_owned(), ..Wish::default() }
    }

    #[test]
    fn the_catalogue_lists_these_models() {
        let listed = &patchbay_core::catalog::provider("demo").expect("in the catalogue").known_models;
        let all = MODELS.iter().map(|model| model.id).chain([super::super::embeddings::MODEL]);
        assert!(all.eq(listed.iter()));
    }

    #[test]
    fn texts_are_ascii_and_name_the_demo() {
        for text in NOTES.iter().chain(&JSON) {
            assert!(text.is_ascii(), "{text}");
            assert!(text.to_lowercase().contains("demo"), "{text}");
        }
    }

    #[test]
    fn the_same_prompt_has_the_same_answer_and_others_differ() {
        let said = |prompt: &str| answer(&MODELS[0], &wish(prompt)).text;
        assert_eq!(said("EURUSD?"), said("EURUSD?"));
        let different: std::collections::HashSet<_> = (0..40).map(|n| said(&format!("prompt {n}"))).collect();
        assert_eq!(different.len(), NOTES.len());
    }

    #[test]
    fn an_answer_ends_at_its_limit_of_tokens_and_at_its_stop() {
        for model in &MODELS {
            for max_tokens in [1, 7, 40] {
                let short = answer(model, &Wish { max_tokens: Some(max_tokens), ..wish("x") });
                assert_eq!((short.completion_tokens, short.finish_reason), (max_tokens, "length"));
            }
        }
        let stops = vec!["zzz".to_owned(), ".".to_owned()];
        let stopped = answer(&MODELS[0], &Wish { stops, ..wish("x") });
        assert!(!stopped.text.contains('.'));
        assert_eq!(stopped.finish_reason, "stop");
    }

    #[test]
    fn the_deep_model_thinks_inside_its_completion() {
        let deep = answer(&MODELS[1], &wish("x"));
        assert!(deep.reasoning_tokens >= 96);
        assert_eq!(deep.completion_tokens, deep.reasoning_tokens + estimate_tokens(deep.text.len()));
        assert_eq!(answer(&MODELS[0], &wish("x")).reasoning_tokens, 0);
    }

    #[test]
    fn an_answer_in_json_is_json() {
        let wish = Wish { form: Form::Json, ..wish("x") };
        let value: serde_json::Value = serde_json::from_str(&answer(&MODELS[0], &wish).text).expect("JSON");
        assert_eq!(value["provider"], "demo");
    }
}
