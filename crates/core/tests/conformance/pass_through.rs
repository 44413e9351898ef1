//! The other way through chat completions, on which bytes pass and only what the ledger needs is read: it must read the same.

use patchbay_core::chat::{Finish, Reply};
use patchbay_core::code::Code;
use patchbay_core::dialect::openai::{Seen, StreamDecoder, decode_reply};

use crate::exchange::Exchange;

pub fn check(exchange: &Exchange, said: &Reply) {
    let name = &exchange.name;
    let Some(data) = exchange.stream() else {
        let reply = decode_reply(&exchange.answer(), exchange.quirks()).expect(name);
        assert_eq!((&reply.text, reply.usage), (&said.turn.text, said.usage), "{name}");
        assert_eq!(reply.model, said.model, "{name}");
        return assert_eq!(
            reply.finish_reason.as_deref(),
            said.finish.as_ref().map(Finish::as_str),
            "{name}"
        );
    };
    let mut decoder = StreamDecoder::new(exchange.quirks());
    let text: String = data.iter().filter_map(|line| token(decoder.event(Some(line)))).collect();
    let expected = said.turn.text.clone() + said.refusal.as_deref().unwrap_or_default();
    assert_eq!((text, decoder.usage(), decoder.is_complete()), (expected, said.usage, true), "{name}");
    check_finish(name, decoder.finish_reason(), said);
    assert_eq!(decoder.model(), said.model.as_deref(), "{name}");
}

/// Here it is the provider's own word, which goes on to the caller as it came.
fn check_finish(name: &str, word: Option<&str>, said: &Reply) {
    let word = word.map(|word| if word == "eos" { "stop" } else { word });
    assert_eq!(word, said.finish.as_ref().map(Finish::as_str), "{name}");
}

fn token(seen: Seen) -> Option<String> {
    match seen {
        Seen::Token(text) => Some(text),
        _ => None,
    }
}

/// A stream that fails or is cut does so here too.
pub fn check_failed(exchange: &Exchange, code: Code, data: &[String]) {
    let mut decoder = StreamDecoder::new(exchange.quirks());
    let failed = data.iter().find_map(|line| match decoder.event(Some(line)) {
        Seen::Failed(failure) => Some(failure.code),
        _ => None,
    });
    let failed = failed.or((!decoder.is_complete()).then_some(Code::StreamCut));
    assert_eq!(failed, Some(code), "{}", exchange.name);
}
