"""Tables in Markdown from the results of side_by_side.py, with the goals that the project has set itself."""
import json
import statistics

BEGIN, END = "<!-- side_by_side.py writes from here -->", "<!-- to here -->"
RATIO_GOAL = {"tiny": 3.5, "mini": 2.0, "electra-small": 2.0, "minilm": 2.0, "base": 1.5}
NEEDED_GOAL = {"tiny": 0.40, "mini": 0.55, "electra-small": 0.55, "minilm": 0.55, "base": 0.65}
PADDING_GOAL = {"to 128": 10.0, "to the longest": 3.5, "bucketed": 2.2}
STEP_GOAL, FROZEN_GOAL, MEMORY_GOAL, START_GOAL, GROWTH_GOAL = 0.70, 0.36, 0.5, 1.0, 0.05
TITLES = {"equal": "Equal tokens: sequences of 128, no padding in either", "real": "Real lengths: batches of 32 sentences",
          "growth": "Growth of our own cost", "startup": "From starting the process to the first step, BERT-base from a file"}


def rounds(case, label, against="ours"):
    """The ratio of each round: ours over theirs."""
    return [x / y for x, y in zip(case["sides"][against]["tokens_per_second"], case["sides"][label]["tokens_per_second"])]


def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def rate(case, label):
    return statistics.median(case["sides"][label]["tokens_per_second"])


def share(case, label):
    """Of the FMA peak, counting only what the result needs."""
    return rate(case, label) * case["sides"][label]["needed_flops_per_token"] / (case["peak_gflops"] * 1e9)


def mark(reached):
    return "" if reached else " **<**"


def line(case):
    """One result for the terminal."""
    name = f"{case['section']} {case['model']} {case['strategy']} {case['lengths']}"
    if case["section"] == "startup":
        took = {k: statistics.median(r["since_start_seconds"] for r in v) for k, v in case["sides"].items()}
        return name + ": " + ", ".join(f"{k} {seconds:.2f} s" for k, seconds in took.items())
    parts = [f"ours {rate(case, 'ours'):,.0f} tokens/s ({share(case, 'ours'):.0%} of peak needed)"]
    for label in case["sides"]:
        if label != "ours":
            parts.append(f"{label} {rate(case, label):,.0f}, ratio {spread(rounds(case, label))}")
    return f"{name}: " + "; ".join(parts)


def read(path):
    """The last result of each case, in the order of first appearance."""
    cases = {}
    with open(path) as results:
        for text in results:
            case = json.loads(text)
            cases[(case["section"], case["model"], case["strategy"], case["lengths"], case["dropout"], case["clip"])] = case
    return list(cases.values())


