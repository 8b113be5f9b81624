"""Small tokenizers of every kind, and what Hugging Face's Rust library makes of hard texts with them.

    python3 tools/goldens/tokenizer_kinds.py tests/golden/tokenizers     (tokenizers 0.23, transformers 5, sentencepiece 0.2)

Writes one tokenizer.json a kind, two SentencePiece models, and cases.json: texts, and for each tokenizer their ids, the ids
and types of pairs, and what decoding gives back.
"""
import json, os, random, shutil, sys, tempfile

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

OUT = sys.argv[1]
SPACE = "\u2581"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"

CORPUS = ["the quick brown fox jumps over the lazy dog", "it's we'll they've I'm HELLO World 12345 3.14",
          "hello  world   many    spaces", "caf\u00e9 na\u00efve r\u00e9sum\u00e9 \u00fcber", "\u5317\u4eac \u4e2d\u6587 \u65e5\u672c\u8a9e",
          "\u041f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440", "tabs\tand\nlines\r\n\n", "def f(x): return x**2  # code",
          "running singing hearing the thing, then there!"] * 4

TEXTS = [
    "", " ", "  ", "a", "Hello World", " hello  world ", "it's we'll I'D THEY'RE \u2019s 'ſ 'S", "12345 3.14 \u0663\u0664 \u2167 \u00bd 1,000,000",
    "caf\u00e9 cafe\u0301 na\u00efve \u00c5\u030a", "\u5317\u4eac\u4e2d\u6587 \u65e5\u672c\u8a9e\u3000\u304b\u306a", "\u041f\u0440\u0438\u0432\u0435\u0442 \u039f\u0394\u039f\u03a3 stra\u00dfe \u0130stanbul",
    "a\tb\nc\r\nd\n\n\ne", "   leading", "trailing   ", "a \n b", " \n", "\n \n x", "x\u00a0y\u2003z\u200bw\u2028v", "\ufeffbom \ufffd \u0000nul \u0001\u007f",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea", "<s>a</s> <mask> [MASK] <|endoftext|> <unk>", "x  <mask>  y<mask>", "<|user|> hi<|end|>\n<|user|>",
    f"{SPACE}mark{SPACE}{SPACE}x {SPACE}", "!?... \u00a1\u00bf\u2014\u201cq\u201d `x` $5 a+b=c ^~|", "``quoted'' text", "\ufb01ne \u2460 \u2122 \uff21\uff22 \u212b \u1e9b\u0323 \uac00\u1100\u1161",
    "e\u0301\u0301\u0323 q\u0307\u0323 \u0958 \u0915\u094d\u0937", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "the the the quickest foxes; thething hellohello world's", "snake_case camelCase kebab-case x1y2 \u24d0\u24d1 \u0e01\u0e33", "5, 6,7 8 ,9", "</w> Hello</w>world", "newword NEWWORD NewWord newwords",
]
PAIRS = [["hello world", "the quick"], ["", "a"], ["caf\u00e9", ""], [" a ", "  b"]]


def special(content, **more):
    return AddedToken(content, special=True, normalized=False, **more)


def level(t, prefix=False, regex=True):
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)
    t.decoder = decoders.ByteLevel()


def bpe(name, size, setup, specials=(), byte_level=True, model=None, **train):
    t = Tokenizer(models.BPE(**(model or {})))
    setup(t)
    extra = {"initial_alphabet": pre_tokenizers.ByteLevel.alphabet()} if byte_level else {}
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=size, special_tokens=list(specials), show_progress=False, **extra, **train))
    return name, t


def template(t, single, pair, tokens):
    t.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=[(x, t.token_to_id(x)) for x in tokens])


def split_level(pattern):
    def setup(t):
        t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"),
                                                   pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        t.decoder = decoders.ByteLevel()
    return setup


def llama_parts(t):
    t.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])
    t.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])


BYTES = [f"<0x{b:02X}>" for b in range(256)]


