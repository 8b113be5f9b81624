#!/usr/bin/env python3
"""Writes tests/golden/encoder_decoders/: tiny encoder-decoders with what transformers and PEFT compute for them.

    python tools/goldens/encoder_decoders.py [NAME ...]        # needs torch, transformers and peft

The weights are random and stored as BF16, so every value is exact in float32; all arithmetic is float32.

  relative_bias.json     T5Attention alone, in float64: buckets of distances, values and gradients
  <name>/config.json, generation_config.json, model.safetensors   as save_pretrained writes them
  <name>/golden.json     what the tests compare with:
    sources, targets, decoder_inputs    token ids, one list a sequence; a decoder's input predicts the target beside it
    nll           of every target token, by sequence
    last_logits   at the last position of every target
    end           end ids of the generations, which greedy continuations meet
    generate      one entry a way of generating: "options" of transformers' generate, "ids" after the decoder's start,
                  "scores" of beams
    losses        of ten AdamW steps by strategy; the batches are the sequences, in turns of two
    classifier    of the BART family: logits of a head for three classes, whose values are sines
    adapters      nll and last_logits with the adapters' values before the ten steps
  <name>/{lora,ia3,prefix}/       PEFT's folders with the values before the ten steps. PEFT's prefix stands only before the
                  decoder's own keys, and of a table for the L layers of the encoder layer i gets those of layer
                  2 i mod L: PEFT puts the table twice in a row, for self- and cross-attention, and drops the second
  <name>/three_prefixes.safetensors     the paper's prefix at three places (three_prefixes.py), of the BART family
"""
import json
import pathlib
import shutil
import sys

sys.path.append(sys.path.pop(0))  # statistics.py here is not Python's

import peft
import torch
import transformers
from transformers import AutoModelForSeq2SeqLM

import three_prefixes

ROOT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "encoder_decoders"
VOCAB = 67
# Encoder and decoder differ in layers, heads and feed-forward.
BART = dict(vocab_size=VOCAB, d_model=24, encoder_layers=3, decoder_layers=2, encoder_attention_heads=3,
            decoder_attention_heads=4, encoder_ffn_dim=20, decoder_ffn_dim=28, max_position_embeddings=40,
            dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, pad_token_id=1, bos_token_id=0, eos_token_id=2)
# The heads' width times their number is not the model's width; targets reach the last bucket. transformers' cache has
# num_layers layers, so the decoder cannot be the deeper one.
T5 = dict(vocab_size=VOCAB, d_model=24, d_kv=5, d_ff=28, num_layers=3, num_decoder_layers=2, num_heads=4,
          relative_attention_num_buckets=8, relative_attention_max_distance=12, dropout_rate=0.0, pad_token_id=0,
          eos_token_id=1, decoder_start_token_id=0)

MODELS = {
    "bart": transformers.BartConfig(**BART, decoder_start_token_id=2, forced_eos_token_id=2),
    "bart-scaled": transformers.BartConfig(**{**BART, "encoder_layers": 2, "decoder_layers": 3}, decoder_start_token_id=2,
                                           forced_eos_token_id=2, scale_embedding=True, activation_function="relu"),
    "mbart": transformers.MBartConfig(**BART, decoder_start_token_id=2, forced_eos_token_id=2, scale_embedding=True),
    "t5": transformers.T5Config(**T5),
    "t5-gated": transformers.T5Config(**T5, feed_forward_proj="gated-gelu", tie_word_embeddings=False),
}


def is_t5(name):
    return name.startswith("t5")


def make_model(name, seed):
    torch.manual_seed(seed)
    config = MODELS[name]
    model = AutoModelForSeq2SeqLM.from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for key, p in model.named_parameters():  # biases, norms and distances that matter
            if key.endswith("relative_attention_bias.weight"):
                p.normal_(0, 1)
            elif key.endswith("bias"):
                p.normal_(0, 0.1)
            elif p.ndim == 1:
                p.uniform_(0.7, 1.3)
            elif is_t5(name):  # its scores are not scaled
                p.normal_(0, 0.5 if "shared" in key else 0.2)
            else:  # large enough that what is written varies
                p.normal_(0, 0.8 if "positions" in key else 0.25 if "shared" in key else 0.35)
        if not is_t5(name):
            model.final_logits_bias.normal_(0, 0.2)
    return model


