#!/usr/bin/env bash
# Runs every fuzz target of the given modules for FUZZTIME (60s) each, one after the other; fails at the end if any failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
time=${FUZZTIME:-60s}
output=$(mktemp)
trap 'rm -f "$output"' EXIT
count=0
failed=()
for module in "$@"; do
	pushd "$module" >/dev/null
	for package in $(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...); do
		targets=$(go test -run '^$' -list '^Fuzz' "$package")
		for target in $(grep '^Fuzz' <<<"$targets" || true); do
			echo "== $package $target ($time)"
			count=$((count + 1))
			go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package" 2>&1 | tee "$output" && continue
			# Before Go 1.27 the end of the time itself can be reported as a failure, without an input: go.dev/issue/75804.
			if grep -q '^    context deadline exceeded$' "$output" && ! grep -q 'Failing input written' "$output"; then
				echo "fuzz: $target: that was the end of its time, not a failing input"
			else
				failed+=("$package.$target")
			fi
		done
	done
	popd >/dev/null
done
if [ ${#failed[@]} -gt 0 ]; then
	echo "fuzz: ${#failed[@]} of $count targets failed: ${failed[*]}"
	exit 1
fi
echo "fuzz: $count targets, $time each, no failures"
