#!/usr/bin/env python3
"""Fine-tuning a language model here and with transformers + PEFT, in turns: equal losses, tokens a second, memory.

    tools/bench/language_model.py --model SMOLLM2 --rows ROWS.jsonl --batch 8 --length 128 --steps 4

Needs torch, transformers and peft in the Python that runs it. ROWS are rows of peft finetune --task lm: "text", or
"prompt" and "completion". Both start from the same PEFT adapter (LoRA r = 8 on q and v). PyTorch's side pads a batch to
its longest row, as its users do; only tokens that exist are counted. The first step of each turn is left out.
With --precision bf16 it holds frozen weights in bf16 and computes under autocast.
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def encode(tokenizer, row, length):
    if "text" in row:
        ids = tokenizer(row["text"]).input_ids + [tokenizer.eos_token_id]
        labels = list(ids)
    else:
        prompt = tokenizer(row["prompt"]).input_ids
        ids = prompt + tokenizer(row["completion"], add_special_tokens=False).input_ids + [tokenizer.eos_token_id]
        labels = [-100] * len(prompt) + ids[len(prompt):]
    return ids[:length], labels[:length]


def torch_turn(a):
    import torch
    import transformers
    from peft import LoraConfig, PeftModel, get_peft_model
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(a.threads)
    model = transformers.AutoModelForCausalLM.from_pretrained(a.model, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(a.model)
    if not os.path.exists(a.adapter):
        torch.manual_seed(0)
        get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=8, lora_alpha=16,
                                         target_modules=["q_proj", "v_proj"])).save_pretrained(a.adapter)
        return {}
    narrow = a.precision == "bf16"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = PeftModel.from_pretrained(model, a.adapter, is_trainable=True).train()
    if narrow:
        for parameter in model.parameters():
            if not parameter.requires_grad:
                parameter.data = parameter.data.bfloat16()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-3, weight_decay=0.0)
    rows = [encode(tokenizer, json.loads(line), a.length) for line in open(a.rows)]
    losses, seconds, tokens = [], 0.0, 0
    for step in range(a.steps):
        batch = [rows[(step * a.batch + i) % len(rows)] for i in range(a.batch)]
        begin, longest = time.time(), max(len(ids) for ids, _ in batch)
        pad = lambda x, value: x + [value] * (longest - len(x))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=narrow):
            out = model(input_ids=torch.tensor([pad(ids, 0) for ids, _ in batch]),
                        attention_mask=torch.tensor([pad([1] * len(ids), 0) for ids, _ in batch]),
                        labels=torch.tensor([pad(labels, -100) for _, labels in batch]))
        out.loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(out.loss.item())
        if step:
            seconds += time.time() - begin
            tokens += sum(len(ids) for ids, _ in batch)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"losses": losses, "tokens_per_second": tokens / seconds, "peak_mib": peak / 1024,
            "above_weights_mib": (peak - before) / 1024}


def our_turn(a, out):
    command = [a.peft, "finetune", "--task", "lm", "--train", a.rows, "--model", a.model, "--adapter", a.adapter,
               "--max-steps", a.steps, "--no-shuffle", "--batch-size", a.batch, "--max-length", a.length, "--lr", "1e-3",
               "--schedule", "constant", "--warmup-ratio", 0, "--weight-decay", 0, "--max-grad-norm", 0, "--log-every", 1,
               "--threads", a.threads, "--precision", a.precision, "--out", out]
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    subprocess.run([str(x) for x in command], check=True, stdout=subprocess.DEVNULL, env=env)
    lines = [json.loads(line) for line in open(f"{out}/metrics.jsonl")]
    steps = [x for x in lines if "loss" in x]
    record = json.load(open(f"{out}/run.json"))
    return {"losses": [x["loss"] for x in steps],
            "tokens_per_second": (steps[-1]["tokens"] - steps[0]["tokens"]) / (steps[-1]["seconds"] - steps[0]["seconds"]),
            "peak_mib": record["peak_memory_bytes"] / 2**20,
            "tensors_mib": record["counts"]["tensor_bytes_peak"] / 2**20}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", required=True)
    p.add_argument("--rows", required=True)
    p.add_argument("--peft", default=str(ROOT / "build/release/bin/peft"))
    p.add_argument("--steps", type=int, default=4)
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--length", type=int, default=128)
    p.add_argument("--rounds", type=int, default=2)
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    p.add_argument("--adapter", default="")
    p.add_argument("--torch-turn", action="store_true", help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.torch_turn:
        print(json.dumps(torch_turn(a)))
        return
    with tempfile.TemporaryDirectory() as temp:
        a.adapter = a.adapter or temp + "/adapter"

        def theirs():
            names = ("model", "rows", "steps", "batch", "length", "threads", "adapter", "precision")
            flags = [str(x) for name in names for x in ("--" + name, getattr(a, name))]
            done = subprocess.run([sys.executable, __file__, "--torch-turn", *flags], check=True, stdout=subprocess.PIPE)
            return json.loads(done.stdout.splitlines()[-1])

        if not os.path.exists(a.adapter):
            theirs()
        for turn in range(a.rounds):
            torch, mine = theirs(), our_turn(a, f"{temp}/run{turn}")
            apart = max(abs(x - y) for x, y in zip(torch["losses"], mine["losses"]))
            print(json.dumps({"round": turn, "torch": torch, "peft.cpp": mine, "largest_difference": apart,
                              "ratio": mine["tokens_per_second"] / torch["tokens_per_second"],
                              "load": os.getloadavg()[0]}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
