//! Words for answers that are errors, or no answers.

use super::account;
use super::{NEAREST, Remedy, RemedyAction as A, Stage, Subject, Words, nearest, plural};
use crate::code::Code;
use crate::dialect::Failure;

/// As much of a provider's message as stands in a sentence; the whole is below it in the report.
const QUOTE_CHARS: usize = 160;

/// What an error means at that stage. What other causes say better never comes here ([`super::Cause::settle`]).
pub(super) fn http(subject: &Subject, stage: Stage, failure: &Failure) -> Words {
    match failure.code {
        Code::KeyRefused => account::refused(subject, failure),
        Code::PermissionDenied => account::denied(subject, stage, failure),
        Code::QuotaExhausted => account::exhausted(subject),
        Code::RateLimited => account::limited(subject, stage, failure),
        Code::BadRequest | Code::ContextTooLong | Code::ContentFiltered => {
            refused_request(subject, stage, failure)
        }
        Code::Overloaded | Code::UpstreamFailed => provider_trouble(subject, failure),
        Code::MalformedAnswer => unreadable(subject),
        Code::TimedOut => timed_out(subject, stage),
        Code::StreamCut | Code::NetworkFailed => cut(subject, stage),
        Code::Stopped => Words::new(
            "all traffic is stopped",
            "Nothing was sent.",
            [Remedy::new(A::TestAgain, "Resume traffic, then test again.")],
        ),
        _ => Words::new(
            "the test could not go on",
            quote("Patchbay", failure),
            [Remedy::new(A::TestAgain, "Test again.")],
        ),
    }
}

fn refused_request(subject: &Subject, stage: Stage, failure: &Failure) -> Words {
    let provider = subject.provider();
    if stage < Stage::Completion {
        let check = format!("Check that the base URL, {}, leads to the API.", subject.base_url);
        return Words::new(
            format!("{provider} refuses the request"),
            format!("The network path is fine. {}", quote(provider, failure)),
            [Remedy::new(A::EditBaseUrl, check), Remedy::new(A::TestAgain, "Then test again.")],
        );
    }
    Words::new(
        format!("{} does not take the test question", subject.model()),
        format!("The network path and the key are fine. {}", quote(provider, failure)),
        [
            Remedy::new(A::PickModel, "Pick another default model: this one may not be made for chat."),
            Remedy::new(A::TestAgain, "Then test again."),
        ],
    )
}

fn provider_trouble(subject: &Subject, failure: &Failure) -> Words {
    let provider = subject.provider();
    let what = match (failure.code, failure.status) {
        (Code::Overloaded, _) => format!("{provider} is overloaded"),
        (_, Some(status)) => format!("{provider} answered {status}"),
        (_, None) => format!("{provider} failed"),
    };
    let place = if subject.local { "in that server" } else { "at its side" };
    Words::new(
        what,
        format!(
            "The network path is fine; the trouble is {place}. Calls are tried again, then move to the next connection. {}",
            quote(provider, failure)
        ),
        [
            Remedy::new(A::TestAgain, "Wait a minute, then test again."),
            Remedy::new(A::TurnOff, "If it lasts, turn it off, so that calls do not try it first."),
        ],
    )
}

fn unreadable(subject: &Subject) -> Words {
    let provider = subject.provider();
    Words::new(
        format!("{provider} answered with something that is no answer"),
        "The network path and the key are fine, but what came back does not follow the protocol, so bots cannot read it \
         either.",
        [
            Remedy::new(A::TestAgain, "Test again: it may have been a single slip."),
            Remedy::new(
                A::EditBaseUrl,
                format!("If it stays, check that the base URL, {}, leads to the API.", subject.base_url),
            ),
            Remedy::new(A::PickModel, "Or pick another default model."),
        ],
    )
}

fn timed_out(subject: &Subject, stage: Stage) -> Words {
    let (why, first) = if subject.local {
        (
            "A large model takes a while to load into memory.",
            "Wait until the model is loaded, then test again.",
        )
    } else {
        ("It may be overloaded, or a proxy holds the answer back.", "Test again.")
    };
    Words::new(
        format!("{} did not answer in time", subject.provider()),
        format!("The connection is open, but no answer came. {why}{}", may_be_billed(subject, stage)),
        [
            Remedy::new(A::TestAgain, first),
            Remedy::new(A::RaiseTimeout, "If it stays slow, raise the timeout of this connection."),
        ],
    )
}

fn cut(subject: &Subject, stage: Stage) -> Words {
    Words::new(
        format!("the connection to {} broke off", subject.host),
        format!(
            "It ended before the answer did. A proxy or VPN with a short time limit is a common cause.{}",
            may_be_billed(subject, stage)
        ),
        [Remedy::new(A::TestAgain, "Test again. If it stays, try without the proxy or VPN.")],
    )
}

