#!/usr/bin/env python3
"""Writes tests/golden/next_token.json: what transformers' logits processors and warpers make of some scores.

Each case has "ids" (prompt and new ids), "prompt" (how many are the prompt), "scores", the settings by their names
in generate, and what comes out of the processors in generate's order ("processed"), then of the warpers ("warped");
null stands for -infinity.
"""
import json
import pathlib

import torch
import transformers
from transformers.generation import logits_process as lp

ROOT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
VOCAB = 23

CASES = [
    dict(),
    dict(repetition_penalty=1.3),
    dict(repetition_penalty=0.8, no_repeat_ngram_size=2),
    dict(no_repeat_ngram_size=1),
    dict(no_repeat_ngram_size=3),
    dict(no_repeat_ngram_size=9),  # longer than what is there
    dict(min_new_tokens=5, eos_token_id=[2, 4]),
    dict(min_new_tokens=4, eos_token_id=[2, 4]),
    dict(suppress_tokens=[1, 22]),
    dict(begin_suppress_tokens=[7], prompt=8),
    dict(begin_suppress_tokens=[7], prompt=7),
    dict(temperature=0.7),
    dict(top_k=1),
    dict(top_k=5, temperature=1.5),
    dict(top_k=100),
    dict(top_p=0.1),
    dict(top_p=0.6),
    dict(top_p=0.95, temperature=0.5),
    dict(min_p=0.1),
    dict(min_p=1.0),
    dict(temperature=1.2, top_k=9, top_p=0.8, min_p=0.05, repetition_penalty=1.1, no_repeat_ngram_size=2),
    dict(top_p=0.7, min_keep=3),
    dict(min_p=0.9, min_keep=4),
    dict(top_k=1, min_keep=3),
]


def run(case, seed):
    g = torch.Generator().manual_seed(seed)
    ids = [5, 6, 7, 5, 6, 8, 5, 6]
    prompt = case.get("prompt", 4)
    x = torch.tensor([ids])
    scores = (2 * torch.randn(1, VOCAB, generator=g)).contiguous()
    out = dict(case, ids=ids, prompt=prompt, scores=[float(f"{v:.9g}") for v in scores[0].tolist()])
    keep = case.get("min_keep", 1)
    processors, warpers = [], []
    if "repetition_penalty" in case:
        processors.append(lp.RepetitionPenaltyLogitsProcessor(case["repetition_penalty"]))
    if "no_repeat_ngram_size" in case:
        processors.append(lp.NoRepeatNGramLogitsProcessor(case["no_repeat_ngram_size"]))
    if "min_new_tokens" in case:
        processors.append(lp.MinNewTokensLengthLogitsProcessor(prompt, case["min_new_tokens"], case["eos_token_id"]))
    if "suppress_tokens" in case:
        processors.append(lp.SuppressTokensLogitsProcessor(case["suppress_tokens"]))
    if "begin_suppress_tokens" in case:
        processors.append(lp.SuppressTokensAtBeginLogitsProcessor(case["begin_suppress_tokens"], prompt))
    if "temperature" in case:
        warpers.append(lp.TemperatureLogitsWarper(case["temperature"]))
    if "top_k" in case:
        warpers.append(lp.TopKLogitsWarper(case["top_k"], min_tokens_to_keep=keep))
    if "top_p" in case:
        warpers.append(lp.TopPLogitsWarper(case["top_p"], min_tokens_to_keep=keep))
    if "min_p" in case:
        warpers.append(lp.MinPLogitsWarper(case["min_p"], min_tokens_to_keep=keep))
    plain = lambda t: [None if v == float("-inf") else float(f"{v:.9g}") for v in t[0].tolist()]
    for p in processors:
        scores = p(x, scores)
    out["processed"] = plain(scores)
    for w in warpers:
        scores = w(x, scores)
    out["warped"] = plain(scores)
    return out


def main():
    cases = [run(case, seed) for seed, case in enumerate(CASES)]
    text = json.dumps({"transformers": transformers.__version__, "cases": cases})
    (ROOT / "next_token.json").write_text(text + "\n")
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
