#!/usr/bin/env bash
# Makes .venv: exact versions from constraints.txt, the project itself editable.
# Arguments: the Python to make it with, the extra to install, the file that says it is done.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1 extra=$2 done=$3
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' ||
  { echo "Python 3.11, 3.12 or 3.13 is needed; $("$python" --version 2>&1) was found (make PYTHON=...)." >&2; exit 1; }
echo "Installing into .venv: $extra (the suite takes 1.7 GB and two minutes on a fast line) ..."
[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[$extra]"
touch "$done"
echo "Ready."
