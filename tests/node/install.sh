#!/bin/sh
# Installs Casbin for Node into tests/node/node_modules/, unless what is there is up to date.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root/tests/node"

sources=$(cat package.json package-lock.json .npmrc | cksum)
if [ "$(cat node_modules/.installed-from 2>/dev/null)" = "$sources" ]; then
    exit 0
fi
. "$root/web/node.sh"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! npm ci >"$log" 2>&1; then
    cat "$log" >&2
    echo "Casbin for Node: not installed" >&2
    exit 1
fi
printf '%s\n' "$sources" >node_modules/.installed-from
