"""Goldens of single pieces: ops with their gradients, optimizers, learning rate schedules. All in float64."""
import math
import zlib

import numpy as np
import torch
import torch.nn.functional as F
from files import numbers


def _normal(key, *shape, scale=1.0):
    rng = np.random.RandomState(zlib.crc32(key.encode()))
    # Few digits, so that the inputs are exact in the file and nearly so in float.
    return torch.from_numpy(np.round(scale * rng.standard_normal(shape), 4))


def _case(name, inputs, options, forward, dy=None, **more):
    """Runs forward(**inputs), then backward with dy (1 for a loss), and records d<input> of every float input."""
    leaves = {k: v.clone().requires_grad_(v.dtype.is_floating_point) for k, v in inputs.items()}
    y = forward(**leaves)
    y.backward(dy if dy is not None else torch.ones_like(y))
    case = {"name": name, **options, "inputs": {k: numbers(v) for k, v in inputs.items()}}
    if dy is not None:
        case["dy"] = numbers(dy)
    case["y"] = numbers(y)
    case["gradients"] = {f"d{k}": numbers(v.grad) for k, v in leaves.items() if v.requires_grad}
    return {**case, **more}


def layer_norm_cases():
    out = []
    for name, rows, cols, eps, scale in (("plain", 3, 5, 1e-12, 1.0), ("eps matters", 2, 8, 1e-5, 0.004),
                                         ("large mean", 2, 4, 1e-12, 1.0)):
        x = _normal("ln" + name, rows, cols, scale=scale) + (100 if name == "large mean" else 0)
        out.append(_case(name, {"x": x, "weight": 1 + _normal("lnw" + name, cols, scale=0.2),
                                "bias": _normal("lnb" + name, cols, scale=0.1)}, {"eps": eps},
                         lambda x, weight, bias: F.layer_norm(x, (x.shape[-1],), weight, bias, eps),
                         _normal("lndy" + name, rows, cols)))
    return out


def elementwise_cases(f):
    x = torch.tensor([[-30.0, -6.0, -3.0, -1.0, -0.5, -0.001], [0.0, 0.001, 0.7, 1.5, 4.0, 30.0]], dtype=torch.float64)
    # relu has no derivative at 0: move that point.
    cases = [_case("range", {"x": x + (0.25 if f is F.relu else 0)}, {}, lambda x: f(x), torch.ones_like(x))]
    cases.append(_case("random", {"x": _normal("ex", 3, 4)}, {}, lambda x: f(x), _normal("edy", 3, 4)))
    return cases


def linear_cases():
    return [_case(name, {"x": _normal("lx" + name, rows, i), "weight": _normal("lw" + name, o, i),
                         "bias": _normal("lb", o)}, {}, lambda x, weight, bias: F.linear(x, weight, bias),
                  _normal("ldy" + name, rows, o)) for name, rows, i, o in (("3 to 2", 4, 3, 2), ("1 to 1", 1, 1, 1))]


def attention(q, k, v, segments, heads, causal, prefix_key=None, prefix_value=None):
    """Packed: the rows of all sequences under one another; segments are their starts and the end. Every query sees
    the whole prefix; with causal, the keys of its own sequence up to itself."""
    dim = q.shape[1] // heads
    rows = []
    for lo, hi in zip(segments, segments[1:]):
        parts = []
        for h in range(heads):
            c = slice(h * dim, (h + 1) * dim)
            keys, values, n = k[lo:hi, c], v[lo:hi, c], 0
            if prefix_key is not None:
                keys, values = torch.cat([prefix_key[:, c], keys]), torch.cat([prefix_value[:, c], values])
                n = len(prefix_key)
            scores = q[lo:hi, c] @ keys.t() / math.sqrt(dim)
            if causal:
                scores = scores.masked_fill(torch.triu(torch.ones_like(scores), diagonal=n + 1).bool(), -math.inf)
            parts.append(torch.softmax(scores, -1) @ values)
        rows.append(torch.cat(parts, 1))
    return torch.cat(rows)


