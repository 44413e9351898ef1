# shellcheck shell=bash
# What every script here uses: messages, failures, questions. Sourced, never run; works with bash 3.2.
# shellcheck disable=SC2034 # what is set here is used by the scripts that source this one

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
# Where the tools that we build are kept, for all checkouts.
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/patchbay-tools
ASSUME_YES=no
STEP=starting

say() { printf '▸ %s\n' "$*"; }

note() { printf '  %s\n' "$*"; }

# fail SENTENCE…: what went wrong, then how to go on, each on a line of its own; ends the script.
fail() {
  trap - ERR
  printf '\n✗ %s\n' "$1" >&2
  shift
  [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
  exit 1
}

# step NAME COMMAND…: says what it does and how long that took; NAME is told should it fail.
step() {
  STEP=$1
  shift
  say "$STEP"
  local began=$SECONDS
  "$@"
  note "done in $((SECONDS - began)) s"
}

# From here on a command that fails ends the script with one sentence. A subshell leaves that to its parent.
trap_failures() {
  set -eEuo pipefail
  trap '[ "$BASH_SUBSHELL" -gt 0 ] || fail "Failed while $STEP. The lines above say why."' ERR
}

have() { command -v "$1" >/dev/null 2>&1; }

on_macos() { [ "$(uname -s)" = Darwin ]; }

has_display() { on_macos || [ -n "${DISPLAY:-}" ] || [ -n "${WAYLAND_DISPLAY:-}" ]; }

is_root() { [ "$(id -u)" -eq 0 ]; }

# May we change the system without asking? Root may, and so may --yes and continuous integration.
may_install() { is_root || [ "$ASSUME_YES" = yes ] || [ "${CI:-}" = true ]; }

# agree QUESTION: true when a person at a terminal says yes.
agree() {
  [ -t 0 ] && [ -t 1 ] || return 1
  local answer
  printf '%s [Y/n] ' "$1"
  read -r answer || return 1
  case $answer in '' | [Yy] | [Yy]es) return 0 ;; *) return 1 ;; esac
}

# at_least WANTED FOUND: compares dotted versions.
at_least() {
  [ "$(printf '%s\n%s\n' "$1" "$2" | sort -t. -k1,1n -k2,2n -k3,3n | head -n 1)" = "$1" ]
}

unknown_argument() {
  printf 'Unknown argument: %s\n\n' "$1" >&2
  usage >&2
  exit 2
}
