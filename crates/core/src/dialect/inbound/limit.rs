//! The longest answer that a caller may have, whatever it asks for.

use serde_json::{Map, Value};

use super::{Inbound, Task};
use crate::catalog::Protocol;

impl Inbound {
    /// Lets an answer hold at most so many tokens: a longer wish, and none, becomes that one.
    pub fn limit_answer(&mut self, most: u32) {
        if self.task != Task::Chat || self.longest_answer().is_some_and(|asked| asked <= most.into()) {
            return;
        }
        let name = match self.protocol {
            Protocol::Openai if self.fields.has("max_completion_tokens") => "max_completion_tokens",
            Protocol::Openai | Protocol::Anthropic => "max_tokens",
            Protocol::Responses => "max_output_tokens",
            Protocol::Gemini => return self.limit_gemini(most),
        };
        self.fields.put(name, most);
        self.notices.push(format!("`{name}`: {most}, the most that this app may ask for."));
    }

    fn limit_gemini(&mut self, most: u32) {
        let name =
            if self.fields.has("generation_config") { "generation_config" } else { "generationConfig" };
        let mut config: Map<String, Value> = self.fields.get(name).ok().flatten().unwrap_or_default();
        config.remove("max_output_tokens");
        config.insert("maxOutputTokens".into(), most.into());
        self.fields.put(name, Value::Object(config));
        self.notices.push(format!("`maxOutputTokens`: {most}, the most that this app may ask for."));
    }
}