def attention_cases():
    out = []
    for name, segments, heads, dim, prefix, causal in (
            ("one sequence, one head", [0, 3], 1, 2, 0, False),
            ("three sequences, two heads", [0, 3, 4, 8], 2, 3, 0, False),
            ("prefix", [0, 3, 5], 2, 2, 3, False), ("causal", [0, 4, 6], 2, 2, 0, True),
            ("causal with prefix", [0, 3, 5], 2, 2, 2, True)):
        shape = (segments[-1], heads * dim)
        inputs = {x: _normal(f"att{name}{x}", *shape) for x in "qkv"}
        if prefix:
            inputs.update({x: _normal(f"att{name}{x}", prefix, heads * dim) for x in ("prefix_key", "prefix_value")})
        out.append(_case(name, inputs, {"segments": segments, "heads": heads, "causal": causal},
                         lambda **t: attention(segments=segments, heads=heads, causal=causal, **t),
                         _normal(f"att{name}dy", *shape)))
    return out


def cross_entropy_cases():
    out = []
    for name, labels, smoothing, ignore in (("plain", [1, 0, 2], 0.0, None), ("label smoothing", [1, 0, 2], 0.1, None),
                                            ("ignored rows", [1, -100, 2], 0.0, -100),
                                            ("ignored rows and smoothing", [-100, 0, 2], 0.2, -100)):
        x = _normal("ce", 3, 4, scale=2)
        out.append(_case(name, {"logits": x}, {"labels": labels, "label_smoothing": smoothing, "ignore_index": ignore},
                         lambda logits: F.cross_entropy(logits, torch.tensor(labels), label_smoothing=smoothing)))
    big = torch.tensor([[1000.0, -1000.0], [80.0, 81.0]], dtype=torch.float64)
    out.append(_case("large logits", {"logits": big}, {"labels": [0, 0], "label_smoothing": 0.0, "ignore_index": None},
                     lambda logits: F.cross_entropy(logits, torch.tensor([0, 0]))))
    return out


def weighted_cross_entropy_cases():
    weights = [0.5, 1.25, 2.0, 0.75]
    return [_case(n, {"logits": _normal("wce", 3, 4, scale=2)},
                  {"labels": [1, 0, 2], "label_smoothing": e, "weights": weights},
                  lambda logits: F.cross_entropy(logits, torch.tensor([1, 0, 2]), label_smoothing=e,
                                                 weight=torch.tensor(weights, dtype=torch.float64)))
            for n, e in (("plain", 0.0), ("label smoothing", 0.1))]


def binary_cross_entropy_cases():
    targets = [[1.0, 0.0, 0.25], [0.0, 0.0, 1.0]]
    return [_case(n, {"logits": _normal("bce", 2, 3, scale=s)}, {"targets": targets},
                  lambda logits: F.binary_cross_entropy_with_logits(logits, torch.tensor(targets, dtype=torch.float64)))
            for n, s in (("plain", 2.0), ("large logits", 200.0))]


def ops():
    pairs = [(n, _normal("mse" + n, *s), _normal("mset" + n, *s)) for n, s in (("four", (4, 1)), ("one", (1, 1)))]
    ids = [2, 0, 2, 4, 2]
    return {
        "layer_norm": layer_norm_cases(),
        "gelu_erf": elementwise_cases(F.gelu),
        "gelu_tanh": elementwise_cases(lambda x: F.gelu(x, approximate="tanh")),
        "relu": elementwise_cases(F.relu),
        "tanh": elementwise_cases(torch.tanh),
        "swish": elementwise_cases(F.silu),
        "linear": linear_cases(),
        "attention": attention_cases(),
        "cross_entropy": cross_entropy_cases(),
        "weighted_cross_entropy": weighted_cross_entropy_cases(),
        "binary_cross_entropy": binary_cross_entropy_cases(),
        "mse": [_case(n, {"x": x}, {"target": numbers(t)}, lambda x: F.mse_loss(x, t)) for n, x, t in pairs],
        "embedding": [_case(n, {"table": _normal("emb", 5, 3)}, {"ids": ids, "padding_idx": p},
                            lambda table: F.embedding(torch.tensor(ids), table, padding_idx=p), _normal("embdy", 5, 3))
                      for n, p in (("repeated ids", None), ("padding row gets no gradient", 2))],
    }


