//! `patchbay profiles`

mod document;
mod text;

use std::sync::Arc;

use patchbay_engine::Engine;
use patchbay_engine::desk::profiles::{self, Heirs, Profile};
use patchbay_engine::error::Error;

use self::document::{changed, flat, made};
use crate::args::Profiles;
use crate::output::Output;

pub(super) async fn run(engine: &Arc<Engine>, command: Profiles, output: &Output) -> Result<(), Error> {
    match command {
        Profiles::List { all } => {
            let mut list = profiles::list(engine).await?;
            list.retain(|profile| all || !profile.is_archived);
            output.document(&list.iter().map(flat).collect::<Vec<_>>(), |_| text::list(&list));
        }
        Profiles::Show { name, effective } => show(engine, &name, effective, output).await?,
        Profiles::Add { name, fields } => {
            let profile = profiles::add(engine, made(engine, name, &fields)?).await?;
            told(&profile, &format!("{} is there.", profile.name), output);
        }
        Profiles::Edit { name, unset, expect, fields } => {
            let before = profiles::get(engine, &name).await?;
            let draft = changed(engine, &before, &unset, &fields)?;
            let edited = profiles::edit(engine, draft, expect.or(Some(before.version))).await?;
            let version = edited.profile.version;
            let done = if edited.changed {
                format!("{name} is at version {version} now.")
            } else {
                format!("Nothing to change: {name} stays at version {version}.")
            };
            told(&edited.profile, &done, output);
        }
        Profiles::Versions { name } => {
            output.document(&profiles::versions(engine, &name).await?, |versions| text::versions(versions));
        }
        Profiles::Diff { name, before, after } => diff(engine, &name, (before, after), output).await?,
        Profiles::Restore { name, version } => {
            let edited = profiles::restore(engine, &name, version).await?;
            let done =
                format!("{name} says what version {version} said, as version {}.", edited.profile.version);
            told(&edited.profile, &done, output);
        }
        Profiles::Clone { name, new_name } => {
            let profile = profiles::clone_as(engine, &name, &new_name).await?;
            told(&profile, &format!("{new_name} says what {name} says."), output);
        }
        command => return keep(engine, command, output).await,
    }
    Ok(())
}

/// What becomes of profiles as a whole.
async fn keep(engine: &Arc<Engine>, command: Profiles, output: &Output) -> Result<(), Error> {
    match command {
        Profiles::Archive { name, reassign_to } => {
            let profile = profiles::archive(engine, &name, heirs(reassign_to)).await?;
            told(
                &profile,
                &format!("{name} is out of use. `patchbay profiles unarchive {name}` brings it back."),
                output,
            );
        }
        Profiles::Unarchive { name } => {
            let profile = profiles::unarchive(engine, &name).await?;
            told(&profile, &format!("{name} is in use again."), output);
        }
        Profiles::Remove { name, reassign_to } => {
            profiles::remove(engine, &name, heirs(reassign_to)).await?;
            output.done(&format!("{name} is gone. The ledger keeps its name."));
        }
        Profiles::Affected => {
            output.document(&profiles::affected(engine, None).await?, |list| text::affected(list));
        }
        Profiles::Retarget { from, to, only } => {
            let names = profiles::retarget(engine, (&from, &to), only).await?;
            output.document(&serde_json::json!({ "profiles": names }), |_| match names.as_slice() {
                [] => format!("No profile leads to {from}.\n"),
                names => format!("{to} instead of {from}: a new version of {}.\n", names.join(", ")),
            });
        }
        _ => {}
    }
    Ok(())
}

async fn show(engine: &Arc<Engine>, name: &str, effective: bool, output: &Output) -> Result<(), Error> {
    let profile = profiles::get(engine, name).await?;
    if effective {
        let checked = profiles::check(engine, &profile.spec)?;
        output.document(&checked.steps, |steps| text::effective(steps));
    } else {
        output.document(&flat(&profile), |_| text::show(&profile));
    }
    Ok(())
}

async fn diff(
    engine: &Arc<Engine>,
    name: &str,
    (before, after): (u32, Option<u32>),
    output: &Output,
) -> Result<(), Error> {
    let versions = profiles::versions(engine, name).await?;
    let find = |number: u32| {
        versions.iter().find(|version| version.number == number).ok_or_else(|| {
            Error::invalid(
                format!("{name} has no version {number}."),
                format!("`patchbay profiles versions {name}` shows those that there are."),
            )
        })
    };
    let current = versions.iter().find(|version| version.is_current).map_or(before, |version| version.number);
    let differences = profiles::difference(&find(before)?.spec, &find(after.unwrap_or(current))?.spec);
    output.document(&differences, |differences| text::differences(differences));
    Ok(())
}

fn told(profile: &Profile, done: &str, output: &Output) {
    output.document(&flat(profile), |_| {
        let hints: String =
            profile.hints.iter().map(|hint| format!("  Note: {}: {}\n", hint.setting, hint.text)).collect();
        format!("{done}\n{hints}")
    });
}

fn heirs(reassign_to: Option<String>) -> Heirs {
    reassign_to.map_or(Heirs::Block, Heirs::Reassign)
}
