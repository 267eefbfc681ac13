#!/usr/bin/env bash
# Installs the package as its users do, and asks it something: from a clone with pip into an empty environment, and from the
# wheel into one that finds the packages that it depends on in .venv, so that torch is not fetched a third time.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
python=$(.venv/bin/python -c 'import sys; print(sys.executable)')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A virtual environment that has what .venv has, but no medplib.
environment_of_the_wheel() {
  "$python" -m venv "$work/wheel-environment"
  "$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
    >"$("$work/wheel-environment/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/dependencies.pth"
}

# run NAME: the Python of that environment with the program on stdin, away from this checkout.
run() {
  (cd / && env -u PYTHONPATH -u MEDPLIB_MODEL -u LD_LIBRARY_PATH "$work/$1/bin/python" -)
}

# ask NAME: the installed package finds its model and its libraries, and answers without any package that it does not declare.
ask() {
  run "$1" <<'END'
import re
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from importlib.util import find_spec


def plain(name):
    return re.sub('[-_.]+', '-', name).lower()


declared, left = set(), ['medplib']
while left:
    name = left.pop()
    if name in declared:
        continue
    declared.add(name)
    try:
        wanted = [each for each in requires(name) or () if 'extra ==' not in each]
    except PackageNotFoundError:  # of another system
        continue
    left += [plain(re.match(r'[\w.-]+', each)[0]) for each in wanted]
blocked = [module for module, names in packages_distributions().items() if not declared & set(map(plain, names))]
sys.modules.update(dict.fromkeys(set(blocked) - set(sys.modules)))
left = [module for module in ('PIL', 'anywidget', 'nibabel') if module not in blocked and find_spec(module)]
assert {'torch', 'numpy'} <= declared and 'anywidget' in blocked and not left, (declared, blocked, left)

from pathlib import Path

import medplib
import numpy

model = medplib.load()
assert Path(medplib.__file__).is_relative_to(sys.prefix) and model.folder.is_relative_to(sys.prefix), model.folder
answer = model.session(numpy.full((60, 80, 3), 90, numpy.uint8)).ask('Which modality is this?')
assert answer.text
print('medplib', medplib.__version__, 'answers from', model.name)
END
  run "$1" <<'END'
from pathlib import Path

import medplib
from medplib.widget import ImageView

assert 'render' in str(ImageView._esm) and Path(medplib.__file__).with_name('widget.css').exists()
END
}

# check_wheel WHEEL: it is for this Python on any Linux of its age, and torch and CUDA are outside.
check_wheel() {
  "$python" - "$1" <<'END'
import re
import sys
from pathlib import Path
from zipfile import ZipFile

wheel = Path(sys.argv[1])
assert 'cp311-cp311-manylinux' in wheel.name, wheel.name
inside = [name for name in ZipFile(wheel).namelist() if re.match(r'lib(torch|c10|cu|nv)', Path(name).name)]
assert not inside, inside
END
}

git clone --quiet "$root" "$work/clone"
"$python" -m venv "$work/clone-environment"
"$work/clone-environment/bin/python" -m pip install --quiet --disable-pip-version-check "$work/clone[widget]"
ask clone-environment

PYTHON=$python "$work/clone/scripts/wheel"
ls -l "$work/clone/dist"
check_wheel "$work"/clone/dist/*.whl
environment_of_the_wheel
"$work/wheel-environment/bin/python" -m pip install --quiet --disable-pip-version-check "$work"/clone/dist/*.whl
ask wheel-environment
