"""BART and mBART with the prefix of Li and Liang (2021) at its three places, in plain PyTorch: the encoder's
self-attention, the decoder's and the decoder's cross-attention each begin with learned keys and values in every layer.
Shares no code with transformers, with which it must agree where there is no prefix. Part of encoder_decoders.py.

three_prefixes.safetensors has the first values, by place ("encoder", "decoder", "cross"):
    <place>.table    (length, 2 layers width): slot 2i is the key, 2i + 1 the value of layer i
golden.json gets losses and values by two names:
    three            all tables are parameters; the decoder's positions begin behind its prefix, as with PEFT's
    three_encoder    only the encoder has a table
"""
import math

import torch
from safetensors.torch import save_file

LENGTH = 5
PLACES = ("encoder", "decoder", "cross")


class Bart:
    def __init__(self, model):
        self.w = {k: v.detach() for k, v in model.state_dict().items()}
        c = self.c = model.config
        self.pre = c.model_type == "mbart"
        self.act = {"gelu": torch.nn.functional.gelu, "relu": torch.relu}[c.activation_function]
        self.layers = dict(encoder=c.encoder_layers, decoder=c.decoder_layers, cross=c.decoder_layers)

    def linear(self, x, name):
        return x @ self.w[name + ".weight"].T + self.w[name + ".bias"]

    def norm(self, x, name):
        centred = x - x.mean(-1, keepdim=True)
        return (centred / torch.sqrt(centred.pow(2).mean(-1, keepdim=True) + 1e-5) * self.w[name + ".weight"]
                + self.w[name + ".bias"])

    def embed(self, ids, stack, shift=0):
        scale = math.sqrt(self.c.d_model) if self.c.scale_embedding else 1
        at = torch.arange(len(ids)) + 2 + shift  # two rows are before the first position
        return self.norm(self.w["model.shared.weight"][ids] * scale + self.w[f"model.{stack}.embed_positions.weight"][at],
                         f"model.{stack}.layernorm_embedding")

    def attend(self, x, y, name, heads, causal, front):
        q, k, v = self.linear(x, name + ".q_proj"), self.linear(y, name + ".k_proj"), self.linear(y, name + ".v_proj")
        n, width = 0, q.shape[1] // heads
        if front is not None:
            n = len(front[0])
            k, v = torch.cat([front[0], k]), torch.cat([front[1], v])
        out = []
        for h in range(heads):
            part = slice(h * width, (h + 1) * width)
            scores = q[:, part] @ k[:, part].T / math.sqrt(width)
            if causal:
                scores = scores.masked_fill(torch.ones_like(scores).triu(n + 1).bool(), -math.inf)
            out.append(torch.softmax(scores, -1) @ v[:, part])
        return self.linear(torch.cat(out, 1), name + ".out_proj")

    def block(self, x, f, norm):
        return x + f(self.norm(x, norm)) if self.pre else self.norm(x + f(x), norm)

    def ffn(self, x, name):
        return self.block(x, lambda z: self.linear(self.act(self.linear(z, name + ".fc1")), name + ".fc2"),
                          name + ".final_layer_norm")

    def logits(self, source, inputs, tables):
        def front(place, layer):
            if place not in tables:
                return None
            d = self.c.d_model
            at = 2 * layer * d
            return tables[place][:, at:at + d], tables[place][:, at + d:at + 2 * d]

        x = self.embed(torch.tensor(source), "encoder")
        for i in range(self.c.encoder_layers):
            name = f"model.encoder.layers.{i}"
            x = self.block(x, lambda z: self.attend(z, z, name + ".self_attn", self.c.encoder_attention_heads, False,
                                                    front("encoder", i)), name + ".self_attn_layer_norm")
            x = self.ffn(x, name)
        if self.pre:
            x = self.norm(x, "model.encoder.layer_norm")
        y = self.embed(torch.tensor(inputs), "decoder", LENGTH if "decoder" in tables else 0)
        heads = self.c.decoder_attention_heads
        for i in range(self.c.decoder_layers):
            name = f"model.decoder.layers.{i}"
            y = self.block(y, lambda z: self.attend(z, z, name + ".self_attn", heads, True, front("decoder", i)),
                           name + ".self_attn_layer_norm")
            y = self.block(y, lambda z: self.attend(z, x, name + ".encoder_attn", heads, False, front("cross", i)),
                           name + ".encoder_attn_layer_norm")
            y = self.ffn(y, name)
        if self.pre:
            y = self.norm(y, "model.decoder.layer_norm")
        return y @ self.w["model.shared.weight"].T + self.w["final_logits_bias"][0]


def first_values(bart):
    """Tables by place, in BF16's values."""
    return {f"{place}.table": (0.4 * torch.randn(LENGTH, 2 * bart.layers[place] * bart.c.d_model)).to(torch.bfloat16)
            for place in PLACES}


def write(folder, model, data, values, ten_losses):
    bart = Bart(model)
    plain = values(lambda i: bart.logits(data["sources"][i], data["decoder_inputs"][i], {}), data)
    for i in range(len(data["sources"])):
        with torch.no_grad():
            theirs = model(input_ids=torch.tensor([data["sources"][i]]),
                           decoder_input_ids=torch.tensor([data["decoder_inputs"][i]])).logits[0, -1]
        far = (theirs - torch.tensor(plain["last_logits"][i])).abs().max().item()
        assert far < 2e-5, ("not what transformers computes", far)
    torch.manual_seed(77)
    first = first_values(bart)
    save_file(first, folder / "three_prefixes.safetensors")

    losses, adapters = {}, {}
    for name, places in (("three", PLACES), ("three_encoder", ("encoder",))):
        p = {place: first[place + ".table"].float().requires_grad_() for place in places}

        def logits(i):
            return bart.logits(data["sources"][i], data["decoder_inputs"][i], p)

        adapters[name] = values(logits, data)
        losses[name] = ten_losses(list(p.values()), logits, data)
    return dict(losses=losses, adapters=adapters)
