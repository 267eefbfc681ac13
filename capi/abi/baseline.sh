#!/usr/bin/env bash
# Keeps the interface of a release to compare later ones with: baseline.sh LIBRARY VERSION
#   writes capi/abi/VERSION/medplib.h and medplib.abi
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p "$2"
cp ../include/medplib.h "$2/"
abidw --no-corpus-path --no-comp-dir-path --exported-interfaces-only --drop-private-types --headers-dir ../include \
  --out-file "$2/medplib.abi" "$1"