def table(header, rows):
    alignment = [":--"] + ["--:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, alignment, *rows])


def equal_table(cases, steps):
    """Rows, and the goals that were missed. `steps`: the cases in which our strategies took turns."""
    turns = {(c["model"], label): rounds(c, label) for c in steps for label in c["sides"] if label != "ours"}
    products = {(c["model"], label): side["needed_flops_per_token"] / c["sides"]["ours"]["needed_flops_per_token"]
                for c in steps for label, side in c["sides"].items()}
    rows, missed = [], []
    for c in cases:
        model, strategy, ratio = c["model"], c["strategy"], statistics.median(rounds(c, "torch"))
        own, memory = c["sides"]["ours"]["above_weights"], c["sides"]["torch"]["above_weights"]
        step = statistics.median(turns[model, strategy]) if (model, strategy) in turns else None
        step_goal = FROZEN_GOAL if strategy == "frozen" else STEP_GOAL
        enough = ratio >= RATIO_GOAL[model] or strategy == "frozen"  # frozen has no goal for the ratio
        checks = {f"ratio {ratio:.2f}, goal {RATIO_GOAL[model]}": enough}
        if strategy == "full":
            reached = share(c, "ours")
            checks[f"{reached:.0%} of the FMA peak, goal {NEEDED_GOAL[model]:.0%}"] = reached >= NEEDED_GOAL[model]
        elif step is not None:
            checks[f"a step {step:.2f} of the full step ({products[model, strategy]:.2f} by its products), goal {step_goal}"] = step <= step_goal
        if strategy in ("bitfit", "lora"):
            checks[f"memory {own / memory:.2f} of PyTorch's, goal {MEMORY_GOAL}"] = own <= MEMORY_GOAL * memory
        missed += [f"{model} {strategy}: {what}" for what, reached in checks.items() if not reached]
        rows.append([f"{model} {c['batch']} x {c['lengths']}, {strategy}", f"{c['sides']['ours']['trained']:,}",
                     f"{rate(c, 'ours'):,.0f}", f"{rate(c, 'torch'):,.0f}", spread(rounds(c, "torch")) + mark(enough),
                     f"{share(c, 'ours'):.0%} / {share(c, 'torch'):.0%}", "" if step is None else spread(turns[model, strategy]) + mark(step <= step_goal),
                     "" if step is None else f"{products[model, strategy]:.2f}",
                     f"{own / 1e6:,.0f} / {memory / 1e6:,.0f}"])
    return table(["case", "trained", "tokens/s here", "PyTorch", "ratio: median (min-max)", "of FMA peak, here / PyTorch",
                  "of our full step", "of its products", "MB above weights, here / PyTorch"], rows), missed


def real_table(cases):
    rows, missed = [], []
    for c in cases:
        cells = []
        for label, goal in PADDING_GOAL.items():
            ratio = statistics.median(rounds(c, label))
            cells += [f"{rate(c, label):,.0f}", spread(rounds(c, label), 1) + mark(ratio >= goal)]
            if ratio < goal:
                missed.append(f"{c['model']} {c['strategy']} {c['lengths']}: {ratio:.1f} against padding {label}, goal {goal}")
        rows.append([f"{c['lengths']}, {c['model']}, {c['strategy']}", f"{rate(c, 'ours'):,.0f}", *cells])
    return table(["case", "tokens/s here", "padded to 128", "ratio", "to the longest", "ratio", "bucketed", "ratio"], rows), missed


def growth_table(cases):
    rows, missed = [], []
    for c in cases:
        for label in ("batch x 2", "layers x 2"):
            cost = rounds(c, label)
            expected = c["sides"][label]["needed_flops_per_token"] / c["sides"]["ours"]["needed_flops_per_token"]
            off = statistics.median(cost) / expected - 1
            rows.append([f"{c['model']}, {c['strategy']}, {label}", f"{expected:.3f}", spread(cost, 3),
                         f"{off:+.1%}{mark(off <= GROWTH_GOAL)}"])
            if off > GROWTH_GOAL:
                missed.append(f"{c['model']} {c['strategy']} {label}: {off:+.1%} against its products, goal {GROWTH_GOAL:.0%}")
    return table(["case", "products a token, ratio", "time a token, ratio", "difference"], rows), missed


def ready(r):
    """Seconds from the start of the process until the model could step."""
    return r["since_start_seconds"] - (r["first_step_seconds"] - r["made_seconds"])


def startup_table(cases):
    rows, missed = [], []
    for c in cases:
        until = {k: [ready(r) for r in v] for k, v in c["sides"].items()}
        first = {k: [r["since_start_seconds"] for r in v] for k, v in c["sides"].items()}
        reached = statistics.median(until["ours"]) <= START_GOAL
        rows.append([c["strategy"], spread(until["ours"]) + mark(reached), spread(until["torch"]), spread(first["ours"]),
                     spread(first["torch"])])
        if not reached:
            missed.append(f"start-up, {c['strategy']}: {statistics.median(until['ours']):.2f} s, goal {START_GOAL:.0f} s")
    return table(["case", "seconds until the first step begins, here", "PyTorch", "until it ends (8 x 128 tokens), here", "PyTorch"],
                 rows), missed


def markdown(path, command):
    cases = read(path)
    first = cases[0]
    machine, torch = first["machine"], next((c["torch"] for c in cases if "torch" in c), {})
    dates = sorted(c["date"] for c in cases)
    peak = max((c["peak_gflops"] for c in cases if "peak_gflops" in c), default=0)
    parts = [f"`{command}`, {dates[0][:10]}" + ("" if dates[0][:10] == dates[-1][:10] else f" to {dates[-1][:10]}") +
             f"; peft.cpp {machine['version']} at {', '.join(sorted({c['machine']['revision'] for c in cases}))}.\n"
             f"{machine['processor']}, {machine['cores']} cores, {first['threads']} threads, "
             f"{machine['memory_bytes'] / 1e9:.0f} GB, {machine['system']}; FMA peak {peak:.0f} GFLOP/s; {machine['compiler']}; "
             f"{machine['blas']}.\n"
             f"PyTorch {torch.get('torch', '?')} of Debian, with OpenBLAS (OpenMP), pinned threads, "
             f"{'tcmalloc' if torch.get('tcmalloc') else 'the system allocator'}, {torch.get('kernels', '?')} kernels. "
             f"Dropout {first['dropout']:g}, AdamW, gradient norm clipped at {first['clip']:g} in both. **<**: short of the goal."]
    disturbed = sum(c.get("disturbed", 0) for c in cases)
    if disturbed:
        parts[0] += f" {disturbed} rounds were made again: other processes used the cores meanwhile."
    missed_all = []
    turns = [c for c in cases if c["section"] == "steps"]
    for section, maker in (("equal", lambda chosen: equal_table(chosen, turns)), ("real", real_table), ("growth", growth_table), ("startup", startup_table)):
        chosen = [c for c in cases if c["section"] == section]
        if chosen:
            text, missed = maker(chosen)
            parts.append(f"### {TITLES[section]}\n\n{text}")
            missed_all += missed
    missed_all = ["- " + what for what in missed_all] or ["Nothing of what was run."]
    parts.append("### Short of the goals\n\n" + "\n".join(missed_all))
    return "\n\n".join(parts) + "\n"


def write_between_marks(path, text):
    with open(path) as document:
        whole = document.read()
    before, _, rest = whole.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"side_by_side.py: {path} lacks the lines\n{BEGIN}\n{END}")
    with open(path, "w") as document:
        document.write(before + BEGIN + "\n\n" + text + "\n" + END + after)