# --------------------------------------------------------------------------------------------------------- optimizers

LRS = [0.0, 0.05, 0.1, 0.1, 0.02]


def _torch_run(make, p0, grads):
    p = torch.nn.Parameter(p0.clone())
    optimizer = make([p])
    out = []
    for lr, g in zip(LRS, grads):
        optimizer.param_groups[0]["lr"] = lr
        p.grad = g.clone()
        optimizer.step()
        out.append(numbers(p))
    return out


def _hf_adamw_run(p0, grads, betas, eps, weight_decay, correct_bias):
    """transformers.AdamW (older releases): eps outside the bias correction, decay after the update."""
    p, m, v, out = p0.numpy().copy(), 0.0, 0.0, []
    for t, (lr, g) in enumerate(zip(LRS, grads.numpy()), 1):
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        step = lr * math.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t) if correct_bias else lr
        p = p - step * m / (np.sqrt(v) + eps)
        p = p - lr * weight_decay * p
        out.append(numbers(p))
    return out


def optim():
    p0 = _normal("p0", 6)
    grads = _normal("grads", 5, 6)
    grads[:, 3] = 0.0  # never a gradient: only decay moves it
    grads[:, 4] *= 1e-7  # small enough for eps to matter
    grads[2, 0] = 50.0
    cases = []
    for betas, eps, wd in (((0.9, 0.999), 1e-8, 0.0), ((0.9, 0.999), 1e-8, 0.01), ((0.8, 0.95), 1e-4, 0.5)):
        options = {"betas": list(betas), "eps": eps, "weight_decay": wd}
        cases.append({"optimizer": "adamw", "form": "torch", **options, "parameters": _torch_run(
            lambda ps: torch.optim.AdamW(ps, lr=0.0, betas=betas, eps=eps, weight_decay=wd), p0, grads)})
        for correct in (True, False):
            cases.append({"optimizer": "adamw", "form": "hf", "correct_bias": correct, **options,
                          "parameters": _hf_adamw_run(p0, grads, betas, eps, wd, correct)})
    for momentum, nesterov, wd in ((0.0, False, 0.0), (0.0, False, 0.1), (0.9, False, 0.0), (0.9, False, 0.1),
                                   (0.9, True, 0.0), (0.9, True, 0.1)):
        cases.append({"optimizer": "sgd", "momentum": momentum, "nesterov": nesterov, "weight_decay": wd,
                      "parameters": _torch_run(lambda ps: torch.optim.SGD(
                          ps, lr=0.0, momentum=momentum, nesterov=nesterov, weight_decay=wd), p0, grads)})
    clips = []
    for max_norm in (1.0, 100.0):
        a, b = (torch.nn.Parameter(torch.zeros(s, dtype=torch.float64)) for s in ((2, 2), (3,)))
        a.grad, b.grad = _normal("clipa", 2, 2), _normal("clipb", 3)
        case = {"max_norm": max_norm, "gradients": [numbers(a.grad), numbers(b.grad)]}
        case["norm"] = numbers(torch.nn.utils.clip_grad_norm_([a, b], max_norm))
        clips.append({**case, "clipped": [numbers(a.grad), numbers(b.grad)]})
    return {"start": numbers(p0), "gradients": numbers(grads), "lrs": LRS, "cases": cases, "clip": clips}


# ---------------------------------------------------------------------------------------------------------- schedules


def _factor(name, step, warmup, total):
    if step < warmup:
        return step / max(1, warmup)
    if name == "linear":
        return max(0.0, (total - step) / max(1, total - warmup))
    if name == "cosine":
        return max(0.0, 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup))))
    return 1.0


def schedules():
    """The factor on the learning rate at steps 0 to 20 of 20 (the last one is past the end)."""
    return [{"name": name, "warmup_steps": warmup, "total_steps": 20,
             "factors": [float(f"{_factor(name, s, warmup, 20):.14e}") for s in range(21)]}
            for name in ("linear", "cosine", "constant") for warmup in (0, 1, 5, 20)]
