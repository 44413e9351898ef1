#!/usr/bin/env bash
# Measures the real window over a million attempts, in a desktop session of its own: builds it as it is released first.
set -eEuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/common.sh
. scripts/packages.sh
. scripts/tools.sh
. scripts/ui.sh
. scripts/session.sh

need_packages compiler window tests
need_rust
need_node
need_ui_packages
need_ui_build
open_session
in_session cargo test --quiet --release --workspace --features tauri/custom-protocol --test window -- --ignored --nocapture how_fast
