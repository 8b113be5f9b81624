#!/usr/bin/env python3
"""Writes a Hugging Face folder of a LLaMA shape with random BF16 weights in shards, to measure what a size costs.

    tools/random_llama.py 7b OUT [--tokenizer data/pretrained/peft-llama-4x128]

Shapes: 7b (13.5 GB), 1b (2.2 GB, TinyLlama's), tiny. Values are normal with a standard deviation of 0.02, taken from one
block of a few million at places that differ by tensor: what a step costs does not depend on them. Norms are ones. Needs
only Python; memory stays below 100 MB.
"""
import argparse
import array
import json
import pathlib
import random
import shutil
import struct

SHAPES = {
    "7b": dict(hidden_size=4096, intermediate_size=11008, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=32,
               vocab_size=32000, max_position_embeddings=4096),
    "1b": dict(hidden_size=2048, intermediate_size=5632, num_hidden_layers=22, num_attention_heads=32, num_key_value_heads=4,
               vocab_size=32000, max_position_embeddings=2048),
    "tiny": dict(hidden_size=64, intermediate_size=176, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                 vocab_size=4096, max_position_embeddings=512),
}
BLOCK = 4_000_037  # values; not a multiple of any row, so that rows differ


def block():
    rng = random.Random(1)
    floats = array.array("f", (rng.gauss(0, 0.02) for _ in range(BLOCK)))
    upper = array.array("H", floats.tobytes())[1::2]  # the upper half of each float, truncated
    return upper.tobytes()


def tensors(c):
    h, f, kv = c["hidden_size"], c["intermediate_size"], c["hidden_size"] // c["num_attention_heads"] * c["num_key_value_heads"]
    yield "model.embed_tokens.weight", (c["vocab_size"], h)
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        for name, shape in (("self_attn.q_proj", (h, h)), ("self_attn.k_proj", (kv, h)), ("self_attn.v_proj", (kv, h)),
                            ("self_attn.o_proj", (h, h)), ("mlp.gate_proj", (f, h)), ("mlp.up_proj", (f, h)),
                            ("mlp.down_proj", (h, f)), ("input_layernorm", (h,)), ("post_attention_layernorm", (h,))):
            yield p + name + ".weight", shape
    yield "model.norm.weight", (h,)
    yield "lm_head.weight", (c["vocab_size"], h)


def count(shape):
    return shape[0] * (shape[1] if len(shape) > 1 else 1)


def write_values(out, shape, random_bytes, place):
    left = 2 * count(shape)
    if len(shape) == 1:
        out.write(struct.pack("<H", 0x3F80) * shape[0])
        return
    at = 2 * (place % BLOCK)
    while left > 0:
        part = random_bytes[at:at + left]
        out.write(part)
        left -= len(part)
        at = 0


def write_shard(path, some, random_bytes, place):
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in some:
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [at, at + 2 * count(shape)]}
        at += 2 * count(shape)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for i, (_, shape) in enumerate(some):
            write_values(out, shape, random_bytes, 7919 * (place + i))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("shape", choices=SHAPES)
    p.add_argument("out", type=pathlib.Path)
    p.add_argument("--tokenizer", type=pathlib.Path, help="folder whose tokenizer files are copied")
    p.add_argument("--shard-gb", type=float, default=2)
    a = p.parse_args()
    a.out.mkdir(parents=True)
    c = SHAPES[a.shape]
    shards, size = [[]], 0
    for name, shape in tensors(c):
        if size and size + 2 * count(shape) > a.shard_gb * 1e9:
            shards.append([])
            size = 0
        shards[-1].append((name, shape))
        size += 2 * count(shape)
    random_bytes, index, place = block(), {}, 0
    for i, some in enumerate(shards):
        file = f"model-{i + 1:05}-of-{len(shards):05}.safetensors"
        write_shard(a.out / file, some, random_bytes, place)
        place += len(some)
        index.update({name: file for name, _ in some})
        print(f"{file}: {len(some)} tensors", flush=True)
    total = sum(2 * count(shape) for _, shape in tensors(c))
    (a.out / "model.safetensors.index.json").write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": index}, indent=1))
    config = dict(architectures=["LlamaForCausalLM"], model_type="llama", rms_norm_eps=1e-5, rope_theta=10000.0, hidden_act="silu",
                  tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, torch_dtype="bfloat16", **c)
    (a.out / "config.json").write_text(json.dumps(config, indent=1))
    if a.tokenizer:
        for name in ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "vocab.txt", "special_tokens_map.json"):
            if (a.tokenizer / name).exists():
                shutil.copy(a.tokenizer / name, a.out / name)


if __name__ == "__main__":
    main()
