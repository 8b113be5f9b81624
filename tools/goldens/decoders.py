#!/usr/bin/env python3
"""Writes tests/golden/decoders/<name>/: tiny decoders with what transformers and PEFT compute for them.

Needs torch, transformers and peft. The weights are random and stored as BF16, so every value is exact in
float32; all arithmetic is float32.

  config.json, generation_config.json, model.safetensors   as save_pretrained writes them
  golden.json                                              what the tests compare with:
    prompts       token ids, one list a sequence
    nll           of every token after the first, by prompt
    last_logits   at the last position, by prompt
    greedy        12 new ids a prompt, no end id
    beams         4 beams, length penalty 0.8, no repeated 4-grams, at most 16 new ids: ids, score;
                  with the end ids of "end", beams_no_end without
    score_logits  of ...ForSequenceClassification with 3 labels, score.weight[i] = sin(i) by flat index / 10
    losses        of ten AdamW steps by strategy; the batches are the prompts, in turns of two
  lora/, prefix/                                           PEFT's folders with the values before the ten steps
"""
import json
import math
import pathlib
import shutil
import sys

import peft
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

ROOT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "decoders"
VOCAB = 101
LLAMA = dict(vocab_size=VOCAB, hidden_size=96, intermediate_size=112, num_hidden_layers=3, num_attention_heads=6,
             num_key_value_heads=2, max_position_embeddings=64, bos_token_id=1, eos_token_id=2, pad_token_id=0)
GPT2 = dict(vocab_size=VOCAB, n_embd=96, n_layer=3, n_head=6, n_positions=64, bos_token_id=1, eos_token_id=2,
            pad_token_id=0, attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0)
LLAMA3 = dict(rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=16, rope_theta=10000.0)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16, rope_theta=10000.0)

MODELS = {
    "gpt2": transformers.GPT2Config(**GPT2),
    "gpt2-scaled": transformers.GPT2Config(**GPT2, scale_attn_by_inverse_layer_idx=True, n_inner=130,
                                           tie_word_embeddings=False),
    "llama": transformers.LlamaConfig(**LLAMA, head_dim=24, tie_word_embeddings=True),
    "llama3": transformers.LlamaConfig(**LLAMA, head_dim=32, attention_bias=True, mlp_bias=True,
                                       rope_parameters=LLAMA3),
    "llama-yarn": transformers.LlamaConfig(**LLAMA, head_dim=24, rope_parameters=YARN),
    "mistral": transformers.MistralConfig(**LLAMA, head_dim=24, sliding_window=8),
    "qwen2": transformers.Qwen2Config(**LLAMA, tie_word_embeddings=True),
    "qwen3": transformers.Qwen3Config(**LLAMA, head_dim=32),
}


def make_model(name, seed):
    torch.manual_seed(seed)
    config = MODELS[name]
    config.initializer_range = 0.12
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for key, p in model.named_parameters():  # biases and norms that matter
            if key.endswith("bias"):
                p.normal_(0, 0.1)
            elif p.ndim == 1:
                p.uniform_(0.7, 1.3)
    return model


def prompts_for(seed):
    g = torch.Generator().manual_seed(seed)
    return [torch.randint(3, VOCAB, (n,), generator=g).tolist() for n in (13, 5, 29, 2)]


def values(model, prompts):
    out = {"nll": [], "last_logits": []}
    with torch.no_grad():
        for ids in prompts:
            logits = model(input_ids=torch.tensor([ids])).logits[0][-len(ids):]  # not of a prompt before them
            logp = torch.log_softmax(logits, -1)
            out["nll"].append([-logp[i, t].item() for i, t in enumerate(ids[1:])])
            out["last_logits"].append(logits[-1].tolist())
    return out


