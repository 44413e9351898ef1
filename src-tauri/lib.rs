//! Patchbay's window: a thin shell. Each command calls one use-case of the engine's desk; nothing is decided here.

mod changed;
mod clipboard;
#[expect(clippy::needless_pass_by_value, reason = "Tauri hands a command its arguments by value")]
#[expect(
    clippy::unnecessary_wraps,
    reason = "every command answers a Result: the page has one way to call them"
)]
mod commands;
mod notify;
mod state;
mod tray;
mod web_view;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use patchbay_core::secret::Secret;
use patchbay_engine::vault::Given;
use patchbay_engine::{VaultChoice, VaultSetup};
use tauri::{Manager, RunEvent, Url, WebviewUrl, WebviewWindowBuilder, WindowEvent};
use tauri_plugin_window_state::StateFlags;
use tauri_specta::{Builder, collect_commands, collect_events};

use crate::clipboard::Clipboard;
use crate::commands::preferences;
use crate::state::Desk;

/// How the program may be started.
#[derive(Clone, Debug, Parser)]
#[command(name = "patchbay-desktop", version, about = "The local control room for your AI connections.")]
struct Args {
    /// Where everything is kept [default: the platform's data folder].
    #[arg(long, env = "PATCHBAY_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where secrets are kept; those in memory are gone when the window closes [default: where `patchbay vault move` put
    /// them, else the keychain].
    #[arg(long, value_parser = ["keychain", "file", "memory"])]
    vault: Option<String>,
    /// Open with the offline Demo provider and sample data.
    #[arg(long)]
    demo: bool,
    /// Start in the tray, without the window.
    #[arg(long)]
    hidden: bool,
    /// The gateway's port of 127.0.0.1; 0 for any free one [default: that of last time, else 4141].
    #[arg(long)]
    port: Option<u16>,
}

impl Args {
    fn vault(&self) -> VaultSetup {
        let choice = match self.vault.as_deref() {
            Some("memory") => VaultChoice::Memory,
            Some("file") => VaultChoice::File,
            Some(_) => VaultChoice::Keychain,
            None => VaultChoice::AsSet,
        };
        let passphrase = std::env::var("PATCHBAY_VAULT_PASSPHRASE").ok().map(Secret::new);
        VaultSetup { choice, passphrases: Arc::new(Given(passphrase)) }
    }

    /// How the system starts it with the computer: where this start found its data.
    fn of_system_start(&self) -> Vec<String> {
        let folder = self.data_dir.as_ref().map(|folder| {
            // Only macOS keeps arguments apart by itself.
            let folder = folder.display();
            if cfg!(target_os = "macos") { folder.to_string() } else { format!("\"{folder}\"") }
        });
        let folder = folder.map(|folder| ["--data-dir".to_owned(), folder]);
        std::iter::once("--hidden".to_owned()).chain(folder.into_iter().flatten()).collect()
    }
}

