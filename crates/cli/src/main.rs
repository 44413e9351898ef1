//! `patchbay`: the gateway and everything about it, without a window. Each command calls a use-case of the engine's desk and
//! prints what it answers.

mod args;
mod commands;
mod output;
mod passphrase;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use patchbay_core::code::Code;
use patchbay_engine::Engine;
use patchbay_engine::error::Error;

use args::{Args, Command};
use output::Output;

/// A gateway allocates and frees on many threads, from one of them to another: the system's allocator is made for few.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    patchbay_engine::dumps::forbid();
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("PATCHBAY_LOG").unwrap_or_else(|_| "warn".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let output = Output::new(args.json);
    match run(args, &output) {
        Ok(code) => code,
        Err(error) => {
            output.error(&error);
            exit_code(error.code)
        }
    }
}

fn run(args: Args, output: &Output) -> Result<ExitCode, Error> {
    if let Command::Restore { file, dry_run } = &args.command {
        let done = if *dry_run {
            commands::look(file, output)
        } else {
            commands::restore(&args.data_dir()?, &args.vault(), file, output)
        };
        return done.map(|()| ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Error::new(
            Code::Internal,
            format!("Patchbay could not start: {error}."),
            "Close some programs and try again.",
        )
    })?;
    runtime.block_on(async {
        let engine: Arc<Engine> = Engine::open(&args.data_dir()?, args.vault())?;
        let done = commands::run(&engine, args.command, output).await;
        let settled = engine.settle().await;
        // What the command says comes first; it is also the likelier reason.
        done.and_then(|code| settled.map(|()| code))
    })
}

/// 1 failed, 3 refused by a limit or a stop, 4 credential or vault; 2, wrong usage, is clap's.
fn exit_code(code: Code) -> ExitCode {
    ExitCode::from(match code {
        Code::InvalidInput => 2,
        Code::Stopped | Code::BudgetExceeded | Code::RateLimited | Code::QuotaExhausted => 3,
        Code::VaultAbsent
        | Code::VaultLocked
        | Code::VaultDenied
        | Code::VaultFailed
        | Code::CredentialMissing
        | Code::KeyRefused
        | Code::PermissionDenied => 4,
        _ => 1,
    })
}
