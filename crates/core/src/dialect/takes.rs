//! Which parameters a protocol, or a model, does not take (M4): what would be answered by a 400, or has no word.

use crate::catalog::Protocol;
use crate::chat::{ChatRequest, ResponseFormat, Sampling};

/// A parameter that some model does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// `temperature`
    Temperature,
    /// `top_p`
    TopP,
    /// `presence_penalty`
    PresencePenalty,
    /// `frequency_penalty`
    FrequencyPenalty,
    /// `seed`
    Seed,
    /// `stop`
    Stop,
    /// Any JSON object as the answer's shape.
    AnyJson,
}

impl Parameter {
    const ALL: [Self; 7] = [
        Self::Temperature,
        Self::TopP,
        Self::PresencePenalty,
        Self::FrequencyPenalty,
        Self::Seed,
        Self::Stop,
        Self::AnyJson,
    ];

    /// Its name in OpenAI's protocol, which people know.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::TopP => "top_p",
            Self::PresencePenalty => "presence_penalty",
            Self::FrequencyPenalty => "frequency_penalty",
            Self::Seed => "seed",
            Self::Stop => "stop",
            Self::AnyJson => "response_format",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parameters(u8);

impl Parameters {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// Whether it is among them.
    pub fn has(self, parameter: Parameter) -> bool {
        self.0 & parameter.bit() != 0
    }

    /// Those that are in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are in either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// All of them, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = Parameter> {
        Parameter::ALL.into_iter().filter(move |parameter| self.has(*parameter))
    }
}

impl FromIterator<Parameter> for Parameters {
    fn from_iter<T: IntoIterator<Item = Parameter>>(parameters: T) -> Self {
        Self(parameters.into_iter().fold(0, |bits, parameter| bits | parameter.bit()))
    }
}

/// OpenAI's models that reason: they choose their words themselves, and answer 400 to whoever wants to.
const REASONING: [&str; 4] = ["o1", "o3", "o4", "gpt-5"];

/// What that model of that provider does not take, whatever the protocol.
pub fn untaken_by_model(provider: &str, model: &str) -> Parameters {
    use Parameter as P;
    let is_of = |family: &&str| match model.strip_prefix(*family) {
        Some(rest) => rest.is_empty() || (rest.starts_with('-') && !rest.starts_with("-chat")),
        None => false,
    };
    if provider != "openai" || !REASONING.iter().any(is_of) {
        return Parameters::NONE;
    }
    [P::Temperature, P::TopP, P::PresencePenalty, P::FrequencyPenalty, P::Stop].into_iter().collect()
}

/// What a protocol has no word for.
pub fn untaken_by_protocol(protocol: Protocol) -> Parameters {
    use Parameter as P;
    let untaken: &[P] = match protocol {
        Protocol::Openai | Protocol::Gemini => &[],
        Protocol::Responses => &[P::PresencePenalty, P::FrequencyPenalty, P::Seed, P::Stop],
        Protocol::Anthropic => &[P::PresencePenalty, P::FrequencyPenalty, P::Seed, P::AnyJson],
    };
    untaken.iter().copied().collect()
}

/// What a request asks for beyond what every model does by itself: a temperature of 1 is no wish.
pub fn asked(sampling: &Sampling, format: Option<&ResponseFormat>) -> Parameters {
    use Parameter as P;
    let differs =
        |value: Option<f64>, usual: f64| value.is_some_and(|value| (value - usual).abs() > f64::EPSILON);
    [
        (P::Temperature, differs(sampling.temperature, 1.0)),
        (P::TopP, differs(sampling.top_p, 1.0)),
        (P::PresencePenalty, differs(sampling.presence_penalty, 0.0)),
        (P::FrequencyPenalty, differs(sampling.frequency_penalty, 0.0)),
        (P::Seed, sampling.seed.is_some()),
        (P::Stop, !sampling.stop.is_empty()),
        (P::AnyJson, format == Some(&ResponseFormat::JsonObject)),
    ]
    .into_iter()
    .filter_map(|(parameter, is_asked)| is_asked.then_some(parameter))
    .collect()
}

/// Takes out of a request what the model does not take, and answers what is to be told of it.
pub(super) fn drop_untaken(request: &mut ChatRequest, untaken: Parameters) -> Vec<String> {
    let dropped = asked(&request.sampling, request.response_format.as_ref()).and(untaken);
    forget(&mut request.sampling, &mut request.response_format, untaken);
    dropped.iter().map(notice).collect()
}

/// Sets parameters to nothing.
pub(super) fn forget(sampling: &mut Sampling, format: &mut Option<ResponseFormat>, parameters: Parameters) {
    for parameter in parameters.iter() {
        match parameter {
            Parameter::Temperature => sampling.temperature = None,
            Parameter::TopP => sampling.top_p = None,
            Parameter::PresencePenalty => sampling.presence_penalty = None,
            Parameter::FrequencyPenalty => sampling.frequency_penalty = None,
            Parameter::Seed => sampling.seed = None,
            Parameter::Stop => sampling.stop.clear(),
            Parameter::AnyJson => {
                *format = format.take().filter(|format| *format != ResponseFormat::JsonObject);
            }
        }
    }
}

/// That a parameter was left out.
pub(super) fn notice(parameter: Parameter) -> String {
    format!("`{}`: left out, because the model does not take it.", parameter.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m4_models_that_reason_choose_their_words_themselves() {
        for (provider, model, takes) in [
            ("openai", "gpt-5-mini", false),
            ("openai", "gpt-5", false),
            ("openai", "o3-2025-04-16", false),
            ("openai", "gpt-5-chat-latest", true),
            ("openai", "gpt-5.1", true),
            ("openai", "gpt-4.1", true),
            ("openai", "o1000", true),
            ("openrouter", "openai/gpt-5-mini", true),
        ] {
            assert_eq!(!untaken_by_model(provider, model).has(Parameter::Temperature), takes, "{model}");
        }
    }

    #[test]
    fn what_every_model_does_by_itself_is_no_wish() {
        let usual = Sampling {
            temperature: Some(1.0),
            top_p: Some(1.0),
            presence_penalty: Some(0.0),
            ..Sampling::default()
        };
        assert_eq!(asked(&usual, None), Parameters::NONE);
        let cold = Sampling { temperature: Some(0.0), stop: vec!["x".into()], ..Sampling::default() };
        assert_eq!(asked(&cold, None).iter().collect::<Vec<_>>(), [Parameter::Temperature, Parameter::Stop]);
    }
}
