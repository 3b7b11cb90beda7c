#!/usr/bin/env bash
# Rewrites golden files: runs the tests of every package of the root module that defines the flag -update with it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t packages < <(grep -rlE --include='*_test.go' --exclude-dir=node_modules 'flag\.Bool(Var)?\(.*"update"' . | xargs -r -n1 dirname | grep -v '^\./browsertest' | sort -u)
[ ${#packages[@]} -gt 0 ] || { echo "golden: no test defines the flag -update" >&2; exit 1; }
go test -count=1 "${packages[@]}" -update
echo "golden: rewritten; read the difference (git diff) before you commit it"
