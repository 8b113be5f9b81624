#!/usr/bin/python3
"""Writes everything under tests/golden/models, and tests/golden/{optim,schedules,ops,peft_keys}.json.

  make_goldens.py                   write the files (ten seconds on one core)
  make_goldens.py --check           recompute and compare with the files that are committed; exit 1 on a difference
  make_goldens.py --float32         also train each case in float32, and print how far its losses are from float64's
  make_goldens.py --only TEXT       only the groups whose name contains the text; groups are models/bert/,
                                    models/roberta/, models/electra/, models/distilbert/, models/bert- (the variants),
                                    ops, optim, schedules, peft_keys

All computing is in float64 from weights rounded to float32. No number here comes from peft.cpp.
"""
import argparse
import copy
import json
import math
import re
import sys
import zlib
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
import files  # noqa: E402
import models  # noqa: E402
import op_goldens  # noqa: E402
import peft_keys  # noqa: E402
import strategies  # noqa: E402

ROOT = Path(__file__).resolve().parents[2] / "tests" / "golden"
MODELS = ("bert", "roberta", "electra", "distilbert")
LR, WARMUP, STEPS, CLIP, DECAY = 5e-3, 2, 10, 1.0, 0.01

# ------------------------------------------------------------------------------------------------------ random values


def random(key):
    """A stream of its own for each name, so that a new tensor changes no other. RandomState's streams are frozen."""
    return np.random.RandomState(zlib.crc32(key.encode()))


def draw(key, name, shape):
    """Values big enough that a mistake anywhere shows in the logits, rounded to float32."""
    rng = random(f"{key}/{name}")
    if strategies.is_layer_norm(name) and name.endswith("weight"):
        x = rng.uniform(0.8, 1.2, shape)
    elif strategies.is_layer_norm(name):
        x = rng.uniform(-0.1, 0.1, shape)
    elif name.endswith("ia3_l"):
        x = rng.uniform(0.7, 1.3, shape)
    elif name.endswith("bias"):
        x = 0.1 * rng.standard_normal(shape)
    elif "embedding" in name and "project" not in name:
        x = 0.3 * rng.standard_normal(shape)
    else:
        x = 0.2 * rng.standard_normal(shape)
    return x.astype(np.float32)


def set_parameters(model, values):
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name in values:
                p.copy_(torch.from_numpy(np.array(values[name], dtype=np.float64)))


def build(config, weights, dtype=torch.float64):
    model = models.SequenceClassifier(config).to(dtype)
    missing = [n for n, _ in model.named_parameters() if n not in weights]
    assert not missing, missing
    set_parameters(model, weights)
    return model


def draw_weights(key, config):
    return {n: draw(key, n, tuple(p.shape)) for n, p in models.SequenceClassifier(config).named_parameters()}


def injected_values(key, spec, model, names):
    shapes = dict(model.named_parameters())
    return {n: draw(f"{key}/{spec}", n, tuple(shapes[n].shape)) for n in names}


# ------------------------------------------------------------------------------------------------------------ batches


def make_batches(key, config):
    """Two batches. Pairs for odd sequences: [CLS] a [SEP] b [SEP], or <s> a </s></s> b </s> without types."""
    rng = random(f"{key}/batch")
    kind, labels = config["model_type"], len(config["id2label"])
    first, last = (0, 2) if kind == "roberta" else (2, 3)
    out = []
    for lengths in ((7, 3, 12, 9, 5), (4, 11, 6, 8)):
        sequences = []
        for i, n in enumerate(lengths):
            ids = [first] + rng.randint(5, config["vocab_size"], n - 2).tolist() + [last]
            types = [0] * n
            if i % 2 and n > 6:
                cut = n // 2
                ids[cut] = last
                if kind == "roberta":
                    ids[cut + 1] = last
                elif kind != "distilbert":
                    types = [0] * (cut + 1) + [1] * (n - cut - 1)
            label = round(float(rng.uniform(0, 5)), 2) if labels == 1 else (i + len(out)) % labels
            sequences.append({"input_ids": ids, "token_type_ids": types, "label": label})
        out.append(sequences)
    return out


