#!/usr/bin/env bash
# grade_test.sh FOLDER: hands in tasks of which one loops, one crashes, one takes memory without end, one does not compile
# and one is empty. `tools/course.sh grade` must report each and go on to the next. Builds in FOLDER.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(realpath -m "$1")
rm -rf "$work"
mkdir -p "$work"
python3 course/tools/tasks.py new "$work/tasks" >/dev/null
find "$work/tasks" -mindepth 1 -maxdepth 1 ! -name 01_derivative ! -name 03_linear -exec rm -rf {} +

put() {  # FOLDER CODE: in place of the hole
  sed -i "1i #include <vector>" "$work/tasks/$1/task.cpp"
  sed -i "s|course::todo();|$2 course::todo();|" "$work/tasks/$1/task.cpp"
}
put 01_derivative/1_central_difference 'volatile bool on = true; while (on) {}'
put 01_derivative/2_local_derivatives 'volatile int* nothing = nullptr; *nothing = 1;'
put 01_derivative/3_backward 'std::vector<std::vector<double>> all; for (;;) all.emplace_back(1 << 24);'
put 03_linear/1_forward 'this is not code;'

PEFT_COURSE_BUILD="$work/build" bash tools/course.sh grade "$work/tasks" "$work/results.json" | tee "$work/table.txt"

python3 - "$work" <<'EOF'
import json, pathlib, sys
work = pathlib.Path(sys.argv[1])
tests = {t["number"]: t for t in json.loads((work / "results.json").read_text())["tests"]}
expected = {"1.1": "a loop that does not end", "1.2": "it crashed", "1.3": "more than 2 GB", "3.1": "it does not compile",
            "3.2": "there is no code yet", "4.1": "there is no 04_attention/1_softmax/task.cpp"}
for number, words in expected.items():
    found = tests[number]
    if words not in found["output"] or found["status"] != "failed" or found["score"] != 0:
        sys.exit(f"{number}: expected \"{words}\" and no points, got {found['score']} points and\n{found['output']}")
if len(tests) != 30 or len((work / "table.txt").read_text().splitlines()) != 31:
    sys.exit("the table does not have all tasks and the sum")
print("each is reported, and the others went on")
EOF