def all_tokenizers():
    made = []
    # LLaMA 2, both forms
    name, t = bpe("llama_legacy", 420, llama_parts, ["<unk>", "<s>", "</s>"] + BYTES, byte_level=False,
                  model=dict(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    template(t, "<s> $A", "<s> $A <s>:1 $B:1", ["<s>"])
    doc = json.loads(t.to_str())
    doc["added_tokens"] = doc["added_tokens"][:3]  # bytes are tokens of the model
    made.append((name, Tokenizer.from_str(json.dumps(doc))))
    doc["normalizer"] = None
    doc["pre_tokenizer"] = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "first", "split": False}
    made.append(("llama", Tokenizer.from_str(json.dumps(doc))))
    doc["model"]["byte_fallback"] = False
    made.append(("llama_no_fallback", Tokenizer.from_str(json.dumps(doc))))
    doc["model"]["fuse_unk"] = False
    doc["added_tokens"].append(dict(doc["added_tokens"][1], id=len(doc["model"]["vocab"]), content="NewWord", special=False, normalized=True))
    doc["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Lowercase"}]}
    made.append(("llama_lower", Tokenizer.from_str(json.dumps(doc))))
    # byte-level
    name, t = bpe("llama3", 340, split_level(LLAMA3), ["<|begin|>", "<|end|>", "<|user|>"], model=dict(ignore_merges=True))
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
        single="<|begin|> $A", pair="<|begin|> $A <|begin|>:1 $B:1", special_tokens=[("<|begin|>", 0)])])
    made.append((name, t))
    name, t = bpe("qwen2", 330, split_level(QWEN2), ["<|endoftext|>"])
    t.normalizer = normalizers.NFC()
    made.append((name, t))
    made.append(bpe("o200k", 320, split_level(O200K), ["<|endoftext|>"]))
    made.append(bpe("cl100k", 320, split_level(CL100K), ["<|endoftext|>"]))

    def digits(t):
        t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
        t.decoder = decoders.ByteLevel()
    made.append(bpe("smollm", 330, digits, ["<|endoftext|>"]))
    name, t = bpe("gpt2_prefix", 320, lambda t: level(t, True), ["<s>", "<pad>", "</s>", "<unk>"])
    t.add_special_tokens([special("<mask>", lstrip=True)])
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=True)
    made.append((name, t))

    name, t = bpe("modernbert", 320, level, ["[CLS]", "[SEP]", "[PAD]"])
    t.normalizer = normalizers.NFC()
    t.add_tokens([AddedToken("  ", normalized=True), AddedToken("    ", normalized=True), AddedToken("|||", normalized=False, rstrip=True)])
    t.add_special_tokens([special("[MASK]", lstrip=True), special("[UNK]")])
    template(t, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:0 [SEP]:0", ["[CLS]", "[SEP]"])
    made.append((name, t))

    # words with an end mark (CLIP, the first GPT), and with a prefix
    def clip(t):
        t.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
        t.pre_tokenizer = pre_tokenizers.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True)
        t.decoder = decoders.BPEDecoder(suffix="</w>")
    made.append(bpe("clip", 200, clip, ["<unk>"], byte_level=False, model=dict(unk_token="<unk>", end_of_word_suffix="</w>"), end_of_word_suffix="</w>"))

    def prefixed(t):
        t.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()])
        t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("contiguous")])
        t.decoder = decoders.WordPiece(prefix="##")
    made.append(bpe("bpe_prefix", 200, prefixed, ["<unk>"], byte_level=False, model=dict(unk_token="<unk>", continuing_subword_prefix="##", fuse_unk=True),
                    continuing_subword_prefix="##"))

    # Unigram
    def unigram(name, normalizer, pre, decoder, specials, single, pair, unk="<unk>", **model):
        t = Tokenizer(models.Unigram())
        t.normalizer, t.pre_tokenizer, t.decoder = normalizer, pre, decoder
        t.train_from_iterator(CORPUS, trainers.UnigramTrainer(vocab_size=180, special_tokens=specials, unk_token=unk, show_progress=False))
        if model.get("byte_fallback"):
            doc = json.loads(t.to_str())
            doc["model"]["byte_fallback"] = True
            doc["model"]["vocab"] += [[b, 0.0] for b in BYTES]
            t = Tokenizer.from_str(json.dumps(doc))
        names = [x for x in specials if x in single + pair]
        if single:
            template(t, single, pair, names)
        made.append((name, t))
    charsmap = spm_charsmap()
    meta = lambda scheme="always": pre_tokenizers.Metaspace(SPACE, scheme)
    pre = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), meta()])
    unigram("t5", normalizers.Precompiled(charsmap), pre, decoders.Metaspace(SPACE, "always"), ["<pad>", "</s>", "<unk>"], "$A </s>", "$A </s> $B </s>")
    unigram("xlmr", normalizers.Sequence([normalizers.Precompiled(charsmap), normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), SPACE)]),
            meta(), decoders.Metaspace(SPACE, "always"), ["<s>", "<pad>", "</s>", "<unk>"], "<s> $A </s>", "<s> $A </s> </s> $B </s>")
    unigram("albert", normalizers.Sequence([normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(),
                                            normalizers.Lowercase(), normalizers.Precompiled(charsmap)]),
            pre, decoders.Metaspace(SPACE, "always"), ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"], "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1")
    unigram("deberta", normalizers.Sequence([normalizers.Strip(), normalizers.Precompiled(charsmap), normalizers.Replace(Regex(" {2,}"), " ")]),
            pre_tokenizers.Sequence([pre_tokenizers.Punctuation("isolated"), meta()]), decoders.Metaspace(SPACE, "always"),
            ["[PAD]", "[CLS]", "[SEP]", "[UNK]"], "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", unk="[UNK]")
    unigram("unigram_bytes", normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()]), meta("first"),
            decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]), ["<unk>"], "", "", byte_fallback=True)

    # words
    t = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    t.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Whitespace()
    t.train_from_iterator(CORPUS, trainers.WordLevelTrainer(special_tokens=["[UNK]"], show_progress=False))
    made.append(("wordlevel", t))
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20))
    t.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Digits(individual_digits=False), pre_tokenizers.Punctuation("merged_with_previous")])
    t.decoder = decoders.WordPiece()
    t.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=150, special_tokens=["[UNK]", "[CLS]", "[SEP]"], show_progress=False))
    t.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    made.append(("wordpiece", t))

    # every behaviour of a split, on characters
    characters = {c: i for i, c in enumerate(["[UNK]"] + sorted(set("".join(CORPUS) + "-_.")))}
    for behavior in ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]:
        for invert in [False, True]:
            t = Tokenizer(models.WordLevel(unk_token="[UNK]", vocab=dict(characters, **{w: len(characters) + i for i, w in enumerate(["ab", "the ", " the", "ll", "l", "  ", " ", "he", "o "])})))
            t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"[aeiou ]|\d{2}"), behavior, invert=invert)])
            made.append((f"split_{behavior}{'_inverted' if invert else ''}", t))
    t = Tokenizer(models.BPE(vocab=characters, merges=[], unk_token="[UNK]"))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.CharDelimiterSplit("o"), pre_tokenizers.FixedLength(3)])
    t.decoder = decoders.Fuse()
    made.append(("delimiter", t))
    return made


