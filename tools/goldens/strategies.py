"""The fine-tuning strategies: what each injects, and which parameters it trains. See README.md for the definitions.

A spec is `name[:key=value[,key=value...]]`, and `a+b` is the union of two strategies. The names of injected
parameters are the names the C++ must use; their values are drawn by make_goldens.py and given to it in init/.
"""
import math
import re

import torch
import torch.nn as nn
import torch.nn.functional as F

NAMES = ("full", "frozen", "top", "bitfit", "lora", "adapter", "prefix", "ia3")

SPECS = [
    "full",
    "frozen",
    "top:layers=1",
    "bitfit",
    "bitfit:terms=query+ffn_in",
    "lora:r=4,alpha=8",
    "lora:r=4,alpha=8,rslora=true",
    "lora:r=4,alpha=8,roles=query+key+value+attention_output+ffn_in+ffn_out",
    "adapter:kind=houlsby,size=8",
    "adapter:kind=houlsby,size=8,train_layer_norm=true",
    "adapter:kind=pfeiffer,size=8",
    "adapter:kind=parallel,size=8",
    "prefix:length=5,flat=true",
    "prefix:length=5,flat=false,hidden=16",
    "ia3",
    "ia3:roles=key+value+attention_output+ffn_out",
    "lora:r=4,alpha=8+bitfit",
]


def slug(spec):
    """The file name of a spec: every run of other characters than letters, digits and _ becomes a dash."""
    return re.sub(r"[^a-z0-9_]+", "-", spec)


def parse(spec):
    """'lora:r=4,roles=query+value+bitfit' -> [('lora', {'r': '4', 'roles': 'query+value'}), ('bitfit', {})]."""
    parts = re.split(r"\+(?=(?:%s)(?:[:+]|$))" % "|".join(NAMES), spec)
    out = []
    for part in parts:
        name, _, options = part.partition(":")
        if name not in NAMES:
            raise ValueError(f"unknown strategy {name!r} in {spec!r}")
        out.append((name, dict(o.split("=", 1) for o in options.split(",") if o)))
    return out


# --------------------------------------------------------------------------------------------------- where things are

_BERT_ROLES = {"query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
               "attention_output": "attention.output.dense", "ffn_in": "intermediate.dense", "ffn_out": "output.dense",
               "attention_norm": "attention.output.LayerNorm", "ffn_norm": "output.LayerNorm"}
_DISTIL_ROLES = {"query": "attention.q_lin", "key": "attention.k_lin", "value": "attention.v_lin",
                 "attention_output": "attention.out_lin", "ffn_in": "ffn.lin1", "ffn_out": "ffn.lin2",
                 "attention_norm": "sa_layer_norm", "ffn_norm": "output_layer_norm"}
BITFIT_TERMS = list(_BERT_ROLES) + ["embedding_norm", "pooler"]


def layer_prefix(model, i):
    return f"distilbert.transformer.layer.{i}." if model.model_type == "distilbert" else \
        f"{model.model_type}.encoder.layer.{i}."


def role_module(model, role, i):
    """The full name of the module that plays a role in layer i."""
    roles = _DISTIL_ROLES if model.model_type == "distilbert" else _BERT_ROLES
    return layer_prefix(model, i) + roles[role]


def is_head(model, name):
    return name.startswith(("pre_classifier.", "classifier."))


def replace_module(model, name, make):
    parent_name, _, leaf = name.rpartition(".")
    parent = model.get_submodule(parent_name)
    setattr(parent, leaf, make(getattr(parent, leaf)))


# -------------------------------------------------------------------------------------------------- injected modules


class LoraLinear(nn.Linear):
    """y = x W^T + b + scale * (x A^T) B^T, A: (r, in), B: (out, r)."""

    def __init__(self, base, r, scale):
        super().__init__(base.in_features, base.out_features)
        self.weight, self.bias, self.scale = base.weight, base.bias, scale
        self.lora_A = nn.Linear(base.in_features, r, bias=False)
        self.lora_B = nn.Linear(r, base.out_features, bias=False)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias) + self.scale * self.lora_B(self.lora_A(x))

    def merge(self):
        with torch.no_grad():
            self.weight += self.scale * self.lora_B.weight @ self.lora_A.weight
            self.lora_B.weight.zero_()


class Ia3Linear(nn.Linear):
    """The output scaled, after the bias: y = l * (x W^T + b), l: (out, 1).
    Or the input scaled: y = (l * x) W^T + b, l: (1, in)."""

    def __init__(self, base, scales_input):
        super().__init__(base.in_features, base.out_features)
        self.weight, self.bias, self.scales_input = base.weight, base.bias, scales_input
        self.ia3_l = nn.Parameter(torch.ones((1, base.in_features) if scales_input else (base.out_features, 1)))

    def forward(self, x):
        l = self.ia3_l.flatten()
        return F.linear(x * l, self.weight, self.bias) if self.scales_input else \
            F.linear(x, self.weight, self.bias) * l

    def merge(self):
        with torch.no_grad():
            self.weight *= self.ia3_l  # (out, 1) scales rows, (1, in) scales columns
            if not self.scales_input:
                self.bias *= self.ia3_l.flatten()
            self.ia3_l.fill_(1)


ACTIVATIONS = {"gelu": F.gelu, "relu": F.relu, "swish": F.silu, "tanh": torch.tanh}