def save(name, model, folder):
    """As save_pretrained does; T5 v1.1 as the hub has it: a head of its own, which transformers 5 makes no more."""
    untied = name == "t5-gated"
    if untied:
        model.lm_head.weight = torch.nn.Parameter((0.3 * torch.randn(VOCAB, model.config.d_model)).to(torch.bfloat16))
        model._tied_weights_keys = {k: v for k, v in model._tied_weights_keys.items() if k != "lm_head.weight"}
        model.all_tied_weights_keys.pop("lm_head.weight", None)
    model.save_pretrained(folder)
    if untied:
        path = folder / "config.json"
        config = json.loads(path.read_text())
        config["tie_word_embeddings"] = False
        del config["scale_decoder_outputs"]
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
        again = AutoModelForSeq2SeqLM.from_pretrained(folder)
        assert torch.equal(again.lm_head.weight, model.lm_head.weight) and not again.config.scale_decoder_outputs
        assert again.lm_head.weight is not again.shared.weight


def sequences(seed, start):
    g = torch.Generator().manual_seed(seed)
    draw = lambda n: torch.randint(3, VOCAB, (n,), generator=g).tolist()  # noqa: E731
    sources, targets = [draw(n) for n in (11, 1, 23, 6)], [draw(n) for n in (7, 12, 1, 19)]
    return dict(sources=sources, targets=targets, decoder_inputs=[[start] + t[:-1] for t in targets])


def logits_of(model, data, i):
    return model(input_ids=torch.tensor([data["sources"][i]]),
                 attention_mask=torch.ones(1, len(data["sources"][i]), dtype=torch.long),
                 decoder_input_ids=torch.tensor([data["decoder_inputs"][i]])).logits[0]


def values(logits_by, data):
    out = {"nll": [], "last_logits": []}
    with torch.no_grad():
        for i, target in enumerate(data["targets"]):
            logits = logits_by(i)
            out["nll"].append((-torch.log_softmax(logits, -1)[range(len(target)), target]).tolist())
            out["last_logits"].append(logits[-1].tolist())
    return out


def ten_losses(parameters, logits_by, data):
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    losses = []
    for step in range(10):
        total, terms = 0.0, 0
        for i in ((0, 1), (2, 3))[step % 2]:  # one by one: no padding to take care of
            target = torch.tensor(data["targets"][i])
            total = total + torch.nn.functional.cross_entropy(logits_by(i), target, reduction="sum")
            terms += len(target)
        loss = total / terms
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def generations(model, data, pad):
    """The end ids, and one entry a way of generating."""
    def ids(source, **options):
        x = torch.tensor([source])
        out = model.generate(input_ids=x, attention_mask=torch.ones_like(x), do_sample=False, pad_token_id=pad,
                             return_dict_in_generate=True, output_scores=True, **options)
        new = out.sequences[0, 1:].tolist()
        while new and new[-1] == pad:
            new.pop()
        assert pad not in new, (options, new)
        return new, out.sequences_scores[0].item() if options.get("num_beams", 1) > 1 else None

    off = dict(forced_eos_token_id=None, forced_bos_token_id=None, suppress_tokens=[pad])
    # End ids that stand neither at the beginning nor in every text.
    free = [ids(s, max_new_tokens=12, eos_token_id=None, no_repeat_ngram_size=2, **off)[0] for s in data["sources"]]
    early = {x for text in free for x in text[:2]}
    end = sorted({next(x for x in free[i][3:] + list(range(4, VOCAB)) if x not in early) for i in (0, 2)})
    first = next(i for i in range(5, VOCAB) if i not in end)
    beams = dict(num_beams=4, early_stopping=False, eos_token_id=end)
    ways = [dict(max_new_tokens=12, eos_token_id=None, **off),
            dict(max_new_tokens=12, eos_token_id=end, **off),
            dict(max_new_tokens=16, **beams, **off),
            dict(max_new_tokens=16, **beams, **off, length_penalty=2.0, no_repeat_ngram_size=3),
            dict(max_new_tokens=16, **beams, **off, min_length=9, no_repeat_ngram_size=2, length_penalty=0.5),
            dict(max_new_tokens=10, **beams, **{**off, "forced_bos_token_id": first, "forced_eos_token_id": end[0]}),
            dict(max_new_tokens=16, **{**beams, "early_stopping": True}, **off, min_new_tokens=4, length_penalty=2.0)]
    out = []
    for options in ways:
        found = [ids(s, **options) for s in data["sources"]]
        entry = {"options": options, "ids": [f[0] for f in found]}
        if found[0][1] is not None:
            entry["scores"] = [f[1] for f in found]
        out.append(entry)
    return end, out


