//! What a prompt by hand asks, in the one form that all calls have.

use patchbay_core::chat::{ChatRequest, Delivery, Message, Part};
use patchbay_core::dialect::Inbound;
use patchbay_core::profile::{AnswerFormat, Spec, ToolSpec, ToolUse};
use serde::Deserialize;

use super::attachment;
use crate::error::Error;

/// What is asked.
#[derive(Clone, Debug, Default, Deserialize, specta::Type)]
pub struct PlaygroundRequest {
    /// A target's id.
    pub model: String,
    /// Instructions.
    pub system: Option<String>,
    /// The question.
    pub prompt: String,
    /// 0..=200, in hundredths; `None` = not sent.
    pub temperature_centi: Option<u32>,
    /// Upper limit of the answer; `None` = not sent.
    pub max_tokens: Option<u32>,
    /// The shape of the answer; `None` = not sent.
    pub response_format: Option<AnswerFormat>,
    /// Functions that the model may call; nobody here answers a call.
    pub tools: Vec<ToolSpec>,
    /// Whether it must call one.
    pub tool_choice: Option<ToolUse>,
    /// A picture or a text that goes along, by the path of its file.
    pub attachment: Option<String>,
}

/// The request as it is sent.
pub fn inbound(request: &PlaygroundRequest, delivery: Delivery) -> Result<Inbound, Error> {
    if request.prompt.trim().is_empty() {
        return Err(Error::invalid("There is nothing to ask.", "Write a prompt."));
    }
    let attached = request.attachment.as_deref().map(attachment::part).transpose()?;
    encoded(request, attached, delivery)
}

/// The same without what goes along, where that is a picture: nobody knows here how many tokens a model takes it for.
pub(super) fn countable(request: &PlaygroundRequest) -> Result<(Inbound, bool), Error> {
    let attached = request.attachment.as_deref().map(attachment::part).transpose()?;
    let is_picture = matches!(attached, Some(Part::Image(_)));
    let text = attached.filter(|_| !is_picture);
    Ok((encoded(request, text, Delivery::Streamed)?, is_picture))
}

fn encoded(
    request: &PlaygroundRequest,
    attached: Option<Part>,
    delivery: Delivery,
) -> Result<Inbound, Error> {
    // A prompt is checked as a profile that says the same would be.
    let spec = Spec {
        system_prompt: request.system.clone(),
        temperature: request.temperature_centi.map(|centi| f64::from(centi) / 100.0),
        max_tokens: request.max_tokens.filter(|tokens| *tokens > 0),
        response_format: request.response_format.clone(),
        tool_configurations: request.tools.clone(),
        tool_choice: request.tool_choice.clone().filter(|_| !request.tools.is_empty()),
        ..Spec::default()
    };
    spec.check_recipe().map_err(|wrong| Error::invalid(wrong.message, wrong.hint))?;
    let recipe = spec.recipe();
    let asked = [Part::Text(request.prompt.clone())].into_iter().chain(attached).collect();
    let system = recipe.system_prompt.map(Message::System);
    let chat = ChatRequest {
        model: request.model.clone(),
        messages: system.into_iter().chain([Message::User(asked)]).collect(),
        tools: recipe.tools,
        tool_choice: recipe.tool_choice,
        response_format: recipe.response_format,
        sampling: recipe.sampling,
        max_tokens: recipe.max_tokens,
        delivery,
        ..ChatRequest::default()
    };
    Ok(Inbound::own(&chat)?)
}
