#!/usr/bin/env python3
"""ModernBERT and DeBERTa-v2 at settings of every kind, random weights: our logits beside transformers'.

    tools/encoders_agree.py [BIN] [NAME...]     # BIN: build/release/bin; exit 1 where a logit differs by 1e-5 or more

Needs torch and transformers in the Python that runs it; the goldens in tests/golden hold one shape of each family.
"""
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

import torch
import transformers
from transformers import (AutoTokenizer, DebertaV2Config, DebertaV2ForSequenceClassification, ModernBertConfig,
                          ModernBertForSequenceClassification)

ROOT = pathlib.Path(__file__).resolve().parents[1]
VOCABULARY = ROOT / "data" / "pretrained" / "peft-2x256"
COMMON = dict(vocab_size=8192, hidden_size=96, num_attention_heads=6, max_position_embeddings=256, pad_token_id=0,
              num_labels=3, initializer_range=0.1)


def modernbert(**changes):
    settings = dict(COMMON, intermediate_size=72, num_hidden_layers=5, global_attn_every_n_layers=3, local_attention=16,
                    cls_token_id=2, sep_token_id=3, bos_token_id=2, eos_token_id=3)
    return ModernBertForSequenceClassification, ModernBertConfig(**dict(settings, **changes))


def deberta(**changes):
    settings = dict(COMMON, intermediate_size=136, num_hidden_layers=3, type_vocab_size=0, relative_attention=True,
                    pos_att_type=["p2c", "c2p"], position_biased_input=False)
    return DebertaV2ForSequenceClassification, DebertaV2Config(**dict(settings, **changes))


MODELS = {
    "modernbert": modernbert(),
    "modernbert-mean": modernbert(classifier_pooling="mean"),
    "modernbert-biases": modernbert(attention_bias=True, mlp_bias=True, norm_bias=True, classifier_bias=True),
    "modernbert-global": modernbert(global_attn_every_n_layers=1),
    "modernbert-local-2": modernbert(local_attention=2, global_attn_every_n_layers=4),
    "modernbert-local-7": modernbert(local_attention=7),
    "modernbert-silu": modernbert(hidden_activation="silu"),
    "modernbert-relu": modernbert(hidden_activation="relu"),
    "modernbert-epsilon": modernbert(norm_eps=1e-3),
    "modernbert-heads": modernbert(num_attention_heads=12, num_hidden_layers=2),
    "deberta": deberta(),
    "deberta-c2p": deberta(pos_att_type=["c2p"]),
    "deberta-p2c": deberta(pos_att_type=["p2c"]),
    "deberta-content": deberta(pos_att_type=[]),
    "deberta-absolute": deberta(relative_attention=False, position_biased_input=True),
    "deberta-both": deberta(position_biased_input=True),
    "deberta-shared-keys": deberta(share_att_key=True),
    "deberta-v3": deberta(position_buckets=32, share_att_key=True, norm_rel_ebd="layer_norm"),
    "deberta-buckets-8": deberta(position_buckets=8, max_relative_positions=64),
    "deberta-distance-20": deberta(max_relative_positions=20),
    "deberta-types": deberta(type_vocab_size=2),
    "deberta-relu": deberta(layer_norm_eps=1e-4, hidden_act="relu"),
    "deberta-gelu-new": deberta(hidden_act="gelu_new"),
    "deberta-narrow-words": deberta(embedding_size=48),
    "deberta-pooler": deberta(pooler_hidden_size=96, pooler_hidden_act="tanh"),
}


def largest_difference(program, name, texts, folder):
    kind, config = MODELS[name]
    torch.manual_seed(sum(name.encode()))
    model = kind(config).eval()
    with torch.no_grad():
        for p in model.parameters():  # biases and norms that matter
            if p.dim() == 1:
                p += 0.1 * torch.randn_like(p)
    model.save_pretrained(folder)
    for file in ("vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(VOCABULARY / file, folder)
    tokenizer = AutoTokenizer.from_pretrained(VOCABULARY)
    ours = subprocess.run([program, "inspect", "logits", "--model", folder, "--json"], input="\n".join(texts) + "\n",
                          capture_output=True, text=True, check=True).stdout
    ours = [json.loads(line)["logits"] for line in ours.splitlines()]
    assert len(ours) == len(texts)
    worst = 0.0
    for text, logits in zip(texts, ours):
        ids = torch.tensor([tokenizer(text)["input_ids"]])
        with torch.no_grad():
            theirs = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
        worst = max(worst, float((theirs - torch.tensor(logits)).abs().max()))
    return worst


def main():
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    program = os.path.join(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "release" / "bin", "peft")
    words = [w for w in (VOCABULARY / "vocab.txt").read_text().split("\n")[1000:4000] if w.isalpha()]
    draw = random.Random(0)
    texts = [" ".join(draw.choice(words) for _ in range(n)) for n in (1, 3, 17, 40, 90)]
    wrong = 0
    for name in sys.argv[2:] or MODELS:
        with tempfile.TemporaryDirectory() as folder:
            difference = largest_difference(program, name, texts, folder)
        wrong += difference >= 1e-5
        print(f"{name:22s} {difference:.1e}{'' if difference < 1e-5 else '  DIFFERS'}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
