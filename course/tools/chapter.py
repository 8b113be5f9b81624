#!/usr/bin/env python3
"""Makes programs of the course's chapters and compares what they print with the text.

  chapter.py extract CHAPTER.md PROGRAM.cpp        one program of all C++ blocks, in their order
  chapter.py check CHAPTER.md PROGRAM BIN          runs it, and the console blocks with BIN/peft
  chapter.py lint CHAPTER.md...                    links, and numbers that nothing checks
  chapter.py update CHAPTER.md PROGRAM             writes the outputs and numbers into the text

Blocks of a chapter, by the words behind the three backticks:

  cpp            statements of main(); all blocks of a chapter are one function
  cpp top        declarations: includes, functions, classes
  cpp from=FILE  a quotation: these lines stand in FILE, in this order
  text           what the statements before it print (since the last such block), to the letter
  text about     the same, but numbers may differ by a twentieth (they come from training in float)
  console        lines with "$ " are commands, run at the root of the project; the others what they
                 print. "..." on a line of its own stands for any lines. "console about" as above.
                 build/release/bin is the build's, and /tmp/course a new folder of the test's
  (others)       are not looked at

Code between <!--cpp and --> is run and not shown. A number before <!--=name--> in the text is
compared with course::fact("name", value) of the program, to the digits that the text shows.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FACT = re.compile(r"(-?[0-9][0-9,]*(?:\.[0-9]+)?)(\s?%)?<!--=([a-z0-9_]+)-->")


class Block:
    def __init__(self, words, line):
        self.kind, *self.words = words.split() or [""]
        self.line = line  # of its first line, from 1
        self.lines = []
        self.end = line

    def text(self):
        return "".join(line + "\n" for line in self.lines)

    def about(self):
        return "about" in self.words


def blocks_of(path):
    """The blocks in order, those in comments included as cpp."""
    blocks, block, close = [], None, None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if block is None:
            if line.startswith("```"):
                block, close = Block(line[3:].strip(), number + 1), "```"
            elif line.startswith("<!--cpp"):
                block, close = Block(line[4:].strip(), number + 1), "-->"
        elif line.strip() == close:
            block.end = number
            blocks.append(block)
            block = None
        else:
            block.lines.append(line)
    if block is not None:
        fail(path, block.line, "a block that is never closed")
    return blocks


def fail(path, line, message):
    name = path.relative_to(ROOT) if path.is_absolute() and ROOT in path.parents else path
    sys.exit(f"{name}:{line}: {message}")


def is_code(block):
    return block.kind == "cpp" and not any(w.startswith("from=") for w in block.words)


def extract(path, out):
    top, body, outputs = ['#include "course/lib/show.h"\n'], [], 0
    name = path.relative_to(ROOT)
    for block in blocks_of(path):
        if is_code(block):
            code = f'#line {block.line} "{name}"\n' + block.text()
            (top if "top" in block.words else body).append(code)
        elif block.kind == "text":
            outputs += 1
            body.append(f'std::printf("\\002{outputs}\\n");\n')
    text = "".join(top) + "\nint main() {\n" + "".join(body) + "}\n"
    out.write_text(text)


def numbers_agree(shown, got):
    if shown == got:
        return True
    pattern = r"-?[0-9]+(?:[.,][0-9]+)*(?:e[-+]?[0-9]+)?"
    if re.sub(pattern, "N", shown).split() != re.sub(pattern, "N", got).split():
        return False
    for a, b in zip(re.findall(pattern, shown), re.findall(pattern, got)):
        x, y = float(a.replace(",", "")), float(b.replace(",", ""))
        if abs(x - y) > 0.05 * max(abs(x), abs(y)) + 0.011:
            return False
    return True


def same(shown, got, about):
    agree = numbers_agree if about else (lambda a, b: a.rstrip() == b.rstrip())
    shown, got = shown.rstrip("\n").split("\n"), got.rstrip("\n").split("\n")

    def match(i, j):
        while i < len(shown):
            if shown[i].strip() == "...":
                return any(match(i + 1, k) for k in range(j, len(got) + 1))
            if j >= len(got) or not agree(shown[i], got[j]):
                return False
            i, j = i + 1, j + 1
        return j == len(got)

    return match(0, 0)


def run_program(program):
    """Its outputs by block, and its facts."""
    done = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        sys.exit(f"{program} ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr}")
    outputs, facts, text = [], {}, ""
    for line in done.stdout.splitlines():
        if line.startswith("\x01"):
            name, value = line[1:].split()
            facts[name] = float(value)
        elif line.startswith("\x02"):
            outputs.append(text)
            text = ""
        else:
            text += line + "\n"
    if text:
        sys.exit(f"{program} prints what no block shows:\n{text}")
    return outputs, facts


def commands_of(block):
    """(command, what it prints) of a console block."""
    found = []
    lines = iter(block.lines)
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command = command[:-1] + next(lines).strip()
            found.append([command, ""])
        elif found:
            found[-1][1] += line + "\n"
    return found


def run_console(command, bin_folder, folder):
    command = command.replace("build/release/bin", bin_folder).replace("/tmp/course", folder)
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=300)
    return done.stdout.replace(folder, "/tmp/course"), done.returncode, done.stderr


def check(path, program, bin_folder):
    failures, blocks = [], blocks_of(path)
    outputs, facts = run_program(program)
    name = path.relative_to(ROOT)
    position = 0
    for block in (b for b in blocks if b.kind == "text"):
        got = outputs[position]
        position += 1
        if not same(block.text(), got, block.about()):
            failures.append(f"{name}:{block.line}: the text shows\n{block.text()}and the program prints\n{got}")
    used = set()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        for value, percent, fact in FACT.findall(line):
            used.add(fact)
            if fact not in facts:
                failures.append(f"{name}:{number}: no course::fact(\"{fact}\") in the chapter's code")
                continue
            digits = len(value.partition(".")[2])
            if abs(float(value.replace(",", "")) - facts[fact]) > 0.5001 * 10**-digits:
                failures.append(f"{name}:{number}: the text says {value}, {fact} is {facts[fact]:.10g}")
            else:
                print(f"{fact} = {value}{percent}")
    for fact in facts.keys() - used:
        failures.append(f"{name}: course::fact(\"{fact}\") is not in the text")
    with tempfile.TemporaryDirectory() as folder:
        for block in (b for b in blocks if b.kind == "console"):
            for command, shown in commands_of(block):
                got, code, errors = run_console(command, bin_folder, folder)
                if code != 0:
                    failures.append(f"{name}:{block.line}: `{command}` ended with {code}\n{errors}")
                elif not same(shown, got, block.about()):
                    failures.append(f"{name}:{block.line}: `{command}`\nthe text shows\n{shown}and it prints\n{got}")
    for block in blocks:
        for source in (w[5:] for w in block.words if w.startswith("from=")):
            quoted = [line.strip() for line in block.lines if line.strip() not in ("", "...")]
            lines = iter(line.strip() for line in (ROOT / source).read_text().splitlines())
            for line in quoted:
                if not any(line == other for other in lines):
                    failures.append(f"{name}:{block.line}: not in {source} any more: {line}")
                    break
    if failures:
        sys.exit("\n".join(failures))
    print(f"{name}: {len(outputs)} outputs, {len(used)} numbers, as the text says")


def update(path, program):
    outputs, facts = run_program(program)
    lines = path.read_text().splitlines()
    shown = [b for b in blocks_of(path) if b.kind == "text"]
    for block, output in reversed(list(zip(shown, outputs))):
        if not same(block.text(), output, block.about()):
            lines[block.line - 1:block.end - 1] = output.rstrip("\n").split("\n")

    def rewrite(found):
        value, percent, fact = found.groups()
        if fact not in facts:
            return found.group(0)
        digits = len(value.partition(".")[2])
        return f"{facts[fact]:,.{digits}f}{percent or ''}<!--={fact}-->"

    path.write_text("\n".join(FACT.sub(rewrite, line) for line in lines) + "\n")


def heading_anchor(title):
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def headings(path):
    return [line.lstrip("#").strip() for line in path.read_text().splitlines() if line.startswith("#")]


def lint(paths):
    failures = []
    for path in paths:
        inside, name = False, path.relative_to(ROOT)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.startswith("```"):
                inside = not inside
            if line.startswith("<!--cpp"):
                inside = True
            if line.strip() == "-->":
                inside = False
                continue
            if inside or line.startswith("```"):
                continue
            for target in re.findall(r"\]\(([^)\s]+)\)", line):
                if re.match(r"[a-z]+:", target):
                    continue
                file, _, anchor = target.partition("#")
                there = (path.parent / file) if file else path
                if not there.exists():
                    failures.append(f"{name}:{number}: there is no {target}")
                elif anchor and anchor not in map(heading_anchor, headings(there)):
                    failures.append(f"{name}:{number}: no heading for {target}")
            if line.startswith("    "):
                continue  # a formula
            prose = FACT.sub("", re.sub(r"`[^`]*`|\]\([^)]*\)", "", line))
            for word in re.findall(r"(?<![\w.,-])[0-9][0-9,.]*%?(?![\w-])", prose):
                plain = word.rstrip(".,")
                year = re.fullmatch(r"(19|20)[0-9][0-9]", plain)
                if not year and (len(plain) >= 3 and plain.strip("0123456789.,") in ("", "%")) and not re.fullmatch(
                    r"[0-9]+\.[0-9]+\.[0-9]+|[0-9]{1,2}\.[1-3]", plain):
                    failures.append(f"{name}:{number}: nothing checks the number {plain}")
    for test in sorted((ROOT / "course" / "tasks").glob("*/*/test.cpp")):
        found = re.search(r'course::test\(\s*"([^"]+)"\)', test.read_text())
        name = test.relative_to(ROOT)
        chapter = ROOT / "docs" / "course" / f"{test.parents[1].name}.md"
        if not found:
            failures.append(f"{name}: no course::test with its section")
        elif not chapter.exists() or found[1] not in headings(chapter):
            failures.append(f"{name}: {chapter.name} has no section \"{found[1]}\"")
    if failures:
        sys.exit("\n".join(failures))
    print(f"{len(paths)} chapters: links lead somewhere, numbers are checked")


def main(arguments):
    command, *rest = arguments or ["help"]
    if command == "extract" and len(rest) == 2:
        extract(pathlib.Path(rest[0]).resolve(), pathlib.Path(rest[1]))
    elif command == "check" and len(rest) == 3:
        check(pathlib.Path(rest[0]).resolve(), rest[1], rest[2])
    elif command == "update" and len(rest) == 2:
        update(pathlib.Path(rest[0]).resolve(), rest[1])
    elif command == "lint" and rest:
        lint([pathlib.Path(p).resolve() for p in rest])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
