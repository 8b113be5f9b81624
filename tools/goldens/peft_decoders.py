#!/usr/bin/env python3
"""Writes tests/golden/peft_decoders/<case>/: adapters that real PEFT made on the tiny decoders of decoders.py.

    python tools/goldens/peft_decoders.py [CASE ...]           # needs torch, transformers and peft
    python tools/goldens/peft_decoders.py --check DIR          # opens what test_decoders wrote there (peft_decoder_test.cpp)

A case is PEFT's folder (adapter_config.json, adapter_model.safetensors) and golden.json:
    base      which of tests/golden/decoders it stands on; its prompts are used
    nll       of every token after the first, by prompt
    last_logits
    losses    of ten AdamW steps from there, batches as in decoders.py
Made with torch 2.15, transformers 5.24, peft 0.21.
"""
import argparse
import json
import pathlib
import shutil

import peft
import torch
from transformers import AutoModelForCausalLM

from decoders import ROOT as BASES
from decoders import ten_losses, values

ROOT = BASES.parent / "peft_decoders"
LM = dict(task_type="CAUSAL_LM")


def lora(**more):
    return peft.LoraConfig(**LM, **{"r": 2, "lora_alpha": 4, **more})


CASES = {
    "norm-gpt2": ("gpt2", peft.LNTuningConfig(**LM)),
    "norm-qwen3": ("qwen3", peft.LNTuningConfig(**LM)),
    "ia3-gpt2": ("gpt2", peft.IA3Config(**LM)),
    "ia3-llama": ("llama", peft.IA3Config(**LM)),
    "ia3-qwen2": ("qwen2", peft.IA3Config(**LM)),
    "prompt-gpt2": ("gpt2", peft.PromptTuningConfig(**LM, num_virtual_tokens=4)),
    "prompt-llama": ("llama", peft.PromptTuningConfig(**LM, num_virtual_tokens=3, prompt_tuning_init="SAMPLE_VOCAB")),
    "rslora-llama": ("llama", lora(use_rslora=True, target_modules=["q_proj", "v_proj", "down_proj"],
                                   rank_pattern={"v_proj": 5, "layers.0.self_attn.q_proj": 1},
                                   alpha_pattern={"down_proj": 3, r"layers\.[12]\.self_attn\.v_proj": 7})),
    "lora-words-llama": ("llama", lora(target_modules=["embed_tokens", "q_proj"])),
    "lora-words-gpt2": ("gpt2", lora(target_modules=["wte", "wpe", "c_attn"])),
    "lora-head-llama": ("llama", lora(target_modules=["lm_head", "v_proj"])),
    "lora-head-llama3": ("llama3", lora(target_modules=["lm_head", "embed_tokens"])),
    "lora-bias-gpt2": ("gpt2", lora(bias="all")),
    "lora-bias-llama3": ("llama3", lora(bias="lora_only", target_modules=["q_proj", "up_proj"])),
    "lora-bias-qwen3": ("qwen3", lora(bias="all")),  # has none
    "lora-exclude-gpt2": ("gpt2", lora(target_modules=r".*\.(c_attn|c_proj|c_fc)", exclude_modules=["mlp.c_proj"])),
    "lora-layers-mistral": ("mistral", lora(target_modules=["q_proj", "gate_proj", "up_proj"],
                                            layers_to_transform=[0, 2])),
    "dora-llama": ("llama", lora(use_dora=True, target_modules=["q_proj", "v_proj", "down_proj"])),
    "dora-gpt2": ("gpt2", lora(use_dora=True, bias="lora_only")),
}


def fresh(base):
    return AutoModelForCausalLM.from_pretrained(BASES / base, dtype=torch.float32, attn_implementation="eager").eval()


def prompts(base):
    return json.loads((BASES / base / "golden.json").read_text())["prompts"]


def rounded(x):
    if isinstance(x, float):
        return float(f"{x:.8g}")
    if isinstance(x, list):
        return [rounded(v) for v in x]
    return {k: rounded(v) for k, v in x.items()} if isinstance(x, dict) else x


def write(number, name):
    base, config = CASES[name]
    folder = ROOT / name
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(number)
    model = peft.get_peft_model(fresh(base), config).eval()
    with torch.no_grad():
        for key, p in model.named_parameters():
            if p.requires_grad:
                p += (0.3 if "embedding_A" in key else 0.08) * torch.randn_like(p)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    adapter = json.loads(path.read_text())
    adapter["base_model_name_or_path"] = None  # no path of this machine
    path.write_text(json.dumps(adapter, indent=2, sort_keys=True) + "\n")
    golden = {"base": base, **values(peft.PeftModel.from_pretrained(fresh(base), folder).eval(), prompts(base))}
    drift = max(abs(a - b) for x, y in zip(golden["last_logits"], values(model, prompts(base))["last_logits"])
                for a, b in zip(x, y))
    assert drift < 1e-5, (name, drift)
    golden["losses"] = ten_losses(model, prompts(base))
    (folder / "golden.json").write_text(json.dumps(rounded(golden)) + "\n")
    print(name, golden["losses"][0], golden["losses"][-1], flush=True)


def check(folder):
    worst = 0
    for path in sorted(folder.glob("*/ours.json")):
        ours = json.loads(path.read_text())
        base = ours["base"]
        model = peft.PeftModel.from_pretrained(fresh(base), path.parent).eval()
        theirs = values(model, prompts(base))["last_logits"]
        far = max(abs(a - b) for x, y in zip(ours["last_logits"], theirs) for a, b in zip(x, y))
        worst = max(worst, far)
        print(f"{far:.1e}  {base:8} {ours['spec']}", flush=True)
    print("worst", worst)


def main():
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--check", metavar="DIR")
    arguments = parser.parse_args()
    if arguments.check:
        check(pathlib.Path(arguments.check))
        return
    for number, name in enumerate(CASES):
        if not arguments.cases or name in arguments.cases:
            write(number, name)


if __name__ == "__main__":
    main()
