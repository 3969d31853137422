#!/bin/sh
# Builds GraphiQL's page into api/static/graphiql/, unless what is there is up to date.
# Takes the machine's Node when it is 20 or later, else puts one into .venv from PyPI.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/api/static/graphiql
cd "$root/web"

sources=$(cat package.json package-lock.json build.mjs .npmrc src/* | cksum)
if [ -f "$out/index.html" ] && [ "$(cat "$out/.built-from" 2>/dev/null)" = "$sources" ]; then
    echo "graphiql: up to date"
    exit 0
fi

. "$root/web/node.sh"

start=$(date +%s)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { npm ci && node build.mjs; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "graphiql: not built" >&2
    exit 1
fi
printf '%s\n' "$sources" >"$out/.built-from"
echo "graphiql: built in $(($(date +%s) - start)) s ($(du -sk "$out" | cut -f1) kB)"