RULES = {"\ufb01": "fi", "\u2460": "1", "\u2122": "TM", "\uff21": "A", "\uff22": "B", "\u3000": " ", "\t": " ", "\n": " ", "\r": " ", "\u00a0": " ",
         "\u200b": " ", "\u0001": "", "\u007f": "", "e\u0301": "\u00e9", "\u00c5\u030a": "X", "\u212b": "\u00c5", "\ufeff": "", "\u2028": " "}


def spm_train(prefix, folder, **more):
    rules = os.path.join(folder, "rules.tsv")
    with open(rules, "w") as f:
        for a, b in RULES.items():
            f.write(" ".join("%X" % ord(c) for c in a) + "\t" + " ".join("%X" % ord(c) for c in b) + "\n")
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_prefix=os.path.join(folder, prefix),
                                             normalization_rule_tsv=rules, minloglevel=2, hard_vocab_limit=False, **dict({"vocab_size": 120}, **more))
    return os.path.join(folder, prefix + ".model")


def spm_charsmap():
    from sentencepiece import sentencepiece_model_pb2 as pb
    with tempfile.TemporaryDirectory() as folder:
        m = pb.ModelProto()
        m.ParseFromString(open(spm_train("x", folder), "rb").read())
        return m.normalizer_spec.precompiled_charsmap


