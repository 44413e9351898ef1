//! `patchbay backup`, `restore`, `export`

use std::path::Path;
use std::sync::Arc;

use patchbay_core::secret::Secret;
use patchbay_engine::desk::backup::{self, OpenCopy, Secrets};
use patchbay_engine::desk::configuration;
use patchbay_engine::error::Error;
use patchbay_engine::vault::{Passphrases, Question};
use patchbay_engine::{Engine, VaultSetup};

use super::zone;
use crate::args::FileArgs;
use crate::output::Output;
use crate::passphrase::Terminal;

pub(super) async fn back_up(engine: &Arc<Engine>, args: FileArgs, output: &Output) -> Result<(), Error> {
    let copied = backup::back_up(engine, args.file, secrets(args.with_secrets)?).await?;
    output.document(&copied, |copied| {
        format!("Everything is copied to {}{}.\n", copied.path.display(), told(copied.keys))
    });
    Ok(())
}

/// What a restore would bring.
pub fn look(file: &Path, output: &Output) -> Result<(), Error> {
    let contents = backup::look(file, || passphrase(Question::Open))?;
    output.document(&contents, |contents| {
        let changed = contents.changed_at.map(|at| format!(", last changed {}", at.to_local(&zone())));
        format!(
            "It holds {} connections ({}), {} apps, {} attempts{}{}.\nNothing was changed.\n",
            contents.connections.len(),
            contents.connections.join(", "),
            contents.apps,
            contents.attempts,
            told(contents.keys),
            changed.unwrap_or_default()
        )
    });
    Ok(())
}

/// Before the data folder is opened: nothing may be using it.
pub fn restore(data_dir: &Path, setup: &VaultSetup, file: &Path, output: &Output) -> Result<(), Error> {
    // Before a passphrase is asked for.
    backup::refuse_shared(data_dir)?;
    let copy = OpenCopy::open(file, data_dir, || passphrase(Question::Open))?;
    let restored = copy.restore(data_dir, setup)?;
    output.document(&restored, |restored| {
        let before = restored.before.as_ref();
        let before = before.map(|path| format!(" What was there before is in {}.", path.display()));
        format!("Everything is restored{}.{}\n", told(restored.keys), before.unwrap_or_default())
    });
    Ok(())
}

pub(super) async fn export(engine: &Arc<Engine>, args: FileArgs, output: &Output) -> Result<(), Error> {
    let copied = configuration::export(engine, args.file, secrets(args.with_secrets)?).await?;
    output.document(&copied, |copied| {
        format!("The configuration is in {}{}.\n", copied.path.display(), told(copied.keys))
    });
    Ok(())
}

fn secrets(wanted: bool) -> Result<Secrets, Error> {
    if wanted { passphrase(Question::Create).map(Secrets::Sealed) } else { Ok(Secrets::Without) }
}

pub(super) fn passphrase(question: Question) -> Result<Secret, Error> {
    let terminal = Terminal::for_backup();
    terminal.ask(question).ok_or_else(|| terminal.missing())
}

fn told(keys: u32) -> String {
    if keys == 0 { ", without keys".to_owned() } else { format!(", with {keys} keys") }
}
