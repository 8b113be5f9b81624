"""gguf_reads.py FILE.gguf MODEL.safetensors: the tensors of a file that peft convert wrote, by Python's gguf."""
import json
import pathlib
import sys

import gguf
import numpy as np

raw = pathlib.Path(sys.argv[2]).read_bytes()
n = int.from_bytes(raw[:8], "little")
model = {}
for name, entry in json.loads(raw[8 : 8 + n]).items():
    if name != "__metadata__":
        begin, end = entry["data_offsets"]
        values = np.frombuffer(raw[8 + n + begin : 8 + n + end], np.float16).astype(np.float32)
        model[name] = values.reshape(entry["shape"])

file = gguf.GGUFReader(sys.argv[1])
fields = {name: field.contents() for name, field in file.fields.items()}
assert fields["general.architecture"] == "llama" and fields["llama.block_count"] == 4, fields.keys()
assert fields["tokenizer.ggml.model"] == "gpt2" and fields["tokenizer.ggml.pre"] == "gpt-2"
assert len(fields["tokenizer.ggml.tokens"]) == len(fields["tokenizer.ggml.token_type"]) == 4096
assert fields["tokenizer.ggml.tokens"][0] == "<|endoftext|>" and fields["tokenizer.ggml.token_type"][0] == 3
names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 4)
wanted = {names.get_name(name, try_suffixes=(".weight",)): (name, values) for name, values in model.items()}
assert {t.name for t in file.tensors} == set(wanted), "names"
heads = fields["llama.attention.head_count"]
for tensor in file.tensors:
    name, values = wanted[tensor.name]
    if ".q_proj." in name or ".k_proj." in name:
        values = (values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:])
                  .swapaxes(1, 2).reshape(values.shape))
    found = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(values.shape)
    kind = tensor.tensor_type
    assert kind == gguf.GGMLQuantizationType.F32 or values.ndim == 2, (name, kind)
    expected = gguf.quants.dequantize(gguf.quants.quantize(values, kind), kind)
    assert np.array_equal(found, expected), name
