#!/usr/bin/env python3
"""Checks the demo data under data/demo/ and prints a short report.

Usage: tools/check_demo_data.py [folder]        (default: data/demo of this checkout)

Checks form (headers, fields, quotes, blanks), counts, label balance, lengths and
duplicates, and looks for artefacts: words tied to a label, and what a naive Bayes
classifier reaches from the words alone, the hypothesis alone, the length alone, the
punctuation alone, or the overlap of the two sentences alone. Exits with status 1 when
a requirement fails. Needs nothing but the Python standard library.
"""

import collections
import math
import pathlib
import re
import sys

NEAR_DUPLICATE = 0.6  # Jaccard similarity of the two token sets
FOLDS = 10
NEGATIONS = {"no", "not", "never", "nobody", "nothing", "none", "neither", "nor",
             "without", "cannot", "hardly", "nowhere"}

REVIEWS = {
    "name": "reviews",
    "columns": ["sentence", "label"],
    "test_columns": ["index", "sentence"],
    "labels": ["0", "1"],
    "at_least": {"train": 1000, "dev": 190, "test": 60},
    "words": {"sentence": (3, 37)},
}
ENTAILMENT = {
    "name": "entailment",
    "columns": ["index", "sentence1", "sentence2", "label"],
    "test_columns": ["index", "sentence1", "sentence2"],
    "labels": ["not_entailment", "entailment"],
    "at_least": {"train": 400, "dev": 100, "test": 30},
    "words": {"sentence1": (5, 40), "sentence2": (3, 25)},
}

failures = []


def require(holds, message):
    """Notes a failed requirement; the report goes on."""
    if not holds:
        failures.append(message)
        print(f"  FAIL  {message}")


def tokens(text):
    return re.findall(r"[a-z0-9']+", text.lower())


def text_of(row):
    """All text columns of a row as one string."""
    return " ".join(row[c] for c in ("sentence", "sentence1", "sentence2") if c in row)


def premise_of(row):
    return row.get("sentence1", row.get("sentence"))


# Reading and form

def read(path, columns):
    """The rows of a TSV file as dictionaries; notes what breaks the format."""
    data = path.read_bytes()
    where = f"{path.parent.name}/{path.name}"
    require(b"\r" not in data, f"{where}: carriage returns")
    require(data.endswith(b"\n"), f"{where}: no newline at the end")
    lines = data.decode("utf-8").split("\n")[:-1]
    require(lines[:1] == ["\t".join(columns)], f"{where}: wrong header")
    rows = []
    for number, line in enumerate(lines[1:], 2):
        fields = line.split("\t")
        if len(fields) != len(columns):
            require(False, f"{where}:{number}: {len(fields)} fields")
            continue
        for field in fields:
            require(field and field == " ".join(field.split()),
                    f"{where}:{number}: empty field or stray blanks")
            require('"' not in field, f"{where}:{number}: double quote")
        rows.append(dict(zip(columns, fields)))
    if "index" in columns:
        require([r["index"] for r in rows] == [str(i) for i in range(len(rows))],
                f"{where}: index does not count from 0")
    return rows


def check_counts(task, splits):
    for name, rows in splits.items():
        require(len(rows) >= task["at_least"][name],
                f"{name}: {len(rows)} rows, {task['at_least'][name]} wanted")
        line = f"  {name:5} {len(rows):5} rows"
        if name != "test":
            unknown = {r["label"] for r in rows} - set(task["labels"])
            require(not unknown, f"{name}: unknown labels {sorted(unknown)}")
            count = [sum(r["label"] == label for r in rows) for label in task["labels"]]
            require(abs(count[0] - count[1]) <= 0.02 * len(rows), f"{name}: labels unbalanced")
            line += "   " + ", ".join(f"{c} {l}" for l, c in zip(task["labels"], count))
        print(line)


