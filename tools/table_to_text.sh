#!/usr/bin/env bash
# Table to text with the shipped causal model, in minutes: fine-tunes it on E2E's tables with several strategies, writes a
# text for every table of the test set and scores the texts as the E2E challenge does.
#
#   tools/table_to_text.sh E2E                     the folder of E2E's files (trainset*, devset.csv, testset_w_refs.csv)
#   STRATEGIES="lora:r=4 full" EXAMPLES=10000 EPOCHS=2 SEED=1 OUT=runs/tables tools/table_to_text.sh E2E
set -euo pipefail
e2e=$(realpath "${1:?usage: tools/table_to_text.sh E2E (the folder of E2E\'s files: github.com/tuetschek/e2e-dataset)}")
cd "$(dirname "$0")/.."

bash tools/packages.sh
echo "building (about ten minutes the first time)"
cmake --preset release -DPEFT_BUILD_TESTS=OFF -DPEFT_BUILD_BENCH=OFF -DPEFT_UNITY=ON >/dev/null
cmake --build --preset release -j "$(nproc)" --target peft -- --quiet

peft=build/release/bin/peft
model=data/pretrained/peft-llama-4x128
out=${OUT:-runs/tables-$(date +%Y%m%d-%H%M%S)}
mkdir -p "$out"
references="$e2e/testset_w_refs.csv"

# The shipped model is small: larger rates than the strategies' defaults, which are meant for GPT-2.
declare -A lr=([prefix]=1e-2 [adapter]=5e-3 [lora]=1e-2 [full]=2e-3)
for strategy in ${STRATEGIES:-prefix:length=10,flat=true adapter:kind=pfeiffer,size=32 lora:r=4 full}; do
  kind=${strategy%%:*}
  run="$out/$kind"
  echo
  echo "== $strategy =="
  "$peft" finetune --task e2e --data "$e2e" --model "$model" --strategy "$strategy" --lr "${LR:-${lr[$kind]:-5e-3}}" --seed "${SEED:-1}" \
    --max-train-samples "${EXAMPLES:-10000}" --epochs "${EPOCHS:-2}" --batch-size 16 --label-smoothing 0.1 --out "$run" |
    grep -e trainable -e '^dev' | tail -n 2
  "$peft" generate "$run" --task e2e --data "$e2e" --split test --num-beams 4 --length-penalty 0.8 --no-repeat-ngram-size 4 \
    --out "$run/outputs.txt"
  "$peft" score --task e2e --references "$references" "$run/outputs.txt" | tee "$run/scores.txt"
  head -n 3 "$run/outputs.txt"
done
