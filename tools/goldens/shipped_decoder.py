#!/usr/bin/env python3
"""Writes tests/golden/shipped_decoder.json: what transformers computes with the causal model that ships here.

Needs torch and transformers. Arithmetic is float64 on the stored weights. By text: its ids (transformers' tokenizer on
the shipped files), the negative log-likelihood of every token after the first, and what generate writes on:
16 new ids greedily, and with 4 beams, length penalty 0.8 and no repeated 3-grams.
"""
import json
import pathlib

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = "data/pretrained/peft-llama-4x128"
TEXTS = [
    "The town lies on the river, about ten miles from the sea.",
    "She was born in London in 1901, and studied at the university.",
    "In 1868,  the König's  naïve 東京 train – №7 –\twas late!",
    "a",
]


def main():
    tokenizer = AutoTokenizer.from_pretrained(ROOT / FOLDER)
    model = AutoModelForCausalLM.from_pretrained(ROOT / FOLDER, dtype=torch.float64).eval()
    cases = []
    for text in TEXTS:
        ids = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            scores = torch.log_softmax(model(**ids).logits[0], -1)
        row = ids["input_ids"][0]
        nll = [-float(scores[i, row[i + 1]]) for i in range(len(row) - 1)]
        new = lambda **how: model.generate(**ids, max_new_tokens=16, do_sample=False, **how)[0, len(row):].tolist()
        cases.append(dict(text=text, ids=row.tolist(), nll=[round(v, 7) for v in nll], greedy=new(),
                          beams=new(num_beams=4, length_penalty=0.8, no_repeat_ngram_size=3)))
    out = ROOT / "tests" / "golden" / "shipped_decoder.json"
    out.write_text(json.dumps(dict(folder=FOLDER, cases=cases), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