def spm_cases(cases):
    """SentencePiece models alone, by the class that a configuration names; no class: SentencePiece's own ids."""
    with tempfile.TemporaryDirectory() as folder:
        plain = spm_train("unigram", folder, user_defined_symbols=["<sep>", "<cls>"], pad_id=3)
        albert = spm_train("albert", folder, pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, control_symbols=["[CLS]", "[SEP]", "[MASK]"])
        t5 = spm_train("t5", folder, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
        pairs = spm_train("bpe", folder, model_type="bpe", byte_fallback=True, vocab_size=380, remove_extra_whitespaces=False)
        for path in [plain, albert, t5, pairs]:
            shutil.copy(path, OUT)
        for name, path in [("unigram", plain), ("bpe", pairs)]:
            p = sentencepiece.SentencePieceProcessor(model_file=path)
            cases.append({"name": "sentencepiece_" + name, "file": os.path.basename(path), "class": "", "own": True, "ids": [p.encode(t) for t in TEXTS]})
        for name, path, file, config in [("AlbertTokenizer", albert, "spiece.model", {}), ("T5Tokenizer", t5, "spiece.model", {"extra_ids": 5}),
                                         ("XLMRobertaTokenizer", plain, "sentencepiece.bpe.model", {}), ("CamembertTokenizer", plain, "sentencepiece.bpe.model", {})]:
            with tempfile.TemporaryDirectory() as one:
                shutil.copy(path, os.path.join(one, file))
                json.dump(dict(config, tokenizer_class=name), open(os.path.join(one, "tokenizer_config.json"), "w"))
                t = AutoTokenizer.from_pretrained(one)
                cases.append({"name": name, "file": os.path.basename(path), "as": file, "class": name, "config": config, "own": False,
                              "ids": [t(x)["input_ids"] for x in TEXTS]})


cases = []
for name, t in all_tokenizers():
    t.no_truncation()
    t.no_padding()
    text = t.to_str()
    t = Tokenizer.from_str(text)
    with open(os.path.join(OUT, name + ".json"), "w") as f:
        f.write(text + "\n")
    encoded = [t.encode(x) for x in TEXTS]
    pairs = [t.encode(*p) for p in PAIRS]
    cases.append({"name": name, "ids": [e.ids for e in encoded], "pair_ids": [e.ids for e in pairs], "pair_types": [e.type_ids for e in pairs],
                  "decoded": [t.decode(e.ids) if e.ids else "" for e in encoded],
                  "decoded_all": [t.decode(e.ids, skip_special_tokens=False) if e.ids else "" for e in encoded]})
spm = []
spm_cases(spm)
import tokenizers, transformers
json.dump({"made_by": f"tools/goldens/tokenizer_kinds.py with tokenizers {tokenizers.__version__}, transformers {transformers.__version__}, "
                      f"sentencepiece {sentencepiece.__version__}", "texts": TEXTS, "pairs": PAIRS, "cases": cases, "sentencepiece": spm},
          open(os.path.join(OUT, "cases.json"), "w"), ensure_ascii=True)
