//! Passphrases: from the environment, for scripts, or typed at the terminal. Never from an argument, which others can read.

use std::io::IsTerminal;

use patchbay_core::code::Code;
use patchbay_core::secret::Secret;
use patchbay_engine::error::Error;
use patchbay_engine::vault::{Passphrases, Question};

/// Asks the environment first.
#[derive(Debug)]
pub struct Terminal {
    variable: &'static str,
    given: Option<Secret>,
}

impl Terminal {
    /// For the encrypted vault file.
    pub fn for_vault() -> Self {
        Self::of("PATCHBAY_VAULT_PASSPHRASE")
    }

    /// For files that hold secrets: backups and exports.
    pub fn for_backup() -> Self {
        Self::of("PATCHBAY_BACKUP_PASSPHRASE")
    }

    /// From this variable.
    pub fn of(variable: &'static str) -> Self {
        let given = std::env::var(variable).ok().map(Secret::new).filter(|secret| !secret.is_empty());
        Self { variable, given }
    }

    /// Why there is none.
    pub fn missing(&self) -> Error {
        Error::new(
            Code::VaultLocked,
            "A passphrase is needed, and there is none.",
            format!("Set {}, or run this in a terminal and type it.", self.variable),
        )
    }
}

impl Passphrases for Terminal {
    fn is_ready(&self) -> bool {
        self.given.is_some()
    }

    fn ask(&self, question: Question) -> Option<Secret> {
        if self.given.is_some() {
            return self.given.clone();
        }
        // A script has nobody to type.
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let typed = typed("Passphrase: ")?;
        match question {
            Question::Open => Some(typed),
            Question::Create => self::typed("The same again: ").filter(|again| *again == typed),
        }
    }
}

fn typed(prompt: &str) -> Option<Secret> {
    let text = rpassword::prompt_password(prompt).ok()?;
    Some(Secret::new(text)).filter(|secret| !secret.is_empty())
}
