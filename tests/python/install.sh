#!/usr/bin/env bash
# Installs the package as its users do, and asks it something: from a clone with pip, and from the wheel. Each goes into a
# fresh environment, which finds the packages that it depends on in .venv, so that torch is not installed thrice.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
python=$(.venv/bin/python -c 'import sys; print(sys.executable)')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fresh NAME: a virtual environment that has what .venv has, but no medplib.
fresh() {
  "$python" -m venv "$work/$1"
  "$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
    >"$("$work/$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/dependencies.pth"
}

# ask NAME: the installed package finds its model and its libraries, and answers.
ask() {
  (cd / && env -u PYTHONPATH -u MEDPLIB_MODEL -u LD_LIBRARY_PATH "$work/$1/bin/python" -c "
import sys, medplib, numpy
from pathlib import Path
model = medplib.load()
assert Path(medplib.__file__).is_relative_to(sys.prefix) and model.folder.is_relative_to(sys.prefix), model.folder
answer = model.session(numpy.full((60, 80, 3), 90, numpy.uint8)).ask('Which modality is this?')
assert answer.text
from medplib.widget import ImageView
assert 'render' in str(ImageView._esm) and Path(medplib.__file__).with_name('widget.css').exists()
print('$1: medplib', medplib.__version__, 'answers from', model.name)
")
}

git clone --quiet "$root" "$work/clone"
fresh clone-environment
"$work/clone-environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-build-isolation "$work/clone"
ask clone-environment

PYTHON=$python "$work/clone/scripts/wheel"
ls -l "$work/clone/dist"
fresh wheel-environment
"$work/wheel-environment/bin/python" -m pip install --quiet --disable-pip-version-check "$work"/clone/dist/*.whl
ask wheel-environment
