//! `patchbay vault`

use std::sync::Arc;

use patchbay_core::secret::Secret;
use patchbay_engine::Engine;
use patchbay_engine::desk::vault::{self as desk, VaultReport};
use patchbay_engine::error::Error;
use patchbay_engine::vault::{Passphrases, Question, VaultKind};

use crate::args::{Vault, VaultPlace};
use crate::output::Output;
use crate::passphrase::Terminal;

pub(super) async fn run(engine: &Arc<Engine>, command: Vault, output: &Output) -> Result<(), Error> {
    match command {
        Vault::Status => output.document(&desk::report(engine).await?, show),
        Vault::Move { to } => {
            let to = match to {
                VaultPlace::Keychain => VaultKind::Keychain,
                VaultPlace::File => VaultKind::File,
            };
            let moved = desk::move_to(engine, to).await?;
            output.done(&format!("{moved} keys are moved. They are kept there from now on."));
        }
        Vault::ChangePassphrase => {
            let old = asked(&Terminal::for_vault(), Question::Open)?;
            let new = asked(&Terminal::of("PATCHBAY_NEW_VAULT_PASSPHRASE"), Question::Create)?;
            desk::change_passphrase(engine, old, new).await?;
            output.done("The file is sealed with the new passphrase.");
        }
    }
    Ok(())
}

fn asked(terminal: &Terminal, question: Question) -> Result<Secret, Error> {
    terminal.ask(question).ok_or_else(|| terminal.missing())
}

fn show(report: &VaultReport) -> String {
    let mut text = format!("{}: {} keys", report.status.name, report.keys);
    if report.to_erase > 0 {
        text += &format!(", {} to erase", report.to_erase);
    }
    if report.status.message.is_empty() {
        return text + ", ready\n";
    }
    format!("{text}\n{}\n{}\n", report.status.message, report.status.hint)
}
