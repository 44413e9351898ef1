//! What a request needs of the model that answers it, read off its text without taking it apart.

use memchr::memmem;
use serde::Deserialize;

use super::{Inbound, Task};
use crate::catalog::Protocol;
use crate::chat::ResponseFormat;
use crate::model::Capability;
use crate::route::{Capabilities, Needs};

/// No tokenizer makes less than a token of so many bytes of text: what is counted so is never too much.
const MOST_BYTES_A_TOKEN: usize = 8;
/// No model has a smaller window; shorter prompts need no second look.
const SMALLEST_WINDOW: usize = 2_048;
/// What stands in a prompt whose bytes are not text.
const BINARY: [&str; 4] = ["base64", "inlineData", "inline_data", "\"input_audio\""];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Formatted {
    r#type: String,
    format: Option<Box<Self>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct GenerationConfig {
    max_output_tokens: Option<u64>,
    #[serde(alias = "responseJsonSchema")]
    response_schema: Option<serde::de::IgnoredAny>,
}

impl Inbound {
    /// What the model must be able to do. What cannot be told from the text is not asked for.
    pub fn needs(&self) -> Needs {
        if let Task::Embed(_) = self.task {
            let capabilities = [Capability::Embeddings].into_iter().collect();
            return Needs { delivery: self.delivery, capabilities, context: 0 };
        }
        let added = self.missing().unwrap_or_default();
        let adds_schema = matches!(added.response_format, Some(ResponseFormat::JsonSchema { .. }));
        let asked = [
            (Capability::Tools, self.has_tools() || !added.tools.is_empty()),
            (Capability::Json, self.wants_schema() || adds_schema),
            (Capability::Images, self.shows_images()),
        ];
        let capabilities: Capabilities =
            asked.into_iter().filter_map(|(capability, is_asked)| is_asked.then_some(capability)).collect();
        Needs { delivery: self.delivery, capabilities, context: self.least_context() }
    }

    /// The longest answer in tokens, where the caller or its profile says.
    pub fn longest_answer(&self) -> Option<u64> {
        let number = |name: &str| self.fields.get::<u64>(name).ok().flatten();
        let own = match self.protocol {
            Protocol::Openai => number("max_completion_tokens").or_else(|| number("max_tokens")),
            Protocol::Responses => number("max_output_tokens"),
            Protocol::Anthropic => number("max_tokens"),
            Protocol::Gemini => self.generation_config().max_output_tokens,
        };
        own.or_else(|| self.recipe.as_ref()?.max_tokens.map(u64::from))
    }

    /// Feeds the prompt, and nothing else of the request, to a hasher: two requests that ask the same are told from others, and
    /// nothing of them is kept.
    pub fn hash_prompt(&self, hasher: &mut impl std::hash::Hasher) {
        for part in self.prompt_fields().iter().filter_map(|name| self.fields.raw(name)) {
            hasher.write(part.as_bytes());
        }
    }

    fn has_tools(&self) -> bool {
        self.fields.raw("tools").is_some_and(|tools| tools.starts_with('[') && tools.contains('{'))
    }

    fn wants_schema(&self) -> bool {
        let formatted = |name: &str| self.fields.get::<Formatted>(name).ok().flatten().unwrap_or_default();
        match self.protocol {
            Protocol::Openai => formatted("response_format").r#type == "json_schema",
            Protocol::Responses => {
                formatted("text").format.is_some_and(|format| format.r#type == "json_schema")
            }
            Protocol::Anthropic => self.fields.has("output_format"),
            Protocol::Gemini => self.generation_config().response_schema.is_some(),
        }
    }

    /// The name of a picture's part in quotes: inside a text, quotes are escaped and do not match.
    fn shows_images(&self) -> bool {
        match self.protocol {
            Protocol::Openai => self.prompt_holds("\"image_url\""),
            Protocol::Responses => self.prompt_holds("\"input_image\""),
            Protocol::Anthropic => self.prompt_holds("\"image\""),
            Protocol::Gemini => self.prompt_holds("\"image/"),
        }
    }

    fn least_context(&self) -> u64 {
        let least = self.prompt_bytes() / MOST_BYTES_A_TOKEN;
        if least < SMALLEST_WINDOW || BINARY.iter().any(|sign| self.prompt_holds(sign)) {
            return 0;
        }
        least as u64
    }

    fn prompt_holds(&self, text: &str) -> bool {
        let finder = memmem::Finder::new(text);
        let parts = self.prompt_fields().iter().filter_map(|name| self.fields.raw(name));
        parts.into_iter().any(|part| finder.find(part.as_bytes()).is_some())
    }

    fn generation_config(&self) -> GenerationConfig {
        let config = |name: &str| self.fields.get(name).ok().flatten();
        config("generationConfig").or_else(|| config("generation_config")).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Delivery;

    fn read(protocol: Protocol, body: &str) -> Inbound {
        match protocol {
            Protocol::Gemini => Inbound::read_gemini("m", Delivery::Whole, body.as_bytes()),
            _ => Inbound::read(protocol, body.as_bytes()),
        }
        .expect(body)
    }

    fn check(protocol: Protocol, body: &str, needs: &[Capability]) {
        let needs: Capabilities = needs.iter().copied().collect();
        assert_eq!(read(protocol, body).needs().capabilities, needs, "{body}");
    }

    #[test]
    fn needs_are_read_in_every_protocol() {
        use Capability::{Images, Json, Tools};
        check(
            Protocol::Openai,
            r#"{"model":"m","messages":[{"content":"an \"image_url\""}],"tools":[]}"#,
            &[],
        );
        check(
            Protocol::Openai,
            r#"{"model":"m","messages":[{"content":[{"type":"image_url"}]}],"tools":[{"type":"function"}],
                "response_format":{"type":"json_schema","json_schema":{}}}"#,
            &[Tools, Json, Images],
        );
        check(Protocol::Openai, r#"{"model":"m","response_format":{"type":"json_object"}}"#, &[]);
        check(
            Protocol::Responses,
            r#"{"model":"m","input":[{"type":"input_image"}],"text":{"format":{"type":"json_schema"}}}"#,
            &[Json, Images],
        );
        check(
            Protocol::Anthropic,
            r#"{"model":"m","messages":[{"content":[{"type":"image"}]}],"tools":[{"name":"f"}]}"#,
            &[Tools, Images],
        );
        check(
            Protocol::Gemini,
            r#"{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png"}}]}],
                "generationConfig":{"responseSchema":{"type":"OBJECT"}}}"#,
            &[Json, Images],
        );
    }

    #[test]
    fn the_longest_answer_is_what_the_caller_allows() {
        for (protocol, body, most) in [
            (Protocol::Openai, r#"{"model":"m","max_tokens":7}"#, Some(7)),
            (Protocol::Openai, r#"{"model":"m","max_tokens":7,"max_completion_tokens":9}"#, Some(9)),
            (Protocol::Openai, r#"{"model":"m","max_tokens":null}"#, None),
            (Protocol::Responses, r#"{"model":"m","max_output_tokens":8}"#, Some(8)),
            (Protocol::Anthropic, r#"{"model":"m","max_tokens":6}"#, Some(6)),
            (Protocol::Gemini, r#"{"generationConfig":{"maxOutputTokens":5}}"#, Some(5)),
        ] {
            assert_eq!(read(protocol, body).longest_answer(), most, "{body}");
        }
    }

    #[test]
    fn a_context_is_never_thought_longer_than_it_is() {
        let body = |text: &str| format!(r#"{{"model":"m","messages":"{text}"}}"#);
        let needs = |text: &str| read(Protocol::Openai, &body(text)).needs().context;
        assert_eq!(needs(&"x".repeat(1_000)), 0);
        assert_eq!(needs(&"word ".repeat(20_000)), 12_500);
        assert_eq!(needs(&format!("data:image/png;base64,{}", "A".repeat(100_000))), 0);
    }
}