def pad_batch(config, sequences):
    longest = max(len(s["input_ids"]) for s in sequences)
    pad = config["pad_token_id"]

    def fill(values, what):
        return values + [what] * (longest - len(values))

    ids = torch.tensor([fill(s["input_ids"], pad) for s in sequences])
    types = torch.tensor([fill(s["token_type_ids"], 0) for s in sequences])
    mask = torch.tensor([fill([True] * len(s["input_ids"]), False) for s in sequences])
    return ids, types, mask, [s["label"] for s in sequences]


def batch_json(batches):
    out = []
    for sequences in batches:
        segments = np.cumsum([0] + [len(s["input_ids"]) for s in sequences]).tolist()
        out.append({"segments": segments, "sequences": sequences})
    return {"batches": out}


# ----------------------------------------------------------------------------------------------------------- running


def run(model, sequences):
    ids, types, mask, labels = pad_batch(model.config, sequences)
    hidden, pooled, logits = model(ids, types, mask)
    return hidden[mask], pooled, logits, models.task_loss(model.config, logits, labels)


def run_unpadded(model, sequences):
    """Each sequence alone, with no padding and an all-true mask: what a packed batch must equal."""
    parts = [run(model, [s]) for s in sequences]
    return torch.cat([p[0] for p in parts]), torch.cat([p[2] for p in parts]), sum(p[3] for p in parts) / len(parts)


def logits_golden(model, batches, head=True):
    out = []
    for sequences in batches:
        with torch.no_grad():
            hidden, pooled, logits, loss = run(model, sequences)
            h1, l1, loss1 = run_unpadded(model, sequences)
        assert (hidden - h1).abs().max() < 1e-12 and (logits - l1).abs().max() < 1e-12 and abs(loss - loss1) < 1e-12
        entry = {"hidden": files.numbers(hidden, 10)}
        if pooled is not None:
            entry["pooled"] = files.numbers(pooled, 10)
        if head:
            entry.update(logits=files.numbers(logits), loss=files.numbers(loss))
        out.append(entry)
    return {"batches": out}


def gradients(model, loss_of):
    for p in model.parameters():
        p.grad = None
    loss = loss_of()
    loss.backward()
    return loss, {n: p.grad.clone() if p.grad is not None else torch.zeros_like(p)
                  for n, p in model.named_parameters()}


def gradients_golden(model, sequences, every_value):
    loss, g = gradients(model, lambda: run(model, sequences)[3])
    _, alone = gradients(model, lambda: run_unpadded(model, sequences)[2])
    assert all((g[n] - alone[n]).abs().max() < 1e-12 for n in g)
    out = {"loss": files.numbers(loss), "grad_norm": files.numbers(torch.stack([x.norm() for x in g.values()]).norm()),
           "parameters": {}}
    for name in sorted(g):
        x = g[name].flatten()
        entry = {"shape": list(g[name].shape)}
        if every_value:
            entry["values"] = files.numbers(x, 9)
        else:
            entry.update(norm=files.numbers(x.norm()), sum=files.numbers(x.sum()),
                         dot_cos=files.numbers((x * torch.cos(torch.arange(len(x), dtype=x.dtype))).sum()),
                         first=files.numbers(x[:8]))
        out["parameters"][name] = entry
    return out


def linear_schedule(step, warmup, total):
    return step / max(1, warmup) if step < warmup else max(0.0, (total - step) / max(1, total - warmup))


