"""Words as token ids by Hugging Face's tokenizers (is_split_into_words): tests/golden/words.json.

python3 tools/goldens/words.py, with transformers installed.
"""
import json
import pathlib

from transformers import BertTokenizerFast, RobertaTokenizerFast

root = pathlib.Path(__file__).resolve().parents[2]
sentences = [["EU", "rejects", "German", "call"], ["Peter", "Blackburn"], ["a", ",", "b-c", "1996-08-22", "."],
             ["unbelievable", "Hello,world", "caf\u00e9"], ["x"], ["the", "[MASK]", "is", "unaffable"]]
tokenizers = {"data/pretrained/peft-2x256": BertTokenizerFast.from_pretrained(str(root / "data/pretrained/peft-2x256")),
              "tests/golden/tiny_bpe": RobertaTokenizerFast.from_pretrained(str(root / "tests/golden/tiny_bpe"),
                                                                         add_prefix_space=True)}
cases = []
for folder, tokenizer in tokenizers.items():
    for words in sentences:
        for length in (0, 6):
            e = tokenizer(words, is_split_into_words=True, truncation=length > 0, max_length=length or None)
            ids = e.word_ids()
            cases.append({"tokenizer": folder, "words": words, "max_length": length, "ids": e["input_ids"],
                          "first": [ids.index(w) if w in ids else -1 for w in range(len(words))]})
(root / "tests/golden/words.json").write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
