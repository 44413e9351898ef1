# shellcheck shell=bash
# The page inside the window: its packages and its build, each only when something changed.

in_ui() { (cd "$ROOT/ui" && "$@"); }

# npm removes node_modules first, and the stamp with it: half an installation is never taken for a whole one.
need_ui_packages() {
  local stamp=$ROOT/ui/node_modules/.patchbay-lock lock
  lock=$(cksum <"$ROOT/ui/package-lock.json")
  [ "$(cat "$stamp" 2>/dev/null)" != "$lock" ] || return 0
  step "installing the page's packages (npm ci)" in_ui npm ci --loglevel=error
  echo "$lock" >"$stamp"
}

# Folders count as sources too: where a file was removed, only its folder is newer.
ui_is_built() {
  local built=$ROOT/ui/dist/index.html
  [ -f "$built" ] && [ -z "$(find "$ROOT/ui" -mindepth 1 \( -name node_modules -o -name dist \) -prune -o \
    -newer "$built" -print)" ]
}

need_ui_build() {
  ui_is_built || step 'building the page (npm run build)' in_ui npm run --silent build
}
