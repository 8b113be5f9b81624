// The two independent implementations behind one function: texts in, token ids out (special tokens included).
//
//   rust  Hugging Face's own library (tokenizers 0.22.2) in Node's bindings: what transformers runs, the one to agree with
//   js    Hugging Face's rewrite in JavaScript, as a second opinion
import { createRequire } from "node:module";
import { readFileSync, existsSync } from "node:fs";
import { join } from "node:path";

export async function load(kind, modules, folder) {
  const require = createRequire(join(modules, "anchor.js"));
  const json = JSON.parse(readFileSync(join(folder, "tokenizer.json"), "utf8"));
  json.truncation = null;
  json.padding = null;
  if (kind === "rust") {
    process.env.TOKENIZERS_PARALLELISM = "false";
    const { Tokenizer } = require("@anush008/tokenizers");
    const tokenizer = Tokenizer.fromString(JSON.stringify(json));
    const encode = async (inputs) => (await tokenizer.encodeBatch(inputs)).map((e) => ({ ids: e.getIds(), types: e.getTypeIds() }));
    return { encode, tokenizer };
  }
  const { Tokenizer } = require("@huggingface/tokenizers");
  const config = join(folder, "tokenizer_config.json");
  const tokenizer = new Tokenizer(json, existsSync(config) ? JSON.parse(readFileSync(config, "utf8")) : {});
  const encode = async (inputs) => inputs.map((text) => ({ ids: Array.from(tokenizer.encode(text).ids, Number) }));
  return { encode, tokenizer };
}
