#!/usr/bin/env bash
# Installs the Debian packages that the build needs, as root or through sudo. Does nothing when all are there.
set -euo pipefail

packages=(g++ cmake ninja-build git libeigen3-dev libopenblas-openmp-dev libdnnl-dev nlohmann-json3-dev libutf8proc-dev
          libre2-dev libxxhash-dev libcsv-dev liblzma-dev libpcre2-dev libstemmer-dev libpugixml-dev wordnet-base libcxxopts-dev
          doctest-dev libarchive-dev libjs-chart.js libcurl4-openssl-dev libssl-dev ca-certificates python3
          python3-nbclient python3-ipykernel python3-matplotlib)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

run=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "error: these packages are missing and need root to install: ${missing[*]}" >&2
    echo "hint: as root, run: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  run=(sudo)
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${run[@]}" apt-get update -qq
"${run[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