def adapters(name, folder, data):
    """PEFT's adapters: their folders, values and ten losses."""
    def fresh(dtype=torch.float32):
        return AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()

    def losses_of(model):
        return ten_losses([p for p in model.parameters() if p.requires_grad], lambda i: logits_of(model, data, i), data)

    config, t5 = MODELS[name], is_t5(name)
    kind = dict(task_type="SEQ_2_SEQ_LM")
    ia3 = dict(target_modules=["k", "v", "wo"], feedforward_modules=["wo"]) if t5 else dict(
        target_modules=["k_proj", "v_proj", "fc2"], feedforward_modules=["fc2"])
    # Of the decoder: PEFT itself would read the encoder's, and does read its number of layers.
    heads = config.num_heads if t5 else config.decoder_attention_heads
    sizes = dict(num_attention_heads=heads, token_dim=heads * config.d_kv if t5 else config.d_model)
    configs = {
        "lora": peft.LoraConfig(**kind, r=4, lora_alpha=8, target_modules=["q", "v"] if t5 else ["q_proj", "v_proj"]),
        "ia3": peft.IA3Config(**kind, **ia3),
        "prefix": peft.PrefixTuningConfig(**kind, num_virtual_tokens=5, **sizes),
    }
    if name == "bart-scaled":  # its decoder has more layers than PEFT's prefix
        del configs["prefix"]
    losses, found = {"full": losses_of(fresh())}, {}
    drift = max(abs(a - b) for a, b in zip(losses["full"], losses_of(fresh(torch.float64))))
    assert drift < 1e-5, ("rounding decides what is learned", drift)
    for number, (strategy, config) in enumerate(configs.items()):
        torch.manual_seed(number + 5)
        model = peft.get_peft_model(fresh(), config).eval()
        with torch.no_grad():
            for p in (p for p in model.parameters() if p.requires_grad):
                p += (0.3 if strategy == "prefix" else 0.08) * torch.randn_like(p)
        model.save_pretrained(folder / strategy)
        found[strategy] = values(lambda i: logits_of(model, data, i), data)
        losses[strategy] = losses_of(model)
        (folder / strategy / "README.md").unlink(missing_ok=True)
        path = folder / strategy / "adapter_config.json"
        written = json.loads(path.read_text())
        written["base_model_name_or_path"] = None  # no path of this machine
        for key in ("target_modules", "feedforward_modules"):  # sets, in any order
            if isinstance(written.get(key), list):
                written[key].sort()
        path.write_text(json.dumps(written, indent=2, sort_keys=True) + "\n")
    return losses, found


def classifier(model):
    """...ForSequenceClassification on the same weights, with a head of sines: sequences with an end, some with two."""
    config = type(model.config).from_dict({**model.config.to_dict(), "num_labels": 3})
    head = transformers.AutoModelForSequenceClassification.from_config(config, attn_implementation="eager").eval()
    head.model.load_state_dict(model.model.state_dict())
    with torch.no_grad():
        for p in head.classification_head.parameters():
            p.copy_((torch.arange(p.numel(), dtype=torch.float32).sin() / 10).reshape(p.shape))
        end = config.eos_token_id
        ids = [[5, 9, 33, end], [17, end], [40, 8, end, 11, 60, 4, end]]
        found = [head(input_ids=torch.tensor([x])).logits[0].tolist() for x in ids]
    return {"sequences": ids, "logits": found}


def rounded(x, digits=8):
    if isinstance(x, float):
        return float(f"{x:.{digits}g}")
    if isinstance(x, list):
        return [rounded(v, digits) for v in x]
    return {k: rounded(v, digits) for k, v in x.items()} if isinstance(x, dict) else x


