#!/usr/bin/env bash
# Strategies x GLUE tasks x seeds from one model, and from random weights of the same shape: the table in a model card.
#
#   tools/glue_table.sh MODEL GLUE OUT
#
# MODEL is a Hugging Face folder, GLUE the folder that holds CoLA/, MRPC/, RTE/, STS-B/ and SST-2/. Every run is a folder of
# OUT; one that is finished is not run again, one that was stopped goes on, so the script can be started over, and several at
# once with other TASKS or SEEDS. The numbers are those of the last epoch: nothing is selected on the dev set.
#
#   TASKS="cola mrpc rte stsb sst2"  SEEDS="1 2 3"  STRATEGIES="..."  THREADS=1  BIN=build/release/bin
set -euo pipefail
[ $# = 3 ] || { sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
model=$1 glue=$2 out=$3
bin=${BIN:-"$(dirname "$0")/../build/release/bin"}
mkdir -p "$out"

# A small model takes larger rates than the defaults, which are those of the papers for BERT-base and RoBERTa.
declare -A lr=([frozen]=5e-3 [bitfit]=5e-3 [ia3]=1e-2 [lora]=5e-3 [adapter]=3e-3 [prefix]=1e-2 [full]=3e-4 [random]=3e-4)
declare -A folder=([cola]=CoLA [mrpc]=MRPC [rte]=RTE [stsb]=STS-B [sst2]=SST-2)
declare -A epochs=([cola]=5 [mrpc]=5 [rte]=5 [stsb]=5 [sst2]=2)
shape=$(python3 -c 'import json, sys
c = json.load(open(sys.argv[1]))
print("random:layers=%d,hidden=%d,heads=%d,ffn=%d,vocab=%d" % tuple(c[k] for k in
      ("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size", "vocab_size")))' "$model/config.json")

for seed in ${SEEDS:-1 2 3}; do
  for task in ${TASKS:-cola mrpc rte stsb sst2}; do
    for strategy in ${STRATEGIES:-random frozen bitfit ia3 lora adapter prefix full}; do
      run="$out/$task-$strategy-$seed"
      grep -qs '"status": "finished"' "$run/run.json" && continue
      rm -f "$run/run.lock"
      from=$model kind=$strategy resume=()
      if [ "$strategy" = random ]; then from=$shape kind=full; fi
      if [ "$strategy" = prefix ]; then kind=prefix:flat=true; fi  # an MLP in front of it takes a tenth of this rate and learns less
      [ -e "$run/run.json" ] && resume=(--resume)
      "$bin/glue_finetune" --task "$task" --data "$glue/${folder[$task]}" --model "$from" --tokenizer "$model" --strategy "$kind" \
        --lr "${lr[$strategy]}" --epochs "${epochs[$task]}" --seed "$seed" --threads "${THREADS:-1}" --out "$run" "${resume[@]}" |
        grep '^dev' | sed "s/^/$task $strategy seed $seed  /"
    done
  done
done
"$bin/compare" "$out"
