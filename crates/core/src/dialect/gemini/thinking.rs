//! How long Gemini thinks: a level since Gemini 3, a budget of tokens before, nothing before that; never both.

use serde_json::{Value, json};

use crate::chat::{ChatRequest, ReasoningEffort as Effort};

/// What a model takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Nothing,
    Budget,
    Level,
}

/// Models are told apart by name: the ones that are named here are the old ones, so that a new one needs no new line.
pub(super) fn style(model: &str) -> Style {
    let has = |words: &[&str]| words.iter().any(|word| model.contains(word));
    if has(&["gemini-1", "gemini-2.0", "gemma"]) {
        Style::Nothing
    } else if has(&["gemini-2.5"]) {
        Style::Budget
    } else {
        Style::Level
    }
}

/// `thinkingConfig`, in Google's own translation of OpenAI's efforts.
pub(super) fn config(request: &ChatRequest, notices: &mut Vec<String>) -> Option<Value> {
    let effort = request.reasoning_effort?;
    let is_pro = request.model.contains("pro");
    match style(&request.model) {
        Style::Nothing if effort == Effort::None => None,
        Style::Nothing => {
            notices.push("reasoning_effort: dropped, because the model does not think.".into());
            None
        }
        Style::Budget => Some(json!({ "thinkingBudget": budget(effort, is_pro, notices) })),
        Style::Level => Some(json!({ "thinkingLevel": level(effort, is_pro, notices) })),
    }
}

fn budget(effort: Effort, is_pro: bool, notices: &mut Vec<String>) -> u32 {
    match effort {
        Effort::None if is_pro => {
            notices.push(
                "reasoning_effort: 128 tokens instead of none, because the model always thinks.".into(),
            );
            128
        }
        Effort::None => 0,
        Effort::Minimal => 512,
        Effort::Low => 1_024,
        Effort::Medium => 8_192,
        Effort::High => 24_576,
        Effort::Max => most(is_pro),
        Effort::Xhigh => {
            let most = most(is_pro);
            notices.push(format!("reasoning_effort: {most} tokens for xhigh, which is the model's most."));
            most
        }
    }
}

fn most(is_pro: bool) -> u32 {
    if is_pro { 32_768 } else { 24_576 }
}

fn level(effort: Effort, is_pro: bool, notices: &mut Vec<String>) -> &'static str {
    let (level, is_exact) = match effort {
        Effort::None | Effort::Minimal if is_pro => ("LOW", false),
        Effort::None => ("MINIMAL", false),
        Effort::Minimal => ("MINIMAL", true),
        Effort::Low => ("LOW", true),
        Effort::Medium => ("MEDIUM", true),
        Effort::High => ("HIGH", true),
        Effort::Xhigh | Effort::Max => ("HIGH", false),
    };
    if !is_exact {
        notices.push(format!("reasoning_effort: {level} instead, the nearest level of the model."));
    }
    level
}

/// The effort that a budget stands for; none for a model that decides itself (−1).
pub(super) fn effort_of_budget(tokens: i64) -> Option<Effort> {
    Some(match tokens {
        ..0 => return None,
        0 => Effort::None,
        1..=512 => Effort::Minimal,
        513..=1_024 => Effort::Low,
        1_025..=8_192 => Effort::Medium,
        8_193..=24_576 => Effort::High,
        _ => Effort::Max,
    })
}

/// The effort that a level stands for.
pub(super) fn effort_of_level(level: &str) -> Option<Effort> {
    match level.to_ascii_uppercase().as_str() {
        "MINIMAL" => Some(Effort::Minimal),
        "LOW" => Some(Effort::Low),
        "MEDIUM" => Some(Effort::Medium),
        "HIGH" => Some(Effort::High),
        _ => None,
    }
}
