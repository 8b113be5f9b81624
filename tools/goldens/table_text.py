"""Writes tests/golden/table_text/expected.json: inputs and texts of our small sets, by LoRA's own scripts.

    python tools/goldens/table_text.py --lora DIR > tests/golden/table_text/expected.json

DIR is a checkout of microsoft/LoRA (examples/NLG/src/format_converting_{e2e,webnlg,dart}.py). The strings of
prefix-tuning are those of its transformers/data/datasets/language_modeling.py, with <B> and <E> for the special tokens.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

args = argparse.ArgumentParser()
args.add_argument("--lora", required=True)
args = args.parse_args()
SRC = os.path.join(args.lora, "examples/NLG/src")
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/golden/table_text")


def lora(task, name):
    with tempfile.TemporaryDirectory() as folder:
        out = folder + "/out.jsonl"
        subprocess.run([sys.executable, f"{SRC}/format_converting_{task}.py", f"{GOLDEN}/{name}", out], check=True,
                       stdout=subprocess.DEVNULL)
        return [json.loads(line) for line in open(out, encoding="utf8")]


def prefix(sources, texts):
    return [" {} {} ".format(s, "<B>") + t + " {}".format("<E>") for s, t in zip(sources, texts)]


e2e, webnlg, dart = lora("e2e", "e2e.txt"), lora("webnlg", "webnlg.json"), lora("dart", "dart.json")
lines = [line.split("||") for line in open(GOLDEN + "/e2e.txt", encoding="utf8").read().splitlines()]
result = {"e2e": {"lora": e2e, "prefix": prefix([s for s, _ in lines], [t.rstrip(" ") for _, t in lines])},
          "webnlg": {"lora": webnlg, "prefix": prefix([" | " + x["context"] for x in webnlg], [x["completion"] for x in webnlg])},
          "dart": {"lora": dart, "prefix": prefix([x["context"] for x in dart], [x["completion"] for x in dart])}}
json.dump(result, sys.stdout, ensure_ascii=False, indent=1)
print()