/// Runs the window until it is closed.
#[expect(clippy::disallowed_methods, reason = "Tauri's macro exits where its own tables are broken")]
pub fn run() {
    patchbay_engine::dumps::forbid();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("PATCHBAY_LOG").unwrap_or_else(|_| "warn".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let args = Args::parse();
    let bindings = bindings();
    let result = tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|app, _, _| show(app)))
        .plugin(
            tauri_plugin_window_state::Builder::default()
                // It would show, and give the keyboard to, one that is to start in the tray.
                .with_state_flags(if args.hidden {
                    StateFlags::all() & !StateFlags::VISIBLE
                } else {
                    StateFlags::all()
                })
                .build(),
        )
        .plugin(tauri_plugin_store::Builder::default().build())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_autostart::Builder::new().args(args.of_system_start()).build())
        .plugin(tauri_plugin_opener::Builder::default().open_js_links_on_click(false).build())
        .invoke_handler(bindings.invoke_handler())
        .setup(move |app| {
            bindings.mount_events(app);
            if let Err(error) = tray::put(app.handle()) {
                tracing::warn!(%error, "there is no icon in the tray");
            }
            app.manage(Desk::open(app.handle(), &args));
            app.manage(Clipboard::default());
            let while_developing = app.config().build.dev_url.clone().filter(|_| tauri::is_dev());
            let window = WebviewWindowBuilder::new(app, "main", WebviewUrl::default())
                .title("Patchbay")
                .on_navigation(move |address| is_our_page(address, while_developing.as_ref()))
                .inner_size(1280.0, 800.0)
                .min_inner_size(960.0, 640.0)
                .visible(!args.hidden)
                .build()?;
            web_view::draw_plainly_without_a_card(&window)?;
            Ok(())
        })
        .on_window_event(|window, event| {
            if let WindowEvent::CloseRequested { api, .. } = event
                && preferences::read(&window.state::<Desk>()).keep_running
            {
                api.prevent_close();
                if let Err(error) = window.hide() {
                    tracing::warn!(%error, "the window could not be hidden");
                }
            }
        })
        .build(tauri::generate_context!());
    match result {
        Ok(app) => app.run(|app, event| {
            if matches!(event, RunEvent::Exit) {
                app.state::<Desk>().close();
                app.state::<Clipboard>().close();
            }
        }),
        Err(error) => tracing::error!(%error, "the window could not open"),
    }
}

/// The window shows our page and nothing else: no link, form or script leads it elsewhere, for the page's policy does not
/// forbid that.
fn is_our_page(address: &Url, while_developing: Option<&Url>) -> bool {
    address.scheme() == "tauri"
        || address.host_str() == Some("tauri.localhost")
        || while_developing.is_some_and(|ours| ours.origin() == address.origin())
}

/// A second start brings the first one's window to the front.
fn show(app: &tauri::AppHandle) {
    let Some(window) = app.get_webview_window("main") else {
        return;
    };
    if let Err(error) = window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus()) {
        tracing::warn!(%error, "the window could not come to the front");
    }
}