fn may_be_billed(subject: &Subject, stage: Stage) -> &'static str {
    if stage >= Stage::Completion && !subject.local {
        " The question was sent and may be billed."
    } else {
        ""
    }
}

pub(super) fn not_an_api(subject: &Subject) -> Words {
    let edit = match subject.base_url_with_version() {
        Some(longer) => format!("The version may be missing. Change the base URL to {longer}."),
        None => format!("Look up the base URL in the documentation of {}.", subject.provider()),
    };
    let sign_in =
        Remedy::new(A::TestAgain, "On a network with a sign-in page, sign in first, then test again.");
    Words::new(
        format!("no API answers at {}", subject.base_url),
        format!(
            "{} answered, but not as an API does: with a web page, or with nothing at this path. The base URL seems to lead \
             elsewhere, so calls would fail.",
            subject.host
        ),
        [Remedy::new(A::EditBaseUrl, edit)].into_iter().chain((!subject.local).then_some(sign_in)),
    )
}

pub(super) fn empty_list(subject: &Subject) -> Words {
    let provider = subject.provider();
    if subject.local {
        let load = match subject.provider_slug.as_str() {
            "ollama" => "Load one, for example with `ollama pull llama3.2`, then test again.",
            _ => "Load one there, then test again.",
        };
        return Words::new(
            format!("{provider} has no model yet"),
            "The server runs, but has nothing to answer with.",
            [Remedy::new(A::TestAgain, load)],
        );
    }
    let rights = subject
        .keys_page(format!("Check which models {} may use on your {provider} keys page.", subject.key()));
    Words::new(
        format!("{provider} lists no model for this key"),
        "The network path and the key are fine, but there is nothing that it may call.",
        rights
            .into_iter()
            .chain([Remedy::new(A::PickModel, "If you know a model's name, enter it as the default model.")]),
    )
}

pub(super) fn model_missing(subject: &Subject, near: &[String], models: &[String]) -> Words {
    let (provider, model) = (subject.provider(), subject.model());
    let (what, fine) = if subject.local {
        (format!("{provider} does not have {model}"), "The server runs.")
    } else {
        (format!("this key cannot use {model}"), "The network path and the key are fine.")
    };
    let others: Vec<String> = models.iter().filter(|name| *name != model).cloned().collect();
    let why = if others.len() < models.len() {
        format!("{provider} lists {model}, but answers that it does not exist")
    } else if models.is_empty() {
        format!("{provider} offers no model of that name")
    } else {
        format!("{model} is not among the {} that {provider} offers", plural(models.len(), "model"))
    };
    let remedies = [Remedy::new(A::PickModel, pick(model, near, &others)), get_it(subject)];
    Words::new(what, format!("{fine} {why}, so calls for it fail."), remedies)
}

/// Which other model to take. `near` was found by the engine; without it the names are compared here.
fn pick(model: &str, near: &[String], others: &[String]) -> String {
    let near: Vec<&str> = match near {
        [] => nearest(model, others, NEAREST),
        _ => near.iter().take(NEAREST).map(String::as_str).collect(),
    };
    let choice = match others.len() {
        0 => "Pick another default model.".to_owned(),
        1 => "Pick the one that it offers.".to_owned(),
        count => format!("Pick one of the {count} that it offers."),
    };
    if near.is_empty() { choice } else { format!("{choice} Closest by name: {}.", near.join(", ")) }
}

fn get_it(subject: &Subject) -> Remedy {
    let (provider, model) = (subject.provider(), subject.model());
    match (subject.provider_slug.as_str(), subject.local) {
        ("ollama", _) => {
            Remedy::new(A::TestAgain, format!("Or load it: run `ollama pull {model}`, then test again."))
        }
        (_, true) => Remedy::new(A::TestAgain, format!("Or load it in {provider}, then test again.")),
        _ => Remedy::advice(format!("Or ask {provider} for access to it.")),
    }
}

pub(super) fn empty_answer(subject: &Subject) -> Words {
    Words::new(
        format!("{} answered with nothing", subject.model()),
        format!(
            "The network path and the key are fine, but no text came back from {}. A reasoning model can use up a small \
             allowance before its first word.",
            subject.provider()
        ),
        [
            Remedy::new(A::TestAgain, "Test again."),
            Remedy::new(A::PickModel, "If it stays empty, pick another default model."),
        ],
    )
}

/// "OpenAI answered 400: "…"."
fn quote(speaker: &str, failure: &Failure) -> String {
    let said = failure
        .status
        .map_or_else(|| format!("{speaker} said"), |status| format!("{speaker} answered {status}"));
    let message = failure.message.trim();
    match message.char_indices().nth(QUOTE_CHARS) {
        _ if message.is_empty() => format!("{said} and nothing more."),
        Some((end, _)) => format!("{said}: \"{}…\".", &message[..end]),
        None => format!("{said}: \"{}\".", message.trim_end_matches('.')),
    }
}
