#!/usr/bin/env bash
# check.sh PROGRAM SOURCE: runs an example and compares what it prints with the comment "Output:" at
# the head of its source, to the letter.
set -euo pipefail
expected=$(sed -n '/^\/\/ Output:$/,/^$/s|^//   ||p' "$2")
[ -n "$expected" ] || { echo "$2 has no comment '// Output:'" >&2; exit 1; }
diff <(echo "$expected") <("$1") && echo "as its source says"
