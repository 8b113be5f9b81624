#!/usr/bin/env python3
"""Writes tests/golden/encoders/<name>/: tiny ModernBERTs and DeBERTas with what transformers and PEFT compute.

    python tools/goldens/encoders.py [NAME ...]      # needs torch, transformers and peft

The weights are random and stored as BF16, so every value is exact in float32; all arithmetic is float32.

  config.json, model.safetensors   the base, its head of masked language modelling, and a classifier of 3 labels
  golden.json
    prompts   token ids, one list a sequence
    hidden    the last layer at every prompt's first and last token
    labels    logits of ...ForSequenceClassification, by prompt
    tags      logits of ...ForTokenClassification (the same classifier), by prompt at first and last token
    words     logits of ...ForMaskedLM at the last token, by prompt
    gradients norm of every parameter's gradient, of the first two prompts' loss
    losses    ten AdamW steps of full, bitfit (where there are biases) and lora on the labels CLASSES; the batches are
              the prompts, in turns of two
    adapter   labels with the adapter in lora/, PEFT's folder, from which those steps of lora start
    prompted  labels with the prompt in prompt/, PEFT's folder; losses has ten steps of it, too (where PEFT can)
Made with torch 2.15, transformers 5.24, peft 0.21.
"""
import json
import pathlib
import shutil
import sys

import peft
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import (AutoModel, AutoModelForMaskedLM, AutoModelForSequenceClassification,
                          AutoModelForTokenClassification)

ROOT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "encoders"
VOCAB = 101
CLASSES = [0, 2, 1, 0]
SHAPE = dict(vocab_size=VOCAB, hidden_size=48, num_hidden_layers=4, num_attention_heads=6, intermediate_size=40,
             max_position_embeddings=64, pad_token_id=0)
MODERN = dict(**SHAPE, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2, local_attention=8)
DEBERTA = dict(**{**SHAPE, "num_hidden_layers": 3}, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)

MODELS = {
    "modernbert": transformers.ModernBertConfig(**MODERN),
    "modernbert-biased": transformers.ModernBertConfig(
        **{**MODERN, "local_attention": 5}, norm_bias=True, attention_bias=True, mlp_bias=True, classifier_bias=True,
        classifier_pooling="mean", classifier_activation="silu", tie_word_embeddings=False,
        layer_types=["sliding_attention", "full_attention", "full_attention", "sliding_attention"],
        rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": 500.0},
                         "sliding_attention": {"rope_type": "linear", "rope_theta": 100.0, "factor": 2.0}}),
    "deberta-v3": transformers.DebertaV2Config(
        **DEBERTA, relative_attention=True, position_biased_input=False, position_buckets=8, norm_rel_ebd="layer_norm",
        share_att_key=True, pos_att_type="p2c|c2p", type_vocab_size=0),
    "deberta-plain": transformers.DebertaV2Config(**DEBERTA, relative_attention=False, type_vocab_size=2),
    "deberta-c2p": transformers.DebertaV2Config(
        **DEBERTA, relative_attention=True, pos_att_type=["c2p"], max_relative_positions=10, embedding_size=32,
        pooler_hidden_act="tanh"),
    "deberta-p2c": transformers.DebertaV2Config(
        **DEBERTA, relative_attention=True, pos_att_type=["p2c"], position_buckets=6, norm_rel_ebd="none",
        position_biased_input=False, type_vocab_size=1, legacy=False),
}


def make(folder, name, seed):
    torch.manual_seed(seed)
    config = MODELS[name]
    config.initializer_range = 0.12
    config.num_labels = 3
    model = AutoModelForMaskedLM.from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for key, p in model.named_parameters():  # biases and norms that matter
            if key.endswith("bias"):
                p.normal_(0, 0.1)
            elif p.ndim == 1:
                p.uniform_(0.7, 1.3)
    model.to(torch.bfloat16).save_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    other = AutoModelForSequenceClassification.from_config(config, attn_implementation="eager")
    for key, p in other.state_dict().items():
        if key not in weights:
            weights[key] = (0.15 * torch.randn(p.shape)).to(torch.bfloat16)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    (folder / "generation_config.json").unlink(missing_ok=True)


def load(folder, kind):
    return kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def labels(model, prompts):
    with torch.no_grad():
        return [model(input_ids=torch.tensor([ids])).logits[0].tolist() for ids in prompts]


