//! What providers say that they charged, beside what the price table says.

use patchbay_core::chat::Reply;
use patchbay_core::price::PriceBook;
use patchbay_core::time::Timestamp;

use super::Exchange;

/// Compares all reported costs and prints the table. Where a price is known, it must come to the same nano-dollar: that proves
/// that tokens are counted as they are billed. `routed` names those whose upstream had another price that day.
pub fn compare(answers: &[(&Exchange, Reply)], routed: &[&str]) {
    let book = PriceBook::default();
    println!("{:<36} {:<34} {:>12} {:>12}", "exchange", "model", "reported", "priced");
    for (exchange, reply) in answers {
        let Some(reported) = reply.usage.reported_cost else { continue };
        let requested = exchange.request().and_then(|body| body["model"].as_str());
        let models = [reply.model.as_deref(), requested];
        let input = reply.usage.input.unwrap();
        let find = |model: &str| {
            let price = book.find(&exchange.provider, model, Timestamp::default(), input)?;
            Some((model.to_owned(), price.cost(&reply.usage)))
        };
        let found = models.into_iter().flatten().find_map(find);
        let (model, priced) = found.clone().unzip();
        let shown = priced.map_or("unknown".to_owned(), |priced| priced.to_string());
        let model = model.or(reply.model.clone()).unwrap_or_default();
        println!("{:<36} {model:<34} {:>12} {shown:>12}", exchange.name, reported.to_string());
        if let Some(priced) = priced.filter(|_| !routed.contains(&exchange.name.as_str())) {
            assert_eq!(priced, reported, "{}: is a token counted twice, or not at all?", exchange.name);
        }
    }
}
