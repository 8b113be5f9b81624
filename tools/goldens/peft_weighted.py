"""Sums of LoRA adapters as real PEFT makes them (add_weighted_adapter), on tests/golden/peft_fresh/decoder.

    python tools/goldens/peft_weighted.py   # writes tests/golden/peft_weighted (needs torch, transformers, peft)

Made with torch 2.15, transformers 5.24, peft 0.21.
"""
import json
import pathlib
import shutil

import peft
import torch
from transformers import AutoModelForCausalLM

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
ROOT = GOLDEN / "peft_weighted"
LORAS = {
    "a": peft.LoraConfig(r=2, lora_alpha=4, task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj"]),
    "b": peft.LoraConfig(r=2, lora_alpha=6, use_rslora=True, task_type="CAUSAL_LM", target_modules=["q_proj", "down_proj"]),
    "c": peft.LoraConfig(r=1, lora_alpha=2, rank_pattern={"q_proj": 3}, alpha_pattern={"q_proj": 5}, task_type="CAUSAL_LM",
                         target_modules=["q_proj", "embed_tokens"]),
}
SUMS = {
    "linear": {"adapters": ["a", "b"], "weights": [0.7, -0.4], "combination_type": "linear"},
    "cat": {"adapters": ["a", "b", "c"], "weights": [0.7, -0.4, 1.5], "combination_type": "cat"},
    "svd": {"adapters": ["a", "b", "c"], "weights": [0.7, -0.4, 1.5], "combination_type": "svd"},
    "svd_2": {"adapters": ["a", "b", "c"], "weights": [0.7, -0.4, 1.5], "combination_type": "svd", "svd_rank": 2},
}


def main():
    shutil.rmtree(ROOT, ignore_errors=True)
    base = AutoModelForCausalLM.from_pretrained(GOLDEN / "peft_fresh" / "decoder")
    model = peft.get_peft_model(base, LORAS["a"], adapter_name="a")
    for name in "bc":
        model.add_adapter(name, LORAS[name])
    torch.manual_seed(3)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data = 0.5 * torch.randn_like(parameter)
    for name, how in SUMS.items():
        model.add_weighted_adapter(adapter_name=name, **how)
    for name in [*LORAS, *SUMS]:
        model.save_pretrained(ROOT, selected_adapters=[name], save_embedding_layers=False)
        path = ROOT / name / "adapter_config.json"
        config = json.loads(path.read_text())
        config["base_model_name_or_path"] = "decoder"  # no path of this machine
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    (ROOT / "README.md").unlink(missing_ok=True)
    (ROOT / "sums.json").write_text(json.dumps(SUMS, indent=1) + "\n")


if __name__ == "__main__":
    main()
