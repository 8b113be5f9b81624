"""Writes tests/golden/torch/: files of torch.save in both forms, and the same tensors as safetensors.

    python3 tools/goldens/torch_files.py tests/golden/torch    (needs torch, safetensors)
"""
import os
import pathlib
import pickle
import sys
from collections import OrderedDict

import torch
from safetensors.torch import load_file, save_file

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
torch.manual_seed(1)
base = torch.randn(6, 5)
tensors = OrderedDict(
    float=base,
    view=base[2:4, 1:],  # rows that do not follow one another, from the middle of a storage
    transposed=base.t(),
    repeated=torch.tensor([1.5, -2.0]).expand(3, 2),
    double=torch.randn(3, dtype=torch.float64),
    half=torch.randn(2, 2).half(),
    bfloat16=torch.randn(7).bfloat16(),
    long=torch.tensor([[1, -(2**40)]]),
    int=torch.tensor([3, -4], dtype=torch.int32),
    byte=torch.arange(5, dtype=torch.uint8),
    bool=torch.tensor([True, False, True]),
    scalar=torch.tensor(2.5),
    empty=torch.zeros(0, 4),
    parameter=torch.nn.Parameter(torch.randn(2, 3)),
)
tensors._metadata = OrderedDict({"": {"version": 1}})
torch.save(tensors, out / "zip.bin")
torch.save(tensors, out / "old.bin", _use_new_zipfile_serialization=False)
torch.save(tensors, out / "protocol4.bin", pickle_protocol=4)
torch.save({"epoch": 3, "state_dict": dict(tensors), "optimizer": {"lr": 0.1}}, out / "training.ckpt")
save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, out / "expected.safetensors")


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/peft-was-run",)


torch.save({"weight": Evil()}, out / "evil.bin")
torch.save(torch.nn.Linear(2, 2), out / "module.bin")

# tests/golden/peft_fresh/lora as PEFT saves it with safe_serialization=False.
torch.save(load_file(out.parent / "peft_fresh" / "lora" / "adapter_model.safetensors"), out / "adapter_model.bin")
