#!/usr/bin/env python3
"""Writes tests/golden/bert_score/: BERTScore as the package bert_score computes it.

    python tools/goldens/bert_score.py      # needs torch, transformers and bert_score

  golden.json
    hypotheses, references   texts; of some hypotheses several references
    cases                    model, tokenizer (paths in the repository), layer, idf; P, R and F1 of every hypothesis
  roberta/                   a tiny RoBERTa of random weights (BF16, so exact in float32) with the tokenizer of
                             data/pretrained/peft-llama-4x128 in RoBERTa's form, whose texts get a space in front
Made with torch 2.15, transformers 5.24, bert_score 0.3.13. It runs on one core in seconds.
"""
import json
import pathlib
import shutil
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file

sys.path.pop(0)  # this file has the package's name
import bert_score  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "golden" / "bert_score"
KEPT = 1200  # pieces of the vocabulary

HYPOTHESES = [
    "The Eagle is a cheap coffee shop near Burger King .",
    "  Alan Bean was born in Wheeler, Texas and went to space in 1969.",
    "A family friendly pub in the city centre serves French food.",
    "yes",
]
REFERENCES = [
    ["The Eagle is an inexpensive coffee shop close to Burger King.", "Near Burger King there is a cheap coffee shop."],
    ["Alan Bean, born in Wheeler (Texas), was an astronaut."],
    ["In the riverside area you find a pub with Italian food.", "It serves French food.",
     "A family friendly pub in the city centre serves French food."],
    ["no"],
]


def make_roberta():
    folder = FOLDER / "roberta"
    shutil.rmtree(folder, ignore_errors=True)
    source = ROOT / "data" / "pretrained" / "peft-llama-4x128"
    vocab = json.loads((source / "vocab.json").read_text())
    keep = dict(sorted(vocab.items(), key=lambda item: item[1])[:KEPT])
    pieces = set(keep)
    merges = [line for line in (source / "merges.txt").read_text().splitlines()
              if line.startswith("#") or "".join(line.split(" ")) in pieces]
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    names = tokens + [piece for piece in keep if piece not in tokens and not piece.startswith("<|")]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({name: i for i, name in enumerate(names)}, ensure_ascii=False))
    (folder / "merges.txt").write_text("\n".join(merges) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "RobertaTokenizer", "model_max_length": 62, "bos_token": "<s>", "eos_token": "</s>",
        "unk_token": "<unk>", "sep_token": "</s>", "cls_token": "<s>", "pad_token": "<pad>", "mask_token": "<mask>",
        "add_prefix_space": False}, indent=1) + "\n")
    config = transformers.RobertaConfig(
        vocab_size=len(names), hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=48,
        max_position_embeddings=64, type_vocab_size=1, pad_token_id=1, bos_token_id=0, eos_token_id=2,
        initializer_range=0.4)
    torch.manual_seed(5)
    model = transformers.RobertaModel(config)
    model.save_pretrained(folder)
    file = folder / "model.safetensors"
    save_file({name: value.to(torch.bfloat16) for name, value in load_file(file).items()
               if not name.startswith("pooler")}, file, metadata={"format": "pt"})
    file.chmod(0o644)


def main():
    make_roberta()
    cases = []
    for model, layers in (("data/pretrained/peft-2x256", (1, 2)), ("tests/golden/bert_score/roberta", (2, 3))):
        for layer in layers:
            for idf in (False, True):
                scorer = bert_score.BERTScorer(model_type=str(ROOT / model), num_layers=layer, idf=idf, nthreads=0,
                                               device="cpu")
                scorer._model.float()
                # bert_score calls RoBERTa's encode(add_prefix_space=True), which transformers 5 ignores and the slow
                # tokenizers that the package was written for heed.
                scorer._tokenizer = transformers.AutoTokenizer.from_pretrained(ROOT / model, add_prefix_space=True)
                if idf:
                    scorer.compute_idf(sum(REFERENCES, []))
                p, r, f = scorer.score(HYPOTHESES, REFERENCES)
                cases.append({"model": model, "layer": layer, "idf": idf, "P": p.tolist(), "R": r.tolist(),
                              "F1": f.tolist()})
    (FOLDER / "golden.json").write_text(json.dumps(
        {"hypotheses": HYPOTHESES, "references": REFERENCES, "cases": cases}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
