//! `patchbay credentials`

use std::process::ExitCode;
use std::sync::Arc;

use patchbay_core::credential::{CredentialState, Policy, Reminder};
use patchbay_core::diagnose::{Spend, Verdict};
use patchbay_core::time::{Timestamp, day_range};
use patchbay_engine::Engine;
use patchbay_engine::desk::credentials::{
    self as desk, Afterwards, CredentialVersion, Credentials as View, Rotation,
};
use patchbay_engine::error::Error;

use super::connections::nobody_watches;
use super::testing::{exit_code_of, report};
use super::{secret_from_stdin, zone};
use crate::args::{Credentials, SetArgs, Switch};
use crate::output::{Output, table};

pub(super) async fn run(
    engine: &Arc<Engine>,
    command: Credentials,
    output: &Output,
) -> Result<ExitCode, Error> {
    let view = match command {
        Credentials::List { key } => desk::list(engine, &key).await?,
        Credentials::Stage { key } => desk::stage(engine, &key, secret_from_stdin()?).await?,
        Credentials::Test { key, version, spend } => {
            let found = desk::test(engine, &key, version, spent(spend), nobody_watches()).await?;
            output.document(&found, report);
            let failed = matches!(found.verdict, Verdict::Failed | Verdict::NotRun);
            return Ok(if failed { exit_code_of(&found) } else { ExitCode::SUCCESS });
        }
        Credentials::Rotate { key, spend, keep_standby } => {
            let (secret, how) = (secret_from_stdin()?, (spent(spend), nobody_watches()));
            let rotation = desk::rotate(engine, &key, secret, afterwards(keep_standby), how).await?;
            return Ok(end(&rotation, output));
        }
        Credentials::Promote { key, version, untested, keep_standby } => {
            let afterwards = afterwards(keep_standby);
            if !untested {
                let how = (Spend::FreeOnly, nobody_watches());
                let rotation = desk::promote_tested(engine, &key, version, afterwards, how).await?;
                return Ok(end(&rotation, output));
            }
            desk::promote(engine, &key, version, afterwards).await?
        }
        Credentials::Standby { key, version } => desk::stand_by(engine, &key, version).await?,
        Credentials::Rollback { key } => desk::rollback(engine, &key).await?,
        Credentials::Revoke { key, version } => desk::revoke(engine, &key, version).await?,
        Credentials::Purge { key, version: Some(version) } => desk::purge(engine, &key, version).await?,
        Credentials::Purge { key, version: None } => desk::purge_retired(engine, &key).await?,
        Credentials::Set(args) => set(engine, args).await?,
    };
    output.document(&view, show);
    Ok(ExitCode::SUCCESS)
}

fn afterwards(keep_standby: bool) -> Afterwards {
    if keep_standby { Afterwards::KeepAsStandby } else { Afterwards::Retire }
}

fn spent(allowed: bool) -> Spend {
    if allowed { Spend::Allowed } else { Spend::FreeOnly }
}

/// How a switch ended that a test came before.
fn end(rotation: &Rotation, output: &Output) -> ExitCode {
    output.document(rotation, |rotation| {
        let end = if rotation.switched { "" } else { "Nothing was switched: the old key is still in use.\n" };
        format!("{}{end}{}", report(&rotation.report), show(&rotation.credentials))
    });
    if rotation.switched { ExitCode::SUCCESS } else { exit_code_of(&rotation.report) }
}

async fn set(engine: &Arc<Engine>, args: SetArgs) -> Result<View, Error> {
    let mut view = desk::list(engine, &args.key).await?;
    let known = view.policy;
    let wanted = Policy {
        remind_days: args.remind.map_or(known.remind_days, |days| Some(days).filter(|days| *days > 0)),
        erase_days: args.erase_after.unwrap_or(known.erase_days),
        use_standby: args.use_standby.map_or(known.use_standby, |switch| switch == Switch::On),
    };
    if wanted != known {
        view = desk::set_policy(engine, &args.key, wanted).await?;
    }
    if let Some(day) = args.expires {
        view = desk::set_expiry(engine, &args.key, args.version, end_of(&day)?).await?;
    }
    Ok(view)
}

/// The end of that day here; `None` for "never".
fn end_of(day: &str) -> Result<Option<Timestamp>, Error> {
    if day == "never" {
        return Ok(None);
    }
    let date = day.parse().map_err(|_| {
        Error::invalid(format!("\"{day}\" is no day."), "Write it as 2027-03-31, or \"never\".")
    })?;
    Ok(Some(day_range(date, &zone()).to))
}

fn show(view: &View) -> String {
    let rows = view.versions.iter().map(|version| {
        vec![
            version.version.to_string(),
            state(version.state).to_owned(),
            format!("…{}", version.tail),
            day(version.created_at),
            version.activated_at.map(day).unwrap_or_default(),
            last_day(version),
            version.test_verdict.clone().unwrap_or_default(),
            version.requests.to_string(),
        ]
    });
    let mut text =
        table(&["VERSION", "STATE", "KEY", "STORED", "IN USE SINCE", "END", "TEST", "ATTEMPTS"], rows);
    text += &match view.reminder {
        Some(Reminder::Due) => "The key in use is older than its policy wants: rotate it.\n".to_owned(),
        Some(Reminder::ExpiresSoon) => "The key in use ends within a week: rotate it.\n".to_owned(),
        Some(Reminder::Expired) => "The key in use has ended: rotate it.\n".to_owned(),
        Some(Reminder::Fresh) | None => String::new(),
    };
    if !view.shared_with.is_empty() {
        text += &format!(
            "The same key is used by {}: they share one rate limit at the provider.\n",
            view.shared_with.join(", ")
        );
    }
    text
}

fn state(state: CredentialState) -> &'static str {
    if state == CredentialState::Purged { "erased" } else { state.as_str() }
}

/// What ends a version, or ended it.
fn last_day(version: &CredentialVersion) -> String {
    let told = [("erased", version.purged_at), ("erased on", version.erase_at), ("ends", version.expires_at)];
    told.iter().find_map(|(word, at)| at.map(|at| format!("{word} {}", day(at)))).unwrap_or_default()
}

fn day(at: Timestamp) -> String {
    at.day(&zone()).to_string()
}
