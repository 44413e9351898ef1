# shellcheck shell=bash
# The tools that are no system packages: Rust, Node, cargo-deny. Rust and Node are yours, so a missing one is only
# reported, with the line that installs it; cargo-deny is built into a folder of our own.

CARGO_DENY_VERSION=0.20.2

need_rust() {
  local wanted found
  have rustc || PATH=$HOME/.cargo/bin:$PATH
  wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$ROOT/Cargo.toml" | head -n 1)
  have rustc || fail "Rust $wanted or newer is needed and was not found. Install it with:" "$(rust_line)"
  found=$(rustc --version | awk '{ print $2 }')
  at_least "$wanted" "${found%%-*}" ||
    fail "Rust $wanted or newer is needed and this is $found. Update it with:" "$(rust_line)"
}

rust_line() {
  if have rustup; then
    echo 'rustup default stable && rustup update stable'
  else
    # shellcheck disable=SC2016 # printed, not run
    echo 'curl --proto "=https" --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y && . "$HOME/.cargo/env"'
  fi
}

# need_rust_component COMMAND COMPONENT: `cargo COMMAND` comes with COMPONENT.
need_rust_component() {
  cargo "$1" --version >/dev/null 2>&1 && return
  have rustup || fail "cargo $1 is missing. Install it where your Rust came from."
  step "installing $2" rustup component add "$2"
}

need_node() {
  local wanted='Node 20.19 (or 22.12, or newer) with npm is needed'
  have npm || fail "$wanted and was not found. Install it with:" "$(node_line)"
  node -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    const recent = major === 20 ? minor >= 19 : major === 22 ? minor >= 12 : major > 22;
    process.exit(recent ? 0 : 1);' ||
    fail "$wanted and this is $(node --version). Install it with:" "$(node_line)"
}

# shellcheck disable=SC2016 # the lines are printed, not run
node_line() {
  if have fnm; then
    echo 'fnm install 22 && fnm default 22 && eval "$(fnm env)"'
  elif [ -s "${NVM_DIR:-$HOME/.nvm}/nvm.sh" ]; then
    echo ". \"${NVM_DIR:-$HOME/.nvm}/nvm.sh\" && nvm install 22"
  elif on_macos && have brew; then
    echo 'brew install node'
  elif have dnf; then
    echo 'sudo dnf install -y nodejs npm'
  elif have pacman; then
    echo 'sudo pacman -S --needed nodejs npm'
  else # the Node of Debian and Ubuntu is often too old
    echo 'curl -o- https://raw.githubusercontent.com/nvm-sh/nvm/v0.40.3/install.sh | bash && . ~/.nvm/nvm.sh && nvm install 22'
  fi
}

# Puts the pinned cargo-deny on PATH; builds it the first time.
need_cargo_deny() {
  local home=$CACHE/cargo-deny-$CARGO_DENY_VERSION
  [ -x "$home/bin/cargo-deny" ] ||
    step "building cargo-deny $CARGO_DENY_VERSION (the first time only)" \
      cargo install --quiet --locked --root "$home" "cargo-deny@$CARGO_DENY_VERSION"
  PATH=$home/bin:$PATH
}
