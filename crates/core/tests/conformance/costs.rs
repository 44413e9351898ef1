//! What providers say that they charged, beside what the price table says.

use patchbay_core::chat::Reply;
use patchbay_core::money::NanoUsd;
use patchbay_core::price::{Price, PriceBook};
use patchbay_core::time::Timestamp;

use crate::claim::{self, Claim};
use crate::exchange::{Exchange, events};

/// A recording whose price is not in the table, the price that was charged (input, output, cached), and where that is read.
type Excuse = (&'static str, [&'static str; 3], &'static str);

const EXCUSED: [Excuse; 4] = [
    (
        "openrouter/chat-cached-stream",
        ["3", "15", "0.75"],
        "no row for x-ai/grok-4; its cost_details split the sum: 0.002805 for 187 tokens of output, 0.00053325 for the rest",
    ),
    (
        "openrouter/chat-tools",
        ["0.1", "0.3", "0.1"],
        "it was routed to WandB, whose cost_details say 0.000028 for 280 tokens and 0.000012 for 40; the table has 0.09",
    ),
    (
        "xai/chat-plain",
        ["0.3", "0.5", "0.075"],
        "no row for grok-3-mini at xAI; OpenRouter's row for it says this",
    ),
    ("xai/chat-stream", ["0.3", "0.5", "0.075"], "as above"),
];

/// Compares all reported costs and prints the table. Each must come to the same nano-dollar: that proves that tokens are counted
/// as they are billed. The excused ones come to it by the price that was really charged.
pub fn compare(exchanges: &[Exchange]) {
    println!("{:<32} {:<34} {:>12} {:>12}", "exchange", "model", "reported", "priced");
    let mut excused = 0;
    for exchange in exchanges {
        let Some(reply) = answer(exchange) else { continue };
        let Some(reported) = reply.usage.reported_cost else { continue };
        let excuse = EXCUSED.iter().find(|(name, ..)| *name == exchange.name);
        let listed = listed(exchange, &reply).map(|price| price.cost(&reply.usage));
        let (priced, why) = match excuse {
            None => (listed.expect("a price"), ""),
            Some((name, charged, why)) => {
                assert_ne!(listed, Some(reported), "{name} needs no excuse any more");
                excused += 1;
                (price(*charged).cost(&reply.usage), *why)
            }
        };
        let model = reply.model.as_deref().unwrap_or_default();
        println!("{:<32} {model:<34} {reported:>12} {priced:>12} {why}", exchange.name);
        assert_eq!(priced, reported, "{}: is a token counted twice, or not at all?", exchange.name);
    }
    assert_eq!(excused, EXCUSED.len(), "each excuse has its recording");
}

/// By the model that answered, else by the one that was asked.
fn listed(exchange: &Exchange, reply: &Reply) -> Option<Price> {
    let requested = exchange.request().and_then(|body| body["model"].as_str());
    let input = reply.usage.input.expect("tokens");
    let find = |model| PriceBook::default().find(&exchange.provider, model, Timestamp::default(), input);
    [reply.model.as_deref(), requested].into_iter().flatten().find_map(find)
}

fn price([input, output, cached]: [&str; 3]) -> Price {
    let dollars = |text| NanoUsd::from_decimal(text).expect("dollars");
    Price {
        input: dollars(input),
        output: dollars(output),
        cached_input: Some(dollars(cached)),
        ..Price::FREE
    }
}

fn answer(exchange: &Exchange) -> Option<Reply> {
    let dialect = claim::dialect(exchange);
    match Claim::of(exchange) {
        Claim::Reply => (dialect.decode_reply)(&exchange.answer(), exchange.quirks()).ok(),
        Claim::Stream => {
            let events = events(&exchange.answer(), usize::MAX);
            Some(dialect.decode_stream(&events, exchange.quirks()).reply())
        }
        _ => None,
    }
}