def write(seed, name):
    folder = ROOT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    save(name, make_model(name, seed + 1).to(torch.bfloat16), folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    golden = {"transformers": transformers.__version__, "peft": peft.__version__}
    data = sequences(seed + 100, model.config.decoder_start_token_id)
    golden.update(data)
    golden.update(values(lambda i: logits_of(model, data, i), data))
    golden["end"], golden["generate"] = generations(model, data, model.config.pad_token_id)
    golden["losses"], golden["adapters"] = adapters(name, folder, data)
    if not is_t5(name):
        found = three_prefixes.write(folder, model, data, values, ten_losses)
        golden["losses"].update(found["losses"])
        golden["adapters"].update(found["adapters"])
        golden["classifier"] = classifier(model)
    (folder / "golden.json").write_text(json.dumps(rounded(golden)) + "\n")
    print(name, golden["losses"], [[len(x) for x in g["ids"]] for g in golden["generate"]], flush=True)


def relative_bias():
    from transformers.models.t5.modeling_t5 import T5Attention

    buckets = []
    for num_buckets, max_distance, bidirectional in ((32, 128, True), (32, 128, False), (8, 12, True), (8, 12, False),
                                                     (33, 200, True), (6, 5, False), (64, 1000, True), (2, 3, False)):
        reach = 1100
        found = T5Attention._relative_position_bucket(torch.arange(-reach, reach + 1), bidirectional=bidirectional,
                                                      num_buckets=num_buckets, max_distance=max_distance).tolist()
        changes = [[i - reach, b] for i, b in enumerate(found) if i == 0 or found[i - 1] != b]
        buckets.append(dict(num_buckets=num_buckets, max_distance=max_distance, bidirectional=bidirectional, reach=reach,
                            changes=changes))
    return dict(transformers=transformers.__version__, buckets=buckets, attention=[
        attention_case("encoder", [0, 9, 10, 13], False, 0), attention_case("decoder", [0, 9, 10, 13], True, 0),
        attention_case("decoder with past keys", [0, 6, 7, 10], True, 3)])


class Give(torch.nn.Module):
    """A projection whose result is given."""
    def __init__(self, x):
        super().__init__()
        self.x = x

    def forward(self, _):
        return self.x


def attention_case(name, segments, causal, prefix):
    from transformers.cache_utils import DynamicCache, EncoderDecoderCache
    from transformers.models.t5.modeling_t5 import T5Attention

    heads, width = 2, 3
    torch.manual_seed(len(name))
    config = transformers.T5Config(**{**T5, "num_heads": heads, "d_kv": width}, is_decoder=causal, use_cache=prefix > 0)
    config._attn_implementation = "eager"
    layer = T5Attention(config, has_relative_attention_bias=True, layer_idx=0).double()
    rows = segments[-1]

    def draw(*shape):
        return torch.round(torch.randn(*shape, dtype=torch.float64), decimals=3).requires_grad_()

    inputs = {k: draw(rows, heads * width) for k in "qkv"}
    if prefix:
        inputs.update({k: draw(prefix, heads * width) for k in ("prefix_key", "prefix_value")})
    inputs["table"] = draw(config.relative_attention_num_buckets, heads)
    dy = torch.round(torch.randn(rows, heads * width, dtype=torch.float64), decimals=3)
    layer.o = torch.nn.Identity()
    del layer.relative_attention_bias
    layer.relative_attention_bias = lambda ids: torch.nn.functional.embedding(ids, inputs["table"])
    parts = []
    for lo, hi in zip(segments, segments[1:]):
        layer.q, layer.k, layer.v = (Give(inputs[x][None, lo:hi]) for x in "qkv")
        n = hi - lo
        past = None
        if prefix:
            past = EncoderDecoderCache(DynamicCache(), DynamicCache())
            split = lambda x: x.view(1, prefix, heads, width).transpose(1, 2)  # noqa: E731
            past.self_attention_cache.update(split(inputs["prefix_key"]), split(inputs["prefix_value"]), 0)
        seen = torch.ones(n, prefix + n).tril(prefix) if causal else torch.ones(n, n)
        mask = torch.where(seen.bool(), 0.0, float("-inf")).double()[None, None]
        parts.append(layer(torch.zeros(1, n, config.d_model, dtype=torch.float64), mask=mask, cache=past)[0][0])
    y = torch.cat(parts)
    y.backward(dy)
    return dict(name=name, segments=segments, heads=heads, causal=causal, bidirectional=not causal,
                max_distance=config.relative_attention_max_distance, inputs={k: v.tolist() for k, v in inputs.items()},
                dy=dy.tolist(), y=y.tolist(), gradients={k: v.grad.tolist() for k, v in inputs.items()})


def main():
    torch.set_num_threads(1)
    ROOT.mkdir(parents=True, exist_ok=True)
    chosen = sys.argv[1:] or ["relative_bias", *MODELS]
    if "relative_bias" in chosen:
        (ROOT / "relative_bias.json").write_text(json.dumps(rounded(relative_bias(), 12)) + "\n")
    for seed, name in enumerate(MODELS):
        if name in chosen:
            write(seed, name)


if __name__ == "__main__":
    main()
