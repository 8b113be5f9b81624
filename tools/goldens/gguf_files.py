"""Writes tests/golden/gguf/: a GGUF file with a tensor of every type that is read, and what its values are.

    python3 tools/goldens/gguf_files.py tests/golden/gguf    (needs gguf, numpy, safetensors)

The package gguf quantises what it can; blocks of Q4_K, Q5_K and Q6_K are random bytes with sensible scales.
"""
import pathlib
import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from safetensors.numpy import save_file

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(7)
writer = gguf.GGUFWriter(out / "types.gguf", "llama")
writer.add_name("every type")
writer.add_uint8("test.u8", 200)
writer.add_int8("test.i8", -7)
writer.add_uint16("test.u16", 60000)
writer.add_int16("test.i16", -30000)
writer.add_uint32("test.u32", 4000000000)
writer.add_int32("test.i32", -2000000000)
writer.add_uint64("test.u64", 2**40)
writer.add_int64("test.i64", -(2**40))
writer.add_float32("test.f32", 0.1)
writer.add_float64("test.f64", 0.1)
writer.add_bool("test.yes", True)
writer.add_array("test.texts", ["one", "", "drei \u2581"])
writer.add_array("test.integers", [3, -4, 5])
writer.add_array("test.floats", [0.5, -2.25])

values = (rng.standard_normal((3, 256)) * np.array([[0.02], [1], [300]])).astype(np.float32)
values[0, :32] = 0  # a block without a scale
values[1, 40] = -0.0
expected = {"source": values}
writer.add_tensor("source", values)
# The rows' tensors come in an order that is not the alphabet's.
for kind in (Type.Q8_0, Type.Q4_1, Type.Q4_0, Type.Q5_1, Type.Q5_0, Type.BF16, Type.F16):
    rows = gguf.quants.quantize(values, kind)
    writer.add_tensor(kind.name, rows, raw_dtype=kind)
    expected[kind.name] = gguf.quants.dequantize(rows.view(np.uint8), kind).reshape(values.shape)
for kind, scales in ((Type.Q4_K, (0, 2)), (Type.Q5_K, (0, 2)), (Type.Q6_K, (208,))):
    size = gguf.GGML_QUANT_SIZES[kind][1]
    rows = rng.integers(0, 256, (2, 2 * size), dtype=np.uint8)
    for block in range(2):
        for at in scales:
            d = rng.standard_normal((2, 1)).astype(np.float16)
            rows[:, block * size + at : block * size + at + 2] = d.view(np.uint8)
    writer.add_tensor(kind.name, rows, raw_dtype=kind)
    expected[kind.name] = gguf.quants.dequantize(rows, kind)
writer.add_tensor("I32", np.array([[1, -2], [3, 2**31 - 1]], dtype=np.int32))
writer.add_tensor("F64", np.array([0.1, -1e300, 1e-300]))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
save_file({k: np.ascontiguousarray(v, dtype=np.float32) for k, v in expected.items()}, out / "types.safetensors")
