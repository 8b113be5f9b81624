// Compares our token ids with an independent implementation's, line by line; see README.md.
//
//   node check.mjs --modules DIR --emit BINARY --folder TOKENIZER [--kind rust|js] FILE... | --code-points
//
// Exit code 0 if everything is equal, 1 with the first differences otherwise.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { load } from "./reference.mjs";

const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    modules: { type: "string" }, emit: { type: "string" }, folder: { type: "string" },
    kind: { type: "string", default: "rust" }, "code-points": { type: "boolean", default: false },
    show: { type: "string", default: "10" },
  },
});
const reference = await load(options.kind, options.modules, options.folder);

function ours(what) {
  const run = spawnSync(options.emit, [options.folder, what], { maxBuffer: 1 << 30 });
  if (run.status !== 0) throw new Error(`${options.emit}: ${run.stderr}`);
  return run.stdout.toString("latin1").split("\n").slice(0, -1);
}

function codePoints() {
  const texts = [];
  for (let c = 0; c < 0x110000; ++c) if (c < 0xd800 || c >= 0xe000) texts.push("a" + String.fromCodePoint(c) + "b");
  return texts;
}

let different = 0, compared = 0;
async function compare(name, texts, got) {
  if (texts.length !== got.length) throw new Error(`${name}: ${texts.length} lines, we gave ${got.length}`);
  const before = different;
  for (let begin = 0; begin < texts.length; begin += 1000) {
    const wanted = await reference.encode(texts.slice(begin, begin + 1000));
    wanted.forEach(({ ids }, i) => {
      ++compared;
      if (ids.join(" ") === got[begin + i]) return;
      if (++different <= Number(options.show))
        console.log(`${name}:${begin + i + 1}: ${JSON.stringify(texts[begin + i])}\n  ${options.kind} ${ids.join(" ")}\n  ours ${got[begin + i]}`);
    });
  }
  console.log(`${name}: ${texts.length} lines, ${different - before} different`);
}

if (options["code-points"]) await compare("code points", codePoints(), ours("--code-points"));
for (const file of files) {
  const lines = readFileSync(file, "utf8").split("\n");  // ignoring a byte order mark would not be fair: it is text here
  if (lines.at(-1) === "") lines.pop();
  await compare(file, lines, ours(file));
}
console.log(`${compared} compared, ${different} different (${options.kind})`);
process.exit(different ? 1 : 0);
