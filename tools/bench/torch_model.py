"""BERT-family classifiers with parameter-efficient strategies in plain PyTorch: the peer of side_by_side.py.

Written for speed as far as plain modules allow: no mask where nothing is padded, no copies that are not needed. The shapes,
the strategies and what they train are those of peft.cpp (peft/*.cpp); the numbers of trained parameters are compared.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def parse_strategy(spec):
    """"lora:r=8" -> ("lora", {"r": "8"})."""
    name, _, rest = spec.partition(":")
    return name, dict(item.split("=", 1) for item in rest.split(",") if item)


class LoraLinear(nn.Linear):
    def __init__(self, inside, outside, rank, alpha):
        super().__init__(inside, outside)
        self.lora_A = nn.Parameter(torch.empty(rank, inside))
        self.lora_B = nn.Parameter(torch.zeros(outside, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))
        self.scale = alpha / rank

    def forward(self, x):
        y = F.linear(x, self.weight, self.bias)
        update = F.linear(F.linear(x, self.lora_A), self.lora_B)
        return y + update * self.scale


class Ia3Linear(nn.Linear):
    def __init__(self, inside, outside, on_input):
        super().__init__(inside, outside)
        self.on_input = on_input
        self.ia3_l = nn.Parameter(torch.ones(inside if on_input else outside))

    def forward(self, x):
        if self.on_input:
            return F.linear(x * self.ia3_l, self.weight, self.bias)
        return F.linear(x, self.weight, self.bias) * self.ia3_l


class Adapter(nn.Module):
    """Houlsby's: h + U gelu(D h)."""

    def __init__(self, width, size):
        super().__init__()
        self.adapter_down, self.adapter_up = nn.Linear(width, size), nn.Linear(size, width)
        nn.init.zeros_(self.adapter_up.weight)

    def forward(self, h):
        return self.adapter_up(F.gelu(self.adapter_down(h))) + h


class Prefix(nn.Module):
    """Keys and values of all layers from an MLP over a table of `length` rows."""

    def __init__(self, layers, width, heads, length, hidden):
        super().__init__()
        self.sizes = (length, layers, 2, heads, width // heads)
        self.embedding = nn.Parameter(torch.randn(length, width))
        self.first, self.second = nn.Linear(width, hidden), nn.Linear(hidden, 2 * layers * width)

    def forward(self):
        table = self.second(torch.tanh(self.first(self.embedding)))
        return table.view(*self.sizes).permute(1, 2, 3, 0, 4)  # layer, key or value, head, row, width


class Layer(nn.Module):
    def __init__(self, shape, strategy, options, dropout):
        super().__init__()
        d, ffn = shape["hidden"], shape["ffn"]
        self.heads = shape["heads"]

        def linear(inside, outside, role):
            if strategy == "lora" and role in ("query", "value"):
                return LoraLinear(inside, outside, int(options.get("r", 8)), float(options.get("alpha", 8)))
            if strategy == "ia3" and role in ("key", "value", "ffn_out"):
                return Ia3Linear(inside, outside, role == "ffn_out")
            return nn.Linear(inside, outside)

        self.query, self.key, self.value = linear(d, d, "query"), linear(d, d, "key"), linear(d, d, "value")
        self.attention_output = linear(d, d, "attention_output")
        self.attention_norm = nn.LayerNorm(d, eps=1e-12)
        self.ffn_in, self.ffn_out = linear(d, ffn, "ffn_in"), linear(ffn, d, "ffn_out")
        self.ffn_norm = nn.LayerNorm(d, eps=1e-12)
        self.attention_dropout, self.dropout = nn.Dropout(dropout), nn.Dropout(dropout)
        size = int(options.get("size", d // 16))
        self.after_attention = Adapter(d, size) if strategy == "adapter" else None
        self.after_ffn = Adapter(d, size) if strategy == "adapter" else None

    def forward(self, x, mask, prefix):
        batch, length, d = x.shape
        width = d // self.heads

        def split(t):
            return t.view(batch, length, self.heads, width).transpose(1, 2)

        q, k, v = split(self.query(x)), split(self.key(x)), split(self.value(x))
        if prefix is not None:
            k = torch.cat([prefix[0].expand(batch, -1, -1, -1), k], 2)
            v = torch.cat([prefix[1].expand(batch, -1, -1, -1), v], 2)
        scores = torch.matmul(q * (1 / math.sqrt(width)), k.transpose(-1, -2))
        if mask is not None:
            scores = scores + mask
        mixed = torch.matmul(self.attention_dropout(F.softmax(scores, -1)), v)
        h = self.dropout(self.attention_output(mixed.transpose(1, 2).reshape(batch, length, d)))
        if self.after_attention is not None:
            h = self.after_attention(h)
        x = self.attention_norm(h + x)
        h = self.dropout(self.ffn_out(F.gelu(self.ffn_in(x))))
        if self.after_ffn is not None:
            h = self.after_ffn(h)
        return self.ffn_norm(h + x)


class Classifier(nn.Module):
    def __init__(self, shape, spec, dropout):
        super().__init__()
        strategy, options = parse_strategy(spec)
        d, e = shape["hidden"], shape["embedding"]
        self.electra = shape["type"] == "electra"
        self.words, self.positions = nn.Embedding(shape["vocab"], e), nn.Embedding(shape["positions"], e)
        self.types = nn.Embedding(shape["types"], e)
        self.embedding_norm = nn.LayerNorm(e, eps=1e-12)
        self.dropout, self.head_dropout = nn.Dropout(dropout), nn.Dropout(dropout)
        self.projection = nn.Linear(e, d) if e != d else None
        self.layers = nn.ModuleList([Layer(shape, strategy, options, dropout) for _ in range(shape["layers"])])
        # ELECTRA's dense layer belongs to the head, BERT's pooler does not.
        self.pooler = None if self.electra else nn.Linear(d, d)
        self.head_dense = nn.Linear(d, d) if self.electra else None
        self.head_out = nn.Linear(d, shape["labels"])
        self.prefix = None
        if strategy == "prefix":
            length, hidden = int(options.get("length", 20)), int(options.get("hidden", 512))
            self.prefix = Prefix(shape["layers"], d, shape["heads"], length, hidden)
        for name, p in self.named_parameters():
            if p.dim() == 2 and not any(part in name for part in ("lora_", "adapter_up", "prefix")):
                nn.init.normal_(p, 0, 0.02)
            p.requires_grad_(trains(strategy, name))

    def forward(self, ids, mask, labels):
        batch, length = ids.shape
        x = self.words(ids) + self.positions.weight[:length] + self.types.weight[0]
        x = self.dropout(self.embedding_norm(x))
        if self.projection is not None:
            x = self.projection(x)
        prefix = self.prefix() if self.prefix is not None else None
        if prefix is not None and mask is not None:
            mask = F.pad(mask, (self.prefix.sizes[0], 0))
        for i, layer in enumerate(self.layers):
            x = layer(x, mask, None if prefix is None else prefix[i])
        x = x[:, 0]
        if self.electra:
            x = F.gelu(self.head_dense(self.head_dropout(x)))
        else:
            x = torch.tanh(self.pooler(x))
        return F.cross_entropy(self.head_out(self.head_dropout(x)), labels)


def trains(strategy, name):
    """Whether the parameter learns: as Strategy::trains in peft/."""
    if name.startswith("head"):
        return True
    injected = "lora_" in name or "ia3_" in name or "adapter_" in name or name.startswith("prefix")
    if strategy == "full":
        return True
    if strategy == "bitfit":
        return name.endswith("bias")
    return strategy != "frozen" and injected
