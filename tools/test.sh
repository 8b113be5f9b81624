#!/usr/bin/env bash
# Builds everything and runs all tests: first under AddressSanitizer and UndefinedBehaviorSanitizer, then optimised, whose
# ctest summary is the last thing printed. Installs what it needs. `tools/test.sh release` runs the second half alone.
set -euo pipefail
cd "$(dirname "$0")/.."

bash tools/packages.sh
jobs=$(nproc)

# build PRESET TARGET, then the tests.
run() {
  local preset=$1 target=$2
  echo "== $preset: configure and build =="
  mkdir -p build
  cmake --preset "$preset" -DPEFT_UNITY=ON -DPEFT_COURSE_SOLUTIONS=ON >"build/$preset.log" 2>&1 || { cat "build/$preset.log" >&2; exit 1; }
  cmake --build --preset "$preset" --target "$target" -j "$jobs" -- --quiet
  echo "== $preset: tests =="
  ctest --preset "$preset"
}

if [ "${1:-}" != release ]; then
  # detect_leaks needs ptrace, which containers often forbid. The programs' mains alone are not built with sanitizers.
  ASAN_OPTIONS=detect_leaks=0 run dev peft_tests
fi
run release all