def generate(model, prompts, end):
    """Greedy ids, then 4-beam ids and scores, one list a prompt."""
    greedy, beams = [], []
    for ids in prompts:
        x = torch.tensor([ids])
        mask = torch.ones_like(x)
        y = model.generate(input_ids=x, attention_mask=mask, do_sample=False, max_new_tokens=12, eos_token_id=None,
                           pad_token_id=0)
        greedy.append(y[0, len(ids):].tolist())
        y = model.generate(input_ids=x, attention_mask=mask, do_sample=False, num_beams=4, length_penalty=0.8,
                           no_repeat_ngram_size=4, max_new_tokens=16, early_stopping=False, eos_token_id=end,
                           pad_token_id=0, return_dict_in_generate=True, output_scores=True)
        new = y.sequences[0, len(ids):].tolist()
        while new and new[-1] == 0:
            new.pop()
        beams.append({"ids": new, "score": y.sequences_scores[0].item()})
    return greedy, beams


def ten_losses(model, prompts):
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    losses = []
    for step in range(10):
        batch = prompts[:2] if step % 2 == 0 else prompts[2:]
        total, terms = 0.0, 0
        for ids in batch:  # one by one: no padding to take care of
            logits = model(input_ids=torch.tensor([ids])).logits[0][-len(ids):]  # not of a prompt before them
            total = total + torch.nn.functional.cross_entropy(logits[:-1], torch.tensor(ids[1:]), reduction="sum")
            terms += len(ids) - 1
        loss = total / terms
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def train(folder, prompts):
    def fresh():
        return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()

    losses = {"full": ten_losses(fresh(), prompts)}
    model = fresh()
    biases = [p for key, p in model.named_parameters() if key.endswith("bias")]
    if biases:
        for key, p in model.named_parameters():
            p.requires_grad = key.endswith("bias")
        losses["bitfit"] = ten_losses(model, prompts)
    torch.manual_seed(5)
    model = peft.get_peft_model(fresh(), peft.LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8))
    with torch.no_grad():
        for key, p in model.named_parameters():
            if "lora_B" in key:
                p.normal_(0, 0.05)
    model.save_pretrained(folder / "lora")
    adapters = {"lora": values(model, prompts)}
    losses["lora"] = ten_losses(model, prompts)
    model = peft.get_peft_model(fresh(), peft.PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=5))
    model.save_pretrained(folder / "prefix")
    adapters["prefix"] = values(model, prompts)
    losses["prefix"] = ten_losses(model, prompts)
    for kind in ("lora", "prefix"):
        (folder / kind / "README.md").unlink(missing_ok=True)
        path = folder / kind / "adapter_config.json"
        config = json.loads(path.read_text())
        config["base_model_name_or_path"] = None  # no path of this machine
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    return losses, adapters


def score_logits(folder, prompts):
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=3, dtype=torch.float32,
                                                               attn_implementation="eager").eval()
    with torch.no_grad():
        w = model.score.weight
        w.copy_(torch.tensor([math.sin(i) / 10 for i in range(w.numel())]).reshape(w.shape))
        return [model(input_ids=torch.tensor([ids])).logits[0].tolist() for ids in prompts]


def main():
    torch.set_num_threads(1)
    chosen = sys.argv[1:] or list(MODELS)
    for seed, name in enumerate(MODELS):
        if name not in chosen:
            continue
        folder = ROOT / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make_model(name, seed + 1).to(torch.bfloat16).save_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        prompts = prompts_for(seed + 100)
        golden = {"transformers": transformers.__version__, "peft": peft.__version__, "prompts": prompts}
        golden.update(values(model, prompts))
        # End ids that a greedy continuation meets, so that beams end at different lengths.
        golden["greedy"], golden["beams_no_end"] = generate(model, prompts, None)
        golden["end"] = end = [golden["greedy"][0][6], golden["greedy"][2][3]]
        golden["beams"] = generate(model, prompts, end)[1]
        golden["score_logits"] = score_logits(folder, prompts)
        golden["losses"], golden["adapters"] = train(folder, prompts)

        def rounded(x):
            if isinstance(x, float):
                return float(f"{x:.8g}")
            if isinstance(x, list):
                return [rounded(v) for v in x]
            return {k: rounded(v) for k, v in x.items()} if isinstance(x, dict) else x

        (folder / "golden.json").write_text(json.dumps(rounded(golden)) + "\n")
        print(name, golden["losses"], [len(b["ids"]) for b in golden["beams"]], flush=True)


if __name__ == "__main__":
    main()
