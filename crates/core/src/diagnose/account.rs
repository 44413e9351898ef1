//! Words for what is wrong with a key, its account or the keychain that holds it.

use super::{Remedy, RemedyAction as A, Stage, Subject, Words};
use crate::dialect::Failure;

pub(super) fn no_key(subject: &Subject) -> Words {
    let provider = subject.provider();
    let create = subject.keys_page(format!("No key yet? Create one on your {provider} keys page."));
    Words::new(
        format!("{} has no key", subject.name),
        format!(
            "The network path is fine. {provider} wants a key with each request, and none is stored here."
        ),
        [paste("Paste a key.")].into_iter().chain(create),
    )
}

pub(super) fn vault_locked(subject: &Subject) -> Words {
    Words::new(
        "the keychain is locked",
        format!(
            "The key is safe but cannot be read, so nothing was sent to {}. Connections with a key wait until it is open.",
            subject.provider()
        ),
        [
            Remedy::new(A::UnlockKeychain, "Unlock the keychain."),
            Remedy::new(A::TestAgain, "Then test again."),
        ],
    )
}

pub(super) fn vault_denied(subject: &Subject) -> Words {
    Words::new(
        "the keychain does not give out the key",
        format!("Access was denied, so nothing was sent to {}. The key itself is safe.", subject.provider()),
        [
            Remedy::new(A::UnlockKeychain, "Ask again, and allow Patchbay when the keychain asks you."),
            paste("Or store the key anew."),
        ],
    )
}

pub(super) fn vault_absent(subject: &Subject) -> Words {
    Words::new(
        "no keychain runs on this system",
        format!(
            "The key cannot be read, so nothing was sent to {}. All settings are kept.",
            subject.provider()
        ),
        [Remedy::new(
            A::TestAgain,
            "Start your keychain (on Linux GNOME Keyring or KWallet), then test again.",
        )],
    )
}

pub(super) fn vault_failed(subject: &Subject, message: &str) -> Words {
    Words::new(
        "the keychain failed",
        format!(
            "The key cannot be read, so nothing was sent to {}. The keychain said: \"{message}\".",
            subject.provider()
        ),
        [
            Remedy::new(
                A::TestAgain,
                "Test again. If it stays, restart the keychain or sign in to this system anew.",
            ),
            paste("Or store the key anew."),
        ],
    )
}

/// 401 and its disguises.
pub(super) fn refused(subject: &Subject, failure: &Failure) -> Words {
    let provider = subject.provider();
    let key = subject.key();
    let listed =
        subject.keys_page(format!("Open your {provider} keys page and check whether {key} is still listed."));
    let replace = if listed.is_some() {
        "Create a new key there, then paste it here."
    } else {
        "Paste a key that it accepts."
    };
    let elsewhere =
        Remedy::new(A::EditBaseUrl, "If the key belongs to another service, change the base URL.");
    let own_url = (subject.provider_slug == "compatible").then_some(elsewhere);
    let status = failure.status.unwrap_or(401);
    let why = if subject.key_tail.is_empty() {
        format!(
            "{provider} answered {status}, and answers so to every call until it gets a key that it knows."
        )
    } else {
        format!(
            "{provider} answered {status} to {key}, and answers so to every call until it is replaced. That usually means it \
             was revoked, deleted or copied in part."
        )
    };
    Words::new(
        format!("{provider} does not accept this key"),
        format!("The network path is fine. {why}"),
        listed.into_iter().chain([paste(replace)]).chain(own_url).chain([until_then()]),
    )
}

/// 403.
pub(super) fn denied(subject: &Subject, stage: Stage, failure: &Failure) -> Words {
    let provider = subject.provider();
    let key = subject.key();
    let what = match stage {
        Stage::Completion | Stage::Stream => format!("this key may not use {}", subject.model()),
        _ => format!("{provider} does not let this key in"),
    };
    let rights = subject.keys_page(format!("Check what {key} may do on your {provider} keys page."));
    let pick = Remedy::new(A::PickModel, "Pick a model that this key may use.");
    Words::new(
        what,
        format!(
            "The network path is fine and {provider} knows {key}, but answered {}. Its rights, its project or your region may \
             exclude it, so calls with it fail.",
            failure.status.unwrap_or(403)
        ),
        (stage >= Stage::Completion)
            .then_some(pick)
            .into_iter()
            .chain(rights)
            .chain([paste("Paste a key that may do more."), until_then()]),
    )
}

/// 402, `insufficient_quota` and the like.
pub(super) fn exhausted(subject: &Subject) -> Words {
    let provider = subject.provider();
    let credit = format!("Add credit or raise the limit in your {provider} account.");
    let credit = subject.keys_page(credit.clone()).unwrap_or(Remedy::advice(credit));
    Words::new(
        format!("your account at {provider} has no credit left"),
        format!(
            "The network path and the key are fine. {provider} answers no more calls until there is credit or the quota renews."
        ),
        [credit, Remedy::new(A::TestAgain, "Then test again."), until_then()],
    )
}

/// 429: not a failure.
pub(super) fn limited(subject: &Subject, stage: Stage, failure: &Failure) -> Words {
    let provider = subject.provider();
    let known_good = if stage > Stage::Auth {
        "The network path and the key are fine."
    } else {
        "The network path is fine."
    };
    let wait = match failure.retry_after_ms {
        Some(ms) => format!("Wait {}, then test again.", seconds(ms)),
        None => "Wait a minute, then test again.".to_owned(),
    };
    let lower = "If it happens often, lower the requests per minute of this connection, or add another one.";
    Words::new(
        format!("{provider} takes no more requests for now"),
        format!("{known_good} This is a limit, not a failure: calls wait, or move to the next connection."),
        [Remedy::new(A::TestAgain, wait), Remedy::advice(lower)],
    )
}

/// "22 s", "6 min": rounded up, so that waiting so long is enough.
fn seconds(ms: u64) -> String {
    match ms.div_ceil(1_000) {
        seconds @ 0..=120 => format!("{} s", seconds.max(1)),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

fn paste(opening: &str) -> Remedy {
    Remedy::new(A::ReplaceKey, format!("{opening} Patchbay tests it before it goes live."))
}

/// The last remedy wherever calls would go on failing.
pub(super) fn until_then() -> Remedy {
    Remedy::new(A::TurnOff, "Until then, turn it off, so that calls do not try it first.")
}
