# shellcheck shell=bash
# The clients that bots are made with, in environments of the tests' own: they are pointed at the gateway as a bot would be.
# The tests find them in PATCHBAY_TEST_PYTHON and PATCHBAY_TEST_NODE.

need_python_env() {
  local home=$TARGET/python-env wanted
  wanted=$(cksum <"$ROOT/tests/clients/requirements.txt")
  [ "$(cat "$home/.patchbay-requirements" 2>/dev/null)" = "$wanted" ] ||
    step 'installing the clients for Python' make_python_env "$home"
  echo "$wanted" >"$home/.patchbay-requirements"
  export PATCHBAY_TEST_PYTHON=$home/bin/python
}

make_python_env() {
  rm -rf "$1"
  python3 -m venv "$1" || fail 'Python cannot make a virtual environment here.' \
    'Install Python 3.10 or newer with its venv module, or leave these tests out with: ./test --quick'
  "$1/bin/pip" install --quiet --disable-pip-version-check -r "$ROOT/tests/clients/requirements.txt" ||
    fail 'pip could not install tests/clients/requirements.txt.' \
      'Check the network, or leave these tests out with: ./test --quick'
}

need_node_env() {
  local home=$TARGET/node-env wanted
  wanted=$(cksum <"$ROOT/tests/clients/package-lock.json")
  [ "$(cat "$home/.patchbay-lock" 2>/dev/null)" = "$wanted" ] ||
    step 'installing the client for Node' make_node_env "$home"
  echo "$wanted" >"$home/.patchbay-lock"
  export PATCHBAY_TEST_NODE=$home
}

make_node_env() {
  rm -rf "$1"
  mkdir -p "$1"
  cp "$ROOT/tests/clients/package.json" "$ROOT/tests/clients/package-lock.json" "$1"
  (cd "$1" && npm ci --loglevel=error) || fail 'npm could not install tests/clients/package-lock.json.' \
    'Check the network, or leave these tests out with: ./test --quick'
}
