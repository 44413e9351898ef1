//! Rebuilds the crate when a migration is added: `include_dir!` alone notices only edits.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
