//! What a profile sends with a call, where the caller itself says nothing (M5).

use serde::{Deserialize, Serialize};

use crate::chat::{ChatRequest, Message, ResponseFormat, Sampling, Tool, ToolChoice};

/// What happens to a parameter that a model does not take (M4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum WhenUntaken {
    /// It is left out, and a notice says so.
    #[default]
    Drop,
    /// That target is passed by; the next one may take it.
    Refuse,
}

impl WhenUntaken {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Refuse => "refuse",
        }
    }

    /// The one of that name; anything unknown drops, as new profiles do.
    pub fn parse(name: &str) -> Self {
        if name == "refuse" { Self::Refuse } else { Self::Drop }
    }
}

/// What is sent where the caller says nothing. What is `None` or empty is not sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recipe {
    /// Instructions, before everything else.
    pub system_prompt: Option<String>,
    /// How words are chosen.
    pub sampling: Sampling,
    /// The longest answer in tokens.
    pub max_tokens: Option<u32>,
    /// The shape of the answer.
    pub response_format: Option<ResponseFormat>,
    /// Functions that the model may call.
    pub tools: Vec<Tool>,
    /// Whether it must call one.
    pub tool_choice: Option<ToolChoice>,
    /// See [`WhenUntaken`].
    pub when_untaken: WhenUntaken,
}

impl Recipe {
    /// Whether it has nothing to send.
    pub fn is_empty(&self) -> bool {
        let nothing = Self { when_untaken: self.when_untaken, ..Self::default() };
        *self == nothing
    }

    /// Completes a request: what it says already stays (M5).
    pub fn complete(&self, request: &mut ChatRequest) {
        let says_who = |message: &Message| matches!(message, Message::System(_));
        if let Some(text) = self.system_prompt.as_ref().filter(|_| !request.messages.iter().any(says_who)) {
            request.messages.insert(0, Message::System(text.clone()));
        }
        let own = &mut request.sampling;
        own.temperature = own.temperature.or(self.sampling.temperature);
        own.top_p = own.top_p.or(self.sampling.top_p);
        own.presence_penalty = own.presence_penalty.or(self.sampling.presence_penalty);
        own.frequency_penalty = own.frequency_penalty.or(self.sampling.frequency_penalty);
        own.seed = own.seed.or(self.sampling.seed);
        if own.stop.is_empty() {
            own.stop.clone_from(&self.sampling.stop);
        }
        request.max_tokens = request.max_tokens.or(self.max_tokens);
        if request.response_format.is_none() {
            request.response_format.clone_from(&self.response_format);
        }
        if request.tools.is_empty() {
            request.tools.clone_from(&self.tools);
        }
        if request.tool_choice.is_none() && !request.tools.is_empty() {
            request.tool_choice.clone_from(&self.tool_choice);
        }
    }

    /// How much longer it makes a prompt, in bytes: a base for estimates.
    pub fn prompt_bytes(&self) -> usize {
        let tools = self.tools.iter().map(|tool| tool.name.len() + tool.parameters.to_string().len());
        self.system_prompt.as_ref().map_or(0, String::len) + tools.sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Delivery;

    #[test]
    fn m5_what_the_call_says_comes_before_the_profile() {
        let recipe = Recipe {
            system_prompt: Some("Be brief.".into()),
            sampling: Sampling { temperature: Some(0.3), top_p: Some(0.9), ..Sampling::default() },
            max_tokens: Some(100),
            response_format: Some(ResponseFormat::JsonObject),
            tool_choice: Some(ToolChoice::Required),
            ..Recipe::default()
        };
        let mut request = ChatRequest::prompt("m", "hi", Delivery::Whole);
        request.sampling.temperature = Some(1.0);
        request.max_tokens = Some(7);
        recipe.complete(&mut request);
        assert_eq!(request.messages[0], Message::System("Be brief.".into()));
        assert_eq!((request.sampling.temperature, request.sampling.top_p), (Some(1.0), Some(0.9)));
        assert_eq!(
            (request.max_tokens, request.response_format),
            (Some(7), Some(ResponseFormat::JsonObject))
        );
        assert_eq!(request.tool_choice, None, "there is no tool to choose");

        let mut own = ChatRequest::prompt("m", "hi", Delivery::Whole);
        own.messages.insert(0, Message::System("Be long.".into()));
        recipe.complete(&mut own);
        assert_eq!(own.messages.len(), 2, "the caller's own instructions stay alone");
    }

    #[test]
    fn a_recipe_that_only_says_how_to_refuse_sends_nothing() {
        assert!(Recipe { when_untaken: WhenUntaken::Refuse, ..Recipe::default() }.is_empty());
        assert!(!Recipe { max_tokens: Some(1), ..Recipe::default() }.is_empty());
    }
}
