"""Writes tests/golden/statistics.json: what `compare` says about seeds, by scipy.stats.

    python3 tools/goldens/statistics.py > tests/golden/statistics.json    (needs scipy)
"""
import json

import numpy as np
from scipy import stats


def case(a, b, confidence):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    n = len(a)
    d = a - b
    half = stats.t.ppf((1 + confidence) / 2, n - 1) * stats.sem(d)
    low, high = stats.t.interval(confidence, n - 1, loc=a.mean(), scale=stats.sem(a))
    return {
        "a": a.tolist(),
        "b": b.tolist(),
        "confidence": confidence,
        "mean": a.mean(),
        "deviation": a.std(ddof=1),
        "low": low,
        "high": high,
        "difference": d.mean(),
        "difference_half": half,
        "p": stats.ttest_rel(a, b).pvalue,
        "pearson": stats.pearsonr(a, b).statistic,
        "spearman": stats.spearmanr(a, b).statistic,
    }


def main():
    rng = np.random.default_rng(14)
    cases = [case([0.83, 0.85, 0.84], [0.82, 0.83, 0.825], 0.95), case([0.9, 0.7], [0.6, 0.65], 0.95)]
    for n, confidence in ((3, 0.95), (4, 0.9), (5, 0.99), (10, 0.95), (31, 0.95), (100, 0.5)):
        shared = rng.normal(size=n)
        a = np.round(0.8 + 0.02 * shared + 0.01 * rng.normal(size=n), 4)
        b = np.round(0.79 + 0.02 * shared + 0.01 * rng.normal(size=n), 4)
        cases.append(case(a, b, confidence))
    quantiles = [
        {"confidence": c, "freedom": f, "t": stats.t.ppf((1 + c) / 2, f)}
        for f in (1, 2, 3, 4, 7, 30, 101, 500)
        for c in (0.01, 0.5, 0.9, 0.95, 0.99, 0.9999)
    ]
    tails = [
        {"t": t, "freedom": f, "p": 2 * stats.t.sf(abs(t), f)} for f in (1, 2, 5, 8, 40) for t in (0, 0.3, -1.7, 4, 30)
    ]
    print(json.dumps({"samples": cases, "quantiles": quantiles, "tails": tails}, indent=1))


main()
