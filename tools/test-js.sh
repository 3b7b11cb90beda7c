#!/usr/bin/env bash
# Runs the JavaScript tests. The files are named one by one: what Node makes of a directory differs between versions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t files < <(find js/test -name '*.test.js' -o -name '*.test.mjs' | sort)
[ ${#files[@]} -gt 0 ] || { echo "test-js: no *.test.js under js/test" >&2; exit 1; }
node --test "${files[@]}"
