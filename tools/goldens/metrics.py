"""Writes tests/golden/metrics.json: metrics by other formulas than engine/train/metrics.cpp, with numpy alone.

    /usr/bin/python3 tools/goldens/metrics.py > tests/golden/metrics.json

F1 is the harmonic mean of precision and recall; Matthews is the correlation of one-hot matrices, with the traces of their
covariances (Gorodkin 2004, equation 3); Pearson is numpy.corrcoef; Spearman is Pearson on ranks by counting.
"""
import json

import numpy as np


def f1(p, t):
    hits = np.sum((p == 1) & (t == 1))
    precision = hits / max(np.sum(p == 1), 1)
    recall = hits / max(np.sum(t == 1), 1)
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def matthews(p, t):
    classes = np.arange(max(p.max(), t.max()) + 1)
    x = (p[:, None] == classes).astype(float)
    y = (t[:, None] == classes).astype(float)
    x -= x.mean(axis=0)
    y -= y.mean(axis=0)
    bottom = np.sqrt((x * x).sum() * (y * y).sum())
    return 0.0 if bottom == 0 else (x * y).sum() / bottom


def pearson(p, t):
    return 0.0 if np.ptp(p) == 0 or np.ptp(t) == 0 else np.corrcoef(p, t)[0, 1]


def ranks(v):
    return np.array([np.sum(v < x) + (np.sum(v == x) + 1) / 2 for x in v])


def case(kind, p, t):
    p, t = np.asarray(p), np.asarray(t)
    if kind == "classes":
        values = {"accuracy": np.mean(p == t), "f1": f1(p, t), "matthews": matthews(p, t)}
    else:
        values = {"pearson": pearson(p, t), "spearman": pearson(ranks(p), ranks(t))}
    return {"predicted": p.tolist(), "truth": t.tolist(), "metrics": {k: float(v) for k, v in values.items()}}


def main():
    rng = np.random.default_rng(7)
    cases = [
        case("classes", [0, 1, 1, 0], [0, 1, 0, 0]),
        case("classes", [1, 1, 1, 1], [0, 1, 0, 1]),  # constant prediction
        case("classes", [0, 0, 0], [0, 0, 0]),  # no class 1 anywhere
        case("classes", [0, 1], [1, 0]),
        case("scores", [1.0, 2.0, 3.0], [2.0, 4.0, 7.0]),
        case("scores", [2.0, 2.0, 2.0], [1.0, 2.0, 3.0]),  # constant prediction
        case("scores", [5.0, 1.0], [0.0, 4.0]),
        case("scores", [1.0, 1.0, 2.0, 2.0, 3.0], [1.0, 2.0, 2.0, 3.0, 3.0]),  # ties on both sides
    ]
    for n, classes in ((40, 2), (60, 3), (50, 5)):
        t = rng.integers(0, classes, n)
        p = np.where(rng.random(n) < 0.6, t, rng.integers(0, classes, n))
        cases.append(case("classes", p, t))
    for n in (20, 60):
        t = np.round(rng.random(n) * 5 * 5) / 5  # STS-B has fifths, so many ties
        cases.append(case("scores", np.round(t + rng.normal(size=n), 3), t))
    cases.append(case("scores", np.round(1e9 + rng.random(10), 6), np.round(rng.random(10), 6)))  # a large mean
    print("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]")


main()
