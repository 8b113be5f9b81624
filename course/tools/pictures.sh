#!/usr/bin/env bash
# pictures.sh BIN [check]: makes the pictures of the chapters with the programs in BIN, or checks that the files in the tree
# are what the programs make today. Graphs are compared as Graphviz's text, so only making them needs graphviz.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$1 mode=${2:-make} out=docs/course/pictures
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

graph() {  # NAME, then flags of peft inspect graph
  local name=$1
  shift
  "$bin/peft" inspect graph --model random:layers=1,hidden=32,heads=2,ffn=64,vocab=100,positions=16 "$@" >"$work/$name.dot"
  [ "$mode" = check ] || dot -Tsvg "$work/$name.dot" >"$work/$name.svg"
}

graph graph_full --strategy full
graph graph_bitfit --strategy bitfit
graph graph_lora --strategy lora:r=2

for file in "$work"/*; do
  name=$(basename "$file")
  if [ "$mode" = check ]; then
    cmp "$file" "$out/$name" || { echo "hint: tools/course.sh pictures makes it again" >&2; exit 1; }
  else
    cp "$file" "$out/$name"
  fi
done
[ "$mode" != check ] || echo "$(ls "$work" | wc -l) pictures are as the programs make them"
