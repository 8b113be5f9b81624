#!/usr/bin/env python3
"""Writes tests/golden/attention.json: the attention weights of the golden models, by transformers.

For each folder: "model" (under tests/golden), "ids", and "layers" [layer][head][query][key], which is output_attentions
of the eager implementation in float64, to 9 digits. `--check` compares with what is there instead.
"""
import json
import pathlib
import sys

import torch
import transformers

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
MODELS = ["models/bert", "models/roberta", "models/distilbert", "models/electra", "encoders/deberta-v3",
          "encoders/modernbert", "decoders/gpt2", "decoders/llama", "decoders/mistral", "decoders/qwen3"]


def attentions(folder):
    model = transformers.AutoModel.from_pretrained(GOLDEN / folder, attn_implementation="eager", dtype=torch.float64).eval()
    ids = [7 + 5 * i % (model.config.vocab_size - 8) for i in range(9)]
    with torch.no_grad():
        out = model(input_ids=torch.tensor([ids]), output_attentions=True)
    layers = [[[[float(f"{v:.9g}") for v in row] for row in head] for head in layer[0].tolist()] for layer in out.attentions]
    return dict(model=folder, ids=ids, layers=layers)


def main():
    made = [attentions(folder) for folder in MODELS]
    text = json.dumps(dict(transformers=transformers.__version__, models=made), separators=(",", ":")) + "\n"
    file = GOLDEN / "attention.json"
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if json.loads(file.read_text())["models"] == made else f"{file} is not what transformers says")
    file.write_text(text)
    print(f"{file.relative_to(GOLDEN.parents[1])}: {len(made)} models, {len(text):,} bytes")


main()
