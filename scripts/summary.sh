# shellcheck shell=bash
# Reads the logs of `cargo test` and vitest.

# summary LOG…: one line, "N passed, N failed", summed over all test programs.
summary() {
  awk '
    /^test result: / { passed += $4; failed += $6 }
    /^ *Tests  / {
      for (i = 2; i <= NF; i++) {
        if ($i ~ /^passed/) passed += $(i - 1)
        if ($i ~ /^failed/) failed += $(i - 1)
      }
    }
    END { printf "%d passed, %d failed\n", passed, failed }' "$@"
}

# failed_tests LOG…: their names, each with the program it stands in.
failed_tests() {
  awk '
    function told(name) { if (!count++) print "\nFailed tests:"; print "  " name }
    /^ +Running / { program = $NF; sub(/^.*\//, "", program); sub(/-[0-9a-f]+\)$/, "", program) }
    /^test .* \.\.\. FAILED$/ { told(program "::" $2) }
    /^ FAIL  / { told(substr($0, 8)) }' "$@"
}