/// Everything that the page may call or hear. `ui/src/bindings.ts` is generated from it.
#[expect(clippy::too_many_lines, reason = "one line for each command, in the one list that the macro takes")]
pub fn bindings() -> Builder<tauri::Wry> {
    Builder::<tauri::Wry>::new()
        .disable_serde_phases()
        .commands(collect_commands![
            commands::status::bootstrap,
            commands::status::status,
            commands::status::traffic_stop,
            commands::status::traffic_resume,
            commands::status::gateway_listen,
            commands::providers::providers,
            commands::providers::provider_cards,
            commands::providers::provider_add,
            commands::providers::provider_edit,
            commands::providers::provider_remove,
            commands::providers::open_keys_page,
            commands::models::models,
            commands::models::model_detail,
            commands::models::model_compare,
            commands::models::model_allow,
            commands::models::model_pin,
            commands::models::models_sync,
            commands::models::models_sync_stop,
            commands::prices::price_history,
            commands::prices::price_set,
            commands::prices::price_unset,
            commands::prices::unpriced,
            commands::profiles::profiles,
            commands::profiles::profile_add,
            commands::profiles::profile_save,
            commands::profiles::profile_check,
            commands::profiles::profile_versions,
            commands::profiles::profile_restore,
            commands::profiles::profile_archive,
            commands::profiles::profile_unarchive,
            commands::profiles::profile_remove,
            commands::profiles::profiles_affected,
            commands::profiles::profiles_retarget,
            commands::profiles::aliases,
            commands::profiles::alias_set,
            commands::profiles::alias_remove,
            commands::profiles::drill,
            commands::profiles::drill_start,
            commands::profiles::drill_end,
            commands::connections::connections,
            commands::connections::connection_add_tested,
            commands::connections::connection_add_untested,
            commands::connections::connection_edit,
            commands::connections::connection_enable,
            commands::connections::connection_pause,
            commands::connections::connection_suspend,
            commands::connections::connection_duplicate,
            commands::connections::connection_removal,
            commands::connections::connection_remove,
            commands::connections::connection_undo_remove,
            commands::connections::connection_reorder,
            commands::connections::connection_limit,
            commands::checks::connection_test,
            commands::checks::connections_test,
            commands::checks::connection_test_stop,
            commands::checks::connections_test_stop,
            commands::checks::check_plans,
            commands::checks::check_history,
            commands::checks::check_schedule,
            commands::checks::set_check_schedule,
            commands::running::starts_with_computer,
            commands::running::start_with_computer,
            commands::running::gateway_reach,
            commands::running::set_gateway_reach,
            commands::retention::retention,
            commands::retention::set_retention,
            commands::retention::retention_plan,
            commands::retention::retention_run,
            commands::credentials::credentials,
            commands::credentials::credential_stage,
            commands::credentials::credential_rotate,
            commands::credentials::credential_test,
            commands::credentials::credential_promote,
            commands::credentials::credential_promote_tested,
            commands::credentials::credential_stand_by,
            commands::credentials::credential_rollback,
            commands::credentials::credential_revoke,
            commands::credentials::credential_purge,
            commands::credentials::credential_set_expiry,
            commands::credentials::credential_set_policy,
            commands::audit::audit,
            commands::audit::audit_verify,
            commands::audit::audit_export,
            commands::vault::vault,
            commands::vault::vault_unlock,
            commands::vault::vault_ask,
            commands::vault::vault_move_to_keychain,
            commands::vault::vault_move_to_file,
            commands::vault::vault_change_passphrase,
            commands::backup::backups,
            commands::backup::back_up,
            commands::backup::backup_look,
            commands::backup::backup_restore,
            commands::playground::targets,
            commands::playground::playground_attach,
            commands::playground::playground_estimate,
            commands::playground::playground_run,
            commands::playground::playground_stop,
            commands::overview::overview,
            commands::activity::activity,
            commands::activity::activity_news,
            commands::activity::activity_now,
            commands::activity::activity_tempo,
            commands::activity::activity_export,
            commands::activity::activity_call,
            commands::activity::activity_messages,
            commands::usage::usage,
            commands::usage::usage_groups,
            commands::usage::usage_chart,
            commands::usage::usage_explore,
            commands::usage::usage_explore_chart,
            commands::usage::usage_values,
            commands::usage::usage_what_if,
            commands::usage::app_cheaper,
            commands::usage::usage_export,
            commands::usage::usage_export_groups,
            commands::usage::usage_statement,
            commands::charts::chart_export,
            commands::charts::chart_copy,
            commands::charts::charts_export,
            commands::views::saved_views,
            commands::views::saved_view_add,
            commands::views::saved_view_replace,
            commands::views::saved_view_rename,
            commands::views::saved_view_remove,
            commands::budgets::budgets,
            commands::budgets::budget_set,
            commands::budgets::budget_remove,
            commands::budgets::budget_resume,
            commands::alerts::alerts,
            commands::alerts::alert_detail,
            commands::alerts::alert_chart,
            commands::alerts::alert_acknowledge,
            commands::alerts::alert_snooze,
            commands::alerts::alert_rules,
            commands::alerts::alert_rule_set,
            commands::alerts::alert_rule_test,
            commands::alerts::alert_limits_set,
            commands::apps::apps,
            commands::apps::app_add,
            commands::apps::app_edit,
            commands::apps::app_rotate,
            commands::apps::app_revoke,
            commands::demo::demo_load,
            commands::demo::demo_clear,
            commands::demo::demo_fault,
            commands::files::choose_file,
            commands::imports::import_plan,
            commands::imports::import_apply,
            commands::preferences::preferences,
            commands::preferences::set_preferences,
        ])
        .events(collect_events![changed::Changed])
}