def check_lengths(task, splits):
    rows = [r for part in splits.values() for r in part]
    for column, (shortest, longest) in task["words"].items():
        counts = sorted(len(r[column].split()) for r in rows)
        require(counts[0] >= shortest and counts[-1] <= longest,
                f"{column}: {counts[0]} to {counts[-1]} words, {shortest} to {longest} wanted")
        deciles = [counts[(len(counts) - 1) * q // 10] for q in (0, 1, 5, 9, 10)]
        print(f"  words in {column}: min {deciles[0]}, 10% {deciles[1]}, median {deciles[2]}, "
              f"90% {deciles[3]}, max {deciles[4]}")
        for label in task["labels"]:
            own = [len(r[column].split()) for r in rows if r.get("label") == label]
            print(f"    mean for {label}: {sum(own) / len(own):.2f}")


# Duplicates

def similar_pairs(items):
    """Pairs (i, j, similarity) of token sets at or above the limit."""
    for i, a in enumerate(items):
        for j in range(i):
            b = items[j]
            if min(len(a), len(b)) < NEAR_DUPLICATE * max(len(a), len(b)):
                continue
            common = len(a & b)
            similarity = common / (len(a) + len(b) - common)
            if similarity >= NEAR_DUPLICATE:
                yield i, j, similarity


def check_duplicates(task, splits):
    """No text twice; near duplicates only as opposite-label pairs inside one split.

    For sentence pairs the premises are compared too: one premise may carry several
    hypotheses, but only inside one split.
    """
    rows = [(name, r) for name, part in splits.items() for r in part]
    exact = collections.Counter(" ".join(tokens(text_of(r))) for _, r in rows)
    require(max(exact.values()) == 1, "the same text occurs twice")

    contrast = 0
    for i, j, _ in similar_pairs([frozenset(tokens(premise_of(r))) for _, r in rows]):
        (split_a, a), (split_b, b) = rows[i], rows[j]
        require(split_a == split_b,
                f"near duplicates in {split_a} and {split_b}: {premise_of(a)} | {premise_of(b)}")
        if "sentence1" in a:
            require(a["sentence1"] == b["sentence1"], f"similar premises: {a['sentence1']}")
        else:
            require(a.get("label") != b.get("label"),
                    f"near duplicates with one label: {text_of(a)} | {text_of(b)}")
        contrast += 1
    kind = "pairs sharing a premise" if "sentence1" in rows[0][1] else "contrast pairs"
    print(f"  near duplicates across splits: none allowed; {kind} inside a split: {contrast}")


# Artefacts

class NaiveBayes:
    """Naive Bayes over sets of features, add-one smoothing, equal priors."""

    def __init__(self, examples, labels):
        self.counts = {label: collections.Counter() for label in labels}
        for features, label in examples:
            self.counts[label].update(set(features))
        self.labels = labels
        self.vocabulary = set().union(*self.counts.values())
        self.totals = {label: sum(c.values()) for label, c in self.counts.items()}

    def predict(self, features):
        known = set(features) & self.vocabulary

        def score(label):
            total = self.totals[label] + len(self.vocabulary)
            return sum(math.log((self.counts[label][f] + 1) / total) for f in sorted(known))

        return max(self.labels, key=score)


def accuracy(train, dev, labels):
    model = NaiveBayes(train, labels)
    return sum(model.predict(f) == label for f, label in dev) / len(dev)


def folded_accuracy(rows, features, labels):
    """Cross-validated accuracy; rows with one premise always share a fold."""
    premises = sorted({premise_of(r) for r in rows}, key=lambda p: (p[::-1], p))
    fold = {p: i % FOLDS for i, p in enumerate(premises)}
    right = 0
    for k in range(FOLDS):
        train = [(features(r), r["label"]) for r in rows if fold[premise_of(r)] != k]
        model = NaiveBayes(train, labels)
        right += sum(model.predict(features(r)) == r["label"]
                     for r in rows if fold[premise_of(r)] == k)
    return right / len(rows)


def words(column):
    return lambda r: tokens(r[column])


def length(column):
    return lambda r: [f"length {len(r[column].split()) // 2}"]


def punctuation(column):
    return lambda r: [f"{mark}{r[column].count(mark)}" for mark in ",;:!?'.-"]


def overlap(r):
    """The share of hypothesis words found in the premise, in tenths."""
    hypothesis = set(tokens(r["sentence2"]))
    common = len(hypothesis & set(tokens(r["sentence1"])))
    return [f"overlap {10 * common // len(hypothesis)}"]


def report_baselines(task, splits, baselines):
    """Prints each baseline on dev and cross-validated, and checks the latter."""
    both = splits["train"] + splits["dev"]
    print(f"  naive Bayes from ...            dev   {FOLDS}-fold over train+dev")
    for name, features, lowest, highest in baselines:
        on_dev = accuracy([(features(r), r["label"]) for r in splits["train"]],
                          [(features(r), r["label"]) for r in splits["dev"]], task["labels"])
        folded = folded_accuracy(both, features, task["labels"])
        print(f"    {name:26} {100 * on_dev:5.1f} %   {100 * folded:5.1f} %")
        require(lowest <= folded <= highest,
                f"{name}: {100 * folded:.1f} %, {100 * lowest:.0f} to {100 * highest:.0f} wanted")


def report_words(task, splits, column):
    """Prints the words most strongly tied to each label (z-score of the difference)."""
    counts = {label: collections.Counter() for label in task["labels"]}
    for row in splits["train"] + splits["dev"]:
        counts[row["label"]].update(set(tokens(row[column])))
    low, high = (counts[label] for label in task["labels"])

    def z(word):
        return (high[word] - low[word]) / math.sqrt(high[word] + low[word])

    ranked = sorted((w for w in set(low) | set(high) if low[w] + high[w] >= 10),
                    key=lambda w: (z(w), w))
    for label, chosen in ((task["labels"][0], ranked[:12]), (task["labels"][1], ranked[:-13:-1])):
        shown = ", ".join(f"{w} {low[w]}:{high[w]}" for w in chosen)
        print(f"  words of {label} in {column}: {shown}")

    def negated(label):
        rows = [r for r in splits["train"] + splits["dev"] if r["label"] == label]
        has = sum(any(t in NEGATIONS or t.endswith("n't") for t in tokens(r[column]))
                  for r in rows)
        return 100 * has / len(rows)

    print(f"  negation in {column}: " +
          ", ".join(f"{negated(label):.1f} % of {label}" for label in task["labels"]))


def check(task, folder, baselines, column):
    print(f"{task['name']}:")
    folder = folder / task["name"]
    splits = {
        "train": read(folder / "train.tsv", task["columns"]),
        "dev": read(folder / "dev.tsv", task["columns"]),
        "test": read(folder / "test.tsv", task["test_columns"]),
    }
    check_counts(task, splits)
    check_lengths(task, splits)
    check_duplicates(task, splits)
    report_words(task, splits, column)
    report_baselines(task, splits, baselines)


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "data" / "demo"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    # Each baseline: name, features, and the range its cross-validated accuracy must lie in.
    check(REVIEWS, folder, [
        ("words", words("sentence"), 0.65, 0.85),
        ("length alone", length("sentence"), 0.0, 0.58),
        ("punctuation alone", punctuation("sentence"), 0.0, 0.58),
    ], "sentence")
    check(ENTAILMENT, folder, [
        ("words of the hypothesis", words("sentence2"), 0.0, 0.65),
        ("words of the premise", words("sentence1"), 0.0, 0.55),
        ("hypothesis length alone", length("sentence2"), 0.0, 0.60),
        ("overlap alone", overlap, 0.0, 0.65),
    ], "sentence2")
    print("FAILED: " + str(len(failures)) if failures else "all requirements hold")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
