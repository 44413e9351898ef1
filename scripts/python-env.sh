# shellcheck shell=bash
# A Python of the tests' own with the official OpenAI client, which is pointed at the gateway as a bot would be.
# The tests find it in PATCHBAY_TEST_PYTHON.

need_python_env() {
  local home=$TARGET/python-env wanted
  wanted=$(cksum <"$ROOT/tests/requirements.txt")
  [ "$(cat "$home/.patchbay-requirements" 2>/dev/null)" = "$wanted" ] ||
    step 'installing the OpenAI client for Python' make_python_env "$home"
  echo "$wanted" >"$home/.patchbay-requirements"
  export PATCHBAY_TEST_PYTHON=$home/bin/python
}

make_python_env() {
  rm -rf "$1"
  python3 -m venv "$1" || fail 'Python cannot make a virtual environment here.' \
    'Install Python 3.9 or newer with its venv module, or leave this test out with: ./test --quick'
  "$1/bin/pip" install --quiet --disable-pip-version-check -r "$ROOT/tests/requirements.txt" ||
    fail 'pip could not install tests/requirements.txt.' \
      'Check the network, or leave this test out with: ./test --quick'
}
