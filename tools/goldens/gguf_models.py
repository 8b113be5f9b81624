"""Writes tests/golden/gguf/llama.gguf: the model of tests/golden/decoders/llama as llama.cpp has it.

    python3 tools/goldens/gguf_models.py tests/golden    (needs gguf and numpy)

Names are those of gguf's TensorNameMap, values BF16 as in the model's own file. --all writes llama3, qwen2 and qwen3
too; `peft diff tests/golden/decoders/NAME tests/golden/gguf/NAME.gguf` then finds no value that differs.
"""
import json
import math
import pathlib
import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

golden = pathlib.Path(sys.argv[1])
names = ["llama"] + (["llama3", "qwen2", "qwen3"] if "--all" in sys.argv else [])


def tensors(path):
    """Values as float32, whatever the type."""
    raw = path.read_bytes()
    n = int.from_bytes(raw[:8], "little")
    for name, entry in json.loads(raw[8 : 8 + n]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        data = raw[8 + n + begin : 8 + n + end]
        kind = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16}[entry["dtype"]]
        values = np.frombuffer(data, kind)
        if kind == np.uint16:
            values = (values.astype(np.uint32) << 16).view(np.float32)
        yield name, values.astype(np.float32).reshape(entry["shape"])


def permute(weights, heads):
    """As convert_hf_to_gguf.py's LlamaModel.permute."""
    return (weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:])
            .swapaxes(1, 2).reshape(weights.shape))


for name in names:
    config = json.loads((golden / "decoders" / name / "config.json").read_text())
    arch = config["model_type"]
    kind = {"llama": gguf.MODEL_ARCH.LLAMA, "qwen2": gguf.MODEL_ARCH.QWEN2, "qwen3": gguf.MODEL_ARCH.QWEN3}[arch]
    out = gguf.GGUFWriter(golden / "gguf" / f"{name}.gguf", arch)
    width = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    rope = config["rope_parameters"]
    out.add_block_count(config["num_hidden_layers"])
    out.add_context_length(config["max_position_embeddings"])
    out.add_embedding_length(config["hidden_size"])
    out.add_feed_forward_length(config["intermediate_size"])
    out.add_head_count(config["num_attention_heads"])
    out.add_head_count_kv(config["num_key_value_heads"])
    out.add_rope_freq_base(rope["rope_theta"])
    out.add_layer_norm_rms_eps(config["rms_norm_eps"])
    out.add_key_length(width)
    out.add_value_length(width)
    if arch == "llama":
        out.add_vocab_size(config["vocab_size"])
        out.add_rope_dimension_count(width)
    if rope["rope_type"] == "llama3":
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        factors = []
        for freq in 1 / rope["rope_theta"] ** (np.arange(0, width, 2) / width):
            wavelength = 2 * math.pi / freq
            if wavelength < rope["original_max_position_embeddings"] / high:
                factors.append(1.0)
            elif wavelength > rope["original_max_position_embeddings"] / low:
                factors.append(rope["factor"])
            else:
                smooth = (rope["original_max_position_embeddings"] / wavelength - low) / (high - low)
                factors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
        out.add_tensor("rope_freqs.weight", np.array(factors, dtype=np.float32))
    name_map = gguf.get_tensor_name_map(kind, config["num_hidden_layers"])
    for tensor, values in tensors(golden / "decoders" / name / "model.safetensors"):
        if arch == "llama" and ".q_proj." in tensor:
            values = permute(values, config["num_attention_heads"])
        if arch == "llama" and ".k_proj." in tensor:
            values = permute(values, config["num_key_value_heads"])
        target = name_map.get_name(tensor, try_suffixes=(".weight", ".bias"))
        assert target, tensor
        if values.ndim == 1:
            out.add_tensor(target, values)
        else:
            rows = gguf.quants.quantize(np.ascontiguousarray(values), Type.BF16)
            out.add_tensor(target, rows, raw_dtype=Type.BF16)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
