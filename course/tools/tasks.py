#!/usr/bin/env python3
"""Runs tasks of the course: a student's for a grade, and the course's own to prove them.

  tasks.py new DIR                 a student's folder: every task with its hole, no solutions
  tasks.py grade DIR BUILD OUT     builds and runs what is in DIR; a table, and OUT for Gradescope
  tasks.py mistakes FILE FOLDER    writes solutions with one mistake each, as FILE says, into FOLDER
  tasks.py prove CHAPTER BUILD     solutions pass, empty tasks fail, mistakes are named

A mistake in FILE (solutions/mistakes.txt) is

  3.2 weight_transposed: words that the test's message must have
  - a part of the solution
  + what a student writes there
"""

import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys

COURSE = pathlib.Path(__file__).resolve().parents[1]
ROOT = COURSE.parent
SECONDS = 60  # of the clock, for a task's program
COMPILE_SECONDS = 120  # for what the student wrote; tests and libraries are built before
OUTPUT = 20_000  # characters of a program's output that are kept


def number_of(folder):
    chapter, task = folder.parent.name, folder.name
    return f"{int(chapter.split('_')[0])}.{task.split('_')[0]}"


def tasks():
    return {number_of(f.parent): f.parent for f in sorted((COURSE / "tasks").glob("*/*/test.cpp"))}


def run(program):
    """(exit code, output) of a task's program: ended if it runs too long, its output cut if it is endless."""
    def limits():
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 2))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))  # the output, too, goes to a file

    log = pathlib.Path(str(program) + ".log")
    with log.open("wb") as out:
        try:
            code = subprocess.run([program], stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=ROOT,
                                  preexec_fn=limits, timeout=SECONDS).returncode
        except subprocess.TimeoutExpired:
            code = -1
    text = log.read_bytes()[:OUTPUT].decode(errors="replace")
    if code == -1:
        text += f"\n  FAIL  it was still running after {SECONDS} seconds, and was ended\n"
    elif code < 0:
        text += f"\n  FAIL  it was ended by signal {-code}\n"
    return code, text


def points(code, text):
    """(checks passed, checks) as the program's last line says; a program that did not get there has lost."""
    found = re.search(r"^([0-9]+) of ([0-9]+) checks passed$", text, re.MULTILINE)
    if found and code in (0, 1):
        return int(found[1]), int(found[2])
    return text.count("\n  ok    "), max(1, text.count("\n  ok    ") + text.count("\n  FAIL  "))


def new(folder):
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"{folder} is not empty\nhint: name a new folder")
    for task in tasks().values():
        target = folder / task.parent.name / task.name
        target.mkdir(parents=True)
        for file in ("task.h", "task.cpp"):
            shutil.copy(task / file, target / file)
    print(f"{len(tasks())} tasks are in {folder}")


def first_errors(log):
    lines = [line for line in log.splitlines() if "error:" in line or "undefined reference" in line]
    return "\n".join(lines[:5]) or log[-1000:]


def first_words(output):
    """What the table says of a task that failed: the message of its first failed check, or the first error."""
    lines = [line.strip() for line in output.splitlines()]
    for i, line in enumerate(lines):
        if line.startswith("FAIL"):
            return lines[i + 1][:80] if i + 1 < len(lines) else line.removeprefix("FAIL").strip()[:80]
        if "error:" in line:
            return line[line.index("error:"):][:80]
    return output.strip()[:80]


