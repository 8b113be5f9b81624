#!/usr/bin/env bash
# The course (docs/course), from the root of the project.
#   tools/course.sh new DIR          a folder of your own with all tasks, without solutions
#   tools/course.sh test DIR 4.2     builds and tests one task ("4": a chapter's)
#   tools/course.sh grade DIR [OUT]  all tasks: a table, and results.json as Gradescope reads it
#   tools/course.sh run 4            the program of a chapter: all its code blocks, in their order
#   tools/course.sh peft             builds build/release/bin/peft, which some chapters call
#   tools/course.sh pictures         makes the chapters' pictures (needs graphviz)
# Everything is built in build/course (or $PEFT_COURSE_BUILD). What a task needs is built when it is tested.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${PEFT_COURSE_BUILD:-build/course}

configure() {  # DIR
  mkdir -p "$(dirname $build)"
  cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Release -DPEFT_BUILD_TESTS=OFF -DPEFT_BUILD_BENCH=OFF \
    -DPEFT_UNITY=ON "-DPEFT_COURSE_DIR=$1" >$build.log 2>&1 || { cat $build.log >&2; exit 1; }
}

folder() {
  [ -d "$1" ] || { echo "error: there is no folder $1" >&2; echo "hint: tools/course.sh new $1 makes it" >&2; exit 2; }
  realpath "$1"
}

case "${1:-} $#" in
  "new 2")
    python3 course/tools/tasks.py new "$2"
    echo "next: docs/course/01_derivative.md, then tools/course.sh test $2 1.1"
    ;;
  "test 3")
    dir=$(folder "$2")
    configure "$dir"
    case $3 in
      *.*) label="^task-${3//./\\.}\$" ;;
      *) label=$(printf '^chapter-%02d$' "$3") ;;
    esac
    ctest --test-dir $build -L "$label" --output-on-failure --no-tests=error
    ;;
  "grade 2" | "grade 3")
    dir=$(folder "$2")
    configure "$dir"
    python3 course/tools/tasks.py grade "$dir" $build "${3:-results.json}"
    ;;
  "run 2")
    configure ""
    number=$(printf '%02d' "$2")
    cmake --build $build --target "course_$number" >&2
    $build/bin/course_"$number" | sed '/^[\x01\x02]/d'
    ;;
  "peft 1")
    cmake --preset release -DPEFT_BUILD_TESTS=OFF -DPEFT_BUILD_BENCH=OFF -DPEFT_UNITY=ON >/dev/null
    cmake --build --preset release --target peft
    ;;
  "pictures 1")
    configure ""
    cmake --build $build --target peft -- --quiet
    bash course/tools/pictures.sh $build/bin
    ;;
  *)
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
