# shellcheck shell=bash
# A desktop session of the tests' own: display, bus, unlocked keychain and folders. Nothing of the developer's
# session is read or written. Tests that need it look for PATCHBAY_TEST_SESSION=private.

SESSION=

open_session() {
  SESSION=$(mktemp -d "${TMPDIR:-/tmp}/patchbay-test.XXXXXX")
  mkdir -m 700 "$SESSION/run"
  mkdir "$SESSION/data" "$SESSION/config" "$SESSION/cache"
  serve_unlocked_keychain
  trap close_session EXIT
}

# The bus starts the keychain for whoever asks first, and again should it crash: unlocked, where the system's own would be locked.
serve_unlocked_keychain() {
  local services=$SESSION/data/dbus-1/services
  mkdir -p "$services"
  cat >"$services/org.freedesktop.secrets.service" <<'TEXT'
[D-BUS Service]
Name=org.freedesktop.secrets
Exec=/bin/sh -c "echo | exec gnome-keyring-daemon --foreground --unlock --components=secrets"
TEXT
}

# in_session COMMAND…: its output may go into a pipe, because nothing is left behind that would hold the pipe open.
in_session() {
  local status=0
  env -u PATCHBAY_DATA_DIR -u PATCHBAY_VAULT_PASSPHRASE -u WAYLAND_DISPLAY \
    -u http_proxy -u https_proxy -u all_proxy -u HTTP_PROXY -u HTTPS_PROXY -u ALL_PROXY \
    PATCHBAY_TEST_SESSION=private \
    XDG_RUNTIME_DIR="$SESSION/run" XDG_DATA_HOME="$SESSION/data" \
    XDG_CONFIG_HOME="$SESSION/config" XDG_CACHE_HOME="$SESSION/cache" \
    timeout --foreground -k 10 45m \
    xvfb-run -a -s '-screen 0 1280x800x24' \
    dbus-run-session -- "$@" || status=$?
  end_session_processes
  [ "$status" -ne 124 ] || note 'Stopped after 45 minutes.'
  return "$status"
}

# Whatever the session started carries its runtime folder in the environment.
session_processes() {
  grep -lzxF "XDG_RUNTIME_DIR=$SESSION/run" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3
}

end_session_processes() {
  local signal pids
  for signal in TERM TERM KILL; do
    pids=$(session_processes) || true
    [ -n "$pids" ] || return 0
    # shellcheck disable=SC2086 # the numbers are split into words on purpose
    kill "-$signal" $pids 2>/dev/null || true
    sleep 0.5
  done
}

close_session() {
  [ -n "$SESSION" ] || return 0
  end_session_processes
  rm -rf "$SESSION"
  SESSION=
}
