//! Profiles as a person reads them in a terminal.

use patchbay_core::profile::SpecTarget;
use patchbay_engine::desk::profiles::{
    AffectedStep, Profile, ProfileVersion, StepSettings, VersionDifference,
};
use serde_json::{Value, json};

use crate::output::table;

pub(super) fn list(profiles: &[Profile]) -> String {
    if profiles.is_empty() {
        return "There is no profile yet. `patchbay profiles add NAME --target CONNECTION/MODEL` makes one.\n".into();
    }
    let row = |profile: &Profile| {
        let state = if profile.is_archived { "archived" } else { "" };
        vec![
            profile.name.clone(),
            format!("v{}", profile.version),
            chain(&profile.spec.targets),
            profile.requests.to_string(),
            state.to_owned(),
        ]
    };
    table(&["Profile", "Version", "Chain", "Calls, 30 days", ""], profiles.iter().map(row))
}

pub(super) fn show(profile: &Profile) -> String {
    let mut text = format!("{} (version {})\n", profile.name, profile.version);
    if !profile.note.is_empty() {
        text += &format!("  {}\n", profile.note);
    }
    for (step, target) in (1..).zip(&profile.spec.targets) {
        text += &format!("  {step}. {}\n", target.address());
    }
    if let Value::Object(spec) = json!(profile.spec) {
        let said = spec.iter().filter(|(name, value)| *name != "targets" && is_said(value));
        text += &said.map(|(name, value)| format!("  {name}: {}\n", plain(value))).collect::<String>();
    }
    let hints = profile.hints.iter().map(|hint| format!("  Note: {}: {}\n", hint.setting, hint.text));
    text += &hints.collect::<String>();
    if !profile.users.is_empty() {
        text += &format!("  Used by {}\n", profile.users.join(", "));
    }
    text
}

pub(super) fn versions(versions: &[ProfileVersion]) -> String {
    let one = |version: &ProfileVersion| {
        let current = if version.is_current { ", in use" } else { "" };
        let note = if version.note.is_empty() { String::new() } else { format!(": {}", version.note) };
        let at = version.created_at.to_rfc3339();
        let changes: String = version.changes.iter().map(|change| format!("  {}", line(change))).collect();
        format!("Version {}{current}, {at}{note}\n{changes}", version.number)
    };
    versions.iter().map(one).collect()
}

pub(super) fn differences(differences: &[VersionDifference]) -> String {
    if differences.is_empty() {
        return "They say the same.\n".into();
    }
    differences.iter().map(line).collect()
}

pub(super) fn effective(steps: &[StepSettings]) -> String {
    let one = |step: &StepSettings| {
        let rows = step.settings.iter().map(|setting| {
            let value = setting.value.clone().unwrap_or_else(|| "the model's own".to_owned());
            let level = json!(setting.level).as_str().unwrap_or_default().replace('_', "-");
            let lost = if setting.is_untaken { "the model does not take it" } else { "" };
            vec![setting.name.to_owned(), value, level, lost.to_owned()]
        });
        let refusal = step.refusal.iter().map(|why| format!("  Passed by: {why}\n"));
        let notices = step.notices.iter().map(|notice| format!("  Note: {notice}\n"));
        let told: String = refusal.chain(notices).collect();
        format!("{}. {}\n{}{told}", step.step, step.target, table(&["Setting", "Value", "By", ""], rows))
    };
    steps.iter().map(one).collect::<Vec<_>>().join("\n")
}

pub(super) fn affected(list: &[AffectedStep]) -> String {
    if list.is_empty() {
        return "Every model of every profile can be had.\n".into();
    }
    let row = |one: &AffectedStep| {
        let state = match &one.retires_on {
            Some(day) => format!("{} on {day}", one.state.as_str()),
            None => one.state.as_str().to_owned(),
        };
        let command = one.to.as_ref().map_or_else(
            || "nothing near is known".to_owned(),
            |to| format!("patchbay profiles retarget {} {to} --only {}", one.from, one.profile),
        );
        vec![one.profile.clone(), one.from.clone(), state, command]
    };
    table(&["Profile", "Step", "Its model is", "To move on"], list.iter().map(row))
}

fn line(change: &VersionDifference) -> String {
    let said = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
    format!("{}: {} -> {}\n", change.field, said(&change.before), said(&change.after))
}

fn chain(targets: &[SpecTarget]) -> String {
    targets.iter().map(SpecTarget::address).collect::<Vec<_>>().join(" > ")
}

fn is_said(value: &Value) -> bool {
    !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
