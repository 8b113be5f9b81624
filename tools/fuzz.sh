#!/usr/bin/env bash
# tools/fuzz.sh MINUTES [READER...]: builds the libFuzzer targets of tests/fuzz with clang, ASan and UBSan, and runs each
# for so many minutes, one after the other, on one core and behind everything else that the machine has to do. Findings are
# left in build/fuzz/findings; new inputs that reach new code in build/fuzz/corpus (tests/fuzz/corpus is only read).
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:?usage: tools/fuzz.sh MINUTES [READER...]}
shift
behind="nice -n 19"
chrt -i 0 true 2>/dev/null && behind="$behind chrt -i 0"
$behind cmake -S . -B build/fuzz -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER=clang++ -DPEFT_FUZZ=ON \
  -DPEFT_SANITIZE=address,undefined -DPEFT_UNITY=ON -DPEFT_BUILD_TESTS=OFF -DPEFT_BUILD_BENCH=OFF >/dev/null
readers=("$@")
[ $# -gt 0 ] || mapfile -t readers < <(cd tests/fuzz && ls *.cpp | sed 's/\.cpp//')
$behind cmake --build build/fuzz -j1 --target "${readers[@]/#/fuzz_}"
mkdir -p build/fuzz/findings
found=0
for reader in "${readers[@]}"; do
  mkdir -p "build/fuzz/corpus/$reader" "tests/fuzz/corpus/$reader"
  echo "== $reader, $minutes minutes"
  ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 OMP_NUM_THREADS=1 $behind \
    "build/fuzz/bin/fuzz_$reader" -max_total_time=$((minutes * 60)) -timeout=20 -rss_limit_mb=3000 -malloc_limit_mb=1500 \
    -max_len=8192 -print_final_stats=1 -verbosity=0 -artifact_prefix="build/fuzz/findings/$reader-" \
    "build/fuzz/corpus/$reader" "tests/fuzz/corpus/$reader" > "build/fuzz/$reader.log" 2>&1 || { found=1; tail -n 40 "build/fuzz/$reader.log"; }
  grep -E 'number_of_executed_units|new_units_added' "build/fuzz/$reader.log" || true
done
exit $found