def loss_of(model, prompts, i):
    return torch.nn.functional.cross_entropy(model(input_ids=torch.tensor([prompts[i]])).logits,
                                             torch.tensor([CLASSES[i]]))


def ten_losses(model, prompts):
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    losses = []
    for step in range(10):
        some = [0, 1] if step % 2 == 0 else [2, 3]
        loss = sum(loss_of(model, prompts, i) for i in some) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def train(folder, prompts, golden):
    def fresh():
        return load(folder, AutoModelForSequenceClassification)

    model = fresh()
    for i in (0, 1):
        (loss_of(model, prompts, i) / 2).backward()
    golden["gradients"] = {key: p.grad.norm().item() for key, p in model.named_parameters()}
    losses = golden["losses"] = {"full": ten_losses(fresh(), prompts)}
    model = fresh()
    if any(key.endswith("bias") and "classifier" not in key for key, _ in model.named_parameters()):
        for key, p in model.named_parameters():
            p.requires_grad = key.endswith("bias") or key.startswith("classifier")
        losses["bitfit"] = ten_losses(model, prompts)
    torch.manual_seed(5)
    modern = "modernbert" in folder.name
    targets = ["Wqkv", "Wi"] if modern else ["query_proj", "key_proj", "value_proj"]
    # What the classifier reads through comes with the base here.
    model = peft.get_peft_model(fresh(), peft.LoraConfig(task_type="SEQ_CLS", r=2, lora_alpha=4, target_modules=targets))
    with torch.no_grad():
        for key, p in model.named_parameters():
            if "lora_B" in key:
                p.normal_(0, 0.05)
    model.eval().save_pretrained(folder / "lora")
    golden["adapter"] = labels(peft.PeftModel.from_pretrained(fresh(), folder / "lora").eval(), prompts)
    losses["lora"] = ten_losses(model, prompts)
    plain(folder / "lora")
    prompt(folder, prompts, golden)


def prompt(folder, prompts, golden):
    def fresh():
        return load(folder, AutoModelForSequenceClassification)

    config = MODELS[folder.name]
    if getattr(config, "embedding_size", config.hidden_size) != config.hidden_size:
        return  # PEFT makes the prompt as wide as the layers and cannot put it before the words
    torch.manual_seed(6)
    model = peft.get_peft_model(fresh(), peft.PromptTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=3))
    model.eval().save_pretrained(folder / "prompt")
    golden["prompted"] = labels(peft.PeftModel.from_pretrained(fresh(), folder / "prompt").eval(), prompts)
    golden["losses"]["prompt"] = ten_losses(model, prompts)
    plain(folder / "prompt")


def plain(folder):
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text())
    config["base_model_name_or_path"] = None  # no path of this machine
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def rounded(x):
    if isinstance(x, float):
        return float(f"{x:.8g}")
    if isinstance(x, list):
        return [rounded(v) for v in x]
    return {k: rounded(v) for k, v in x.items()} if isinstance(x, dict) else x


def main():
    torch.set_num_threads(1)
    for seed, name in enumerate(MODELS):
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        folder = ROOT / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder, name, seed + 1)
        g = torch.Generator().manual_seed(seed + 200)
        prompts = [torch.randint(3, VOCAB, (n,), generator=g).tolist() for n in (13, 5, 40, 2)]
        golden = {"prompts": prompts, "labels": labels(load(folder, AutoModelForSequenceClassification), prompts)}
        base, tagger, words = (load(folder, kind) for kind in (AutoModel, AutoModelForTokenClassification,
                                                               AutoModelForMaskedLM))
        with torch.no_grad():
            inputs = [torch.tensor([ids]) for ids in prompts]
            golden["hidden"] = [base(input_ids=x).last_hidden_state[0, [0, -1]].tolist() for x in inputs]
            golden["tags"] = [tagger(input_ids=x).logits[0, [0, -1]].tolist() for x in inputs]
            golden["words"] = [words(input_ids=x).logits[0, -1].tolist() for x in inputs]
        train(folder, prompts, golden)
        (folder / "golden.json").write_text(json.dumps(rounded(golden)) + "\n")
        print(name, golden["labels"][0], golden["losses"], flush=True)


if __name__ == "__main__":
    main()
