//! A secret that cannot be printed, serialised or left in memory by accident.

use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::{Zeroize, Zeroizing};

/// An API key. It has a redacted `Debug`, no `Display`, no `Serialize`, and is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over; white space around it (a pasted line break) is not part of a key.
    pub fn new(mut text: String) -> Self {
        let secret = Self(Zeroizing::new(text.trim().to_owned()));
        text.zeroize();
        secret
    }

    /// The secret itself: only for the vault and for the header that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The last four characters, by which people recognise a key; nothing of a key shorter than 12.
    pub fn tail(&self) -> String {
        let count = self.0.chars().count();
        if count < 12 { String::new() } else { self.0.chars().skip(count - 4).collect() }
    }

    /// `text` with every occurrence of this secret replaced: for what providers echo back. A text that was cut short ("…")
    /// may end in the beginning of the secret; that is replaced too.
    pub fn redact(&self, text: &str) -> String {
        if self.0.len() < 4 {
            return text.to_owned();
        }
        let text = text.replace(self.expose(), &format!("…{}", self.tail()));
        let Some(cut) = text.strip_suffix('…') else { return text };
        let beginnings = (4..self.0.len()).rev().filter_map(|length| self.0.get(..length));
        match beginnings.into_iter().find_map(|part| cut.strip_suffix(part)) {
            Some(before) => format!("{before}…"),
            None => text,
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k1_a_secret_does_not_print_itself() {
        let secret = Secret::new(" sk-proj-abcdefghijkl7fQ2\n".to_owned());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret.expose(), "sk-proj-abcdefghijkl7fQ2");
        assert_eq!(secret.tail(), "7fQ2");
        assert_eq!(secret.redact("bad key sk-proj-abcdefghijkl7fQ2!"), "bad key …7fQ2!");
    }

    #[test]
    fn k1_a_key_at_the_end_of_a_text_that_was_cut_is_redacted_too() {
        let secret = Secret::new("sk-proj-abcdefghijkl7fQ2".to_owned());
        assert_eq!(secret.redact("bad key sk-proj-abcdef…"), "bad key …");
        assert_eq!(secret.redact("bad key sk-proj-abcdefghijkl7fQ…"), "bad key …");
        assert_eq!(secret.redact("too long…"), "too long…");
    }

    #[test]
    fn k1_a_short_key_shows_nothing() {
        assert_eq!(Secret::new("hunter2".to_owned()).tail(), "");
    }
}
