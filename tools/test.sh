#!/usr/bin/env bash
# Builds everything and runs all tests: first under AddressSanitizer and UndefinedBehaviorSanitizer, then optimised, whose
# ctest summary is the last thing printed. Installs what it needs. `tools/test.sh release` runs the second half alone.
set -euo pipefail
cd "$(dirname "$0")/.."

bash tools/packages.sh
jobs=$(nproc)

run() {
  local preset=$1
  echo "== $preset: configure and build =="
  cmake --preset "$preset" >"build-$preset.log" 2>&1 || { cat "build-$preset.log" >&2; rm -f "build-$preset.log"; exit 1; }
  rm -f "build-$preset.log"
  cmake --build --preset "$preset" -j "$jobs" -- --quiet
  echo "== $preset: tests =="
  ctest --preset "$preset" "${@:2}"
}

if [ "${1:-}" != release ]; then
  # detect_leaks needs ptrace, which containers often forbid.
  ASAN_OPTIONS=detect_leaks=0 run dev
fi
run release
