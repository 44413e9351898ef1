//! Tells Tauri where the capabilities and permissions lie: beside the shell's sources, not at the top of the repository.

#[expect(clippy::disallowed_methods, reason = "a build script tells cargo of failure by its exit code")]
fn main() {
    // Tauri names its configuration only: a new command would stay forbidden until something else changes.
    println!("cargo::rerun-if-changed=src-tauri/permissions");
    println!("cargo::rerun-if-changed=src-tauri/capabilities");
    let permissions =
        tauri_build::AppManifest::new().permissions_path_pattern("./src-tauri/permissions/**/*.toml");
    let attributes = tauri_build::Attributes::new()
        .capabilities_path_pattern("./src-tauri/capabilities/**/*")
        .app_manifest(permissions);
    // Tauri itself watches the places of its own choice only.
    println!("cargo::rerun-if-changed=src-tauri/permissions");
    println!("cargo::rerun-if-changed=src-tauri/capabilities");
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
        std::process::exit(1);
    }
}
