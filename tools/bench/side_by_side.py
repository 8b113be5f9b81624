#!/usr/bin/python3
"""The same training step here and in plain PyTorch, taking turns in one run on one machine.

    tools/bench/side_by_side.py --write docs/performance/results.md      all cases, the tables into the document
    tools/bench/side_by_side.py --short                          a few cases of seconds, on one thread
    tools/bench/side_by_side.py --sections equal --models tiny --strategies "full lora"

Both engines live as child processes; each round asks one for some steps, then the other. A ratio is of one round, its spread
is over the rounds. Equal work: shape, dropout, AdamW (decay on matrices only), clipping of the gradient norm, the strategy's
definition; the numbers of trained parameters are compared and differing ones stop the run. Tokens that exist are counted.
A round during which other processes used the cores is made again.
Results are appended to --out, a JSON line a case, so that a run may be cut in parts; the tables are made of the whole file
(the last line of each case counts).
"""
import argparse
import datetime
import json
import os
import shlex
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # leave no __pycache__ in the source tree
import child
import report

ROOT = os.path.dirname(os.path.dirname(child.HERE))
MODELS = {"tiny": 32, "mini": 32, "electra-small": 32, "minilm": 32, "base": 8}  # sequences of 128 in a batch
STRATEGIES = ["full", "frozen", "bitfit", "lora", "adapter:size=64", "prefix", "ia3"]
FOREIGN = 0.04  # of the cores' time: a round in which others took more is made again
SECTIONS = ["equal", "steps", "real", "growth", "startup"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default=os.path.join(ROOT, "build/release/bin/bench_step"), help="our bench_step")
    parser.add_argument("--sections", default=" ".join(SECTIONS), help="of: " + " ".join(SECTIONS))
    parser.add_argument("--models", default=" ".join(MODELS))
    parser.add_argument("--strategies", default=" ".join(STRATEGIES), help="of the sections equal and steps")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each engine's turn, about; at least a step")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--clip", type=float, default=1.0, help="of the gradient norm, in both; 0: in neither")
    parser.add_argument("--out", default=os.path.join(ROOT, "build/side_by_side.jsonl"))
    parser.add_argument("--write", metavar="FILE", help="put the tables between the marks of this document")
    parser.add_argument("--report", action="store_true", help="only make the tables of --out")
    parser.add_argument("--short", action="store_true", help="two rounds of a step on one thread, tiny, full and lora")
    parser.add_argument("--or-skip", action="store_true", help="for tests: exit with 77 where PyTorch is not installed")
    a = parser.parse_args()
    a.bench = os.path.abspath(a.bench)  # the child runs in another folder
    if a.short:
        a.models, a.strategies, a.rounds, a.seconds, a.sections, a.threads = "tiny", "full lora", 2, 0, "equal real", 1
    return a


def case_of(a, section, model, strategy, lengths="128", batches=1, batch=None):
    return {"section": section, "model": model, "strategy": strategy, "lengths": lengths, "batches": batches,
            "batch": batch or (MODELS[model] if lengths == "128" else 32), "dropout": a.dropout, "clip": a.clip}