class Adapter(nn.Module):
    """Called with the sub-layer's output h before the residual add, its residual input, and its LayerNorm.
    houlsby:  h + up(act(down(h)))                                    after attention and after the feed-forward
    pfeiffer: h + up(act(down(LayerNorm(h + residual))))              after the feed-forward
    parallel: h + 4 * up(act(down(residual)))                         beside the feed-forward
    """

    def __init__(self, kind, hidden, size, activation):
        super().__init__()
        self.kind, self.activation = kind, ACTIVATIONS[activation]
        self.down, self.up = nn.Linear(hidden, size), nn.Linear(size, hidden)

    def forward(self, h, residual, layer_norm):
        if self.kind == "houlsby":
            return h + self.up(self.activation(self.down(h)))
        if self.kind == "pfeiffer":
            return h + self.up(self.activation(self.down(layer_norm(h + residual))))
        return h + 4.0 * self.up(self.activation(self.down(residual)))


class PrefixEncoder(nn.Module):
    """PEFT with prefix_projection: Embedding(length, d) -> Linear(d, hidden) -> Tanh -> Linear(hidden, 2 layers d)."""

    def __init__(self, length, d, hidden, layers):
        super().__init__()
        self.embedding = nn.Embedding(length, d)
        self.transform = nn.Sequential(nn.Linear(d, hidden), nn.Tanh(), nn.Linear(hidden, 2 * layers * d))

    def forward(self):
        return self.transform(self.embedding.weight)


def split_prefix(model, table):
    """(length, 2 layers d) -> [(keys, values) of layer 0, ...]; slot 2i is the keys, 2i+1 the values of layer i."""
    slots = table.view(table.shape[0], 2 * model.layers, model.heads, model.hidden // model.heads)
    return [(slots[:, 2 * i], slots[:, 2 * i + 1]) for i in range(model.layers)]


# ---------------------------------------------------------------------------------------------------------- apply


def inject(model, spec):
    """Adds the modules of a spec to the model (with values the caller must set) and returns the names added."""
    before = {n for n, _ in model.named_parameters()}
    for name, o in parse(spec):
        if name == "lora":
            r, alpha = int(o["r"]), float(o["alpha"])
            scale = alpha / math.sqrt(r) if o.get("rslora") == "true" else alpha / r
            for i in range(model.layers):
                for role in o.get("roles", "query+value").split("+"):
                    replace_module(model, role_module(model, role, i), lambda m: LoraLinear(m, r, scale))
        elif name == "ia3":
            for i in range(model.layers):
                for role in o.get("roles", "key+value+ffn_out").split("+"):
                    scales_input = role in ("attention_output", "ffn_out")
                    replace_module(model, role_module(model, role, i), lambda m: Ia3Linear(m, scales_input))
        elif name == "adapter":
            kind = o["kind"]
            activation = o.get("activation", "gelu" if kind == "houlsby" else "relu")
            for layer in model.layer_list:
                distil = model.model_type == "distilbert"
                points = [layer.ffn if distil else layer.output]
                if kind == "houlsby":
                    points.append(layer.attention if distil else layer.attention.output)
                for point in points:
                    point.adapter = Adapter(kind, model.hidden, int(o["size"]), activation)
        elif name == "prefix":
            length = int(o["length"])
            if o["flat"] == "true":
                model.prompt_embeddings = nn.Parameter(torch.zeros(length, 2 * model.layers * model.hidden))
                model.prefix_source = lambda m: split_prefix(m, m.prompt_embeddings)
            else:
                model.prefix_encoder = PrefixEncoder(length, model.hidden, int(o["hidden"]), model.layers)
                model.prefix_source = lambda m: split_prefix(m, m.prefix_encoder())
    return sorted({n for n, _ in model.named_parameters()} - before)


def bitfit_term_biases(model, term):
    """The biases a BitFit term stands for. embeddings_project.bias (ELECTRA) belongs to no term, only to all."""
    if term == "embedding_norm":
        names = [f"{model.model_type}.embeddings.LayerNorm.bias"]
    elif term == "pooler":
        names = [f"{model.model_type}.pooler.dense.bias"]
    else:
        names = [role_module(model, term, i) + ".bias" for i in range(model.layers)]
    have = {n for n, _ in model.named_parameters()}
    return [n for n in names if n in have]


def trainable_names(model, spec, injected):
    """The sorted names of the parameters that learn. The head always does."""
    every = [n for n, _ in model.named_parameters()]
    train = {n for n in every if is_head(model, n)}
    for name, o in parse(spec):
        if name == "full":
            train.update(every)
        elif name == "top":
            k = int(o["layers"])
            tops = tuple(layer_prefix(model, i) for i in range(model.layers - k, model.layers))
            train.update(n for n in every if n.startswith(tops) or ".pooler." in n)
        elif name == "bitfit":
            if "terms" in o:
                for term in o["terms"].split("+"):
                    train.update(bitfit_term_biases(model, term))
            else:
                train.update(n for n in every if n.endswith("bias"))
        elif name in ("lora", "adapter", "prefix", "ia3"):
            train.update(injected)
            if o.get("train_layer_norm") == "true":  # every LayerNorm, the embeddings' too (adapter-bert)
                train.update(n for n in every if is_layer_norm(n))
    return sorted(train)


def is_layer_norm(name):
    return "LayerNorm." in name or "layer_norm." in name


def decays(name):
    """Weight decay is for parameters that are neither a bias nor of a LayerNorm."""
    return not name.endswith("bias") and not is_layer_norm(name)
