#!/usr/bin/python3
"""The peer of `bench_step --serve`: the same training steps in plain PyTorch, on request, one JSON object a line.

    torch_step.py '{"shape": {...}, "strategy": "lora", "lengths": [[128, ...], ...], "padding": "none", ...}'

First it says {"event": "ready", ...}; then "run N" makes N steps, "quit" ends. `shape` and `lengths` are what `bench_step
--serve` says of its own case. `padding`: "none" (lengths of a batch are equal), "longest", "bucket" (all sequences sorted by
length first) or a number. Started by side_by_side.py, which sets the environment (BLAS, threads, allocator).
"""
import json
import os
import resource
import sys
import time

import torch

from torch_model import Classifier


def status_bytes(key):
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def process_seconds():
    """Since this process was started: importing the library included."""
    with open("/proc/self/stat") as stat:
        started = int(stat.read().rsplit(")", 1)[1].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")


def make_batch(lengths, padded, shape):
    """ids, additive mask or None, labels, tokens that exist."""
    ids = torch.randint(0, shape["vocab"], (len(lengths), padded))
    mask = None
    if min(lengths) < padded:
        exists = torch.arange(padded)[None, :] < torch.tensor(lengths)[:, None]
        ids = ids * exists
        mask = (~exists)[:, None, None, :].float() * torch.finfo(torch.float32).min
    return ids, mask, torch.randint(0, shape["labels"], (len(lengths),)), sum(lengths)


def make_batches(c):
    batches, padding = c["lengths"], str(c["padding"])
    if padding == "bucket":
        size, flat = len(batches[0]), sorted(n for one in batches for n in one)
        batches = [flat[i:i + size] for i in range(0, len(flat), size)]
        order = torch.randperm(len(batches), generator=torch.Generator().manual_seed(1)).tolist()
        batches = [batches[i] for i in order]  # shuffled, as training would have them
    result = []
    for lengths in batches:
        padded = int(padding) if padding.isdigit() else max(lengths)
        if padding == "none" and min(lengths) != padded:
            sys.exit("torch_step.py: padding is none, but the sequences of a batch differ in length")
        result.append(make_batch(lengths, padded, c["shape"]))
    return result


class Runner:
    def __init__(self, c):
        torch.manual_seed(1)
        self.batches, self.next, self.clip, self.foreach = make_batches(c), 0, c["clip"], c["foreach"]
        self.model = Classifier(c["shape"], c["strategy"], c["dropout"])
        if c.get("weights"):
            if not os.path.exists(c["weights"]):
                torch.save(self.model.state_dict(), c["weights"])
            self.model.load_state_dict(torch.load(c["weights"]), strict=False)
        self.model.train()
        named = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]
        plain = [p for n, p in named if n.endswith("bias") or "norm" in n]
        decayed = [p for n, p in named if not (n.endswith("bias") or "norm" in n)]
        self.trained = [p for _, p in named]
        groups = [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=1e-4, foreach=self.foreach)

    def clip_gradients(self):
        gradients = [p.grad for p in self.trained if p.grad is not None]
        if not self.foreach:
            torch.nn.utils.clip_grad_norm_(self.trained, self.clip)
            return
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        scale = float(self.clip / (norm + 1e-6))
        if scale < 1:
            torch._foreach_mul_(gradients, scale)

    def step(self):
        """Seconds and tokens of one update."""
        ids, mask, labels, tokens = self.batches[self.next % len(self.batches)]
        self.next += 1
        start = time.perf_counter()
        self.optimizer.zero_grad(set_to_none=True)
        self.model(ids, mask, labels).backward()
        if self.clip > 0:
            self.clip_gradients()
        self.optimizer.step()
        return time.perf_counter() - start, tokens


def say(**line):
    print(json.dumps(line), flush=True)


def main():
    c = json.loads(sys.argv[1])
    torch.set_num_threads(c["threads"])
    before = status_bytes("VmRSS:")
    start = time.perf_counter()
    runner = Runner(c)
    made = time.perf_counter() - start
    runner.step()
    parameters = sum(p.numel() for p in runner.model.parameters())
    trained = sum(p.numel() for p in runner.trained)
    say(event="ready", trained_parameters=trained, parameters=parameters, weight_bytes=4 * parameters,
        resident_before=before, made_seconds=made, first_step_seconds=time.perf_counter() - start,
        since_start_seconds=process_seconds(),
        machine={"torch": torch.__version__, "threads": torch.get_num_threads(),
                 "tcmalloc": "tcmalloc" in os.environ.get("LD_PRELOAD", ""),
                 "kernels": os.environ.get("ATEN_CPU_CAPABILITY", "its own choice of")})
    for line in sys.stdin:
        words = line.split()
        if words[:1] == ["quit"]:
            break
        if words[:1] == ["profile"]:
            with torch.profiler.profile() as profile:
                runner.step()
            averages = profile.key_averages()
            say(event="profile", table=averages.table(sort_by="self_cpu_time_total", row_limit=25, max_name_column_width=40))
            continue
        steps = [runner.step() for _ in range(int(words[1]))]
        say(event="ran", tokens=sum(t for _, t in steps), seconds=[s for s, _ in steps], resident_peak=status_bytes("VmHWM:"))


if __name__ == "__main__":
    main()