def train(model, names, batches):
    """Ten steps of torch.optim.AdamW. Returns the record of each step and the first step's gradient norms."""
    params = dict(model.named_parameters())
    for n, p in params.items():
        p.requires_grad_(n in set(names))
    groups = [{"params": [params[n] for n in names if strategies.decays(n)], "weight_decay": DECAY},
              {"params": [params[n] for n in names if not strategies.decays(n)], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=LR, betas=(0.9, 0.999), eps=1e-8)
    steps, first_norms = [], {}
    for t in range(STEPS):
        lr = LR * linear_schedule(t, WARMUP, STEPS)
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.zero_grad(set_to_none=True)
        loss = run(model, batches[t % len(batches)])[3]
        loss.backward()
        if t == 0:
            first_norms = {n: files.numbers(params[n].grad.norm(), 9) for n in names}
        norm = torch.nn.utils.clip_grad_norm_([params[n] for n in names], CLIP)
        optimizer.step()
        steps.append({"lr": files.numbers(lr), "loss": files.numbers(loss), "grad_norm": files.numbers(norm)})
    return steps, first_norms


def eval_logits(model, batches, digits=12):
    with torch.no_grad():
        return [files.numbers(run(model, b)[2], digits) for b in batches]


def prepare(key, config, weights, spec, dtype=torch.float64):
    """The model with a strategy injected: (model, injected names, injected values, trainable names)."""
    model = build(config, weights, dtype)
    injected = strategies.inject(model, spec)
    model.to(dtype)
    values = injected_values(key, spec, model, injected)
    set_parameters(model, values)
    return model, injected, values, strategies.trainable_names(model, spec, injected)


def steps_golden(key, config, weights, spec, batches, float32):
    model, _, values, names = prepare(key, config, weights, spec)
    params = dict(model.named_parameters())
    before = {n: p.detach().clone() for n, p in params.items()}
    start = eval_logits(model, batches)
    steps, norms = train(model, names, batches)
    frozen_moved = [n for n, p in params.items() if n not in set(names) and not torch.equal(p, before[n])]
    assert not frozen_moved, frozen_moved
    if float32:
        other = prepare(key, config, weights, spec, torch.float32)[0]
        losses = [s["loss"] for s in train(other, names, batches)[0]]
        worst = max(abs(a - b["loss"]) / max(1, abs(b["loss"])) for a, b in zip(losses, steps))
        logits = np.abs(np.concatenate([np.array(a).ravel() for a in eval_logits(other, batches)]) -
                        np.concatenate([np.array(a).ravel() for a in eval_logits(model, batches)])).max()
        print(f"  float32 {key} {spec}: losses differ by {worst:.1e}, final logits by {logits:.1e}; "
              f"loss {steps[0]['loss']:.3f} -> {steps[-2]['loss']:.3f}, "
              f"norms {min(s['grad_norm'] for s in steps):.2f} to {max(s['grad_norm'] for s in steps):.2f}")
    record = {
        "spec": spec,
        "init": f"init/{strategies.slug(spec)}.safetensors" if values else None,
        "optimizer": {"name": "adamw", "lr": LR, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": DECAY},
        "schedule": {"name": "linear", "warmup_steps": WARMUP, "total_steps": STEPS},
        "max_grad_norm": CLIP,
        "trainable_count": sum(params[n].numel() for n in names),
        "trainable": [{"name": n, "shape": list(params[n].shape), "decay": strategies.decays(n),
                       "first_grad_norm": norms[n]} for n in names],
        "steps": steps,
        "start_logits": start,
        "final_logits": eval_logits(model, batches),
    }
    return record, values


def merged_golden(key, config, weights, batches):
    """LoRA and IA3 folded into the base weights by their formulas: the logits stay. Also what the weights become."""
    out = []
    for spec in strategies.SPECS:
        if not any(name in ("lora", "ia3") for name, _ in strategies.parse(spec)) or "bitfit" in spec:
            continue
        model = prepare(key, config, weights, spec)[0]
        before = eval_logits(model, batches)
        changed = {}
        for name, module in model.named_modules():
            if isinstance(module, (strategies.LoraLinear, strategies.Ia3Linear)):
                module.merge()
                for leaf in ("weight", "bias"):
                    x = getattr(module, leaf).detach()
                    if not torch.equal(x, torch.from_numpy(weights[f"{name}.{leaf}"].astype(np.float64))):
                        changed[f"{name}.{leaf}"] = {"norm": files.numbers(x.norm()), "sum": files.numbers(x.sum()),
                                                     "first": files.numbers(x.flatten()[:8])}
        after = eval_logits(model, batches)
        assert np.abs(np.array(sum(before, [])) - np.array(sum(after, []))).max() < 1e-10
        plain = build(config, {n: p.detach().numpy() for n, p in model.named_parameters()})  # no strategy at all
        assert eval_logits(plain, batches, 9) == eval_logits(model, batches, 9)
        out.append({"spec": spec, "unmerged_logits": before, "merged_logits": after, "merged_parameters": changed})
    return out


# -------------------------------------------------------------------------------------------------------- self-checks


def self_check(key, config, weights, batches):
    """What must hold of the reference itself."""
    model = build(config, weights)
    base = eval_logits(model, batches)

    # A layer equals PyTorch's own fused layer, which shares no code with models.py.
    if config["model_type"] != "distilbert":
        layer = model.layer_list[0]
        a = layer.attention
        theirs = torch.nn.TransformerEncoderLayer(32, 4, 64, 0.0, "gelu", config["layer_norm_eps"], True,
                                                  dtype=torch.float64)
        q, k, v = a.self.query, a.self.key, a.self.value
        pairs = {"self_attn.in_proj_weight": torch.cat([q.weight, k.weight, v.weight]),
                 "self_attn.in_proj_bias": torch.cat([q.bias, k.bias, v.bias])}
        for name, module in (("self_attn.out_proj", a.output.dense), ("linear1", layer.intermediate.dense),
                             ("linear2", layer.output.dense), ("norm1", a.output.LayerNorm),
                             ("norm2", layer.output.LayerNorm)):
            pairs.update({f"{name}.weight": module.weight, f"{name}.bias": module.bias})
        theirs.load_state_dict(pairs)
        x = torch.from_numpy(random("x").standard_normal((2, 5, 32)))
        mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
        difference = (layer(x, mask, None) - theirs(x, src_key_padding_mask=~mask))[mask].abs().max()
        assert difference < 1e-12, difference

    # Neutral initial values leave the logits as they were, and other values do not.
    for spec in strategies.SPECS:
        model, injected, values, names = prepare(key, config, weights, spec)
        if injected and "prefix" not in spec:
            assert eval_logits(model, batches, 6) != [files.numbers(x, 6) for x in base], spec
            neutral = {n: np.ones_like(v) if n.endswith("ia3_l") else np.zeros_like(v)
                       for n, v in values.items() if n.endswith("ia3_l") or "lora_B." in n or ".up." in n}
            set_parameters(model, neutral)
            assert np.abs(np.array(sum(eval_logits(model, batches), [])) - np.array(sum(base, []))).max() < 1e-12, spec

    # The key bias has no gradient without a prefix, and one with it.
    for spec in ("full", "prefix:length=5,flat=true"):
        model = prepare(key, config, weights, spec)[0]
        g = gradients(model, lambda: run(model, batches[0])[3])[1]
        norm = g[strategies.role_module(model, "key", 0) + ".bias"].norm()
        assert (norm < 1e-15) == (spec == "full"), (spec, norm)


# ------------------------------------------------------------------------------------------------------------- output


class Output:
    """Collects the files by path; then writes them, or compares them with what is there."""

    def __init__(self, only):
        self.files, self.only = {}, only

    def wants(self, path):
        return not self.only or self.only in path

    def json(self, path, value):
        self.files[path] = files.json_text(value) + "\n"

    def tensors(self, path, tensors, dtype="F32"):
        self.files[path] = files.safetensors_bytes(tensors, dtype)

    def write(self):
        for path, content in self.files.items():
            p = ROOT / path
            p.parent.mkdir(parents=True, exist_ok=True)
            p.write_bytes(content if isinstance(content, bytes) else content.encode())
        print(f"wrote {len(self.files)} files, {sum(len(c) for c in self.files.values()):,} bytes, under {ROOT}")

    def check(self):
        bad = []
        for path, content in self.files.items():
            p = ROOT / path
            if not p.exists():
                bad.append(f"{path}: missing")
            elif isinstance(content, bytes):
                if p.read_bytes() != content:
                    bad.append(f"{path}: bytes differ")
            else:
                difference = compare(json.loads(content), json.loads(p.read_text()), "")
                if difference:
                    bad.append(f"{path}{difference}")
        stray = [] if self.only else sorted(
            str(p.relative_to(ROOT)) for p in (ROOT / "models").rglob("*")
            if p.is_file() and str(p.relative_to(ROOT)) not in self.files)
        bad += [f"{s}: not made by this script" for s in stray]
        print("\n".join(bad) or f"{len(self.files)} files agree")
        return not bad


def compare(new, old, where):
    """The first difference as text, or None. Numbers may differ by 1e-8: another BLAS adds in another order."""
    if isinstance(new, dict) and isinstance(old, dict):
        if list(new) != list(old):
            return f"{where}: keys differ"
        return next((d for k in new if (d := compare(new[k], old[k], f"{where}/{k}"))), None)
    if isinstance(new, list) and isinstance(old, list):
        if len(new) != len(old):
            return f"{where}: lengths differ"
        return next((d for i, (a, b) in enumerate(zip(new, old)) if (d := compare(a, b, f"{where}/{i}"))), None)
    if isinstance(new, (int, float)) and isinstance(old, (int, float)) and not isinstance(new, bool):
        return None if math.isclose(new, old, rel_tol=1e-8, abs_tol=1e-10) else f"{where}: {new} now, {old} in the file"
    return None if new == old and type(new) is type(old) else f"{where}: {new!r} now, {old!r} in the file"


# --------------------------------------------------------------------------------------------------------- the models


def make_model(out, kind, float32):
    config = models.tiny_config(kind)
    weights = draw_weights(kind, config)
    batches = make_batches(kind, config)
    self_check(kind, config, weights, batches)
    folder = f"models/{kind}"
    out.json(f"{folder}/config.json", config)
    out.tensors(f"{folder}/model.safetensors", weights)
    out.json(f"{folder}/batch.json", batch_json(batches))
    model = build(config, weights)
    out.json(f"{folder}/logits.json", logits_golden(model, batches))
    out.json(f"{folder}/gradients.json", gradients_golden(model, batches[0], kind == "bert"))
    for spec in strategies.SPECS:
        record, values = steps_golden(kind, config, weights, spec, batches, float32)
        out.json(f"{folder}/steps/{strategies.slug(spec)}.json", record)
        if values:
            out.tensors(f"{folder}/init/{strategies.slug(spec)}.safetensors", values)
    out.json(f"{folder}/merged.json", merged_golden(kind, config, weights, batches))
    out.json(f"{folder}/bitfit_terms.json",
             {t: strategies.bitfit_term_biases(model, t) for t in strategies.BITFIT_TERMS})


def without(config, *keys, **changes):
    return {**{k: v for k, v in config.items() if k not in keys}, **changes}


def make_bert_variants(out):
    """The weights of models/bert in other clothes, for the loader: same batch.json, so the same or nearly the same
    numbers come out."""
    config = models.tiny_config("bert")
    weights = draw_weights("bert", config)
    batches = make_batches("bert", config)
    no_labels = without(config, "id2label", "label2id", "problem_type")  # two labels are then the default
    head = ("classifier.bias", "classifier.weight")

    # As google's bert-base-uncased is: TensorFlow's LayerNorm names, a buffer, the pre-training heads, no classifier.
    folder = "models/bert-legacy"
    legacy = {re.sub(r"LayerNorm\.weight$", "LayerNorm.gamma", re.sub(r"LayerNorm\.bias$", "LayerNorm.beta", n)): x
              for n, x in weights.items() if n not in head}
    unexpected = {"cls.predictions.bias": (64,), "cls.predictions.transform.dense.weight": (32, 32),
                  "cls.predictions.transform.dense.bias": (32,), "cls.predictions.transform.LayerNorm.gamma": (32,),
                  "cls.predictions.transform.LayerNorm.beta": (32,), "cls.seq_relationship.weight": (2, 32),
                  "cls.seq_relationship.bias": (2,)}
    legacy.update({n: draw("bert-legacy", n, s) for n, s in unexpected.items()})
    legacy["cls.predictions.decoder.weight"] = weights["bert.embeddings.word_embeddings.weight"]  # tied
    legacy["bert.embeddings.position_ids"] = np.arange(40, dtype=np.int64)[None]
    out.json(f"{folder}/config.json", without(no_labels, "torch_dtype", architectures=["BertForPreTraining"],
                                              gradient_checkpointing=False))
    out.tensors(f"{folder}/model.safetensors", legacy)
    out.json(f"{folder}/logits.json", logits_golden(build(config, weights), batches, head=False))
    out.json(f"{folder}/load.json", {"missing": list(head), "ignored": ["bert.embeddings.position_ids"],
                                     "unexpected": sorted([*unexpected, "cls.predictions.decoder.weight"])})

    folder = "models/bert-nohead"  # a BertModel saved by itself
    out.json(f"{folder}/config.json", {**no_labels, "architectures": ["BertModel"]})
    out.tensors(f"{folder}/model.safetensors", {n[len("bert."):]: x for n, x in weights.items() if n not in head})
    out.json(f"{folder}/logits.json", logits_golden(build(config, weights), batches, head=False))
    out.json(f"{folder}/load.json", {"missing": list(head), "ignored": [], "unexpected": []})

    for dtype, name in (("F16", "float16"), ("BF16", "bfloat16")):
        folder = f"models/bert-{dtype.lower()}"
        rounded = files.read_safetensors(files.safetensors_bytes(weights, dtype))
        for n, x in weights.items():  # PyTorch rounds in the same way
            assert torch.equal(torch.from_numpy(rounded[n]), torch.from_numpy(x).to(getattr(torch, name)).float()), n
        out.json(f"{folder}/config.json", {**config, "torch_dtype": name})
        out.tensors(f"{folder}/model.safetensors", weights, dtype)
        out.json(f"{folder}/logits.json", logits_golden(build(config, rounded), batches))

    folder = "models/bert-sharded"
    names = sorted(weights)
    shards = {"model-00001-of-00002.safetensors": names[0::2], "model-00002-of-00002.safetensors": names[1::2]}
    out.json(f"{folder}/config.json", config)
    for shard, part in shards.items():
        out.tensors(f"{folder}/{shard}", {n: weights[n] for n in part})
    out.json(f"{folder}/model.safetensors.index.json", {
        "metadata": {"total_size": sum(x.nbytes for x in weights.values())},
        "weight_map": {n: shard for shard, part in shards.items() for n in part}})
    out.json(f"{folder}/logits.json", logits_golden(build(config, weights), batches))

    folder = "models/bert-regression"
    config = {**config, "id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}, "problem_type": "regression"}
    weights = {**weights, **{n: draw("bert-regression", n, s) for n, s in zip(head, ((1,), (1, 32)))}}
    batches = make_batches("bert-regression", config)
    model = build(config, weights)
    out.json(f"{folder}/config.json", config)
    out.tensors(f"{folder}/model.safetensors", weights)
    out.json(f"{folder}/batch.json", batch_json(batches))
    out.json(f"{folder}/logits.json", logits_golden(model, batches))
    out.json(f"{folder}/gradients.json", gradients_golden(model, batches[0], False))
    for spec in ("full", "bitfit", "lora:r=4,alpha=8"):
        record, values = steps_golden("bert-regression", config, weights, spec, batches, False)
        out.json(f"{folder}/steps/{strategies.slug(spec)}.json", record)
        if values:
            out.tensors(f"{folder}/init/{strategies.slug(spec)}.safetensors", values)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--float32", action="store_true")
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    torch.set_num_threads(1)
    out = Output(args.only)
    for kind in MODELS:
        if out.wants(f"models/{kind}/"):
            make_model(out, kind, args.float32)
    if out.wants("models/bert-"):
        make_bert_variants(out)
    if out.wants("ops"):
        out.json("ops.json", op_goldens.ops())
    if out.wants("optim"):
        out.json("optim.json", op_goldens.optim())
    if out.wants("schedules"):
        out.json("schedules.json", op_goldens.schedules())
    if out.wants("peft_keys"):
        out.json("peft_keys.json", peft_keys.peft_keys())
    out.json("models/specs.json", [{"spec": s, "file": strategies.slug(s)} for s in strategies.SPECS])
    if args.check:
        sys.exit(0 if out.check() else 1)
    out.write()


if __name__ == "__main__":
    main()