def steps_for(one, unit, seconds):
    """Steps of a turn of about `seconds`: at least one, and whole passes over all `unit` batches where these are not long."""
    tokens, took = one.run(1)
    wanted = max(1, round(seconds / took))
    if unit == 1 or took * unit > 8 * max(seconds, 0.2):
        return min(wanted, unit) if unit > 1 else wanted
    return max(unit, wanted // unit * unit)


def one_round(first, everyone, steps):
    """({"peak": GFLOP/s, label: tokens/s}, the share of the cores' time that other processes took)."""
    start, busy = time.perf_counter(), child.busy_seconds() - sum(one.busy_seconds() for one in everyone.values())
    found = {"peak": first.ask("peak")["peak_gflops"]}
    for label, one in everyone.items():
        tokens, seconds = one.run(steps[label])
        found[label] = tokens / seconds
    busy = child.busy_seconds() - sum(one.busy_seconds() for one in everyone.values()) - busy
    return found, busy / ((time.perf_counter() - start) * os.cpu_count())


def compare(a, case, peers, about=None):
    """Runs `peers` {label: opener(first child)} in turns after our own child, and writes the result."""
    with child.ours(a.bench, case, a.threads) as first:
        others = {}
        try:
            for label, opener in peers.items():
                others[label] = opener(first)
            everyone = {"ours": first, **others}
            for one in everyone.values():  # every batch's shape once, so that allocators have seen it
                one.run(1 if case["batches"] == 1 else min(case["batches"], 4))
            steps = {label: steps_for(one, case["batches"], a.seconds) for label, one in everyone.items()}
            rates = {label: [] for label in everyone}
            peak = []
            disturbed = 0
            while len(peak) < a.rounds:
                found, foreign = one_round(first, everyone, steps)
                if foreign > FOREIGN and disturbed < 2 * a.rounds and not a.short:
                    disturbed += 1  # others were at work on these cores: once more
                    continue
                peak.append(found.pop("peak"))
                for label, rate in found.items():
                    rates[label].append(rate)
            result = {**case, **(about or {}), "date": datetime.datetime.now().isoformat(timespec="seconds"), "threads": a.threads,
                      "machine": first.ready["machine"], "peak_gflops": max(peak), "disturbed": disturbed, "sides": {}}
            for label, one in everyone.items():
                needed = one.ready.get("needed_flops_per_token", first.ready["needed_flops_per_token"])
                result["sides"][label] = {"tokens_per_second": rates[label], "steps": steps[label],
                                          "above_weights": one.above_weights(), "trained": one.ready["trained_parameters"],
                                          "needed_flops_per_token": needed}
            for one in others.values():
                if "torch" in one.ready["machine"]:
                    result["torch"] = one.ready["machine"]
        finally:
            for one in others.values():
                one.close()
    save(a, result)


def save(a, result):
    os.makedirs(os.path.dirname(os.path.abspath(a.out)), exist_ok=True)
    with open(a.out, "a") as out:
        out.write(json.dumps(result) + "\n")
    print(report.line(result), flush=True)


def equal(a):
    for model in a.models.split():
        for strategy in a.strategies.split():
            case = case_of(a, "equal", model, strategy)
            compare(a, case, {"torch": lambda first, c=case: child.theirs(c, "none", first, a.threads)})


def steps(a):
    """Our own strategies in turns with our full step: what a step costs of it.

    In turns of two seconds at least: a turn of one step would be a step with the caches of another process.
    """
    a = argparse.Namespace(**{**vars(a), "seconds": max(2.0, a.seconds)})
    for model in a.models.split():
        case = case_of(a, "steps", model, "full")
        compare(a, case, {s: lambda _, c={**case, "strategy": s}: child.ours(a.bench, c, a.threads)
                          for s in a.strategies.split() if s != "full"})


def real(a):
    for model in a.models.split():
        for lengths in ("sst2",) if a.short else ("sst2", "cola"):
            for strategy in ("full", "bitfit") if model in ("tiny", "minilm") and not a.short else ("full",):
                case = case_of(a, "real", model, strategy, lengths, batches=2 if a.short else 8)
                compare(a, case, {label: lambda first, c=case, p=padding: child.theirs(c, p, first, a.threads)
                                  for label, padding in (("to 128", "128"), ("to the longest", "longest"), ("bucketed", "bucket"))})


def growth(a):
    """Our own cost at twice the batch and at twice the layers."""
    for model, doubled in (("tiny", "random:layers=4,hidden=128,heads=2,ffn=512,vocab=30522"),
                           ("minilm", "random:layers=12,hidden=384,heads=12,ffn=1536,vocab=30522")):
        if model not in a.models.split():
            continue
        for strategy in ("full", "bitfit"):
            case = case_of(a, "growth", model, strategy)
            twice, deep = {**case, "batch": 2 * case["batch"]}, {**case, "model": doubled}
            compare(a, case, {"batch x 2": lambda _, c=twice: child.ours(a.bench, c, a.threads),
                              "layers x 2": lambda _, c=deep: child.ours(a.bench, c, a.threads)})


def startup(a):
    """From the start of the process to the end of the first step, BERT-base from a mapped file (ours) and torch.load (theirs)."""
    if "base" not in a.models.split():
        return
    folder = os.path.join(os.path.dirname(os.path.abspath(a.out)), "bert-base-random")
    if not os.path.exists(os.path.join(folder, "model.safetensors")):
        subprocess.run([a.bench, "--model", "base", "--save", folder], check=True, env=child.clean_environment())
    weights = os.path.join(folder, "torch.bin")
    for strategy in ("bitfit", "full"):
        case = {**case_of(a, "startup", "base", strategy), "model": folder}
        sides = {"ours": [], "torch": []}
        for round_number in range(a.rounds + 1):  # the first fills the page cache
            with child.ours(a.bench, case, a.threads) as first:
                with child.theirs(case, "none", first, a.threads, weights=weights) as second:
                    if round_number > 0:
                        sides["ours"].append(first.ready)
                        sides["torch"].append(second.ready)
        keep = ("since_start_seconds", "made_seconds", "first_step_seconds")
        save(a, {**case, "model": "base", "date": datetime.datetime.now().isoformat(timespec="seconds"), "threads": a.threads,
                 "machine": sides["ours"][0]["machine"], "torch": sides["torch"][0]["machine"],
                 "sides": {label: [{k: r[k] for k in keep} for r in ready] for label, ready in sides.items()}})


def main():
    a = arguments()
    if not a.report:
        missing = child.missing_packages()
        if missing and a.or_skip:
            print("skipped: not installed are " + ", ".join(missing))
            sys.exit(77)
        if missing:
            missing.append("libtcmalloc-minimal4")
            sys.exit("side_by_side.py: install what is missing with\n  sudo apt-get install " + " ".join(missing))
        if not os.path.exists(a.bench):
            sys.exit(f"side_by_side.py: there is no {a.bench}\n"
                     "hint: cmake --preset release && cmake --build --preset release, or --bench FILE")
        if not os.path.exists(child.TCMALLOC):
            print("hint: PyTorch is faster with libtcmalloc-minimal4 installed", file=sys.stderr)
        for section in a.sections.split():
            {"equal": equal, "steps": steps, "real": real, "growth": growth, "startup": startup}[section](a)
    if not os.path.exists(a.out):
        sys.exit(f"side_by_side.py: there are no results in {a.out}")
    options = shlex.join(["--rounds", str(a.rounds), "--seconds", f"{a.seconds:g}"])
    text = report.markdown(a.out, "tools/bench/side_by_side.py " + options)
    if a.write:
        report.write_between_marks(a.write, text)
    else:
        print(text)


if __name__ == "__main__":
    main()
