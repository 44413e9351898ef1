//! How long Claude thinks: newer models take an effort, older ones a budget of tokens, the oldest nothing.

use serde_json::{Value, json};

use super::conversation::is_own_block;
use crate::chat::{ChatRequest, Message, ReasoningEffort as Effort, ToolChoice};
use crate::dialect::models::ModelLimits;

/// The limit that is sent where neither the caller nor the catalogue knows one: Anthropic wants one.
const DEFAULT_MAX_TOKENS: u32 = 4_096;
/// Anthropic's smallest budget.
const LEAST_BUDGET: u32 = 1_024;
/// Room for the answer beside a budget, where nobody set a limit.
const ANSWER_ROOM: u32 = 4_096;
/// The budgets that stand for efforts, smallest first; reading one back finds the first that is large enough.
const BUDGETS: [(Effort, u32); 6] = [
    (Effort::Minimal, LEAST_BUDGET),
    (Effort::Low, 2_048),
    (Effort::Medium, 8_192),
    (Effort::High, 16_384),
    (Effort::Xhigh, 24_576),
    (Effort::Max, 32_000),
];

/// What is said about thinking, and the limit of the answer that goes with it.
pub(super) struct Plan {
    pub(super) max_tokens: u32,
    pub(super) thinking: Thinking,
}

/// What is said about thinking.
pub(super) enum Thinking {
    Unsaid,
    Off,
    Budget(u32),
    Adaptive(&'static str),
}

/// What a model takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Nothing,
    Budget,
    Effort,
}

impl Thinking {
    pub(super) fn is_on(&self) -> bool {
        matches!(self, Self::Budget(_) | Self::Adaptive(_))
    }

    pub(super) fn to_json(&self) -> Option<Value> {
        match self {
            Self::Unsaid => None,
            Self::Off => Some(json!({ "type": "disabled" })),
            Self::Budget(tokens) => Some(json!({ "type": "enabled", "budget_tokens": tokens })),
            Self::Adaptive(_) => Some(json!({ "type": "adaptive" })),
        }
    }

    pub(super) fn effort(&self) -> Option<&'static str> {
        match self {
            Self::Adaptive(effort) => Some(effort),
            _ => None,
        }
    }
}

/// The effort that a budget stands for.
pub(super) fn effort_of_budget(tokens: u32) -> Effort {
    BUDGETS.iter().find(|(_, budget)| tokens <= *budget).map_or(Effort::Max, |(effort, _)| *effort)
}

/// Decides on thinking and on the limit of the answer.
pub(super) fn plan(request: &ChatRequest, limits: ModelLimits, notices: &mut Vec<String>) -> Plan {
    let given = limited(request.max_tokens, limits, notices);
    let style = style(&request.model);
    let thinking = match request.reasoning_effort {
        None => Thinking::Unsaid,
        Some(Effort::None) if style == Style::Nothing => Thinking::Unsaid,
        Some(Effort::None) => Thinking::Off,
        Some(effort) => match obstacle(request, style, given) {
            Some(why) => {
                notices.push(format!("reasoning_effort: dropped, because {why}."));
                Thinking::Unsaid
            }
            None if style == Style::Budget => Thinking::Budget(budget(effort, given, limits, notices)),
            None => Thinking::Adaptive(effort_name(effort, &request.model, notices)),
        },
    };
    let max_tokens = given.or(limits.max_output).unwrap_or_else(|| assumed(&thinking, notices));
    Plan { max_tokens, thinking }
}

/// The caller's limit, within the model's.
fn limited(given: Option<u32>, limits: ModelLimits, notices: &mut Vec<String>) -> Option<u32> {
    match (given, limits.max_output) {
        (Some(given), Some(most)) if given > most => {
            notices.push(format!("max_tokens: {most} instead of {given}, which is the model's most."));
            Some(most)
        }
        _ => given,
    }
}

fn assumed(thinking: &Thinking, notices: &mut Vec<String>) -> u32 {
    let assumed = match thinking {
        Thinking::Budget(tokens) => tokens + ANSWER_ROOM,
        _ => DEFAULT_MAX_TOKENS,
    };
    notices
        .push(format!("max_tokens: {assumed} was sent, because Anthropic wants a limit and none was given."));
    assumed
}

/// Models are told apart by name: the ones that are named here are the old ones, so that a new one needs no new line.
fn style(model: &str) -> Style {
    let has = |words: &[&str]| words.iter().any(|word| model.contains(word));
    if has(&["claude-2", "claude-instant"]) || (has(&["claude-3-"]) && !has(&["claude-3-7"])) {
        Style::Nothing
    } else if has(&["claude-3-7", "-4-0", "-4-1", "-4-2025", "-4-5"]) || model.ends_with("-4") {
        Style::Budget
    } else {
        Style::Effort
    }
}

/// Why the model cannot think in this request.
fn obstacle(request: &ChatRequest, style: Style, max_tokens: Option<u32>) -> Option<&'static str> {
    if style == Style::Nothing {
        return Some("the model does not think");
    }
    if matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Function(_))) {
        return Some("Claude does not think when it must call a tool");
    }
    if style == Style::Budget && max_tokens.is_some_and(|most| most <= LEAST_BUDGET) {
        return Some("max_tokens leaves no room for it");
    }
    (style == Style::Budget && is_in_unsigned_loop(&request.messages))
        .then_some("the thinking before the tool call is not in the conversation, and Claude wants it back")
}

/// In the middle of a tool loop whose call came without its signed thinking: from another provider, or through a
/// protocol that cannot carry it.
fn is_in_unsigned_loop(messages: &[Message]) -> bool {
    let last = messages.iter().rev().find_map(|message| match message {
        Message::Assistant(turn) => Some(turn),
        _ => None,
    });
    last.is_some_and(|turn| !turn.tool_calls.is_empty() && !turn.opaque.iter().any(is_own_block))
}

/// Within the limit of the answer, and leaving half of it to the answer itself.
fn budget(effort: Effort, given: Option<u32>, limits: ModelLimits, notices: &mut Vec<String>) -> u32 {
    let wanted =
        BUDGETS.iter().find(|(known, _)| *known == effort).map_or(LEAST_BUDGET, |(_, budget)| *budget);
    let Some(most) = given.or(limits.max_output) else {
        return wanted;
    };
    let half = (most / 2).max(LEAST_BUDGET);
    if wanted > half {
        notices.push(format!(
            "reasoning_effort: {half} tokens instead of {wanted}, to leave room within max_tokens."
        ));
    }
    wanted.min(half)
}

fn effort_name(effort: Effort, model: &str, notices: &mut Vec<String>) -> &'static str {
    match effort {
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::Max => "max",
        Effort::Xhigh if !model.contains("-4-6") => "xhigh",
        Effort::Xhigh => {
            notices.push("reasoning_effort: high instead of xhigh, which the model does not know.".into());
            "high"
        }
        Effort::None | Effort::Minimal => {
            notices.push("reasoning_effort: low, Claude's least, instead of minimal.".into());
            "low"
        }
    }
}
