"""Writes tests/golden/utf8.json: bytes (hexadecimal) and what Python's bytes.decode("utf-8", "replace") makes of them.

    python3 tools/goldens/utf8.py > tests/golden/utf8.json
"""
import json
import random

written = [
    "", "61", "80", "bf", "c0", "c080", "c1bf", "c2", "c280", "c2c2", "c261", "df", "dfbf", "e0", "e080", "e09f80", "e0a0", "e0a061",
    "e0a080", "e180", "e18061", "ed9fbf", "eda080", "edbfbf", "ee8080", "efbfbd", "efbfbf", "f0", "f08080", "f08fbfbf", "f09080",
    "f0908080", "f0908061", "f48fbfbf", "f490", "f4908080", "f5", "f8888080", "fe", "ff", "efbbbf61", "61c3a962", "e28282", "e282ac",
    "f09f98", "f09f9880", "f09f9f9880", "61ff62fe63", "eda0bdedb880",
]
rng = random.Random(3)
lead = [0x41, 0x80, 0x9F, 0xA0, 0xBF, 0xC2, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5]
mixed = [bytes(rng.choice(lead) for _ in range(rng.randint(2, 9))).hex() for _ in range(200)]
print(json.dumps([[h, bytes.fromhex(h).decode("utf-8", "replace")] for h in written + mixed]).replace("], [", "],\n["))
