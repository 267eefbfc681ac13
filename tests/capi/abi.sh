#!/usr/bin/env bash
# A library still has all that an earlier version had: abi.sh LIBRARY HEADERS BASELINE_FOLDER
set -euo pipefail
command -v abidiff >/dev/null || { echo "abidiff is not installed: scripts/setup --test installs it"; exit 77; }
abidiff --no-added-syms --drop-private-types --suppressions "$3/../suppressions.ini" \
  --headers-dir1 "$3" --headers-dir2 "$2" "$3/medplib.abi" "$1"
