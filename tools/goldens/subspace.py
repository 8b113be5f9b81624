"""Writes tests/golden/subspace.json: similarity and amplification of low-rank updates, by numpy.

    python3 tools/goldens/subspace.py > tests/golden/subspace.json    (needs numpy)
"""
import json

import numpy as np

random = np.random.default_rng(3)


def right(a, k):
    return np.linalg.svd(a)[2][:k].T


def similarity(a1, a2):
    out = []
    for i in range(1, a1.shape[0] + 1):
        row = []
        for j in range(1, a2.shape[0] + 1):
            row.append(np.linalg.norm(right(a1, i).T @ right(a2, j)) ** 2 / min(i, j))
        out.append(row)
    return out


def amplification(w, a, b, scale):
    r = a.shape[0]
    d = scale * b @ a
    u, s, vt = np.linalg.svd(d)
    along = np.linalg.norm(u[:, :r].T @ w @ vt[:r].T)
    own = np.linalg.norm(np.linalg.svd(w)[1][:r])
    return [np.linalg.norm(w), np.linalg.norm(d), along, own,
            np.linalg.norm(w) * r / np.sqrt(w.size), np.linalg.norm(d) / along]


def case(inputs, outputs, r1, r2):
    make = lambda *shape: np.round(random.normal(size=shape), 3)
    w, a1, b1, a2 = make(outputs, inputs), make(r1, inputs), make(outputs, r1), make(r2, inputs)
    a2[0] = a1[0]  # something in common
    return {"weight": w.tolist(), "a": a1.tolist(), "b": b1.tolist(), "other": a2.tolist(), "scale": 0.5,
            "similarity": similarity(a1, a2), "amplification": amplification(w, a1, b1, 0.5)}


print(json.dumps([case(9, 7, 2, 4), case(6, 11, 3, 3), case(5, 5, 1, 2)]))
