"""Trains adapters on bases that lack a pooler or a head, and compares their logits with those of real PEFT.

    python tools/peft_agrees.py build/release/bin

The same logits, to 1e-5, from: peft.cpp with --adapter, from a copied folder and merged; and PEFT on the adapter, on the
copied folder, and transformers on the merged folder. Whatever was drawn fresh differs in every process, so the numbers
agree only if it is all in the adapter. Without torch, transformers and peft it says "skipped" and ends well.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

try:
    import peft
    import torch
    import transformers
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed")
    sys.exit(0)

WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] the tea was good bad hot cold and very film book".split()
TEXTS = ["the tea was very good", "bad film", "the book was hot and cold and very very bad"]
STRATEGIES = {"bert": ["lora:r=2", "lora:r=2,bias=all", "ia3"], "gpt2": ["lora:r=2", "ia3"], "llama": ["lora:r=2", "ia3"]}
CLOSE = 1e-5


def make_base(family, folder):
    """A checkpoint without anything that a classifier needs on top, with a tokenizer of whole words."""
    torch.manual_seed(3)
    n = len(WORDS)
    if family == "bert":
        model = transformers.BertForMaskedLM(transformers.BertConfig(
            vocab_size=n, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
            max_position_embeddings=32, initializer_range=0.3))
    elif family == "gpt2":
        model = transformers.GPT2LMHeadModel(transformers.GPT2Config(
            vocab_size=n, n_embd=32, n_layer=2, n_head=2, n_positions=32, initializer_range=0.3, bos_token_id=2, eos_token_id=3))
    else:
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(
            vocab_size=n, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=32, initializer_range=0.3, bos_token_id=2, eos_token_id=3))
    model.save_pretrained(folder)
    if family == "bert":
        (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
        return
    words = {"type": "WordLevel", "unk_token": "[UNK]", "vocab": {w: i for i, w in enumerate(WORDS)}}
    (folder / "tokenizer.json").write_text(json.dumps({"pre_tokenizer": {"type": "Whitespace"}, "model": words}))


def ours(peft_cpp, *model):
    """Ids and logits of TEXTS, as peft.cpp has them."""
    out = subprocess.run([peft_cpp, "inspect", "logits", "--json", *model, *TEXTS], check=True, capture_output=True, text=True)
    return [json.loads(line)["logits"] for line in out.stdout.splitlines()]


def theirs(model, ids):
    model.eval()
    with torch.no_grad():
        return [model(torch.tensor([one])).logits[0].tolist() for one in ids]


def largest_difference(a, b):
    return max(abs(x - y) for row, other in zip(a, b, strict=True) for x, y in zip(row, other, strict=True))


def compare(peft_cpp, work, family, spec):
    base, run = work / family, work / f"{family}-{spec.replace(':', '-').replace(',', '-')}"
    data = work / "data.csv"
    data.write_text("text,label\n" + "".join(f"the {t} was {w},{w}\n" for t in ("tea", "film", "book") for w in ("good", "bad", "hot")))
    subprocess.run([peft_cpp, "finetune", "--train", data, "--dev", data, "--model", base, "--strategy", spec, "--lr", "2e-2",
                    "--max-steps", "8", "--out", run, "--seed", "9"], check=True, capture_output=True)
    copied, merged = work / (run.name + "-copied"), work / (run.name + "-merged")
    shutil.copytree(run / "adapter", copied)
    subprocess.run([peft_cpp, "merge", "--adapter", run, "--out", merged], check=True, capture_output=True)
    tokens = subprocess.run([peft_cpp, "inspect", "tokens", "--json", "--model", base, *TEXTS], check=True, capture_output=True, text=True)
    ids = [json.loads(line)["ids"] for line in tokens.stdout.splitlines()]

    def with_peft(adapter, seed):
        torch.manual_seed(seed)  # what transformers draws for the missing weights
        model = transformers.AutoModelForSequenceClassification.from_pretrained(base, num_labels=3)
        return theirs(peft.PeftModel.from_pretrained(model, adapter), ids)

    one = ours(peft_cpp, "--model", base, "--adapter", run / "adapter")
    others = {
        "the run": ours(peft_cpp, "--adapter", run),
        "copied, here": ours(peft_cpp, "--model", base, "--adapter", copied, "--seed", "5"),
        "merged, here": ours(peft_cpp, "--model", merged),
        "PEFT": with_peft(run / "adapter", 1),
        "PEFT, copied": with_peft(copied, 2),
        "merged, transformers": theirs(transformers.AutoModelForSequenceClassification.from_pretrained(merged), ids),
    }
    worst = 0
    for name, logits in others.items():
        difference = largest_difference(one, logits)
        worst = max(worst, difference)
        print(f"{family:6} {spec:18} {name:22} {difference:.1e}")
    return worst


def main():
    peft_cpp = pathlib.Path(sys.argv[1]).resolve() / "peft"
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        work, worst = pathlib.Path(folder), 0
        for family, specs in STRATEGIES.items():
            make_base(family, work / family)
            for spec in specs:
                worst = max(worst, compare(peft_cpp, work, family, spec))
    print(f"largest difference {worst:.1e}, at most {CLOSE:.0e} is right")
    sys.exit(worst > CLOSE)


if __name__ == "__main__":
    main()
