#!/usr/bin/env python3
"""chats.py FOLDER: writes tests/golden/language_model/chats.json, chats as transformers' apply_chat_template writes them.

FOLDER/<format>/*.jinja are chat templates as models bring them. They are other people's texts, so they are not kept
here: data/chat/recognise.cpp has their fingerprints, and chats.json what they write.

  chats     lists of [role, content]
  formats   by format: for each chat [text, text with add_generation_prompt], or null where the template refuses it
"""
import datetime
import json
import pathlib
import sys

import jinja2
from transformers import PreTrainedTokenizerFast

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "language_model"
# Folders of templates that write one format.
ALIAS = {"qwen2.5-base": "qwen", "alpaca": "alpaca-several", "alpaca-1": "alpaca"}

CHATS = [
    [["user", "Hello, how are you?"], ["assistant", "I'm fine."]],
    [["system", "Be brief."], ["user", "Who?"], ["assistant", "Me."], ["user", "And why?"], ["assistant", "So."]],
    [["user", "  spaces around\n"], ["assistant", "\n kept or not \n\n"], ["user", "x"]],
    [["user", "one"], ["user", "two"], ["assistant", "three"]],
    [["system", " s "], ["assistant", "I begin."], ["user", "Yes."], ["assistant", "No."]],
    [["user", "q"], ["assistant", "<think>\nlong\nthoughts\n</think>\n\nanswer"], ["user", "r"],
     ["assistant", "<think>more</think>again"]],
    [["user", "q"], ["assistant", "first"], ["assistant", "<think>t</think>second"], ["assistant", "third"]],
    [["user", "\u00a0\u2003no-break and em spaces\u3000"], ["assistant", "\x1cseparated\x1f"]],
]


def main(folder):
    tokenizer = PreTrainedTokenizerFast.from_pretrained(OUT)
    formats = {}
    today = datetime.datetime.now().strftime("%d %b %Y")
    for path in sorted(pathlib.Path(folder).glob("*/*.jinja")):
        name = ALIAS.get(path.parent.name, path.parent.name)
        texts = []
        for chat in CHATS:
            messages = [{"role": r, "content": c} for r, c in chat]
            try:
                texts.append([tokenizer.apply_chat_template(messages, chat_template=path.read_text(), tokenize=False,
                                                            add_generation_prompt=g).replace(today, "{today}")
                              for g in (False, True)])
            except jinja2.exceptions.TemplateError:
                texts.append(None)
        if formats.setdefault(name, texts) != texts:
            print(f"{path} writes otherwise than the others of {name}")
    (OUT / "chats.json").write_text(json.dumps({"chats": CHATS, "formats": formats}, indent=1) + "\n")
    print(sorted(formats))


if __name__ == "__main__":
    main(sys.argv[1])
