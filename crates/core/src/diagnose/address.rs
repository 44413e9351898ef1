//! Words for an address that answers, but not as the API that the connection expects.

use super::{Remedy, RemedyAction as A, Subject, Words, account};
use crate::catalog::Protocol;

pub(super) fn wrong_path(subject: &Subject, better: &str) -> Words {
    Words::new(
        format!("the API is at {better}"),
        format!(
            "Nothing answers as an API at {}, but {better} on the same server does. Calls fail until the base URL is right.",
            subject.base_url
        ),
        [
            Remedy::with_value(A::UseBaseUrl, better, format!("Change the base URL to {better}.")),
            Remedy::new(A::EditBaseUrl, "Or enter another one."),
        ],
    )
}

pub(super) fn wrong_protocol(subject: &Subject, speaks: Protocol) -> Words {
    let (theirs, slug, provider) = spoken(speaks);
    let (ours, _, _) = spoken(subject.protocol);
    Words::new(
        format!("{} speaks {theirs}, not {ours}", subject.host),
        format!(
            "The network path is fine, but this connection asks in {ours} and is not understood. The key is not at fault."
        ),
        [
            Remedy::with_value(A::AddInstead, slug, format!("Add it as a connection of {provider} instead.")),
            Remedy::new(
                A::EditBaseUrl,
                format!("Or change the base URL, if this server also has an address that speaks {ours}."),
            ),
            account::until_then(),
        ],
    )
}

/// The protocol in a sentence, and the provider to add for it.
fn spoken(protocol: Protocol) -> (&'static str, &'static str, &'static str) {
    match protocol {
        Protocol::Openai | Protocol::Responses => ("OpenAI's protocol", "compatible", "\"Other\""),
        Protocol::Anthropic => ("Anthropic's protocol", "anthropic", "Anthropic"),
        Protocol::Gemini => ("Gemini's protocol", "gemini", "Google Gemini"),
    }
}

pub(super) fn sign_in_page(subject: &Subject) -> Words {
    Words::new(
        format!("a sign-in page answers in place of {}", subject.host),
        "Something on the way wants you to sign in first: the page of a hotel or office network, or a login in front of the \
         server. The key was not judged.",
        [
            Remedy::new(A::TestAgain, "Open a web page in your browser, sign in, then test again."),
            Remedy::new(
                A::EditBaseUrl,
                format!("If no such page shows, check the base URL, {}.", subject.base_url),
            ),
        ],
    )
}

pub(super) fn blocked(subject: &Subject) -> Words {
    Words::new(
        format!("a web page in place of {} refuses this machine", subject.host),
        "The answer is a page, not the API's own: a firewall on the way, or in front of the server, turns this address away. \
         The key was not judged.",
        [
            Remedy::new(
                A::TestAgain,
                "Try without the VPN or proxy, or from another network, then test again.",
            ),
            Remedy::new(A::EditBaseUrl, format!("Check the base URL, {}.", subject.base_url)),
        ],
    )
}

pub(super) fn redirected(subject: &Subject, host: &str, better: Option<&str>) -> Words {
    let use_it = better
        .map(|better| Remedy::with_value(A::UseBaseUrl, better, format!("Change the base URL to {better}.")));
    let edit = if better.is_some() { "Or enter another one." } else { "Enter the base URL that it has now." };
    let to = better.map_or_else(|| host.to_owned(), str::to_owned);
    Words::new(
        format!("the address has moved to {to}"),
        format!(
            "{} answers with a redirect. It is not followed, so that the key goes nowhere that you did not name.",
            subject.base_url
        ),
        use_it.into_iter().chain([Remedy::new(A::EditBaseUrl, edit)]),
    )
}

pub(super) fn wrong_json(subject: &Subject) -> Words {
    Words::new(
        format!("{} answers with something other than a list of models", subject.host),
        "The network path is fine and the answer is JSON, but it is not what the protocol asks for. The base URL seems to lead \
         to another API.",
        [
            Remedy::new(A::EditBaseUrl, format!("Check the base URL, {}.", subject.base_url)),
            Remedy::new(A::TestAgain, "Then test again."),
        ],
    )
}
