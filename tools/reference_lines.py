"""Scores that need no transformer, on GLUE's dev sets: the most frequent class, and naive Bayes on words.

    python3 tools/reference_lines.py GLUE_FOLDER

Prints the object "references" of apps/compare/published.json. Naive Bayes is multinomial with add-one smoothing; a word is
a run of letters or digits in lower case, and a word of the second sentence is another word than the same of the first.
Needs the standard library only. Tasks without both files are left out.
"""
import json
import math
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

# folder, skip the first line, label column, text columns, whether F1 is a metric
TASKS = {
    "cola": ("CoLA", False, 1, (3,), ("matthews",)),
    "sst2": ("SST-2", True, 1, (0,), ("accuracy",)),
    "mrpc": ("MRPC", True, 0, (3, 4), ("accuracy", "f1")),
    "qnli": ("QNLI", True, -1, (1, 2), ("accuracy",)),
    "rte": ("RTE", True, -1, (1, 2), ("accuracy",)),
    "wnli": ("WNLI", True, -1, (1, 2), ("accuracy",)),
}


def rows(file, skip, label, texts):
    with open(file, encoding="utf-8-sig", newline="\n") as lines:
        for i, line in enumerate(lines):
            fields = line.rstrip("\r\n").split("\t")
            if i == 0 and skip:
                continue
            yield fields[label], [(k, w) for k, t in enumerate(texts) for w in re.findall(r"\w+", fields[t].lower())]


def scores(predicted, truth, positive):
    tp = sum(p == t == positive for p, t in zip(predicted, truth))
    tn = sum(p == t != positive for p, t in zip(predicted, truth))
    fp = sum(p == positive != t for p, t in zip(predicted, truth))
    fn = len(truth) - tp - tn - fp
    bottom = math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return {
        "accuracy": (tp + tn) / len(truth),
        "f1": 2 * tp / (2 * tp + fp + fn) if tp else 0.0,
        "matthews": (tp * tn - fp * fn) / bottom if bottom else 0.0,
    }


def bayes(train, dev):
    classes = Counter(label for label, _ in train)
    words = defaultdict(Counter)
    for label, text in train:
        words[label].update(text)
    vocabulary = {w for c in words.values() for w in c}
    total = {c: sum(words[c].values()) + len(vocabulary) for c in classes}

    def best(text):
        known = [w for w in text if w in vocabulary]
        return max(
            sorted(classes),
            key=lambda c: math.log(classes[c]) + sum(math.log((words[c][w] + 1) / total[c]) for w in known),
        )

    return [best(text) for _, text in dev]


def main():
    out = {}
    for task, (folder, skip, label, texts, metrics) in TASKS.items():
        files = [Path(sys.argv[1]) / folder / f"{split}.tsv" for split in ("train", "dev")]
        if not all(f.exists() for f in files):
            continue
        train, dev = (list(rows(f, skip, label, texts)) for f in files)
        truth = [t for t, _ in dev]
        majority = Counter(t for t, _ in train).most_common(1)[0][0]
        out[task] = {}
        for name, predicted in (("majority", [majority] * len(dev)), ("naive_bayes", bayes(train, dev))):
            all_scores = scores(predicted, truth, "1")
            out[task][name] = {m: round(all_scores[m], 4) for m in metrics}
    print(json.dumps(out, indent=1))


main()
