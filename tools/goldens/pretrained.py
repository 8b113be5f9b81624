#!/usr/bin/python3
"""The shipped model, read by PyTorch: what BertForMaskedLM gives for a few texts, in float64.

    /usr/bin/python3 tools/goldens/pretrained.py           # write tests/golden/pretrained.json
    /usr/bin/python3 tools/goldens/pretrained.py --check   # recompute and compare, exit 1 if not equal

Uses PyTorch's own layers for the encoder (torch.nn.TransformerEncoderLayer, post-LN), so that nothing but the file
format is shared with peft.cpp, and with models.py neither.
"""
import json
import pathlib
import sys

import torch
import torch.nn as nn

from files import json_text, numbers, read_safetensors

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests" / "golden" / "pretrained.json"
# Tokens of the shipped vocabulary; [MASK] is where the model is asked.
TEXTS = [
    "[CLS] the river [MASK] through the city . [SEP]",
    "[CLS] she was born in [MASK] and died in 1952 . [SEP] he was a member of the [MASK] party . [SEP]",
    "[CLS] the film was [MASK] , but the food was not [MASK] . [SEP]",
]


def encoder_layer(c, w, i):
    p = f"bert.encoder.layer.{i}."
    d = c["hidden_size"]
    layer = nn.TransformerEncoderLayer(d, c["num_attention_heads"], c["intermediate_size"], dropout=0, activation="gelu",
                                       layer_norm_eps=c["layer_norm_eps"], batch_first=True, dtype=torch.float64)
    qkv = [p + f"attention.self.{n}." for n in ("query", "key", "value")]
    values = {
        "self_attn.in_proj_weight": torch.cat([w[n + "weight"] for n in qkv]),
        "self_attn.in_proj_bias": torch.cat([w[n + "bias"] for n in qkv]),
    }
    for ours, theirs in (("self_attn.out_proj", "attention.output.dense"), ("norm1", "attention.output.LayerNorm"),
                         ("linear1", "intermediate.dense"), ("linear2", "output.dense"), ("norm2", "output.LayerNorm")):
        for kind in ("weight", "bias"):
            values[f"{ours}.{kind}"] = w[p + theirs + "." + kind]
    layer.load_state_dict(values)
    return layer.eval()


def norm(x, w, name, c):
    return nn.functional.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], c["layer_norm_eps"])


def hidden_and_logits(c, w, ids, types, masked):
    e = "bert.embeddings."
    at = torch.arange(len(ids))
    x = w[e + "word_embeddings.weight"][ids] + w[e + "position_embeddings.weight"][at] + w[e + "token_type_embeddings.weight"][types]
    x = norm(x, w, e + "LayerNorm", c)[None]
    for i in range(c["num_hidden_layers"]):
        x = encoder_layer(c, w, i)(x)
    hidden = x[0]
    h = "cls.predictions."
    t = nn.functional.gelu(hidden[masked] @ w[h + "transform.dense.weight"].T + w[h + "transform.dense.bias"])
    t = norm(t, w, h + "transform.LayerNorm", c)
    return hidden, t @ w[e + "word_embeddings.weight"].T + w[h + "bias"]


def golden(folder):
    c = json.loads((folder / "config.json").read_text())
    assert c["hidden_act"] == "gelu" and c["model_type"] == "bert"
    w = {n: torch.from_numpy(a.copy()).double() for n, a in read_safetensors((folder / "model.safetensors").read_bytes()).items()}
    vocabulary = (folder / "vocab.txt").read_text().split("\n")
    id_of = {t: i for i, t in enumerate(vocabulary)}
    cases = []
    for text in TEXTS:
        tokens = text.split()
        ids = [id_of[t] for t in tokens]
        first = tokens.index("[SEP]")
        types = [int(i > first) for i in range(len(ids))]
        masked = [i for i, t in enumerate(tokens) if t == "[MASK]"]
        with torch.no_grad():
            hidden, logits = hidden_and_logits(c, w, torch.tensor(ids), torch.tensor(types), masked)
        best = logits.argmax(1).tolist()
        cases.append({
            "text": text, "input_ids": ids, "token_type_ids": types, "rows": masked,
            "hidden_first": numbers(hidden[0].numpy()), "best": best, "best_tokens": [vocabulary[b] for b in best],
            "logits_every_64th": [numbers(row[::64].numpy()) for row in logits],
            "log_sum_exp": numbers(torch.logsumexp(logits, 1).numpy()),
        })
    return {"folder": str(folder.relative_to(ROOT)), "cases": cases}


def main():
    folders = sorted(p.parent for p in (ROOT / "data" / "pretrained").glob("*/model.safetensors"))
    text = json_text({"models": [golden(f) for f in folders]}) + "\n"
    if "--check" in sys.argv[1:]:
        same = OUT.exists() and OUT.read_text() == text
        print("equal" if same else f"{OUT} differs from what PyTorch computes")
        return 0 if same else 1
    OUT.write_text(text)
    for m in json.loads(text)["models"]:
        for case in m["cases"]:
            print(m["folder"], case["text"], "->", " ".join(case["best_tokens"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
