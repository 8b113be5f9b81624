// Writes the goldens of the tokenizer tests with the Rust library, against small vocabularies of our own; see README.md.
//
//   node make_golden.mjs --modules DIR --golden ../../tests/golden
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { hardPairs, hardTexts } from "./hard_texts.mjs";

const { values: options } = parseArgs({ options: { modules: { type: "string" }, golden: { type: "string" } } });
process.env.TOKENIZERS_PARALLELISM = "false";
const { Tokenizer } = createRequire(join(options.modules, "anchor.js"))("@anush008/tokenizers");

const special = (content, id, more = {}) =>
  ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...more });
const part = (name, id, type_id) => ({ [name]: { id, type_id } });

async function run(json) {
  const tokenizer = Tokenizer.fromString(JSON.stringify(json));
  const texts = await tokenizer.encodeBatch(hardTexts);
  const pairs = await Promise.all(hardPairs.map(([a, b]) => tokenizer.encode(a, b)));
  return {
    ids: texts.map((e) => e.getIds()),
    pair_ids: pairs.map((e) => e.getIds()),
    pair_types: pairs.map((e) => e.getTypeIds()),
  };
}

// A vocabulary in which most characters of the texts have a piece, so that a wrong normalisation shows in the ids: every
// code point of the texts, of their decomposition and of their lower case, but for each seventh; and a few longer pieces.
function tinyVocab() {
  const points = new Set();
  for (const text of hardTexts) for (const t of [text, text.normalize("NFD"), text.toLowerCase()]) for (const c of t) points.add(c);
  const characters = [...points].filter((c) => !/\s|\p{C}/u.test(c)).sort((a, b) => a.codePointAt(0) - b.codePointAt(0));
  const kept = characters.filter((c, i) => c.codePointAt(0) < 128 || i % 7 !== 3);
  const words = ["hello", "world", "the", "##me", "##m", "un", "##aff", "##able", "##ness", "run", "##ning", "##ner", "##s",
    "istanbul", "strasse", "straße", "eleve", "naive", "##te", "beijing", "##ing", "Hello", "World", "élève", "οδυσσευσ", "aaaa", "##aaaa"];
  return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ...kept, ...kept.map((c) => "##" + c), ...words.filter((w) => [...w].length > 1 && !kept.includes(w))]
    .filter((t, i, all) => all.indexOf(t) === i);
}

function bert(vocab, normalizer) {
  const ids = Object.fromEntries(vocab.map((t, i) => [t, i]));
  const named = Object.fromEntries(["[CLS]", "[SEP]"].map((t) => [t, { id: t, ids: [ids[t]], tokens: [t] }]));
  return {
    version: "1.0", truncation: null, padding: null,
    added_tokens: vocab.slice(0, 5).map((t, i) => special(t, i)),
    normalizer: { type: "BertNormalizer", clean_text: true, ...normalizer },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [part("SpecialToken", "[CLS]", 0), part("Sequence", "A", 0), part("SpecialToken", "[SEP]", 0)],
      pair: [part("SpecialToken", "[CLS]", 0), part("Sequence", "A", 0), part("SpecialToken", "[SEP]", 0), part("Sequence", "B", 1), part("SpecialToken", "[SEP]", 1)],
      special_tokens: named,
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: { type: "WordPiece", unk_token: "[UNK]", continuing_subword_prefix: "##", max_input_chars_per_word: 100, vocab: ids },
  };
}

const byteCharacters = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, b) =>
    String.fromCodePoint((b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174 ? b : next++));
})();
const merges = ["Ġ t", "h e", "Ġt he", "i n", "in g", "l l", "e ll", "h ell", "hell o", "Ġ hello", "o r", "l d", "or ld", "Ġ w", "Ġw orld",
  "r u", "ru n", "n ing", "run ning", "Ġ a", "Ġa n", "' t", "' s", "a a", "aa aa", "Ġ Ġ", "Ã ©", "c on", "o n", "ð Ł", "ðŁ ĺ", "å Į", "1 2", "Ċ Ċ"]
  .filter((m) => m !== "c on");  // its part "on" comes later: a merge needs its parts first

function bpeVocab() {
  const pieces = ["<s>", "<pad>", "</s>", "<unk>", ...byteCharacters, ...merges.map((m) => m.replace(" ", "")), "<mask>", "<|endoftext|>"];
  return Object.fromEntries(pieces.map((t, i) => [t, i]));
}

function bpe(vocab, addPrefixSpace, roberta) {
  const level = { type: "ByteLevel", add_prefix_space: addPrefixSpace, trim_offsets: true, use_regex: true };
  const robertaTokens = ["<s>", "<pad>", "</s>", "<unk>"].map((t) => special(t, vocab[t], { normalized: true }));
  return {
    version: "1.0", truncation: null, padding: null,
    added_tokens: roberta ? [...robertaTokens, special("<mask>", vocab["<mask>"], { lstrip: true })]
                          : [special("<|endoftext|>", vocab["<|endoftext|>"], { normalized: true })],
    normalizer: null, pre_tokenizer: level,
    post_processor: roberta
      ? { type: "RobertaProcessing", sep: ["</s>", vocab["</s>"]], cls: ["<s>", vocab["<s>"]], trim_offsets: true, add_prefix_space: addPrefixSpace }
      : { ...level, trim_offsets: false },
    decoder: level,
    model: { type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: "", end_of_word_suffix: "", fuse_unk: false, vocab, merges },
  };
}

const write = (name, value) => writeFileSync(join(options.golden, name), value);
const golden = (cases) => JSON.stringify({
  made_by: "tools/tokenizer_check/make_golden.mjs with Hugging Face tokenizers 0.22.2 (Rust)",
  texts: hardTexts, pairs: hardPairs, cases,
}, null, 0).replaceAll("},{\"name\"", "},\n{\"name\"") + "\n";

mkdirSync(join(options.golden, "tiny_vocab"), { recursive: true });
mkdirSync(join(options.golden, "tiny_bpe"), { recursive: true });
const vocab = tinyVocab();
write("tiny_vocab/vocab.txt", vocab.join("\n") + "\n");
const settings = [
  { name: "uncased", normalizer: { handle_chinese_chars: true, strip_accents: null, lowercase: true } },
  { name: "cased", normalizer: { handle_chinese_chars: true, strip_accents: null, lowercase: false } },
  { name: "lower case, accents kept", normalizer: { handle_chinese_chars: true, strip_accents: false, lowercase: true } },
  { name: "cased, accents stripped", normalizer: { handle_chinese_chars: true, strip_accents: true, lowercase: false } },
  { name: "uncased, CJK not spaced", normalizer: { handle_chinese_chars: false, strip_accents: null, lowercase: true } },
];
const cases = [];
for (const s of settings) cases.push({ ...s, ...(await run(bert(vocab, s.normalizer))) });
write("wordpiece.json", golden(cases));

const pieces = bpeVocab();
write("tiny_bpe/vocab.json", JSON.stringify(pieces) + "\n");
write("tiny_bpe/merges.txt", "#version: 0.2\n" + merges.join("\n") + "\n");
const bpeCases = [];
for (const [name, prefix, roberta] of [["gpt2", false, false], ["gpt2, prefix space", true, false], ["roberta", false, true], ["roberta, prefix space", true, true]])
  bpeCases.push({ name, add_prefix_space: prefix, roberta, ...(await run(bpe(pieces, prefix, roberta))) });
write("bpe.json", golden(bpeCases));
