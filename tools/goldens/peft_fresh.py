"""Adapters that real PEFT wrote for base models without pooler or head, and their logits.

    python tools/goldens/peft_fresh.py            # writes tests/golden/peft_fresh (needs torch, transformers, peft)
    python tools/goldens/peft_fresh.py --read DIR # logits of real PEFT for an adapter that peft.cpp wrote on that base

A checkpoint of masked language modelling has no pooler. A classifier on it draws one, which belongs into the adapter
(modules_to_save); so does the head `score` that a decoder gets. The logits are those of the adapter read back onto a model whose own pooler is drawn from another seed.
Made with torch 2.15, transformers 5.24, peft 0.21.
"""
import argparse
import json
import pathlib
import shutil

import peft
import torch
from transformers import AutoModelForSequenceClassification, BertConfig, BertForMaskedLM, LlamaConfig, LlamaForCausalLM

ROOT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "peft_fresh"
SEQUENCES = [[2, 5, 6, 7, 3], [2, 9, 3], [2, 11, 12, 13, 14, 15, 3]]
POOLER = ["bert.pooler.dense"]
CASES = {
    "lora": peft.LoraConfig(r=2, lora_alpha=4, task_type="SEQ_CLS", modules_to_save=POOLER, target_modules=["query", "value"]),
    "lora_all": peft.LoraConfig(r=2, lora_alpha=4, bias="all", task_type="SEQ_CLS", modules_to_save=POOLER,
                                target_modules=["query", "value"]),
    "lora_only": peft.LoraConfig(r=2, lora_alpha=4, bias="lora_only", task_type="SEQ_CLS", modules_to_save=POOLER,
                                 target_modules=["query", "output.dense"]),
    "ia3": peft.IA3Config(task_type="SEQ_CLS", modules_to_save=["pooler"], target_modules=["key", "value", "output.dense"],
                          feedforward_modules=["output.dense"]),
    "score_lora": peft.LoraConfig(r=2, lora_alpha=4, task_type="SEQ_CLS", target_modules=["q_proj", "v_proj"]),
    "score_ia3": peft.IA3Config(task_type="SEQ_CLS", target_modules=["k_proj", "v_proj", "down_proj"],
                                feedforward_modules=["down_proj"]),
}


def base_of(case):
    return "decoder" if case.startswith("score_") else "base"


def classifier(seed, base):
    torch.manual_seed(seed)
    return AutoModelForSequenceClassification.from_pretrained(ROOT / base, num_labels=3)


def logits(model):
    model.eval()
    with torch.no_grad():
        return [model(torch.tensor([ids])).logits[0].tolist() for ids in SEQUENCES]


def write():
    shutil.rmtree(ROOT, ignore_errors=True)
    torch.manual_seed(0)
    config = BertConfig(vocab_size=24, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
                        max_position_embeddings=16, initializer_range=0.5)
    BertForMaskedLM(config).save_pretrained(ROOT / "base")
    LlamaForCausalLM(LlamaConfig(vocab_size=24, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1,
                                 intermediate_size=16, max_position_embeddings=16, initializer_range=0.5)).save_pretrained(ROOT / "decoder")
    for base in ("base", "decoder"):
        (ROOT / base / "generation_config.json").unlink(missing_ok=True)
    result = {"sequences": SEQUENCES, "logits": {}}
    for number, (name, case) in enumerate(CASES.items()):
        model = peft.get_peft_model(classifier(1, base_of(name)), case)
        torch.manual_seed(10 + number)
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data += 0.3 * torch.randn_like(parameter)
        model.save_pretrained(ROOT / name)
        (ROOT / name / "README.md").unlink(missing_ok=True)
        path = ROOT / name / "adapter_config.json"
        adapter = json.loads(path.read_text())
        adapter["base_model_name_or_path"] = base_of(name)  # no path of this machine
        path.write_text(json.dumps(adapter, indent=2, sort_keys=True) + "\n")
        result["logits"][name] = logits(peft.PeftModel.from_pretrained(classifier(2, base_of(name)), ROOT / name))
        drift = max(abs(a - b) for x, y in zip(result["logits"][name], logits(model)) for a, b in zip(x, y))
        assert drift < 1e-6, (name, drift)
    (ROOT / "logits.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--read", metavar="DIR")
    folder = arguments.parse_args().read
    if folder:
        print(json.dumps(logits(peft.PeftModel.from_pretrained(classifier(3, "base"), folder))))
    else:
        write()
