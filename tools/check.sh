#!/usr/bin/env bash
# What a change should pass before it is shared. Installs what it needs (Debian's clang, clang-format, clang-tidy).
#   tools/check.sh            all of the below, against main (or the revision in $BASE)
#   tools/check.sh format     every C++ file is as clang-format writes it
#   tools/check.sh tidy       clang-tidy on the C++ files that changed
#   tools/check.sh tsan       the engine's tests under ThreadSanitizer, with clang and its OpenMP
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-all}
base=${BASE:-main}

need() {
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  local sudo=(); [ "$(id -u)" -eq 0 ] || sudo=(sudo)
  echo "installing ${missing[*]}"
  "${sudo[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

format() {
  need clang-format
  echo "== format =="
  git ls-files '*.cpp' '*.h' | xargs clang-format --dry-run --Werror
}

tidy() {
  need clang clang-tidy libomp-dev
  echo "== clang-tidy on what changed since $base =="
  # Configured only, and with clang: its compile commands hold no flag that clang does not know.
  cmake -S . -B build/tidy -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++ -DPEFT_BUILD_TESTS=ON >/dev/null
  local files
  mapfile -t files < <(git diff --name-only --diff-filter=d "$base" -- '*.cpp' | grep -v '^tests/consumer/' || true)
  [ ${#files[@]} -eq 0 ] && { echo "no C++ file changed"; return; }
  clang-tidy -p build/tidy --quiet --warnings-as-errors='*' "${files[@]}"
}

tsan() {
  need clang libomp-dev libclang-rt-14-dev
  echo "== the engine's tests under ThreadSanitizer =="
  cmake --preset tsan >/dev/null
  cmake --build --preset tsan --target test_engine_{base,tensor,autograd,ops,nn,optim} -- --quiet
  # libarcher tells ThreadSanitizer of OpenMP's barriers, which it cannot see by itself.
  TSAN_OPTIONS="ignore_noninstrumented_modules=1 halt_on_error=1" ctest --preset tsan -R '^engine_(base|tensor|autograd|ops|nn|optim)$'
}

case $what in
  all) format; tidy; tsan ;;
  format | tidy | tsan) "$what" ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