def build_target(build, target):
    """(whether it was built, what the build said); ended with all its compilers if it takes too long."""
    made = subprocess.Popen(["cmake", "--build", build, "--target", target], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        text, _ = made.communicate(timeout=COMPILE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(made.pid, signal.SIGKILL)
        made.communicate()
        return False, f"it did not compile within {COMPILE_SECONDS} seconds"
    return made.returncode == 0, "it does not compile:\n" + first_errors(text)


def report(result):
    said = "" if result["status"] == "passed" else first_words(result["output"])
    print(f"{result['name']:<34.34} {result['score']:>5.1f} / {result['max_score']}  {said}".rstrip(), flush=True)


def grade_task(number, task, folder, build):
    name = f"{number} {task.name.split('_', 1)[1].replace('_', ' ')}"
    result = {"name": name, "number": number, "score": 0, "max_score": 10, "status": "failed"}
    source = folder / task.parent.name / task.name / "task.cpp"
    if not source.exists():
        result["output"] = f"there is no {source.relative_to(folder)}"
        return result
    target = "task_" + number.replace(".", "_")
    built, result["output"] = build_target(build, target)
    if not built:
        return result
    code, text = run(pathlib.Path(build) / "bin" / target)
    passed, checks = points(code, text)
    result["output"] = text
    result["score"] = round(10 * passed / checks, 2)
    if code == 0 and passed == checks:
        result["status"] = "passed"
    return result


def grade(folder, build, out):
    # Without a limit: the first time it takes minutes, and none of it is the student's.
    print("building the tests, and the engine if a task needs it (minutes the first time)", file=sys.stderr, flush=True)
    if subprocess.run(["cmake", "--build", build, "--target", "course_ready"], stdout=sys.stderr).returncode != 0:
        sys.exit("the course's own tests do not build: see above. Nothing was graded")
    results = []
    for number, task in tasks().items():
        results.append(grade_task(number, task, folder, build))
        report(results[-1])
    total = round(sum(r["score"] for r in results), 2)
    out.write_text(json.dumps({"score": total, "output_format": "text", "tests": results}, indent=1) + "\n")
    print(f"{'sum':<34} {total:>5.1f} / {10 * len(results)}")


def mistakes_of(file):
    """(number, name, words, found, replaced)"""
    entry = None
    for line in file.read_text().splitlines() + ["end 0:"]:
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith("- ") and entry:
            entry[3].append(line[2:])
        elif line.startswith("+") and entry:
            entry[4].append(line[2:])
        else:
            if entry:
                yield entry
            head, _, words = line.partition(":")
            number, _, name = head.partition(" ")
            entry = [number, name, words.strip(), [], []]


def make_mistakes(file, folder):
    folder.mkdir(parents=True, exist_ok=True)
    before = set(folder.iterdir())
    for number, name, words, found, replaced in mistakes_of(file):
        task = tasks().get(number)
        if task is None:
            sys.exit(f"{file}: there is no task {number}")
        solution = file.parent / task.parent.name / (task.name + ".cpp")
        text, old = solution.read_text(), "\n".join(found)
        if text.count(old) != 1:
            sys.exit(f"{file}: {number} {name}: its part is {text.count(old)} times in {solution.name}: {old}")
        for suffix, content in ((".cpp", text.replace(old, "\n".join(replaced))), (".words", words)):
            path = folder / f"{number}_{name}{suffix}"
            before.discard(path)
            if not path.exists() or path.read_text() != content:
                path.write_text(content)
    for path in before:
        path.unlink()


def prove(chapter, build):
    failures, counts = [], {"solutions": 0, "empty tasks": 0, "mistakes": 0}
    programs = build / "programs"
    for number, task in tasks().items():
        if int(number.split(".")[0]) != int(chapter):
            continue
        ident = number.replace(".", "_")
        code, text = run(programs / f"course_solution_{ident}")
        counts["solutions"] += 1
        if code != 0:
            failures.append(f"the solution of {number} does not pass:\n{text}")
        code, text = run(programs / f"course_empty_{ident}")
        counts["empty tasks"] += 1
        if code != 1 or "there is no code yet" not in text or "  ok    " in text:
            failures.append(f"the empty task {number} does not fail everywhere:\n{text}")
        for words in sorted((build / "mistakes").glob(f"{number}_*.words")):
            name = words.stem.partition("_")[2]
            code, text = run(programs / f"course_mistake_{ident}_{name}")
            counts["mistakes"] += 1
            if code == 0 or words.read_text() not in text:
                failures.append(f"{number} {name}: expected \"{words.read_text()}\" in\n{text}")
    if failures:
        sys.exit("\n".join(failures))
    print(", ".join(f"{n} {what}" for what, n in counts.items()) + ": as they should be")


def main(arguments):
    command, *rest = arguments or ["help"]
    paths = [pathlib.Path(p).resolve() for p in rest]
    if command == "new" and len(rest) == 1:
        new(paths[0])
    elif command == "grade" and len(rest) == 3:
        grade(*paths)
    elif command == "mistakes" and len(rest) == 2:
        make_mistakes(*paths)
    elif command == "prove" and len(rest) == 2:
        prove(rest[0], paths[1])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
