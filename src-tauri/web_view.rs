//! How the web view draws.

use tauri::WebviewWindow;

/// Without a graphics card, as on a rented server that is looked at from afar, the web view would compose its layers by an OpenGL that
/// the processor computes: half as fast as to draw them at once, and Mesa's, which computes it, crashes now and then.
#[cfg(target_os = "linux")]
pub(crate) fn draw_plainly_without_a_card(window: &WebviewWindow) -> tauri::Result<()> {
    use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt, WebViewExt};
    if has_a_card() {
        return Ok(());
    }
    window.with_webview(|view| {
        if let Some(settings) = WebViewExt::settings(&view.inner()) {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    })
}

/// What a driver of a card puts there for programs: the kernel's own drivers, NVIDIA's, and Windows for its Linux.
#[cfg(target_os = "linux")]
fn has_a_card() -> bool {
    let nodes = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    let renders = nodes.into_iter().any(|node| node.file_name().to_string_lossy().starts_with("renderD"));
    renders || ["/dev/nvidiactl", "/dev/dxg"].iter().any(|node| std::path::Path::new(node).exists())
}

/// Elsewhere the system sees to it.
#[cfg(not(target_os = "linux"))]
pub(crate) fn draw_plainly_without_a_card(_: &WebviewWindow) -> tauri::Result<()> {
    Ok(())
}
