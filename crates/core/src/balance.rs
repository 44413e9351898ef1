//! What an account has left at its provider, where that can be asked (behaviours N3).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::alert::{Severity, Sign};
use crate::money::NanoUsd;

/// Where a provider tells what is left. The catalogue's facts are from the providers' own documentation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BalanceRoute {
    /// Below the base URL; one that begins with a slash, below the server's root.
    pub route: String,
    /// Where the amount stands in the answer, as a JSON pointer: a number, or a text of one. Null is without limit.
    pub left: String,
    /// Where its currency stands; without it, it is dollars.
    #[serde(default)]
    pub currency: Option<String>,
}

/// What an account has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Balance {
    /// In the unit of its currency, as the provider wrote it: "3.20". May be negative.
    pub left: String,
    /// ISO 4217: "USD", "CNY".
    pub currency: String,
}

impl BalanceRoute {
    /// Reads the answer; `None` where it tells no amount.
    pub fn read(&self, body: &[u8]) -> Option<Balance> {
        let answer: Value = serde_json::from_slice(body).ok()?;
        let left = match answer.pointer(&self.left)? {
            Value::Number(number) => number.as_f64()?.to_string(),
            Value::String(text) => text.trim().to_owned(),
            _ => return None,
        };
        left.parse::<f64>().ok().filter(|left| left.is_finite())?;
        let currency = match &self.currency {
            Some(at) => answer.pointer(at)?.as_str()?.to_uppercase(),
            None => "USD".to_owned(),
        };
        Some(Balance { left, currency })
    }
}

impl Balance {
    /// "$3.20 left", "12.50 CNY left".
    pub fn words(&self) -> String {
        match self.currency.as_str() {
            "USD" if self.left.starts_with('-') => format!("-${} left", &self.left[1..]),
            "USD" => format!("${} left", self.left),
            currency => format!("{} {currency} left", self.left),
        }
    }

    /// What it says of an alert: an account that is empty, in any currency, or one with less than `least`. Other currencies than
    /// the dollar are not converted.
    pub fn sign(&self, connection: &str, least: NanoUsd) -> Sign {
        let left: f64 = self.left.parse().unwrap_or_default();
        if left <= 0.0 {
            return Sign::raise(Severity::Bad, format!("The account of {connection} is empty"), self.words());
        }
        let is_low =
            self.currency == "USD" && NanoUsd::from_decimal(&self.left).is_some_and(|left| left < least);
        if !is_low {
            return Sign::Clear;
        }
        let title = format!("The account of {connection} has little left");
        Sign::raise(Severity::Warn, title, format!("{}; told below {}", self.words(), least.in_dollars()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    fn read(provider: &str, body: &str) -> Option<Balance> {
        catalog::provider(provider)?.balance.as_ref()?.read(body.as_bytes())
    }

    fn left(left: &str, currency: &str) -> Balance {
        Balance { left: left.to_owned(), currency: currency.to_owned() }
    }

    #[test]
    fn n3_a_balance_is_read_where_the_provider_tells_it() {
        for (provider, body, expected) in [
            ("openrouter", r#"{"data":{"limit":20,"limit_remaining":3.25}}"#, Some(left("3.25", "USD"))),
            ("openrouter", r#"{"data":{"limit":null,"limit_remaining":null}}"#, None),
            (
                "deepseek",
                r#"{"is_available":true,"balance_infos":[{"currency":"CNY","total_balance":"110.00"}]}"#,
                Some(left("110.00", "CNY")),
            ),
            ("deepseek", r#"{"is_available":false,"balance_infos":[]}"#, None),
            ("openrouter", r#"{"data":{"limit_remaining":"much"}}"#, None),
            ("openrouter", "<html>", None),
            ("openai", r#"{"data":{"limit_remaining":3}}"#, None),
        ] {
            assert_eq!(read(provider, body), expected, "{provider}: {body}");
        }
    }

    #[test]
    fn n3_a_low_balance_is_told_and_an_empty_one_is_bad() {
        let least = NanoUsd(5_000_000_000);
        for (balance, expected) in [
            (left("5", "USD"), None),
            (left("4.999999", "USD"), Some(Severity::Warn)),
            (left("0.00", "USD"), Some(Severity::Bad)),
            (left("-0.31", "USD"), Some(Severity::Bad)),
            (left("1.00", "CNY"), None),
            (left("0", "CNY"), Some(Severity::Bad)),
        ] {
            let found = match balance.sign("Router", least) {
                Sign::Raise { severity, .. } => Some(severity),
                Sign::Clear => None,
            };
            assert_eq!(found, expected, "{}", balance.words());
        }
        assert_eq!(left("-0.31", "USD").words(), "-$0.31 left");
        assert_eq!(left("12.50", "CNY").words(), "12.50 CNY left");
    }
}
