#!/usr/bin/env bash
# readme.sh BUILD: runs the commands of the README's example and compares what they print with what
# the README shows, numbers apart (they differ in the last digits between processors).
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
block=$(sed -n '/^## An example/,/^## /s/^    //p' README.md)
[ -n "$block" ] || { echo "the README has no example" >&2; exit 1; }
# The build folder and the run folder are the test's own.
run() { bash -c "$(echo "$1" | sed "s|build/release/bin|$bin|g; s|runs/first|$work/first|g")" 2>/dev/null; }
bin=$1/bin
expected=$(grep -v '^\$ ' <<<"$block")
got=$(grep '^\$ ' <<<"$block" | sed 's/^\$ //' | while IFS= read -r line; do run "$line"; done)
plain() { sed -E 's/[0-9]+([.,][0-9]+)*/N/g'; }
diff <(plain <<<"$expected") <(plain <<<"$got")
echo "as the README says"
