//! What a model said, with the signed parts in their places: a signature comes back with the very part it came with.

use serde_json::{Value, json};

use crate::chat::Turn;

/// The parts of a turn before its calls, and how many kept blocks had no place among them: another provider's, or a
/// signed text that is not in the turn any more.
pub(super) fn own_parts(turn: &Turn) -> (Vec<Value>, usize) {
    let (thoughts, others): (Vec<&Value>, Vec<&Value>) =
        turn.opaque.iter().filter(|block| is_own_part(block)).partition(|part| part["thought"] == true);
    let mut text = turn.text.as_str();
    let mut signed = Vec::new();
    let mut lost = turn.opaque.len() - thoughts.len() - others.len();
    for part in others.into_iter().rev() {
        match text.strip_suffix(part["text"].as_str().unwrap_or_default()) {
            Some(before) => {
                text = before;
                signed.push(part.clone());
            }
            None => lost += 1,
        }
    }
    let unsigned = (!text.is_empty()).then(|| json!({ "text": text }));
    let parts = thoughts.into_iter().cloned().chain(unsigned).chain(signed.into_iter().rev());
    (parts.collect(), lost)
}

/// Whether a block that a provider wants back is Gemini's: everybody else's have a type.
pub(super) fn is_own_part(block: &Value) -> bool {
    block.is_object() && block.get("type").is_none()
}
