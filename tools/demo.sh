#!/usr/bin/env bash
# Builds the project and runs its main job on what ships with it: every strategy on the demo reviews, from the shipped
# model, then the comparison table and a report. Installs what it needs; needs neither the internet nor other data.
#
#   tools/demo.sh              three seeds, two to five minutes of training on two cores
#   SEEDS="1" tools/demo.sh    one seed
#   OUT=dir tools/demo.sh      where the runs go (a new folder under runs/ by default)
set -euo pipefail
cd "$(dirname "$0")/.."

bash tools/packages.sh
echo "building (about ten minutes the first time)"
cmake --preset release -DPEFT_BUILD_TESTS=OFF -DPEFT_BUILD_BENCH=OFF -DPEFT_UNITY=ON >/dev/null
cmake --build --preset release -j "$(nproc)" -- --quiet

bin=build/release/bin
out=${OUT:-runs/demo-$(date +%Y%m%d-%H%M%S)}
model=data/pretrained/peft-2x256
mkdir -p "$out"

# The shipped model is small: larger rates than the strategies' defaults, which are meant for models like BERT-base.
declare -A lr=([frozen]=5e-3 [bitfit]=5e-3 [ia3]=1e-2 [lora]=5e-3 [adapter]=3e-3 [prefix:flat=true]=1e-2 [full]=5e-4)

for seed in ${SEEDS:-1 2 3}; do
  for strategy in frozen bitfit ia3 lora adapter prefix:flat=true full; do
    echo
    echo "== $strategy, seed $seed =="
    "$bin/glue_finetune" --task sst2 --data data/demo/reviews --model "$model" --strategy "$strategy" --lr "${lr[$strategy]}" --seed "$seed" \
      --epochs 10 --batch-size 16 --out "$out/${strategy%%:*}-$seed" | tail -n 6
  done
done

echo
"$bin/compare" "$out" --html "$out/report.html"
echo
echo "report: $out/report.html"

echo
echo "== what the shipped causal model writes behind three beginnings =="
for prompt in "The town lies on" "She was born in London and" "The film was"; do
  printf '%s' "$prompt"
  "$bin/peft" generate --model data/pretrained/peft-llama-4x128 --prompt "$prompt" --temperature 0.6 --top-k 40 --seed 3 --max-new-tokens 32 2>"$out/generate.log" ||
    { cat "$out/generate.log" >&2; exit 1; }
done
