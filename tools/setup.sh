#!/usr/bin/env bash
# Installs what the tests need and is missing: a C compiler for the race detector, curl, Chromium for the browser tests,
# TypeScript for the type check. Says what to do, and fails, where it may not install.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

have() { command -v "$1" >/dev/null 2>&1; }

have_chromium() { have chromium || have chromium-browser || have google-chrome; }

fail() {
	echo "setup: $*" >&2
	exit 1
}

have go || fail "go is missing: install Go 1.26 or newer from https://go.dev/dl/"
have node || fail "node is missing: install Node.js 20 or newer with npm, from your distribution or https://nodejs.org/"
have npm || fail "npm is missing: it comes with Node.js; on Debian: apt-get install npm"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || fail "node is $(node --version), want v20 or newer"

packages=()
have "$(go env CC)" || packages+=(gcc libc6-dev)
have curl || packages+=(curl)
if [ -n "${CHROMIUM:-}" ]; then
	have "$CHROMIUM" || fail "CHROMIUM is \"$CHROMIUM\", which is no program"
elif ! have_chromium; then
	packages+=(chromium fonts-dejavu-core)
fi

if [ ${#packages[@]} -gt 0 ]; then
	by_hand="missing: ${packages[*]}. Install them (on Debian: apt-get install ${packages[*]}), or set CHROMIUM to a Chromium that you have"
	have apt-get || fail "there is no apt-get here; $by_hand"
	root=()
	if [ "$(id -u)" -ne 0 ]; then
		{ have sudo && sudo -n true 2>/dev/null; } || fail "not root, and sudo wants a password or is not there; $by_hand"
		root=(sudo -n)
	fi
	echo "setup: installing ${packages[*]}"
	"${root[@]}" apt-get update -qq || fail "apt-get update failed; $by_hand"
	"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null ||
		fail "apt-get failed; $by_hand"
	have "$(go env CC)" || fail "still no C compiler; $by_hand"
	[ -n "${CHROMIUM:-}" ] || have_chromium || fail "still no Chromium; $by_hand"
fi

# npm writes node_modules/.package-lock.json last, so an older one is an installation that no longer fits.
if [ ! -e js/node_modules/.package-lock.json ] || [ js/package-lock.json -nt js/node_modules/.package-lock.json ]; then
	echo "setup: npm ci"
	npm --prefix js ci --no-audit --no-fund
fi
